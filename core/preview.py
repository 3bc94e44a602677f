"""What a sequence would send to one lead: every mail in full, with its date, as if the lead started now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from textwrap import shorten

from sqlmodel import Session, select

from core import enrolling, lifecycle, publishing, sequences, variants
from core.acts import Loaded, load
from core.current import current_run
from core.errors import Refused
from core.letters import FOLLOWING, Office
from core.lifecycle import LIVE, Plan, Resume, Status, StepKind, decide
from core.mailboxes import rotation
from core.merging import compiled, values_of
from core.mime import Sender
from core.models import Delivery, DeliveryState, Enrollment, Lead, Mailbox, Sequence, Step
from core.plans import PlannedSequence, planned
from core.schedule import Calendar, closed_because, due_after, local, send_at
from core.sequence_file import label
from core.sequence_file.graph import say_way, target
from core.sequence_file.spec import ConditionStep, EmailStep, JumpStep, SequenceSpec, StopStep
from core.sequence_file.spec import Step as WrittenStep
from core.template import render
from core.views import why
from core.views.forecast import awake, hold_ends_at
from core.views.titles import title
from core.words import capital, listed

NOTE_CHARS = 200
NO_SUBJECT = "(no subject)"


@dataclass(frozen=True)
class Shown:
    """One step as the lead would get it at `at`; `fault` says why it could not be written, `unfit` why not published.

    `effect`: what the window did to its date. `variant`: which version the lead gets. `branches`: where a condition leads
    if it comes true, and else; it waits no longer than `until`. `only_if`: the number of the condition that has to come true
    before, and then `at` is the latest date; 0: none has to. `goes_to`: the sequence that a jump leads to.
    """

    number: int
    kind: str
    at: datetime
    subject: str
    text: str = ""
    fault: str = ""
    unfit: str = ""
    effect: str = ""
    branches: tuple[str, ...] = ()
    until: datetime | None = None
    variant: str = ""
    only_if: int = 0
    goes_to: str = ""

    @property
    def ways(self) -> str:
        """Say where a condition or a jump leads; "" for other steps."""
        if self.goes_to:
            return f"this sequence ends, and {self.goes_to} begins at its first step"
        return "if so {}, else {}".format(*self.branches) if self.branches else ""

    @property
    def wrong(self) -> str:
        """Say why it can be neither published nor written; "" for a step without fault."""
        publish = f"cannot be published: {self.unfit}" if self.unfit else ""
        write = f"cannot be written: {self.fault}" if self.fault and self.fault not in self.unfit else ""
        return " ".join(filter(None, (publish, write)))


@dataclass(frozen=True)
class Path:
    """The rest of a lead's way through a sequence. `sender`: its mailbox. `begins`: from where, a clause.

    `done`: the steps behind it, each with when it left. `held_until`: when its hold ends by itself; None while `is_held`: a
    person ends it. `nothing`: why none of it will be sent, in sentences; "" where it will.
    """

    steps: tuple[Shown, ...]
    sender: str
    begins: str
    calendar: Calendar
    done: tuple[Shown, ...] = ()
    is_held: bool = False
    held_until: datetime | None = None
    nothing: str = ""

    @property
    def zone(self) -> str:
        """Give the zone its dates are kept in."""
        return self.calendar.zone


NO_LINK = Office("https://link-to-unsubscribe.invalid", b"preview")  # a preview needs no link that works


@dataclass(frozen=True)
class _Start:
    """From where on the steps are gone through. `due`: when the first one's countdown ends; None: it begins at `after`.

    `waits_until`: of a lead that waits for the condition there. `only_if`: as in `Shown`.
    """

    after: datetime
    position: int = 0
    due: datetime | None = None
    waits_until: datetime | None = None
    only_if: int = 0


def preview(
    session: Session, name: str, email: str, *, office: Office, now: datetime
) -> tuple[Sequence, Lead, Path]:
    """Give the sequence, the lead, and its whole way, from now on; raises Refused where one of the two is not there."""
    row = sequences.find(session, name)
    lead = session.exec(select(Lead).where(Lead.email == email)).first()
    if lead is None:
        raise Refused(f"There is no lead {email}; import it first with `fermata leads import`.")
    return row, lead, path(session, row, lead, office=office, is_anew=True, now=now)


def path(
    session: Session,
    row: Sequence,
    lead: Lead,
    *,
    now: datetime,
    zone: str | None = None,
    office: Office = NO_LINK,
    is_anew: bool = False,
) -> Path:
    """Give every step that is still to come for a lead, from where it stands; of one who is not in it, from now.

    `zone`: of whoever reads why nothing comes; None: the lead's. `is_anew`: as if it started now, wherever it stands.
    """
    assert row.id is not None
    sequence = planned(session, [row.id])[row.id]
    plan = sequence.plan(lead.zone)
    mine = (Enrollment.lead_id == lead.id, Enrollment.sequence_id == row.id, current_run())
    ids = session.exec(select(Enrollment.id).where(*mine))
    run = next(load(session, [number for number in ids if number]), None)
    nothing = _nothing(session, run, lead, now=now, zone=zone or plan.calendar.zone)
    live = run if run is not None and run.state.status in LIVE else None
    mailbox_id = run.mailbox_id if run else next(rotation(session, sequence.spec.mailboxes), None)
    mailbox = session.get_one(Mailbox, mailbox_id) if mailbox_id else None
    sender = Sender(mailbox.address, mailbox.name) if mailbox else Sender("", "")
    had = variants.choices(session, [(live.id, step) for step in sequence.steps]) if live else {}
    versions = _Versions({step_id: name for (_, step_id), name in had.items()}, sequence.steps)
    start, found = (
        _Start(now),
        Path((), sender.address, "as if it started now", plan.calendar, nothing=nothing),
    )
    if live is not None and not is_anew:
        start, found = _standing(found, live.state, plan, now)
        if start.position:
            found = replace(found, done=tuple(_done(session, live.id, sequence, lead)))
    elif (absent := enrolling.away(session, [lead.id or 0], now=now)) and plan.steps:
        begun = lifecycle.begin(lead.email, now=now, plan=plan)
        held, _ = decide(begun, enrolling.pause_away(absent[lead.id or 0], now=now), now=now, plan=plan)
        start, told = _standing(found, held, plan, now)
        found = replace(told, begins=found.begins)
    specs = sequence.spec.steps
    steps = (
        _told(one, versions, lead, sender, sequence.name, office) for one in _walk(specs, plan, start, now)
    )
    unfit = {} if row.published_spec else publishing.faults_by_step(session, sequence.spec)
    return replace(found, steps=tuple(_judged(one, specs[one.number - 1], unfit) for one in steps))


def _judged(one: Shown, spec: WrittenStep, unfit: Mapping[str, str]) -> Shown:
    """Give a step with what keeps its sequence from being published."""
    return replace(one, unfit=unfit.get(spec.id, ""), subject=NO_SUBJECT if is_bare(spec) else one.subject)


def is_bare(spec: WrittenStep) -> bool:
    """Say whether a mail has no subject and follows no other, whose subject it could have."""
    return isinstance(spec, EmailStep) and not (spec.subject or spec.thread or spec.variants)


def _standing(found: Path, state: lifecycle.Enrollment, plan: Plan, now: datetime) -> tuple[_Start, Path]:
    """Give from where a live run goes on, and what that says of its way; raises Refused where nobody can tell."""
    number = state.position + 1
    begins = f"from step {number} on, where it {'waits' if state.awaits_since else 'stands'}"
    if state.status is Status.PAUSED:
        ends_at = hold_ends_at(state)
        if ends_at is not None:
            state = awake(state, plan, max(now, ends_at))
        else:
            state, _ = decide(state, Resume(plan.resume), now=now, plan=plan)
            begins = f"from step {number} on, if it were resumed now"
        found = replace(found, is_held=True, held_until=ends_at)
    waits_until = state.due_at if state.awaits_since else None
    return _Start(now, state.position, state.due_at, waits_until), replace(found, begins=begins)


def _nothing(session: Session, run: Loaded | None, lead: Lead, *, now: datetime, zone: str) -> str:
    """Say why this lead gets nothing, whatever the dates are: it has ended, is skipped or suppressed."""
    if run is None:
        return why.suppressed_words(session, lead, zone) or ""
    found = why.reasons(session, run, now=now, zone=zone)
    return " ".join(one.text for one in found if one.kind in {why.Kind.ENDED, why.Kind.SUPPRESSED})


def _done(session: Session, enrollment_id: int, sequence: PlannedSequence, lead: Lead) -> Iterator[Shown]:
    """Give the steps that have left, in their order, as they were called when they left."""
    rows = select(Delivery.step_id, Delivery.settled_at, Delivery.subject).where(
        Delivery.enrollment_id == enrollment_id, Delivery.state == DeliveryState.SENT.value
    )
    left = {step_id: (at, subject) for step_id, at, subject in session.exec(rows)}
    for number, step in enumerate(sequence.steps):
        at, subject = left.get(step.id, (None, ""))
        if at:
            subject = subject or title(sequence.steps, number, lead, sequence.name)
            yield Shown(number + 1, step.kind, at, subject)


@dataclass(frozen=True)
class _Versions:
    """The steps as a lead gets them. `gets`: by step, which version that is; one that is not there is still to be drawn."""

    gets: Mapping[int | None, str]
    steps: tuple[Step, ...]

    def told(self, step: Step) -> str:
        """Say which version of a step is shown."""
        if not step.variants:
            return ""
        if name := self.gets.get(step.id):
            return f"version {name} of {len(step.variants)}"
        return f"one of {len(step.variants)} versions, by lot: this is {step.variants[0]['name']}"

    @property
    def possible(self) -> list[tuple[Step, ...]]:
        """Give all steps, the first versions of what is still to be drawn first, then the second ones, and so on."""
        most = max((len(step.variants or ()) for step in self.steps if step.id not in self.gets), default=0)
        return [tuple(self._version(step, number) for step in self.steps) for number in range(most or 1)]

    def _version(self, step: Step, number: int) -> Step:
        names = [one["name"] for one in step.variants or ()]
        drawn = names[min(number, len(names) - 1)] if names else None
        return variants.version(step, self.gets.get(step.id, drawn))


def _told(
    one: Shown, versions: _Versions, lead: Lead, sender: Sender, sequence: str, office: Office
) -> Shown:
    """Give a step with what it is called and what it says."""
    possible, number = versions.possible, one.number - 1
    step = possible[0][number]
    text, fault = step.body, ""
    if step.kind == StepKind.EMAIL:
        text, fault = _written(step, lead, sender, sequence, office)
    titles = dict.fromkeys(title(steps, number, lead, sequence) for steps in possible)
    subject = one.subject or listed(titles, "or")
    return replace(one, subject=subject, text=text, fault=fault, variant=versions.told(step))


def _walk(specs: tuple[WrittenStep, ...], plan: Plan, start: _Start, now: datetime) -> Iterator[Shown]:
    """Give the steps with their dates by the engine's rules: the way if no condition comes true, then what only one leads to."""
    calendar, starts, seen = plan.calendar, [start], set[int]()
    for begin in starts:  # which grows
        position: int | None = begin.position
        after, due = begin.after, begin.due
        while position is not None and position < len(specs) and position not in seen:
            seen.add(position)
            step = specs[position]
            due = due or due_after(after, plan.steps[position].delay, calendar)
            at = send_at(max(due, now), calendar)
            shown = Shown(position + 1, step.kind, at, "", only_if=begin.only_if)
            shown = replace(shown, effect=_effect(max(due, now), at, calendar))
            match step:
                case ConditionStep():
                    # From the planned date on, as lifecycle has it, whenever the window lets it be reached.
                    until = due_after(due, step.within, calendar)
                    if begin.waits_until and position == begin.position:
                        until, shown = begin.waits_until, replace(shown, at=now, effect="")
                    ways = [say_way(specs, position, word) for word in (step.then, step.otherwise)]
                    shown = replace(shown, branches=tuple(ways), until=max(until, shown.at))
                    if (then := target(specs, position, step.then)) is not None:
                        starts.append(_Start(until, then, only_if=position + 1))
                    after, position = until, target(specs, position, step.otherwise)
                case StopStep() | JumpStep():
                    shown = replace(shown, goes_to=step.to if isinstance(step, JumpStep) else "")
                    position = None
                case _:
                    after, position = at, position + 1
            if isinstance(step, ConditionStep | StopStep | JumpStep):
                shown = replace(shown, subject=step.title)
            yield shown
            due = None


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
        f"{capital(label(step_id))}: {shorten(note, NOTE_CHARS, placeholder=' …')}"
        for step_id, body in bodies
        for note in _notes(body)
    )


def _notes(body: str) -> tuple[str, ...]:
    try:
        return compiled(FOLLOWING, body).notes
    except Refused:
        return ()
