"""Draining a mailbox against a real sink: each mail once, each trouble in its place, nothing lost."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.exc import OperationalError

from core import commands, handover
from core.models import Enrollment, Lead, Mailbox
from jobs import sender
from jobs.sender import Post
from sandbox.faults import Fault, Faults, Phase
from sandbox.sink import Offer, Sink
from tests import mailroom
from tests.mailroom import ADA, NOW, check_books, drained, make, post, until

MINUTE = timedelta(minutes=1)


def at(moment):
    return lambda: moment


def test_thousands_leave_once_each(database):
    async def scenario():
        async with Sink() as sink:
            room = make(database, 2_000, port=sink.port)
            assert await drained(database, room.mailbox_id, clock=at(NOW)) == 2_000
            assert sink.connections <= 4
            return room, sink

    room, sink = asyncio.run(scenario())
    check_books(database, sink.accepted)
    assert Counter(message.recipients[0] for message in sink.accepted) == {
        f"lead{n}@b.test": 1 for n in range(2_000)
    }
    assert room.states() == {"sent": 2_000}
    assert {row.position for row in room.rows()} == {1}
    assert b"Hello N7 0" in next(m for m in sink.accepted if m.recipients[0] == "lead7@b.test").message


def test_several_senders_share_a_mailbox(database):
    async def scenario():
        async with Sink(offer=Offer(latency=0.001)) as sink:
            room = make(database, 400, port=sink.port)
            counts = await asyncio.gather(
                *(drained(database, room.mailbox_id, clock=at(NOW)) for _ in range(4))
            )
            assert sum(counts) == 400
            check_books(database, sink.accepted)
            assert room.states() == {"sent": 400}

    asyncio.run(scenario())


def test_what_was_claimed_too_long_ago_is_not_begun(database):
    """A server so slow that most of a batch outlives its lease is not asked in vain."""
    begun = []

    def slow(moment):
        begun.append(moment.phase is Phase.RCPT)
        return Fault(delay=0.05) if moment.phase is Phase.RCPT else None

    async def scenario():
        async with Sink(script=slow) as sink:
            room = make(database, 60, port=sink.port, connections=1, now=mailroom.real_now())
            left = 0
            while left < 60:
                left += await drained(
                    database, room.mailbox_id, clock=mailroom.real_now, lease=timedelta(seconds=1)
                )
                await asyncio.to_thread(handover.reap, database, now=mailroom.real_now())
            check_books(database, sink.accepted)
            assert room.states() == {"sent": 60}
            assert sum(begun) < 80  # each batch may end with one or two that are too late

    asyncio.run(scenario())


def test_each_refusal_stays_with_its_lead(database):
    faults = ("rcpt@lead1:550 5.1.1 No such user", "rcpt@lead2:451 4.7.1 Greylisted", "dot@lead3:554 5.7.1 Spam",
              "dot@lead4:451 4.3.0 Later", "data@lead5:452 4.3.1 Full")  # fmt: skip

    async def scenario():
        async with Sink(script=Faults(*faults)) as sink:
            room = make(database, 20, port=sink.port)
            assert await drained(database, room.mailbox_id, clock=at(NOW)) == 15
            check_books(database, sink.accepted)
            return room

    room = asyncio.run(scenario())
    states = {row.enrollment_id - room.ids[0]: row for row in room.deliveries()}
    assert [states[n].state for n in range(6)] == ["sent", "failed", "ready", "failed", "ready", "ready"]
    assert states[1].code == 550
    assert "No such user" in states[1].answer
    assert [hold.source for hold in room.holds(1)] == ["failed"]
    for number in (2, 4, 5):
        assert room.row(number).wake_at == NOW + handover.RETRY_AFTER[0]


def test_a_greylisted_mail_leaves_later(database):
    async def scenario():
        async with Sink(script=Faults("rcpt#1@lead0:451 4.7.1 Greylisted, come back")) as sink:
            room = make(database, 1, port=sink.port)
            assert await drained(database, room.mailbox_id, clock=at(NOW)) == 0
            assert await drained(database, room.mailbox_id, clock=at(NOW + MINUTE)) == 0
            assert await drained(database, room.mailbox_id, clock=at(NOW + 5 * MINUTE)) == 1
            check_books(database, sink.accepted)
            assert room.deliveries()[0].tries == 2

    asyncio.run(scenario())


def test_a_mailbox_that_is_down_waits_and_comes_up_again(database):
    async def scenario():
        async with Sink() as sink:
            room = make(database, 30, port=sink.port)
        assert await drained(database, room.mailbox_id, clock=at(NOW)) == 0
        assert room.states() == {"ready": 30}
        with database.read() as session:
            mailbox = session.get_one(Mailbox, room.mailbox_id)
            assert (mailbox.down_at, mailbox.retry_at) == (NOW, NOW + MINUTE)
            assert handover.mailboxes_due(session, now=NOW) == []
        async with Sink(port=sink.port) as sink:
            assert await drained(database, room.mailbox_id, clock=at(NOW + MINUTE / 2)) == 0
            assert await drained(database, room.mailbox_id, clock=at(NOW + MINUTE)) == 30
            check_books(database, sink.accepted)
        with database.read() as session:
            assert session.get_one(Mailbox, room.mailbox_id).down_at is None

    asyncio.run(scenario())


def test_a_wrong_password_is_not_tried_every_minute(database):
    async def scenario():
        async with Sink(script=Faults("mail:535 5.7.8 Wrong password")) as sink:
            room = make(database, 3, port=sink.port)
            assert await drained(database, room.mailbox_id, clock=at(NOW)) == 0
            with database.read() as session:
                mailbox = session.get_one(Mailbox, room.mailbox_id)
                assert mailbox.retry_at >= NOW + 15 * MINUTE
                assert "535" in mailbox.down_because
            assert "sending" not in room.states()

    asyncio.run(scenario())


def test_a_missing_value_holds_its_lead_only(database):
    async def scenario():
        async with Sink() as sink:
            room = make(database, 5, port=sink.port)
            room.change(Lead, room.lead_ids[2], first_name="")
            assert await drained(database, room.mailbox_id, clock=at(NOW)) == 4
            assert [hold.source for hold in room.holds(2)] == ["missing_value"]
            assert "The first name is missing" in room.holds(2)[0].reason
            assert room.states() == {"sent": 4, "ready": 1}

    asyncio.run(scenario())


def test_an_answer_that_never_comes_is_uncertain(database):
    async def scenario():
        async with Sink(script=Faults("after@lead1:drop", "dot@lead3:drop")) as sink:
            room = make(database, 5, port=sink.port)
            await drained(database, room.mailbox_id, clock=at(NOW))
            check_books(database, sink.accepted)
            assert room.states() == {"sent": 3, "uncertain": 2}
            assert len(room.cards("uncertain")) == 2
            assert await drained(database, room.mailbox_id, clock=at(NOW + 30 * MINUTE)) == 0

    asyncio.run(scenario())


def test_an_end_while_the_mailbox_is_read_first_takes_no_message(database):
    async def scenario():
        async with Sink() as sink:
            room = make(database, 3, port=sink.port)
            room.change(Mailbox, room.mailbox_id, imap_host="127.0.0.1", read_at=NOW)
            for enrollment_id in room.ids:
                room.change(Enrollment, enrollment_id, has_started=True)

            async def look(mailbox_id):
                opened.stop()

            opened = Post(replace(mailroom.desk(database, clock=at(NOW)), look=look))
            assert await opened.drain(room.mailbox_id) == 0
            assert opened._stopping, "nobody looked"
            assert (sink.accepted, room.states()) == ([], {})

    asyncio.run(scenario())


@pytest.mark.parametrize("end", ["stop", "cancel"])
def test_an_end_in_the_middle_loses_nothing(database, end):
    async def scenario():
        async with Sink(offer=Offer(latency=0.01)) as sink:
            room = make(database, 300, port=sink.port)
            async with post(database, clock=at(NOW)) as opened:
                drain = asyncio.create_task(opened.drain(room.mailbox_id))
                await until(lambda: len(sink.accepted) >= 20)
                if end == "stop":
                    opened.stop()
                    await drain
                else:
                    drain.cancel()
                    with pytest.raises(asyncio.CancelledError):
                        await drain
                assert len(sink.accepted) < 200
            check_books(database, sink.accepted)
            assert set(room.states()) == {"sent", "ready"}
            assert room.states()["sent"] == len(sink.accepted)
            await drained(database, room.mailbox_id, clock=at(NOW))
            check_books(database, sink.accepted)
            assert len(sink.accepted) == room.states()["sent"] == 300

    asyncio.run(scenario())


def test_a_lead_paused_and_resumed_in_the_queue_leaves_once_and_under_its_own_id(database):
    """It is claimed anew while its first letter still waits in the same drain."""

    async def scenario():
        asked = []

        def script(moment):
            if moment.phase is Phase.RCPT and moment.recipient == "lead60@b.test" and not asked:
                asked.append(1)
                for word in ("pause", "resume"):
                    for number in range(64, 90):
                        commands.run(desk, f"{word} lead{number}@b.test in Spring", actor=ADA, now=NOW)
                return Fault(delay=0.2)
            return None

        desk = commands.Desk(database)
        async with Sink(script=script) as sink:
            room = make(database, 120, port=sink.port, connections=2)
            for number in range(120):
                room.change(Enrollment, room.ids[number], has_started=True)
            async with post(database, clock=at(NOW)) as opened:
                while await opened.drain(room.mailbox_id):
                    pass
            assert asked
            check_books(database, sink.accepted)
            copies = Counter(message.recipients[0] for message in sink.accepted)
            assert copies == {f"lead{n}@b.test": 1 for n in range(120)}

    asyncio.run(scenario())


def test_results_survive_a_database_that_is_busy_for_a_moment(database, monkeypatch):
    """Faults of the database are made here, by its own error: there is no other way to have one on time."""
    faults = iter([True, True, False])
    real = handover.record

    def busy(*args, **more):
        if next(faults, False):
            raise OperationalError("COMMIT", {}, Exception("database is locked"))
        real(*args, **more)

    monkeypatch.setattr(handover, "record", busy)
    monkeypatch.setattr(sender, "RECORD_AGAIN_AFTER_SECONDS", (0.01, 0.01))

    async def scenario():
        async with Sink() as sink:
            room = make(database, 10, port=sink.port)
            await drained(database, room.mailbox_id, clock=at(NOW))
            assert room.states() == {"sent": 10}

    asyncio.run(scenario())


def test_a_cap_is_kept_to_the_mail(database):
    async def scenario():
        async with Sink() as sink:
            room = make(database, 300, port=sink.port, cap_per_day=150)
            await asyncio.gather(*(drained(database, room.mailbox_id, clock=at(NOW)) for _ in range(3)))
            assert len(sink.accepted) == 150
            await drained(database, room.mailbox_id, clock=at(NOW + mailroom.DAY))
            assert len({m.message_id for m in sink.accepted}) == 300

    asyncio.run(scenario())
