"""A post office in a database: a mailbox, a sequence, leads that are due, and what the ledger says of them.

tests/world.py is for what people say; this is for what leaves, to a real sink.
"""

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert
from sqlmodel import col, select

from core import handover, leads, sequence_file, sequences
from core.acts import apply
from core.db import Database
from core.handover import Fate, Report
from core.letters import Office
from core.lifecycle import Hold as OneHold
from core.lifecycle import Source
from core.models import (
    Batch,
    Card,
    Delivery,
    Enrollment,
    Hold,
    Journal,
    Lead,
    Mailbox,
    Sequence,
    Suppression,
)
from core.people import Actor
from jobs.sender import Desk, Post

NOW = datetime(2027, 6, 15, 10, 0, tzinfo=UTC)  # a Tuesday
ADA = Actor("U0ADA", "Ada")
BOB = Actor("U0BOB", "Bob")
OFFICE = Office("https://fermata.test", b"k" * 32)
LEASE = timedelta(seconds=120)
DAY = timedelta(days=1)


def real_now() -> datetime:
    return datetime.now(UTC)


def spec_text(name="Spring", steps=2, delay="1 day", more="", task_at=None, subject="Hello {{ first_name }}"):
    """A sequence as a file; `more` is put on top, step number `task_at` (from 0) is a task."""
    lines = [f"sequence: {name}", *more.splitlines(), "steps:"]
    for number in range(steps):
        lines.append(f"  - id: s{number}")
        if number:
            lines.append(f"    delay: {delay}")
        if number == task_at:
            lines += ["    kind: task", "    title: Call them"]
        else:
            lines += [
                f'    subject: "{subject} {number}"',
                '    body: "Hi {{ first_name }}, reply to opt out."',
            ]
    return "\n".join(lines)


def add_mailbox(db: Database, address="us@a.test", *, port=1, now=NOW, **more) -> int:
    values = {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_security": "none", "cap_per_day": 10**6}
    with db.write() as session:
        row = Mailbox(address=address, created_at=now, **{**values, **more})
        session.add(row)
        session.flush()
        return row.id


def add_leads(db: Database, count: int, *, prefix="lead", now=NOW, **more) -> list[int]:
    usual = {"domain": "b.test", "created_at": now, "custom": {}, **more}
    rows = [{"first_name": f"N{n}", **usual, "email": f"{prefix}{n}@b.test"} for n in range(count)]
    with db.write() as session:
        return list(session.execute(insert(Lead).returning(Lead.id), rows).scalars()) if rows else []


def add_sequence(db: Database, text: str | None = None, *, now=NOW) -> int:
    with db.write() as session:
        saved = sequences.save(session, sequence_file.load(text or spec_text()), actor=ADA, now=now)
        sequences.turn(session, saved.sequence_id, "publish", actor=ADA, now=now)
        return saved.sequence_id


def enrol(db: Database, lead_ids, sequence_id: int, *, now=NOW, is_again=False) -> list[int]:
    with db.write() as session:
        done = leads.enrol(session, lead_ids, sequence_id, actor=ADA, now=now, is_again=is_again)
        return list(done.enrollment_ids)


@dataclass
class Mailroom:
    """One mailbox, one sequence, some leads in it."""

    db: Database
    mailbox_id: int
    sequence_id: int
    lead_ids: list[int]
    ids: list[int]

    def rows(self) -> list[Enrollment]:
        with self.db.read() as session:
            return list(session.exec(select(Enrollment).order_by(col(Enrollment.id))))

    def row(self, number=0) -> Enrollment:
        with self.db.read() as session:
            return session.get_one(Enrollment, self.ids[number])

    def deliveries(self) -> list[Delivery]:
        return deliveries(self.db)

    def states(self) -> Counter:
        return Counter(row.state for row in self.deliveries())

    def holds(self, number=0) -> list[Hold]:
        with self.db.read() as session:
            query = select(Hold).where(
                Hold.enrollment_id == self.ids[number], col(Hold.released_at).is_(None)
            )
            return list(session.exec(query.order_by(col(Hold.id))))

    def cards(self, kind: str) -> list[Card]:
        with self.db.read() as session:
            return list(session.exec(select(Card).where(Card.kind == kind)))

    def change(self, table, row_id, **values) -> None:
        """Set columns of one row behind everybody's back."""
        with self.db.write() as session:
            row = session.get_one(table, row_id)
            for name, value in values.items():
                setattr(row, name, value)
            session.add(row)


def make(db: Database, count=1, *, text=None, now=NOW, port=1, **mailbox) -> Mailroom:
    """A mailroom whose first steps are due at `now`."""
    mailbox_id = add_mailbox(db, port=port, now=now, **mailbox)
    sequence_id = add_sequence(db, text, now=now)
    lead_ids = add_leads(db, count, now=now)
    return Mailroom(db, mailbox_id, sequence_id, lead_ids, enrol(db, lead_ids, sequence_id, now=now))


# One hand-over, phase by phase


def claim(room, *, now=NOW, **more):
    return handover.claim(room.db, room.mailbox_id, now=now, **more)


def begin(room, claims, *, now=NOW, **more):
    return handover.begin(room.db, [(one.delivery_id, one.fence) for one in claims], now=now, **more)


def report(claimed, fate=Fate.SENT, at=NOW, **more):
    return Report(claimed.delivery_id, claimed.fence, fate, at, "Hello", **more)


def record(room, claims, fate=Fate.SENT, *, now=NOW, **more):
    handover.record(room.db, [report(one, fate, now, **more) for one in claims], now=now)


def act(room, event, *, actor=ADA, now=NOW, ids=None, verb="test"):
    with room.db.write() as session:
        return apply(session, ids or room.ids, lambda _: event, verb=verb, actor=actor, now=now)


def hold(author=ADA, **more):
    return OneHold(Source.PERSON, "", author.id, NOW, **more)


def hand_over(room, *, now=NOW):
    claims = claim(room, now=now)
    assert begin(room, claims, now=now) == {one.delivery_id for one in claims}
    record(room, claims, now=now)
    return claims


def sending(room, *, now=NOW):
    claims = claim(room, now=now)
    assert len(begin(room, claims, now=now)) == len(claims) > 0
    return claims


def deliveries(db: Database) -> list[Delivery]:
    with db.read() as session:
        return list(session.exec(select(Delivery).order_by(col(Delivery.id))))


def suppress_quietly(db: Database, email: str) -> None:
    """A suppression that stops no enrollment: the gate itself must see it."""
    with db.write() as session:
        session.add(Suppression(email=email, reason="asked", author=ADA.id, at=NOW))


def desk(db: Database, *, clock=real_now, lease=LEASE, timeout_seconds=10.0) -> Desk:
    return Desk(db, OFFICE, clock, lambda _: None, lease=lease, timeout_seconds=timeout_seconds)


@asynccontextmanager
async def post(db: Database, **more):
    """A post that closes its connections at the end."""
    opened = Post(desk(db, **more))
    try:
        yield opened
    finally:
        opened.stop()
        await opened.close_idle()


async def drained(db: Database, mailbox_id: int, **more) -> int:
    async with post(db, **more) as opened:
        return await opened.drain(mailbox_id)


def check_books(db: Database, accepted) -> None:
    """What the sink took is what the ledger says left; nothing twice, nothing denied, nothing made up (G2, G3)."""
    told = Counter(message.message_id for message in accepted)
    assert not [found for found, times in told.items() if times > 1], "a Message-ID arrived twice"
    rows = deliveries(db)
    by_id = {row.message_id: row for row in rows if row.message_id}
    assert set(told) <= set(by_id), "a mail left that no row knows"
    denied = [row for found in told if (row := by_id[found]).state not in {"sent", "uncertain"}]
    assert not denied, f"rows deny mails that left: {denied[:3]}"
    invented = [
        row for row in rows if row.kind == "email" and row.state == "sent" and row.message_id not in told
    ]
    assert not invented, f"rows claim mails that never left: {invented[:3]}"
    assert not dangling(db), "the journal or a hold names what is not there"


def dangling(db: Database) -> list[tuple[str, int]]:
    """Give the lines of the journal and the holds that name a row which is not there; no foreign key keeps them from it."""
    naming = [(Journal, one) for one in (Lead, Sequence, Enrollment, Delivery, Batch)]
    found = []
    with db.read() as session:
        for model, other in (*naming, (Hold, Enrollment), (Hold, Batch)):
            name = f"{other.__tablename__}_id"
            named = col(getattr(model, name))
            rows = session.exec(select(model.id).where(named.is_not(None), named.not_in(select(other.id))))
            found += [(f"{model.__tablename__}.{name}", row) for row in rows]
    return found


async def until(condition, seconds=10.0):
    """Wait for something to become true."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + seconds
    while not (found := condition()):
        assert loop.time() < ends, "it never happened"
        await asyncio.sleep(0.01)
    return found
