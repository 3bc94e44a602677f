"""Forty more leads of three owners, all of them paused for one reason or another: a full list for everybody's morning.

They are made at once, with a past that they have not lived through; each was paused by the real verb, or by an answer
that was taken in as the reader takes one in, as of then.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage

from sqlmodel import Session, select

from core import leads, sequences
from core.commands import Desk
from core.errors import Refused
from core.grammar import commands as orders
from core.inbox import Raw, receive
from core.lead_file import LeadRow
from core.merging import ANYBODY, body_of, subject_of
from core.mime import Sender
from core.models import Delivery, DeliveryState, Enrollment, Lead, Mailbox, Step
from core.people import Actor
from core.schedule import DAY, local
from core.verbs.leads import pause
from sandbox import letters
from sandbox.letters import Got
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
_ASKS = (
    "What would it cost?",
    "Who else uses it?",
    "Could you call me about it?",
    "Can it show two halls at once?",
)
_WHY = ("is on tour", "budget next year", "asked for a call", "waits for the new hall")


@dataclass(frozen=True)
class _Pause:
    """One lead's past: paused so many days ago. `answered`: it was this answer of theirs that paused them."""

    days: int
    ends_today: bool = False
    answered: str = ""
    because: str | None = None


@dataclass(frozen=True)
class _Answer:
    """An answer on its way to the mailbox: when, and what came."""

    at: datetime
    mailbox_id: int | None
    content: bytes


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
        lived = [
            _live(session, lead_id, _past(number), OWNERS[number % 3], now=now)
            for number, lead_id in enumerate(ids)
        ]
    for one in filter(None, lived):
        receive(desk.db, [Raw(one.content, one.at)], mailbox_id=one.mailbox_id, now=one.at)
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
            return _Pause(days, answered=_ASKS[number // 4 % 4])
        case 2:
            return _Pause(days, because=_WHY[number // 4 % 4])
        case _:
            return _Pause(15 + 5 * days, because=_WHY[number // 4 % 4])


def _live(session: Session, lead_id: int, past: _Pause, owner: Actor, *, now: datetime) -> _Answer | None:
    """Live through the past of one; what they answered is given, to be taken in once the rest is there."""
    then = now - past.days * DAY
    run = session.exec(select(Enrollment).where(Enrollment.lead_id == lead_id)).one()
    lead = session.get_one(Lead, lead_id)
    got = _first_mail(session, run, lead, then - timedelta(hours=20), now=now)
    run.position, run.has_started = 1, True
    run.due_at = run.send_at = run.wake_at = then + 2 * DAY
    session.add(run)
    if past.answered:
        run.wake_at = now + DAY  # nothing leaves before the answer is taken in
        return _Answer(then, run.mailbox_id, letters.answer(got, past.answered, at=then))
    session.flush()
    until = local(now, ZONE).date().isoformat() if past.ends_today else None
    order = orders.Pause(orders.Who(addresses=(lead.email,)), until=until, because=past.because)
    pause(session, order, actor=owner, now=then)
    return None


def _first_mail(session: Session, run: Enrollment, lead: Lead, at: datetime, *, now: datetime) -> Got:
    """Put the first step on record as sent then, and as made now: deliveries are numbered as they are made."""
    step = session.exec(select(Step).where(Step.sequence_id == run.sequence_id, Step.position == 0)).one()
    mailbox = session.exec(select(Mailbox)).first()
    run.mailbox_id = mailbox.id if mailbox else None
    sender = Sender(mailbox.address, mailbox.name) if mailbox else ANYBODY
    mail = EmailMessage()
    mail["From"], mail["To"] = f"{sender.name} <{sender.address}>", f"{lead.name} <{lead.email}>"
    mail["Subject"] = subject_of(step, lead, sender, SEQUENCE)
    mail["Message-ID"] = f"<forty.{run.id}@northwind.example>"
    mail.set_content(body_of(step, lead, sender, SEQUENCE))
    session.add(
        Delivery(
            enrollment_id=run.id or 0, step_id=step.id, state=DeliveryState.SENT.value, subject=mail["Subject"],
            message_id=mail["Message-ID"], mailbox_id=run.mailbox_id, created_at=now, claimed_at=at,
            sending_at=at, settled_at=at, code=250,
        )
    )  # fmt: skip
    return Got(mail.as_bytes(), lead.email)
