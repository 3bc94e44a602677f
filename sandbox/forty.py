"""Forty more leads of three owners, all of them paused for one reason or another: a full list for everybody's morning.

They are made at once, with a past that they have not lived through; each was paused by the real verb, as of then.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, select

from core import leads, sequences
from core.commands import Desk
from core.errors import Refused
from core.grammar import commands as orders
from core.lead_file import LeadRow
from core.lifecycle import Source
from core.models import Delivery, DeliveryState, Enrollment, Lead, Mailbox, Step
from core.people import Actor
from core.reactions import Happened, react
from core.schedule import DAY, local
from core.verbs.leads import pause
from sandbox.world import ANA, BEN, ZONE

SEQUENCE = "Spring outreach"
MIRA = Actor("U0MIRA", "Mira Lind", "Europe/Stockholm")
OWNERS = (ANA, BEN, MIRA)
NUMBER = 40
HERE_ALREADY = "The forty are here already; their owners get their lists at half past eight."
DONE = (
    "40 paused leads of Ana, Ben and Mira are here. Each gets a list at half past eight of their own next working day; "
    "#outbound gets all three. Type “/sequence digest now” for yours at once, “/sequence digest weekly now” for the week."
)
_FIRST = (
    "Ada", "Bo", "Cleo", "Dora", "Emil", "Finn", "Gwen", "Hugo", "Isa", "Jon",
    "Kaya", "Leo", "Mona", "Nils", "Olga", "Paul", "Rosa", "Sven", "Tilda", "Uwe",
)  # fmt: skip
_LAST = ("Brandt", "Costa")
_HOUSES = ("Kurhaus", "Seebühne", "Old Mill", "Stadthalle", "Casa Norte", "Forum", "Lyceum", "Playhouse")
_WHY = ("is on tour", "budget next year", "asked for a call", "waits for the new hall")


@dataclass(frozen=True)
class _Pause:
    """One lead's past: paused so many days ago; with `until` it ends today, `has_answered` it was their answer."""

    days: int
    ends_today: bool = False
    has_answered: bool = False
    because: str | None = None


def fill(desk: Desk, *, now: datetime) -> str:
    """Make them, and give what to look at; raises Refused where they are there already."""
    with desk.db.write() as session:
        rows = list(_rows())
        if session.exec(select(Lead.id).where(Lead.email == rows[0].email)).first() is not None:
            raise Refused(HERE_ALREADY)
        begun = now - 70 * DAY
        saved = leads.save(session, rows, actor=ANA, now=begun)
        sequence = sequences.find(session, SEQUENCE)
        ids = [lead_id for lead_id, _ in saved.values()]
        leads.enrol(session, ids, sequence.id or 0, actor=ANA, now=begun)
        session.flush()
        for number, lead_id in enumerate(ids):
            _live(session, lead_id, _past(number), OWNERS[number % 3], now=now)
    return DONE


def _rows() -> Iterator[LeadRow]:
    for number in range(NUMBER):
        first, last = _FIRST[number % len(_FIRST)], _LAST[number // len(_FIRST)]
        domain = f"house{number + 1}.example"
        yield LeadRow(
            email=f"{first.lower()}@{domain}", first_name=first, last_name=last, name=f"{first} {last}",
            company=f"{_HOUSES[number % len(_HOUSES)]} {number + 1}", domain=domain, owner=OWNERS[number % 3].id,
        )  # fmt: skip


def _past(number: int) -> _Pause:
    """Give ten of each: back today, answered, no end, and paused for weeks."""
    days = 1 + number // 4
    match number % 4:
        case 0:
            return _Pause(days, ends_today=True)
        case 1:
            return _Pause(days, has_answered=True)
        case 2:
            return _Pause(days, because=_WHY[number // 4 % 4])
        case _:
            return _Pause(15 + 5 * days, because=_WHY[number // 4 % 4])


def _live(session: Session, lead_id: int, past: _Pause, owner: Actor, *, now: datetime) -> None:
    then = now - past.days * DAY
    run = session.exec(select(Enrollment).where(Enrollment.lead_id == lead_id)).one()
    _first_mail(session, run, then - timedelta(hours=20), now=now)
    run.position, run.has_started = 1, True
    run.due_at = run.send_at = run.wake_at = then + 2 * DAY
    session.add(run)
    session.flush()
    if past.has_answered:
        react(session, Happened("reply", lead_id, run.id, Source.REPLY, "What would it cost?"), now=then)
        return
    email = session.get_one(Lead, lead_id).email
    until = local(now, ZONE).date().isoformat() if past.ends_today else None
    order = orders.Pause(orders.Who(addresses=(email,)), until=until, because=past.because)
    pause(session, order, actor=owner, now=then)


def _first_mail(session: Session, run: Enrollment, at: datetime, *, now: datetime) -> None:
    """Put the first step on record as sent then, and as made now: deliveries are numbered as they are made."""
    step = session.exec(select(Step).where(Step.sequence_id == run.sequence_id, Step.position == 0)).one()
    mailbox = session.exec(select(Mailbox)).first()
    run.mailbox_id = mailbox.id if mailbox else None
    session.add(
        Delivery(
            enrollment_id=run.id or 0, step_id=step.id, state=DeliveryState.SENT.value, subject="A question",
            message_id=f"<forty.{run.id}@northwind.example>", mailbox_id=run.mailbox_id, created_at=now, claimed_at=at,
            sending_at=at, settled_at=at, code=250,
        )
    )  # fmt: skip
