"""Test mail: one step as a lead would get it, to somebody of our own house. It counts for nothing and is in no ledger.

It is written at once and kept until it has begun to leave; it begins once and is never tried again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4

from sqlalchemy import update
from sqlmodel import Session, col, select

from core import cards, variants
from core.address import FREE_MAIL, spelled
from core.answers import Answer
from core.current import current_run
from core.db import Database
from core.erasing import is_erased
from core.errors import Refused
from core.journal import note
from core.letters import FOLLOWING, skeleton
from core.lifecycle import StepKind
from core.mailboxes import rotation
from core.merging import compiled, values_of
from core.mime import Sender, fill
from core.models import WORKSPACE_ID, Enrollment, Lead, Mailbox, Sequence, Trial, Workspace
from core.people import Actor
from core.plans import PlannedSequence, planned
from core.preview import NO_LINK
from core.template import render
from core.verbs.choosing import lock_leads
from core.views.titles import title
from core.words import listed

KIND = "trial"
AT_ONCE = 5
MARK = "[Test] "
GONE = "The sequence or the lead is no longer here; ask for the preview again."
HALTED = "All sending is halted, and a test waits for nobody; ask for it again after `unhalt`."
GUARDED = "{} is held by the guard, so nothing leaves it; `mailboxes` says why."


@dataclass(frozen=True)
class Draft:
    """What a test can be made of: `mails` are (number, version, what to call it), `sender` the lead's mailbox."""

    sequence: PlannedSequence
    lead: Lead
    mails: tuple[tuple[int, str, str], ...]
    sender: Mailbox


@dataclass(frozen=True)
class Taken:
    """A test that leaves now or never."""

    id: int
    mailbox: Mailbox
    recipient: str
    content: bytes


@dataclass(frozen=True)
class Shown:
    """What the form for a test shows of it."""

    sequence: str
    lead: str
    mails: tuple[tuple[int, str, str], ...]
    sender: str


def shown(found: Draft) -> Shown:
    """Give what its form shows."""
    lead = found.lead.name or found.lead.email
    return Shown(found.sequence.name, lead, found.mails, found.sender.address)


def draft(session: Session, sequence_id: int, lead_id: int) -> Draft:
    """Give what can be tested of a sequence for a lead; raises Refused where nothing can."""
    row, lead = session.get(Sequence, sequence_id), session.get(Lead, lead_id)
    if row is None or lead is None or is_erased(lead):
        raise Refused(GONE)
    sequence = planned(session, [sequence_id])[sequence_id]
    run = select(Enrollment.mailbox_id).where(
        Enrollment.lead_id == lead_id, Enrollment.sequence_id == sequence_id, current_run()
    )
    mailbox_id = session.exec(run).first() or next(rotation(session, sequence.spec.mailboxes), None)
    if mailbox_id is None:
        raise Refused("There is no mailbox to send a test from; `mailboxes` shows them.")
    mails = tuple(
        (number, name, f"{number}. {title(sequence.steps, number - 1, lead, row.name)}" + (f" ({name})" if name else ""))
        for number, step in enumerate(sequence.steps, 1)
        if step.kind == StepKind.EMAIL
        for name in ([str(one["name"]) for one in step.variants] if step.variants else [""])
    )  # fmt: skip
    if not mails:
        raise Refused(f"{row.name} has no mail that could be tested.")
    return Draft(sequence, lead, mails, session.get_one(Mailbox, mailbox_id))


def recipient(session: Session, typed: str) -> str:
    """Give the address of a test; raises Refused, fit for its field, for one that is not of our own house."""
    address = spelled(typed)
    ours = set(session.exec(select(Mailbox.address)))
    if address in ours:
        return address
    domains = {one.rpartition("@")[2] for one in ours} - FREE_MAIL
    if address.rpartition("@")[2] not in domains:
        where = f"an address at {listed(sorted(domains), 'or')}" if domains else "one of our own mailboxes"
        raise Refused(f"A test goes to ourselves alone: write {where}.")
    if session.exec(select(Lead.id).where(Lead.email == address)).first() is not None:
        raise Refused(f"{address} is a lead; write your own address.")
    return address


def write(
    session: Session, sequence_id: int, lead_id: int, mail: tuple[int, str], to: str, *, key: str, actor: Actor, now: datetime
) -> Answer:  # fmt: skip
    """Have a test sent and say so; the same `key` again sends nothing. Raises Refused where it cannot be written."""
    lock_leads(session, [lead_id])
    found, to = draft(session, sequence_id, lead_id), recipient(session, to)
    said = Answer(f"The test of step {mail[0]} of {found.sequence.name} is on its way to {to}.", (WORD,))
    if session.exec(select(Trial.id).where(Trial.key == key)).first() is not None:
        return said
    if fault := _in_the_way(session, found.sender):
        raise Refused(fault)
    content = _written(found, mail, to, now=now)
    session.add(
        Trial(
            key=key, mailbox_id=found.sender.id or 0, lead_id=lead_id, step=mail[0], sequence=found.sequence.name,
            recipient=to, content=content.decode("ascii"), asked_by=actor.id, created_at=now,
        )
    )  # fmt: skip
    note(session, "test mail", actor=actor, now=now, lead_id=lead_id, reason=f"step {mail[0]} to {to}")
    return said


WORD = "A direct message says when it has left. It counts for nothing, and the link to unsubscribe in it is dead."


def _written(found: Draft, mail: tuple[int, str], to: str, *, now: datetime) -> bytes:
    number, name = mail
    if (number, name) not in {one[:2] for one in found.mails}:
        raise Refused("That step was changed meanwhile; ask for the preview again.")
    step = variants.version(found.sequence.steps[number - 1], name or None)
    sender = Sender(found.sender.address, found.sender.name)
    values = values_of(found.lead, sender, found.sequence.name, NO_LINK.unsubscribe_url(found.lead.id or 0))
    rendered = render(compiled(step.subject or FOLLOWING, step.body), values)
    subject = rendered.subject
    if not step.subject:
        subject = title(found.sequence.steps, number - 1, found.lead, found.sequence.name)
    return fill(
        skeleton(sender),
        rendered=replace(rendered, subject=f"{MARK}{subject}"),
        to_address=to,
        to_name="",
        message_id=f"<{uuid4().hex}@{sender.address.rpartition('@')[2]}>",
        date=now,
    )


def _in_the_way(session: Session, mailbox: Mailbox) -> str:
    """Say why nothing may leave a mailbox; "" where it may."""
    if session.get_one(Workspace, WORKSPACE_ID).halted_at is not None:
        return HALTED
    return GUARDED.format(mailbox.address) if mailbox.guarded_at else ""


def take(db: Database, *, now: datetime) -> list[Taken]:
    """Give the tests that leave now, each to one worker and once for ever; what may not leave is told."""
    with db.write() as session:
        waiting = select(Trial).where(col(Trial.begun_at).is_(None)).order_by(col(Trial.id)).limit(AT_ONCE)
        return list(_taken(session, list(session.exec(waiting)), now))


def _taken(session: Session, rows: Iterable[Trial], now: datetime) -> Iterable[Taken]:
    for row in rows:
        trial_id, mailbox_id, to, content = row.id or 0, row.mailbox_id, row.recipient, row.content
        # Whose text it was need not be kept here.
        begins = update(Trial).where(col(Trial.id) == trial_id, col(Trial.begun_at).is_(None))
        if not session.connection().execute(begins.values(begun_at=now, content="")).rowcount:
            continue
        mailbox = session.get_one(Mailbox, mailbox_id)
        if fault := _in_the_way(session, mailbox):
            _settle(session, trial_id, fault, now)
        else:
            yield Taken(trial_id, mailbox, to, content.encode("ascii"))


def may_leave(db: Database, taken: Taken) -> bool:
    """Say whether it still may, at the last moment."""
    with db.read() as session:
        return not _in_the_way(session, session.get_one(Mailbox, taken.mailbox.id))


def settle(db: Database, trial_id: int, *, fault: str = "", now: datetime) -> None:
    """Keep what became of a test, "" that it has left, and tell whoever asked for it."""
    with db.write() as session:
        _settle(session, trial_id, fault, now)


def _settle(session: Session, trial_id: int, fault: str, now: datetime) -> None:
    values = {"fault": fault} if fault else {"sent_at": now}
    session.execute(update(Trial).where(col(Trial.id) == trial_id).values(**values))
    person = session.exec(select(Trial.asked_by).where(Trial.id == trial_id)).first()
    if person is not None:
        cards.show(session, f"{KIND}:{trial_id}", channel=person, about_id=trial_id, now=now)
