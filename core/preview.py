"""What a sequence would send to one lead: every mail in full, with its date, as if the lead started now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from textwrap import shorten

from sqlmodel import Session, select

from core import sequences, variants
from core.acts import load
from core.current import current_run
from core.errors import Refused
from core.letters import FOLLOWING, Office, compiled, values_of
from core.lifecycle import LIVE, Status, StepKind
from core.mailboxes import rotation
from core.mime import Sender
from core.models import Delivery, DeliveryState, Enrollment, Lead, Mailbox, Sequence, Step
from core.plans import PlannedSequence, planned
from core.schedule import Calendar, closed_because, due_after, local, send_at
from core.sequence_file.graph import say_way
from core.sequence_file.spec import ConditionStep, EmailStep, SequenceSpec
from core.template import render
from core.views.forecast import hold_ends_at, if_resumed, next_at
from core.views.titles import title

NOTE_CHARS = 200


@dataclass(frozen=True)
class Shown:
    """One step as the lead would get it at `at`; `fault` says why it could not be written.

    `effect`: what the window did to its date. `variant`: which version the lead gets. `branches`: where a condition leads
    if it comes true, and else; it waits no longer than `until`.
    """

    number: int
    kind: str
    at: datetime
    subject: str
    text: str = ""
    fault: str = ""
    effect: str = ""
    branches: tuple[str, ...] = ()
    until: datetime | None = None
    variant: str = ""

    @property
    def ways(self) -> str:
        """Say where a condition leads; "" for other steps."""
        return "if so {}, else {}".format(*self.branches) if self.branches else ""


@dataclass(frozen=True)
class Path:
    """The rest of a lead's way through a sequence. `sender`: its mailbox. `begins`: from where, a clause.

    `done`: the steps behind it, each with when it left. `held_until`: when its hold ends by itself; None while `is_held`: a
    person ends it.
    """

    steps: tuple[Shown, ...]
    sender: str
    begins: str
    calendar: Calendar
    done: tuple[Shown, ...] = ()
    is_held: bool = False
    held_until: datetime | None = None

    @property
    def zone(self) -> str:
        """Give the zone its dates are kept in."""
        return self.calendar.zone


NO_LINK = Office("https://link-to-unsubscribe.invalid", b"preview")  # a preview needs no link that works


def path(session: Session, row: Sequence, lead: Lead, *, now: datetime) -> Path:
    """Give every step that is still to come for a lead, from where it stands; of one who is not in it, from now."""
    assert row.id is not None
    sequence = planned(session, [row.id])[row.id]
    ids = select(Enrollment.id).where(
        Enrollment.lead_id == lead.id, Enrollment.sequence_id == row.id, current_run()
    )
    run = next(load(session, [number for number in session.exec(ids) if number]), None)
    mailbox_id = run.mailbox_id if run else next(rotation(session, sequence.spec.mailboxes), None)
    mailbox = session.get_one(Mailbox, mailbox_id) if mailbox_id else None
    sender = Sender(mailbox.address, mailbox.name) if mailbox else Sender("", "")
    plan = sequence.plan(lead.zone)
    position, due, begins, is_held, held_until = 0, None, "as if it started now", False, None
    if run is not None and run.state.status in LIVE:
        position, due = run.state.position, run.state.due_at
        begins = f"from step {position + 1} on, where it stands"
        if run.state.status is Status.PAUSED:
            is_held, held_until = True, hold_ends_at(run.state)
            due = next_at(run.state, plan, now=now)
            if due is None:
                due = if_resumed(run.state, plan, now=now)[sequence.spec.resume]
                begins = f"from step {position + 1} on, if it were resumed now"
    names = variants.choices(session, [(run.id, step) for step in sequence.steps]) if run else {}
    gets = {step.id: names.get((run.id, step.id)) if run else None for step in sequence.steps}
    in_versions = tuple(_version(step, gets[step.id]) for step in sequence.steps)
    found = _steps(
        replace(sequence, steps=in_versions), lead, sender, NO_LINK, now, position=position, due=due
    )
    steps = (replace(one, variant=_of_versions(in_versions[one.number - 1], gets)) for one in found)
    done = tuple(_done(session, run.id, sequence, lead)) if run and position else ()
    return Path(tuple(steps), sender.address, begins, plan.calendar, done, is_held, held_until)


def _done(session: Session, enrollment_id: int, sequence: PlannedSequence, lead: Lead) -> Iterator[Shown]:
    """Give the steps that have left, in their order."""
    rows = select(Delivery.step_id, Delivery.settled_at).where(
        Delivery.enrollment_id == enrollment_id, Delivery.state == DeliveryState.SENT.value
    )
    left_at = dict(session.exec(rows).all())
    for number, step in enumerate(sequence.steps):
        if at := left_at.get(step.id):
            yield Shown(number + 1, step.kind, at, title(sequence.steps, number, lead, sequence.name))


def _version(step: Step, name: str | None) -> Step:
    """Give the step as the lead gets it; of one who is in no sequence yet, its first version."""
    return variants.version(step, name or (step.variants[0]["name"] if step.variants else None))


def _of_versions(step: Step, gets: Mapping[int | None, str | None]) -> str:
    if not step.variants:
        return ""
    if name := gets[step.id]:
        return f"version {name} of {len(step.variants)}"
    return f"one of {len(step.variants)} versions, by lot: this is {step.variants[0]['name']}"


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
    sequence: PlannedSequence,
    lead: Lead,
    sender: Sender,
    office: Office,
    now: datetime,
    *,
    position: int = 0,
    due: datetime | None = None,
) -> Iterator[Shown]:
    """Give the steps from this one on, whose countdown ends at `due`; None: it begins now."""
    plan, specs, calendar = (
        sequence.plan(lead.zone),
        sequence.spec.steps,
        sequence.plan(lead.zone).calendar,
    )
    before = now
    for number in range(position, len(sequence.steps)):
        step, spec = sequence.steps[number], specs[number]
        if due is None or number > position:
            due = due_after(before, plan.steps[number].delay, calendar)
        at = send_at(max(due, now), calendar)
        subject = title(sequence.steps, number, lead, sequence.name)
        text, fault, until = step.body, "", None
        branches: tuple[str, ...] = ()
        if step.kind == StepKind.EMAIL:
            text, fault = _written(step, lead, sender, sequence.name, office)
        elif isinstance(spec, ConditionStep):
            subject = spec.title
            branches = (
                say_way(specs, number, spec.then),
                say_way(specs, number, spec.otherwise),
            )
            until = due_after(at, spec.within, calendar)
        effect = _effect(max(due, now), at, calendar)
        yield Shown(number + 1, step.kind, at, subject, text, fault, effect, branches, until)
        before = until or at


def _effect(due: datetime, at: datetime, calendar: Calendar) -> str:
    """Say what the window did to a date: "moved from Sunday 6 June by the window (Sunday)"."""
    if at == due:
        return ""
    kind, _, what = (closed_because(due, calendar) or "window").partition(": ")
    here = local(due, calendar.zone)
    why = f"the holiday {what}" if kind == "holiday" else f"the window ({what})" if what else "the window"
    return f"moved from {here:%A} {here.day} {here:%B}, {here:%H:%M} by {why}"


def _written(step: Step, lead: Lead, sender: Sender, sequence: str, office: Office) -> tuple[str, str]:
    values = values_of(lead, sender, sequence, office.unsubscribe_url(lead.id or 0))
    try:
        return render(compiled(step.subject or FOLLOWING, step.body), values).text, ""
    except Refused as refused:
        return "", str(refused)


def taken_out(spec: SequenceSpec) -> tuple[str, ...]:
    """Give what of the authors' HTML is not sent, a sentence each; of a text that cannot be sent anyway nothing."""
    steps = [step for step in spec.steps if isinstance(step, EmailStep)]
    bodies = [(step.id, text.body) for step in steps for text in step.variants or (step,)]
    return tuple(
        f"Step {step_id}: {shorten(note, NOTE_CHARS, placeholder=' …')}"
        for step_id, body in bodies
        for note in _notes(body)
    )


def _notes(body: str) -> tuple[str, ...]:
    try:
        return compiled(FOLLOWING, body).notes
    except Refused:
        return ()
