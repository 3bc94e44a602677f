"""What a sequence would send to one lead: every mail in full, with its date, as if the lead started now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, select

from core import sequences
from core.errors import Refused
from core.letters import FOLLOWING, Office, compiled, values_of
from core.lifecycle import StepKind
from core.mailboxes import rotation
from core.mime import Sender
from core.models import Lead, Mailbox, Sequence, Step
from core.plans import PlannedSequence, planned
from core.schedule import due_after, send_at
from core.template import render
from core.views.titles import title


@dataclass(frozen=True)
class Shown:
    """One step as the lead would get it at `at`; `fault` says why it could not be written."""

    number: int
    kind: str
    at: datetime
    subject: str
    text: str = ""
    fault: str = ""


def preview(
    session: Session, name: str, email: str, *, office: Office, now: datetime
) -> tuple[Sequence, Lead, list[Shown]]:
    """Give the sequence, the lead, and every step for them; raises Refused where one of the two is not there."""
    row = sequences.find(session, name)
    lead = session.exec(select(Lead).where(Lead.email == email)).first()
    if lead is None:
        raise Refused(f"There is no lead {email}; import it first with `fermata leads import`.")
    sequence = planned(session, [row.id or 0])[row.id or 0]
    mailbox_id = next(rotation(session, sequence.spec.mailboxes), None)
    mailbox = session.get_one(Mailbox, mailbox_id) if mailbox_id else None
    sender = Sender(mailbox.address, mailbox.name) if mailbox else Sender("", "")
    return row, lead, list(_steps(sequence, lead, sender, office, now))


def _steps(
    sequence: PlannedSequence, lead: Lead, sender: Sender, office: Office, now: datetime
) -> Iterator[Shown]:
    plan = sequence.plan(lead.zone)
    at = now
    for position, (step, planned_step) in enumerate(zip(sequence.steps, plan.steps, strict=True)):
        at = send_at(due_after(at, planned_step.delay, plan.calendar), plan.calendar)
        subject = title(sequence.steps, position, lead, sequence.name)
        text, fault = step.body, ""
        if step.kind == StepKind.EMAIL:
            text, fault = _written(step, lead, sender, sequence.name, office)
        yield Shown(position + 1, step.kind, at, subject, text, fault)


def _written(step: Step, lead: Lead, sender: Sender, sequence: str, office: Office) -> tuple[str, str]:
    values = values_of(lead, sender, sequence, office.unsubscribe_url(lead.id or 0))
    try:
        return render(compiled(step.subject or FOLLOWING, step.body), values).text, ""
    except Refused as refused:
        return "", str(refused)
