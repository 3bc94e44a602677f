"""Why nothing leaves for a lead right now: every reason at once, the strongest first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from sqlmodel import Session, col, select

from core.acts import Loaded
from core.dates import say
from core.goals import ACTOR
from core.lifecycle import LIVE, Hold, Policy, Source, Status
from core.mailboxes import cap_on, day_of, free_at, handed_on, is_read, unread_before
from core.missing import as_it_is
from core.models import (
    WORKSPACE_ID,
    Delivery,
    DeliveryState,
    Enrollment,
    Journal,
    Lead,
    Mailbox,
    Sequence,
    SequenceStatus,
    Suppression,
    Workspace,
)
from core.names import names
from core.schedule import closed_because, send_at
from core.sequence_file.graph import say_way
from core.sequence_file.spec import ConditionStep
from core.views.forecast import hold_ends_at
from core.words import ended, span


class Kind(IntEnum):
    """What kind of reason it is, in the order of their strength."""

    ENDED = 0
    HOLD = 1
    HALTED = 2
    SEQUENCE = 3
    SUPPRESSED = 4
    MAILBOX = 5
    DELIVERY = 6
    TASK = 7
    UNDER_WAY = 8
    CLOSED = 9
    CAP = 10
    NOT_DUE = 11


@dataclass(frozen=True)
class Reason:
    """One reason, as one plain sentence."""

    kind: Kind
    text: str


def reasons(session: Session, row: Loaded, *, now: datetime, zone: str) -> list[Reason]:
    """Give every reason why nothing leaves for this enrollment now; instants are said in `zone`."""
    workspace = session.get(Workspace, WORKSPACE_ID)
    lead = session.get_one(Lead, row.lead_id)
    mailbox = session.get(Mailbox, row.mailbox_id) if row.mailbox_id else None
    is_live = row.state.status in LIVE
    found = [
        *_ended(session, row, lead, zone),
        *_holds(session, row, zone),
        *(_halted(session, workspace, zone) if workspace else ()),
        *_sequence(session, row, zone),
        *_suppressed(session, lead, zone),
        *(_mailbox(mailbox, zone) if is_live else ()),
        *(
            _unread(mailbox, workspace, now, zone)
            if mailbox and workspace and is_live and row.state.has_started
            else ()
        ),
        *_awaited(row, zone),
        *_deliveries(session, row, zone),
        *(_closed(row, now, zone) if is_live else ()),
        *(_cap(session, mailbox, now, zone) if is_live and mailbox else ()),
        *_not_due(row, now, zone),
    ]
    return sorted(found, key=lambda reason: reason.kind)


def pressing(found: list[Reason], row: Loaded, *, now: datetime) -> tuple[str, ...]:
    """Give those that a card shows: window and cap only once the step is due."""
    is_due = row.state.due_at is not None and row.state.due_at <= now and row.state.status is Status.PENDING
    return tuple(
        reason.text for reason in found if is_due or reason.kind not in {Kind.CLOSED, Kind.CAP, Kind.NOT_DUE}
    )


def _ended(session: Session, row: Loaded, lead: Lead, zone: str) -> Iterator[Reason]:
    status = row.state.status
    if status not in {Status.STOPPED, Status.COMPLETED, Status.SKIPPED}:
        return
    line = session.exec(
        select(Journal)
        .where(Journal.enrollment_id == row.id, Journal.became == status.value, Journal.was != status.value)
        .order_by(col(Journal.id).desc())
    ).first()
    when = f" on {say(line.at, zone)}" if line else ""
    if status is Status.COMPLETED:
        yield Reason(Kind.ENDED, f"It has completed {row.sequence.name}{when}.")
        return
    who = f" by {names(session, [line.actor])[line.actor]}" if line else ""
    because = session.get_one(Enrollment, row.id).end_reason if status is Status.STOPPED else None
    is_goal = line is not None and line.actor.startswith(ACTOR)  # its reason is its own name
    why = f": {because}" if because and because != status and not is_goal else ""
    fix = "; `unskip` lets it start" if status is Status.SKIPPED else "; `start` would begin a new run"
    if session.get(Suppression, lead.email):
        fix = ""  # it would be refused, and the next reason says why
    yield Reason(Kind.ENDED, f"It was {status.value}{who}{when}{why}{fix}.")


_HELD = {
    Source.PERSON: "Paused by {author} since {since}",
    Source.REPLY: "Paused by a reply since {since}",
    Source.OUT_OF_OFFICE: "Paused because the lead is out of office, since {since}",
    Source.MEETING: "Paused by a booked meeting since {since}",
    Source.CLICK: "Paused by a click since {since}",
    Source.BOUNCE: "Paused by a bounce since {since}",
    Source.BACKLOG: "Held since {since}",
    Source.FAILED: "Step {step} failed on {since}",
    Source.UNCERTAIN: "Step {step} may or may not have left on {since}",
    Source.NEW_STEP: "Paused since {since}",
    Source.MISSING_VALUE: "Step {step} cannot be written for this lead since {since}",
    Source.AWAY: "Paused since {since}",
}
_WAY_OUT = {
    Source.FAILED: "`resume` tries it again, `cancel step` leaves it out",
    Source.UNCERTAIN: "say on its card what became of it",
    Source.BACKLOG: "say “Spread”, “Shift all” or “Drop” on its card",
}


POLICY_WORDS = {
    Policy.FREEZE: "the countdown goes on where it stood",
    Policy.KEEP: "the date first planned stands",
    Policy.AT: "the next step leaves as soon as the window allows",
}


def hold_words(hold: Hold, author: str, position: int, zone: str) -> str:
    """Give a hold as one sentence: who or what, since when, until when, why."""
    start = _HELD[hold.source].format(author=author, since=say(hold.placed_at, zone), step=position + 1)
    until = f" until {say(hold.until, zone)}" if hold.until else ""
    until += f", then {POLICY_WORDS[hold.policy]}" if hold.until and hold.policy else ""
    because = f": {hold.reason.rstrip('.')}" if hold.reason else ""
    way_out = f"; {_WAY_OUT[hold.source]}" if hold.source in _WAY_OUT else ""
    return ended(f"{start}{until}{because}{way_out}")


def _holds(session: Session, row: Loaded, zone: str) -> Iterator[Reason]:
    called = names(session, [hold.author for hold in row.state.holds])
    lead = session.get_one(Lead, row.lead_id)
    # A person's hold outlives every automatic one, so it stands first; then the one that ends last.
    for hold in sorted(
        (as_it_is(hold, row, lead) for hold in row.state.holds),
        key=lambda h: (h.source is not Source.PERSON, h.until is not None, h.placed_at),
    ):
        yield Reason(Kind.HOLD, hold_words(hold, called[hold.author], row.state.position, zone))
    if len({hold.until for hold in row.state.holds}) > 1:
        yield Reason(Kind.HOLD, _last_words(hold_ends_at(row.state), zone))


def _last_words(ends_at: datetime | None, zone: str) -> str:
    """Say which of several holds decides when it goes on."""
    if ends_at is None:
        return "One of these holds has no end, so it goes on only after somebody resumes."
    return f"It goes on once the last of these holds ends, on {say(ends_at, zone)}."


def halted_words(session: Session, workspace: Workspace, zone: str) -> str | None:
    """Give who halted all sending, when and why; None when nobody did."""
    if workspace.halted_at is None:
        return None
    who = names(session, [workspace.halted_by]).get(workspace.halted_by or "", "somebody")
    because = f": {workspace.halted_because}" if workspace.halted_because else ""
    return (
        f"All sending was halted by {who} on {say(workspace.halted_at, zone)}{because}; `unhalt` ends that."
    )


def halt(session: Session, zone: str) -> str | None:
    """Give the same of this workspace, in the zone of whoever reads it."""
    return halted_words(session, session.get_one(Workspace, WORKSPACE_ID), zone)


def _halted(session: Session, workspace: Workspace, zone: str) -> Iterator[Reason]:
    if words := halted_words(session, workspace, zone):
        yield Reason(Kind.HALTED, words)


def _sequence(session: Session, row: Loaded, zone: str) -> Iterator[Reason]:
    if row.sequence.status == SequenceStatus.PUBLISHED:
        return
    name = row.sequence.name
    if row.sequence.status == SequenceStatus.DRAFT:
        yield Reason(
            Kind.SEQUENCE, f"The sequence {name} is a draft; `publish sequence {name}` lets it send."
        )
        return
    sequence = session.get_one(Sequence, row.sequence.id)
    who = names(session, [sequence.changed_by]).get(sequence.changed_by, "somebody")
    way = "restore" if row.sequence.status == SequenceStatus.ARCHIVED else "resume"
    yield Reason(
        Kind.SEQUENCE,
        f"The sequence {name} was {row.sequence.status} by {who} on {say(sequence.changed_at, zone)}; "
        f"`{way} sequence {name}` brings it back.",
    )


def suppressed_words(session: Session, lead: Lead, zone: str) -> str | None:
    """Give why the address gets no mail at all; None when it is not suppressed."""
    found = session.get(Suppression, lead.email)
    if found is None:
        return None
    who = names(session, [found.author])[found.author]
    return f"{lead.email} is suppressed ({found.reason}) by {who} since {say(found.at, zone)}: it gets no mail at all."


def _suppressed(session: Session, lead: Lead, zone: str) -> Iterator[Reason]:
    if words := suppressed_words(session, lead, zone):
        yield Reason(Kind.SUPPRESSED, words)


def _mailbox(mailbox: Mailbox | None, zone: str) -> Iterator[Reason]:
    if mailbox is None:
        yield Reason(Kind.MAILBOX, "No mailbox is assigned; add one with `fermata mailbox add`.")
    elif mailbox.guarded_at:
        yield Reason(
            Kind.MAILBOX,
            f"The mailbox {mailbox.address} is held since {say(mailbox.guarded_at, zone)}: {mailbox.guarded_because}; "
            "a person releases it on its card.",
        )
    elif mailbox.down_at:
        retry = f"; it is tried again on {say(mailbox.retry_at, zone)}" if mailbox.retry_at else ""
        because = f": {mailbox.down_because.rstrip('.')}" if mailbox.down_because else ""
        yield Reason(
            Kind.MAILBOX,
            f"The mailbox {mailbox.address} is disconnected since {say(mailbox.down_at, zone)}{because}{retry}.",
        )
    elif mailbox.retry_at:
        yield Reason(
            Kind.MAILBOX,
            f"The mailbox {mailbox.address} could not be reached; next try {say(mailbox.retry_at, zone)}.",
        )


def _unread(mailbox: Mailbox, workspace: Workspace, now: datetime, zone: str) -> Iterator[Reason]:
    """Say that the reply barrier holds follow-ups back."""
    if is_read(mailbox, unread_before(workspace.read_within_seconds, now)):
        return
    since = f" since {say(mailbox.read_at, zone)}" if mailbox.read_at else " yet"
    because = f": {mailbox.unread_because.rstrip('.')}" if mailbox.unread_because else ""
    yield Reason(
        Kind.MAILBOX,
        f"The mailbox {mailbox.address} was not read{since}{because}; no follow-up leaves it before it is, "
        "since an answer could lie there.",
    )


def _awaited(row: Loaded, zone: str) -> Iterator[Reason]:
    """Say what is waited for, until when, and where either answer leads."""
    steps, position = row.sequence.spec.steps, row.state.position
    step = steps[position] if position < len(steps) else None
    if row.state.awaits_since is None or row.state.due_at is None or not isinstance(step, ConditionStep):
        return
    if row.state.status is Status.PAUSED:
        left = f", with {span(row.state.remaining)} left" if row.state.remaining else ""
        until = f"; that wait is frozen while it is paused{left}"
    else:
        until = f" until {say(row.state.due_at, zone)}"
    ways = (say_way(steps, position, word) for word in (step.then, step.otherwise))
    yield Reason(
        Kind.TASK,
        f"Step {position + 1} waits for {step.when.words}{until}; "
        "with it {} comes next, without it {}.".format(*ways),
    )


def _deliveries(session: Session, row: Loaded, zone: str) -> Iterator[Reason]:
    """Say what stands open of the deliveries; what a hold says already is left to its sentence."""
    numbers = {step.id: number + 1 for number, step in enumerate(row.sequence.steps)}
    query = select(Delivery).where(Delivery.enrollment_id == row.id, col(Delivery.state).in_(_OPEN))
    for delivery in session.exec(query.order_by(col(Delivery.id))):
        number = numbers.get(delivery.step_id)
        step = f"Step {number}" if number else "A step that was removed" if delivery.step_id else "The answer"
        if reason := _delivery(delivery, row, step, zone):
            yield reason


_OPEN = [
    state.value
    for state in (
        DeliveryState.READY, DeliveryState.SENDING, DeliveryState.UNCERTAIN, DeliveryState.FAILED, DeliveryState.OPEN,
    )
]  # fmt: skip


def _delivery(delivery: Delivery, row: Loaded, step: str, zone: str) -> Reason | None:
    at = say(delivery.sending_at or delivery.created_at, zone)
    because = delivery.reason or ""
    held = {hold.source for hold in row.state.holds}
    match delivery.state:
        case DeliveryState.READY if because and row.state.status is Status.PENDING:
            return Reason(Kind.DELIVERY, ended(f"{step} could not be handed over on {at}, {because}"))
        case DeliveryState.SENDING:
            return Reason(Kind.UNDER_WAY, f"{step} is being handed over right now, since {at}.")
        case DeliveryState.UNCERTAIN if delivery.is_open_question and Source.UNCERTAIN not in held:
            return Reason(
                Kind.DELIVERY, f"{step} may or may not have left on {at}; say on its card what became of it."
            )
        case DeliveryState.FAILED if Source.FAILED not in held and row.state.status is Status.STOPPED:
            return Reason(Kind.DELIVERY, ended(f"{step} failed on {at}: {because}"))
        case DeliveryState.OPEN:
            hidden = " (hidden while it is paused)" if row.state.status is Status.PAUSED else ""
            later = f", put off until {say(delivery.snoozed_until, zone)}" if delivery.snoozed_until else ""
            return Reason(
                Kind.TASK,
                f"{step} is a task that waits for its person since {at}{hidden}{later}: {delivery.subject}.",
            )
    return None


def _closed(row: Loaded, now: datetime, zone: str) -> Iterator[Reason]:
    calendar = row.sequence.plan(row.zone).calendar
    closed = closed_because(now, calendar)
    if closed is None:
        return
    kind, _, what = closed.partition(": ")
    opens = say(send_at(now, calendar), zone)
    if kind == "holiday":
        yield Reason(
            Kind.CLOSED,
            f"Today is a public holiday ({what}) in {calendar.zone}; the window opens on {opens}.",
        )
    else:
        day = f" ({what})" if what else ""
        yield Reason(
            Kind.CLOSED, f"It is outside the sending window{day} in {calendar.zone}; it opens on {opens}."
        )


def _cap(session: Session, mailbox: Mailbox, now: datetime, zone: str) -> Iterator[Reason]:
    free = free_at(session, mailbox, now)
    if free <= now:
        return
    day = day_of(mailbox, now)
    cap, handed = cap_on(mailbox, day), handed_on(session, mailbox, day)
    if mailbox.cap_per_day == 0:
        yield Reason(
            Kind.CAP,
            f"The mailbox {mailbox.address} has a cap of 0 a day: it sends nothing until that is raised.",
        )
    elif handed >= cap:
        yield Reason(
            Kind.CAP,
            f"The mailbox {mailbox.address} has reached its cap of {cap} a day; it is free on {say(free, zone)}.",
        )
    else:
        gap = f"{mailbox.min_gap_seconds:g} seconds"
        yield Reason(
            Kind.CAP, f"The mailbox {mailbox.address} keeps a gap of {gap}; it is free on {say(free, zone)}."
        )


def _not_due(row: Loaded, now: datetime, zone: str) -> Iterator[Reason]:
    if row.state.status is not Status.PENDING or row.state.due_at is None:
        return
    calendar = row.sequence.plan(row.zone).calendar
    moment = send_at(max(row.state.due_at, now), calendar)
    if moment > now:
        yield Reason(
            Kind.NOT_DUE,
            f"Step {row.state.position + 1} is planned: nothing is due before {say(moment, zone)}.",
        )
