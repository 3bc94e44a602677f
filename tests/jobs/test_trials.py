"""A test mail on the wire: to oneself, marked, once whatever breaks, and counted nowhere."""

import asyncio
from datetime import timedelta
from email import message_from_bytes
from email.policy import SMTP

import pytest
from sqlmodel import select

from core import trials
from core.errors import Refused
from core.models import Card, Lead, Mailbox, MailboxDay, Trial, Workspace
from core.settings import Settings
from core.views import view
from fermata import wiring
from jobs.sender import Desk
from jobs.trials import Trials
from sandbox.faults import Faults
from sandbox.sink import Sink
from tests.mailroom import ADA, NOW, OFFICE, make

ME = "ada@a.test"


def ask(room, *, to=ME, key="form:1", mail=(2, "")):
    with room.db.write() as session:
        return trials.write(
            session, room.sequence_id, room.lead_ids[0], mail, to, key=key, actor=ADA, now=NOW
        )


def worker(room):
    return Trials(Desk(room.db, OFFICE, lambda: NOW, lambda _name: None, timeout_seconds=5))


async def sent(room, sink):
    room.change(Mailbox, room.mailbox_id, smtp_port=sink.port)
    tests = worker(room)
    await tests.look()
    await tests.settle()


def run(room, script=None):
    """Let the worker look twice at what waits, and give what the server took."""

    async def scenario():
        async with Sink(script=script) if script else Sink() as sink:
            await sent(room, sink)
            await sent(room, sink)
            return list(sink.accepted)

    return asyncio.run(scenario())


def said(room):
    with room.db.read() as session:
        cards = session.exec(select(Card).where(Card.kind == "trial").order_by(Card.id)).all()
        return [
            (card.channel, shown.title, *shown.lines)
            for card in cards
            if (shown := view(session, card, now=NOW))
        ]


def rows(room, table=Trial):
    with room.db.read() as session:
        return list(session.exec(select(table)))


def test_test_leaves_once_marked_and_counts_for_nothing(database):
    room = make(database, 1, name="Ana Ruiz")
    ask(room)
    before = room.row().model_dump()
    [accepted] = run(room)
    mail = message_from_bytes(accepted.message, policy=SMTP)
    assert (str(mail["To"]), str(mail["Subject"])) == (ME, "[Test] Hello N0 1")
    assert str(mail["From"]) == "Ana Ruiz <us@a.test>"
    assert not {"List-Unsubscribe", "List-Unsubscribe-Post", "References"} & set(mail.keys())
    text = mail.get_body(("plain",)).get_content()
    assert "Hi N0" in text
    assert OFFICE.base_url not in accepted.message.decode()
    assert room.deliveries() == []
    assert rows(room, MailboxDay) == []
    assert room.row().model_dump() == before
    [row] = rows(room)
    assert (row.content, row.fault, row.sent_at) == ("", None, NOW)
    assert said(room) == [(ADA.id, f"The test of step 2 of Spring has left for {ME}.")]


def test_pressing_twice_sends_once(database):
    room = make(database, 1)
    assert ask(room) == ask(room)
    assert len(run(room)) == 1


def test_worker_that_died_is_not_made_up_for(database):
    room = make(database, 1)
    ask(room)
    assert len(trials.take(database, now=NOW)) == 1
    assert run(room) == []
    assert trials.take(database, now=NOW + timedelta(days=1)) == []


def test_several_workers_take_each_test_once(database):
    room = make(database, 1)
    for number in range(4):
        ask(room, key=f"form:{number}")

    async def scenario():
        async with Sink() as sink:
            room.change(Mailbox, room.mailbox_id, smtp_port=sink.port)
            workers = [worker(room) for _ in range(3)]
            await asyncio.gather(*(one.look() for one in workers))
            await asyncio.gather(*(one.settle() for one in workers))
            return len(sink.accepted)

    assert asyncio.run(scenario()) == 4


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("rcpt@ada:550 5.1.1 No such user here", "550 5.1.1 No such user here"),
        ("dot@ada:drop", "nobody knows whether it left"),
    ],
)
def test_the_servers_words_are_told_and_nothing_is_tried_again(database, script, words):
    room = make(database, 1)
    ask(room)
    assert len(run(room, Faults(script))) <= 1
    [(person, title, fault, _)] = said(room)
    assert (person, title) == (ADA.id, f"The test of step 2 of Spring has not left for {ME}.")
    assert words in fault
    assert room.deliveries() == []


def test_server_that_is_away_is_told(database):
    room = make(database, 1)
    ask(room)

    async def scenario():
        tests = worker(room)
        await tests.look()
        await tests.settle()

    asyncio.run(scenario())
    assert "Nothing answers at 127.0.0.1:1" in said(room)[0][2]
    with database.read() as session:
        assert session.get_one(Mailbox, room.mailbox_id).down_at is None


def test_halted_nothing_leaves_and_nothing_waits(database):
    room = make(database, 1)
    ask(room)
    room.change(Workspace, 1, halted_at=NOW)
    assert run(room) == []
    assert said(room)[0][2] == trials.HALTED
    with pytest.raises(Refused, match="halted"):
        ask(room, key="form:2")
    room.change(Workspace, 1, halted_at=None)
    assert run(room) == []
    room.change(Mailbox, room.mailbox_id, guarded_at=NOW)
    with pytest.raises(Refused, match="guard"):
        ask(room, key="form:3")


@pytest.mark.parametrize(
    "address", ["ada@b.test", "lead0@b.test", "x@sub.a.test", "ada", "", "a@a.test@b.test"]
)
def test_address_outside_our_house_is_refused(database, address):
    room = make(database, 1)
    with pytest.raises(Refused):
        ask(room, to=address)
    assert rows(room) == []


def test_lead_at_our_own_domain_and_strangers_at_a_free_one_are_refused(database):
    room = make(database, 1)
    room.change(Lead, room.lead_ids[0], email=ME)
    with pytest.raises(Refused, match="is a lead"):
        ask(room)
    room.change(Mailbox, room.mailbox_id, address="us@gmail.com")
    with pytest.raises(Refused, match="one of our own mailboxes"):
        ask(room, to="somebody@gmail.com")
    ask(room, to="us@gmail.com")


def test_a_worker_sends_it_in_its_rounds(database, tmp_path):
    room = make(database, 1)
    ask(room)
    settings = Settings(home=tmp_path, secret_key="a-key-of-thirty-two-letters-here")
    before = NOW - timedelta(days=1)  # no step is due

    async def work():
        async with Sink() as sink:
            room.change(Mailbox, room.mailbox_id, smtp_port=sink.port)
            await wiring.make_engine(settings, database, clock=lambda: before).tick()
            while rows(room)[0].sent_at is None:
                await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()}, timeout=1)
            return len(sink.accepted)

    assert asyncio.run(asyncio.wait_for(work(), 20)) == 1
