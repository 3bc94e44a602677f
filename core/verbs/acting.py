"""One act on enrollments, and what the answer says of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from core import bulk
from core.acts import Change, Changed, Loaded, apply, open_batch
from core.answers import Answer, Choice
from core.dates import say
from core.errors import Refused
from core.lifecycle import Enrollment, Event, Plan, Source, Status
from core.models import Lead, SequenceStatus
from core.people import Actor
from core.permissions import NotYours
from core.verbs.handovers import Begun, begun
from core.verbs.outcome import Outcome
from core.views.forecast import hold_ends_at, next_at
from core.views.titles import title_of
from core.words import counted, listed, remains

LINES_FOR_MANY = 10


@dataclass(frozen=True)
class Performed:
    """What an act changed, whom it could not change, and what had begun to leave.

    `in_bulk`: the lead of each enrollment that was changed as one of very many, and is only counted.
    """

    changes: tuple[Change, ...]
    refusals: tuple[str, ...]
    batch_id: int
    begun: tuple[Begun, ...]
    in_bulk: Mapping[int, int] = field(default_factory=dict)


def perform(
    session: Session,
    enrollment_ids: Iterable[int],
    event: Callable[[Loaded], Event],
    *,
    verb: str,
    actor: Actor,
    now: datetime,
    reason: str = "",
    batch_id: int | None = None,
) -> Performed:
    """Do it in one batch; raises Refused, so that nothing is kept, when not one enrollment could be changed."""
    ids = list(enrollment_ids)
    batch_id = batch_id or open_batch(session, verb, actor=actor, now=now)
    changed = apply(session, ids, event, verb=verb, actor=actor, now=now, reason=reason, batch_id=batch_id)
    return _performed(session, changed, batch_id, {})


def perform_alike(
    session: Session,
    enrollment_ids: Iterable[int],
    event: Callable[[Plan], Event],
    *,
    verb: str,
    actor: Actor,
    now: datetime,
    reason: str = "",
    batch_id: int | None = None,
) -> Performed:
    """Do the same with an event that depends on the plan alone: very many rows then take a few statements."""
    ids = list(enrollment_ids)
    batch_id = batch_id or open_batch(session, verb, actor=actor, now=now)
    if len(ids) >= bulk.MANY:
        acted = bulk.apply_alike(session, ids, event, bulk.Act(verb, actor, now, reason, batch_id))
        return _performed(session, acted.others, batch_id, acted.lead_ids)
    of_row = lambda row: event(row.sequence.plan(row.zone))  # noqa: E731
    return perform(session, ids, of_row, verb=verb, actor=actor, now=now, reason=reason, batch_id=batch_id)


def _performed(session: Session, changed: Changed, batch_id: int, in_bulk: Mapping[int, int]) -> Performed:
    if not changed.changes and not in_bulk:
        error = NotYours if changed.are_theirs else Refused
        raise error(" ".join(dict.fromkeys(changed.refusals)) or "There is nothing to change.")
    touched = [*in_bulk, *(change.row.id for change in changed.changes)]
    return Performed(changed.changes, changed.refusals, batch_id, begun(session, touched), in_bulk)


def answered(
    session: Session,
    performed: Performed,
    done: str,
    says: Callable[[Change, Lead], Sequence[str]],
    *,
    suffix: str = "",
    notes: Sequence[str] = (),
    choices: tuple[Choice, ...] = (),
) -> Outcome:
    """Give the answer: in full for one lead, with one line each for a few, with numbers for many.

    `done` and `suffix` make the title: "Paused" … "until Tuesday 15 June 2027".
    """
    changes = performed.changes
    count = len(changes) + len(performed.in_bulk)
    wanted = {change.row.lead_id for change in changes[: 2 * LINES_FOR_MANY]}
    leads = {lead.id: lead for lead in session.exec(select(Lead).where(col(Lead.id).in_(wanted)))}
    lead_ids = list(dict.fromkeys(change.row.lead_id for change in changes))
    lines: list[str] = []
    if performed.in_bulk:
        lead_ids = list({*lead_ids, *performed.in_bulk.values()})
    elif len(changes) == 1:
        lines = list(says(changes[0], leads[lead_ids[0]]))
    elif len(changes) <= 2 * LINES_FOR_MANY and len(lead_ids) <= LINES_FOR_MANY:
        for change in changes:
            lines.append(
                f"{change.before.label}: {' '.join(says(change, leads[change.row.lead_id])) or 'done.'}"
            )
    lines += [*_some(performed.refusals), *notes]
    if len(lead_ids) == 1 and not performed.in_bulk:
        sequences = listed(sorted({change.row.sequence.name for change in changes}))
        what = f"{leads[lead_ids[0]].email} in {sequences}"
    else:
        what = f"{counted(len(lead_ids), 'lead')} ({counted(count, 'enrollment')})"
    title_ = f"{done} {what}{' ' + suffix if suffix else ''}."
    cards = tuple(lead_ids) if len(lead_ids) == 1 else ()
    answer = Answer(title_, tuple(lines), choices, card_leads=cards, batch_id=performed.batch_id)
    return Outcome(answer, performed.begun)


def _some(refusals: Sequence[str]) -> list[str]:
    unique = list(dict.fromkeys(refusals))
    more = len(unique) - LINES_FOR_MANY
    return [*unique[:LINES_FOR_MANY], *([f"{more:,} more could not be changed."] if more > 0 else [])]


def says_next(change: Change, lead: Lead, *, zone: str, now: datetime) -> str:
    """Give the sentence about the next step: what it is and when it leaves."""
    return next_step(change.row, change.after, lead, zone=zone, now=now)


# Where the countdown runs on, but nothing leaves.
_IF = {
    SequenceStatus.PAUSED.value: ", if {} is resumed by then",
    SequenceStatus.ARCHIVED.value: ", if {} is restored and resumed by then",
}


def next_step(row: Loaded, state: Enrollment, lead: Lead, *, zone: str, now: datetime) -> str:
    """Give "Next: step 2 “Subject” on …"; what is known when no date is."""
    steps = row.sequence.steps
    if state.status is Status.COMPLETED or state.position >= len(steps):
        return "No step is left."
    name = f"step {state.position + 1} “{title_of(row, state.position, lead)}”"
    if state.status is Status.IN_PROGRESS and state.awaits_since and state.due_at:
        return f"Now: {name}, until {say(state.due_at, zone)}."
    if state.status is Status.IN_PROGRESS:
        return f"Now: {name} is {'waiting for its person' if state.has_open_task else 'being handed over'}."
    plan = row.sequence.plan(row.zone)
    moment = next_at(state, plan, now=now)
    if moment is not None:
        return f"Next: {name} on {say(moment, zone)}{_IF.get(row.sequence.status, '').format(row.sequence.name)}."
    if state.status is Status.PAUSED:
        return _paused(state, name, zone)
    return f"Next would have been {name}."


def _paused(state: Enrollment, name: str, zone: str) -> str:
    """Give the sentence about the step of a held lead that no date can be given for."""
    if state.is_sending:
        return f"Now: {name} is being handed over."
    ends_at = hold_ends_at(state)
    when = f"on {say(ends_at, zone)}" if ends_at else "only after somebody resumes"
    if state.awaits_since:
        return f"Next: {name}, a wait that goes on again {when}."
    if state.has_open_task:
        return f"Next: {name}, {'back' if ends_at else 'done'} {when}."
    if any(hold.source is Source.NEW_STEP for hold in state.holds):
        return f"Next: {name}, new and not scheduled: sent only once somebody chooses."
    return f"Next: {name}, sent {when}."


def is_leaving(change: Change) -> bool:
    """Say whether a step was past the point of no return when the act came."""
    return change.before.is_leaving


def says_frozen(state: Enrollment) -> str:
    """Give what of the countdown is kept."""
    if state.has_open_task:
        until = "then" if hold_ends_at(state) else "somebody resumes"
        return f"The task of step {state.position + 1} is hidden until {until}."
    if state.remaining is None:
        return ""
    if state.awaits_since:
        return f"{remains(state.remaining)} of the wait at step {state.position + 1}, frozen."
    if state.remaining < timedelta(minutes=1):
        return f"The delay before step {state.position + 1} was over; the step waits."
    return f"{remains(state.remaining)} of the delay before step {state.position + 1}, frozen."


def says_wake(state: Enrollment, *, zone: str) -> str:
    """Give when the last hold ends by itself; "" where a person must resume and no hold says otherwise."""
    ends_at, ends = hold_ends_at(state), {hold.until for hold in state.holds}
    if ends_at is None:
        return "It does not wake then, since another hold has no end." if len(ends) > 1 else ""
    last = ", when the last of its holds ends" if len(ends) > 1 else ""
    return f"It wakes on {say(ends_at, zone)}{last}."
