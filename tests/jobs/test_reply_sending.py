"""A person's answer on the wire: its headers, its two parts, once whatever breaks, and beside any number of senders."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from email import message_from_bytes
from email.policy import SMTP

import pytest
from sqlmodel import select

from core import handover, replies
from core.handover import ClaimedReply
from core.models import Delivery, Mailbox, Message
from sandbox.faults import Faults
from sandbox.sink import Offer, Sink
from tests import mailroom
from tests.mailroom import ADA, NOW, check_books, drained, make, post

LATER = NOW + timedelta(hours=1)
TEXT = "Yes, **Tuesday** at three.\n\n1 < 2 & <b>x</b> {{ first_name }} https://a.test/x\n.\nAna"
CAME = "Would Tuesday suit you?\n<script>alert(1)</script>"


def at(moment):
    return lambda: moment


@dataclass
class Books:
    """What left before the answer was written, to be counted with what left since."""

    room: mailroom.Mailroom
    before: list

    def check(self, sink) -> None:
        check_books(self.room.db, [*self.before, *sink.accepted])


async def answered(database, sink, *, leads=1):
    """A lead who got a mail, wrote back and was answered."""
    room = make(database, leads, name="Ana Ruiz")
    async with Sink() as first:
        room.change(Mailbox, room.mailbox_id, smtp_port=first.port)
        assert await drained(database, room.mailbox_id, clock=at(NOW)) == leads
    room.change(Mailbox, room.mailbox_id, smtp_port=sink.port)
    with database.write() as session:
        message = Message(
            key="k", message_id="<q1@b.test>", mailbox_id=room.mailbox_id, lead_id=room.lead_ids[0],
            enrollment_id=room.ids[0], came_at=NOW + timedelta(minutes=30), matched_by="thread", sender="lead0@b.test",
            sender_name="Zoë Lead", subject="AW: Hello N0 0", text=CAME, kind="reply", judged_kind="reply",
        )  # fmt: skip
        session.add(message)
        session.flush()
        replies.write(session, message.id, TEXT, key="form:1", actor=ADA, now=LATER)
    return room, Books(room, first.accepted)


def the_answer(room) -> Delivery:
    [found] = [row for row in room.deliveries() if row.kind == "reply"]
    return found


def test_message_is_threaded_quoted_and_no_circular(database):
    async def scenario():
        async with Sink() as sink:
            room, books = await answered(database, sink)
            assert await drained(database, room.mailbox_id, clock=at(LATER)) == 1
            return room, sink, books

    room, sink, books = asyncio.run(scenario())
    books.check(sink)
    delivery = the_answer(room)
    assert (delivery.state, delivery.code) == ("sent", 250)
    [accepted] = sink.accepted
    assert accepted.recipients == ("lead0@b.test",) or list(accepted.recipients) == ["lead0@b.test"]
    mail = message_from_bytes(accepted.message, policy=SMTP)
    step = next(row for row in room.deliveries() if row.kind == "email")
    assert {name: str(mail[name]) for name in ("From", "To", "Subject", "Message-ID", "In-Reply-To")} == {
        "From": "Ana Ruiz <us@a.test>",
        "To": "Zoë Lead <lead0@b.test>",
        "Subject": "Re: Hello N0 0",
        "Message-ID": delivery.message_id,
        "In-Reply-To": "<q1@b.test>",
    }
    assert str(mail["References"]).split() == [step.message_id, "<q1@b.test>"]
    assert str(mail["Date"]) == "Tue, 15 Jun 2027 11:00:00 +0000"
    assert not {"List-Unsubscribe", "Auto-Submitted", "Precedence"} & set(mail.keys())
    text = mail.get_body(("plain",)).get_content().replace("\r\n", "\n")
    assert text == (
        f"{TEXT}\n\nOn Tue, 15 Jun 2027 at 10:30, Zoë Lead <lead0@b.test> wrote:\n"
        "> Would Tuesday suit you?\n> <script>alert(1)</script>\n"
    )
    html = mail.get_body(("html",)).get_content()
    assert "<strong>Tuesday</strong>" in html
    assert "{{ first_name }}" in html
    assert "<script" not in html
    assert "<b>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;</blockquote>" in html
    assert room.row().status == "pending"  # as it was


@pytest.mark.parametrize("fault", ["after@lead0:drop", "dot@lead0:drop"])
def test_lost_answer_of_the_server_is_uncertain_and_never_sent_again(database, fault):
    async def scenario():
        async with Sink(script=Faults(fault)) as sink:
            room, books = await answered(database, sink)
            await drained(database, room.mailbox_id, clock=at(LATER))
            assert the_answer(room).state == "uncertain"
            assert len(room.cards("uncertain")) == 1
            assert await drained(database, room.mailbox_id, clock=at(LATER + timedelta(minutes=30))) == 0
            books.check(sink)
            assert len(sink.accepted) <= 1
            assert room.holds() == []

    asyncio.run(scenario())


@pytest.mark.parametrize("phase", ["claimed", "sending"])
def test_worker_that_dies_between_the_phases(database, phase):
    """Claimed only: nothing left, so another sends it. Past the point of no return: nobody ever does by himself."""

    async def scenario():
        async with Sink() as sink:
            room, books = await answered(database, sink)
            [hand] = handover.claim(database, room.mailbox_id, now=LATER)
            assert isinstance(hand, ClaimedReply)
            if phase == "sending":
                assert handover.begin(database, [(hand.delivery_id, hand.fence)], now=LATER) == {
                    hand.delivery_id
                }
            after = LATER + handover.LEASE + timedelta(seconds=1)
            assert await drained(database, room.mailbox_id, clock=at(LATER)) == 0
            handover.reap(database, now=after)
            left = await drained(database, room.mailbox_id, clock=at(after))
            books.check(sink)
            # The dead worker comes back with its old claim.
            assert handover.begin(database, [(hand.delivery_id, hand.fence)], now=after) == set()
            return left, the_answer(room).state

    assert asyncio.run(scenario()) == ((1, "sent") if phase == "claimed" else (0, "uncertain"))


def test_several_senders_send_it_once(database):
    async def scenario():
        async with Sink(offer=Offer(latency=0.005)) as sink:
            room, books = await answered(database, sink, leads=10)
            clock = at(NOW + timedelta(days=1))
            with database.write() as session:
                session.get_one(Delivery, the_answer(room).id).created_at = clock()
            counts = await asyncio.gather(
                *(drained(database, room.mailbox_id, clock=clock) for _ in range(4))
            )
            books.check(sink)
            assert the_answer(room).state == "sent"
            assert sum(counts) == len(sink.accepted) == 11
            assert sum(message.message.count(b"Subject: Re: Hello") for message in sink.accepted) == 1

    asyncio.run(scenario())


def test_greylisted_answer_leaves_later(database):
    async def scenario():
        async with Sink(script=Faults("rcpt#1@lead0:451 4.7.1 Greylisted")) as sink:
            room, books = await answered(database, sink)
            assert await drained(database, room.mailbox_id, clock=at(LATER)) == 0
            assert await drained(database, room.mailbox_id, clock=at(LATER + timedelta(minutes=1))) == 0
            assert await drained(database, room.mailbox_id, clock=at(LATER + timedelta(minutes=5))) == 1
            books.check(sink)

    asyncio.run(scenario())


def test_mailbox_that_is_down_keeps_it_ready(database):
    async def scenario():
        async with Sink() as sink:
            room, books = await answered(database, sink)
        assert await drained(database, room.mailbox_id, clock=at(LATER)) == 0
        assert the_answer(room).state == "ready"
        with database.read() as session:
            assert session.exec(select(Mailbox)).one().down_at == LATER
            due = handover.mailboxes_due(session, now=LATER + timedelta(minutes=2))
        assert due == [room.mailbox_id]
        async with Sink(port=sink.port) as sink:
            assert await drained(database, room.mailbox_id, clock=at(LATER + timedelta(minutes=2))) == 1
            books.check(sink)

    asyncio.run(scenario())


def test_end_of_the_process_gives_it_back(database):
    async def scenario():
        async with Sink() as sink:
            room, _ = await answered(database, sink)
            async with post(database, clock=at(LATER)) as opened:
                opened.stop()
                assert await opened.drain(room.mailbox_id) == 0
            assert the_answer(room).state == "ready"
            assert await drained(database, room.mailbox_id, clock=at(LATER)) == 1

    asyncio.run(scenario())
