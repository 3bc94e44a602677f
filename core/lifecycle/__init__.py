"""What may happen to a lead in a sequence: the one place that changes an enrollment's status.

`decide(enrollment, event, now=…, plan=…)` gives the new enrollment and the effects on its deliveries. It is pure:
no clock, no session, no chance. What is not allowed raises Refused with a sentence fit for Slack.

    skipped ⇄ pending ⇄ in_progress → pending … → completed
                 ⇅          ⇅
                    paused                    anything but completed → stopped

In progress is a step that is being handed over, a task that is open, or a condition that is awaited: `Awaited` begins
that wait, `Branched` ends it at a later step. A step that ends the run, or leads to another sequence, is `Finished`.
An enrollment is paused while at least one hold is open (DESIGN §2).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from core.errors import Refused
from core.lifecycle.events import (
    Awaited,
    Began,
    Branched,
    CancelStep,
    Done,
    Effect,
    Event,
    Failed,
    Finished,
    HoldsEnded,
    NeverLeft,
    Pause,
    ResendStep,
    Restore,
    Resume,
    Settle,
    Skip,
    Snoozed,
    Start,
    StepsChanged,
    Stop,
    Uncertain,
    Unskip,
)
from core.lifecycle.words import (
    LIVE,
    RUNNING,
    Enrollment,
    Hold,
    Plan,
    PlannedStep,
    Policy,
    Source,
    Status,
    StepKind,
    Verdict,
)
from core.schedule import due_after, send_at

PAUSED_LIKE_THIS = "is already paused like this; nothing was changed."

__all__ = [
    "LIVE",
    "PAUSED_LIKE_THIS",
    "RUNNING",
    "Awaited",
    "Began",
    "Branched",
    "CancelStep",
    "Done",
    "Effect",
    "Enrollment",
    "Event",
    "Failed",
    "Finished",
    "Hold",
    "HoldsEnded",
    "NeverLeft",
    "Pause",
    "Plan",
    "PlannedStep",
    "Policy",
    "ResendStep",
    "Restore",
    "Resume",
    "Settle",
    "Skip",
    "Snoozed",
    "Source",
    "Start",
    "Status",
    "StepKind",
    "StepsChanged",
    "Stop",
    "Uncertain",
    "Unskip",
    "Verdict",
    "begin",
    "decide",
    "due_on_waking",
]

NOTHING = timedelta(0)
Decision = tuple[Enrollment, tuple[Effect, ...]]


def begin(label: str, *, now: datetime, plan: Plan) -> Enrollment:
    """Give a fresh enrollment before its first step; raises Refused for a sequence without steps."""
    if not plan.steps:
        msg = "This sequence has no steps yet. Add one, then start it."
        raise Refused(msg)
    due = due_after(now, plan.steps[0].delay, plan.calendar)
    return Enrollment(label=label, status=Status.PENDING, due_at=due)


def decide(enrollment: Enrollment, event: Event, *, now: datetime, plan: Plan) -> Decision:
    """Give what the enrollment becomes and what that does to its deliveries; raises Refused."""
    match event:
        case Start():
            return _start(enrollment)
        case Pause():
            return _pause(enrollment, event, now)
        case Resume():
            return _resume(enrollment, event, now, plan)
        case HoldsEnded():
            return _holds_ended(enrollment, event, now, plan)
        case Skip():
            return _skip(enrollment)
        case Unskip():
            return _unskip(enrollment, now)
        case Stop():
            return _stop(enrollment)
        case CancelStep():
            return _cancel_step(enrollment, now, plan)
        case ResendStep():
            return _resend_step(enrollment, event, now)
        case Snoozed():
            return _snoozed(enrollment), ()
        case Settle():
            return _settle(enrollment, event, now, plan)
        case Restore():
            return _restore(enrollment, event, plan)
        case StepsChanged():
            effects = () if event.keeps_step else (Effect.DROP,)
            return _steps_changed(enrollment, event, now, plan), effects
        case Began():
            return _began(enrollment, event)
        case Awaited():
            return _awaited(enrollment, event, now, plan), ()
        case Branched():
            return _branched(enrollment, event, plan), ()
        case Finished():
            return _finished(enrollment, plan), ()
        case Done():
            return _done(enrollment, event.at, plan), ()
        case NeverLeft():
            return _never_left(enrollment, event, now)
        case Failed():
            return _held_by_sender(enrollment, Source.FAILED, event.reason, now)
        case Uncertain():
            return _held_by_sender(enrollment, Source.UNCERTAIN, event.reason, now)


def _start(e: Enrollment) -> Decision:
    match e.status:
        case Status.STOPPED | Status.COMPLETED:
            return e, (Effect.BEGIN_RUN,)
        case Status.SKIPPED:
            raise Refused(f"{e.label} is skipped. Use `unskip` to let it start.")
        case Status.PAUSED:
            raise Refused(
                f"{e.label} is paused at step {e.position + 1}. Use `resume` to go on, or `restart` to begin anew."
            )
        case _:
            raise Refused(
                f"{e.label} is already running, at step {e.position + 1}; nothing was changed. Use `restart` to begin anew."
            )


def _pause(e: Enrollment, event: Pause, now: datetime) -> Decision:
    hold = event.hold
    if e.status not in RUNNING and e.status is not Status.PAUSED:
        raise Refused(_NOT_PAUSABLE[e.status].format(label=e.label))
    if (
        not e.has_started
        and not event.is_wide
        and hold.source is Source.PERSON
        and e.status is Status.PENDING  # a first step that is under way, or a task that is open, has begun it
    ):
        raise Refused(
            f"{e.label} has not started yet, so there is nothing to pause. Use `skip` if it should never start."
        )
    ended = [other for other in e.holds if other.id in event.replaces]
    if any(_same(hold, other) for other in e.holds if other not in ended):
        raise Refused(f"{e.label} {PAUSED_LIKE_THIS}")
    # A person who pauses again changes the date of their own hold; the holds of others stay.
    ended += [other for other in e.holds if other not in ended and _by_same_person(hold, other)]
    # Moving an end makes no pause younger: the new hold lasts since the first of those in whose place it is. Nor does it
    # take back what the person said was the reason.
    own = next((other.reason for other in ended if _by_same_person(hold, other)), "")
    hold = replace(hold, placed_at=min(one.placed_at for one in (hold, *ended)), reason=hold.reason or own)
    e = replace(e, holds=tuple(other for other in e.holds if other not in ended))
    return _held(e, hold, now), (Effect.WITHDRAW,)


_NOT_PAUSABLE = {
    Status.SKIPPED: "{label} is skipped and sends nothing. Use `unskip` to let it start.",
    Status.STOPPED: "{label} is stopped and sends nothing. Use `start` for a new run.",
    Status.COMPLETED: "{label} has completed the sequence, so there is nothing left to pause.",
}


def _same(hold: Hold, other: Hold) -> bool:
    if hold.source is Source.PERSON and hold.reason not in {"", other.reason}:
        return False
    return (hold.source, hold.author, hold.until, hold.policy) == (
        other.source, other.author, other.until, other.policy
    )  # fmt: skip


def _held(e: Enrollment, hold: Hold, now: datetime) -> Enrollment:
    holds = (*e.holds, hold)
    if e.status is Status.PAUSED:
        return replace(e, holds=holds)
    remaining = None if e.due_at is None else max(e.due_at - now, NOTHING)
    return replace(e, status=Status.PAUSED, remaining=remaining, holds=holds)


def _by_same_person(hold: Hold, other: Hold) -> bool:
    return hold.source is other.source is Source.PERSON and other.author == hold.author


def _resume(e: Enrollment, event: Resume, now: datetime, plan: Plan) -> Decision:
    if e.status is not Status.PAUSED:
        raise Refused(_NOT_RESUMABLE[e.status].format(label=e.label))
    released = tuple(hold for hold in e.holds if event.batch_id in (None, hold.batch_id))
    if not released:
        raise Refused(f"{e.label} has no hold of that batch any more; nothing was changed.")
    if any(hold.source is Source.UNCERTAIN for hold in released):
        raise Refused(
            f"Step {e.position + 1} of {e.label} may or may not have left. "
            "First say on its card: “It left”, “Send again” or “Drop it”."
        )
    return _without(e, released, (event.policy or plan.resume,), event.at, now), ()


_NOT_RESUMABLE = {
    Status.PENDING: "{label} is not paused; nothing was changed.",
    Status.IN_PROGRESS: "{label} is not paused; nothing was changed.",
    Status.SKIPPED: "{label} is skipped, not paused. Use `unskip` to let it start.",
    Status.STOPPED: "{label} was stopped for good and cannot be resumed. Use `start` for a new run from step 1.",
    Status.COMPLETED: "{label} has completed the sequence; there is nothing to resume.",
}


def _without(
    e: Enrollment,
    released: tuple[Hold, ...],
    policies: tuple[Policy, ...],
    at: datetime | None,
    now: datetime,
) -> Enrollment:
    """Give the enrollment without these holds; awake once none is left, by the policy that sends latest."""
    holds = tuple(hold for hold in e.holds if hold not in released)
    if holds:
        return replace(e, holds=holds)
    dues = [due_on_waking(e.due_at, e.remaining, policy, at, now) for policy in policies]
    due = max((due for due in dues if due), default=None)
    is_under_way = e.has_open_task or e.is_sending or e.awaits_since is not None
    status = Status.IN_PROGRESS if is_under_way else Status.PENDING
    # A failed step is tried anew under a new attempt: its old delivery keeps the record of the failure.
    failed = any(hold.source is Source.FAILED for hold in released)
    return replace(e, status=status, holds=(), remaining=None, due_at=due, attempt=e.attempt + failed)


def due_on_waking(
    due_at: datetime | None, remaining: timedelta | None, policy: Policy, at: datetime | None, now: datetime
) -> datetime | None:
    """Give the end of a countdown that goes on now, by the policy (DESIGN §2); None where none was running."""
    if due_at is None:
        return None
    match policy:
        case Policy.FREEZE:
            return now + (remaining or NOTHING)
        case Policy.KEEP:
            return max(due_at, now)
        case Policy.AT:
            return max(at or now, now)


def _holds_ended(e: Enrollment, event: HoldsEnded, now: datetime, plan: Plan) -> Decision:
    """Give the enrollment without the holds whose date came.

    Each may name how the countdown goes on. The one that ends last decides; of several that end in the same moment, the
    one that sends latest.
    """
    released = tuple(hold for hold in e.holds if hold.id in event.ids)
    if e.status is not Status.PAUSED or not released:
        return e, ()
    # The countdown goes on from the date that was promised, however late the release is noticed.
    last = max((hold.until for hold in released if hold.until), default=now)
    policies = tuple(hold.policy or plan.resume for hold in released if hold.until in (last, None))
    return _without(e, released, policies, None, min(now, last)), ()


def _skip(e: Enrollment) -> Decision:
    if e.status is Status.SKIPPED:
        raise Refused(f"{e.label} is already skipped; nothing was changed.")
    if e.status not in LIVE or e.has_started:
        raise Refused(f"{e.label} has already started. Use `pause` or `stop` instead.")
    if e.status is Status.IN_PROGRESS or e.is_sending:
        raise Refused(f"The first step of {e.label} is being handed over right now. Use `stop` instead.")
    return replace(e, status=Status.SKIPPED, holds=(), remaining=None), (Effect.WITHDRAW,)


def _unskip(e: Enrollment, now: datetime) -> Decision:
    if e.status is not Status.SKIPPED:
        raise Refused(f"{e.label} is not skipped; nothing was changed.")
    return replace(e, status=Status.PENDING, due_at=max(e.due_at or now, now)), ()


def _stop(e: Enrollment) -> Decision:
    if e.status is Status.STOPPED:
        raise Refused(f"{e.label} is already stopped; nothing was changed.")
    if e.status is Status.COMPLETED:
        raise Refused(f"{e.label} has completed the sequence; nothing more would be sent.")
    return _ended(e, Status.STOPPED), (Effect.DROP,)


def _ended(e: Enrollment, status: Status) -> Enrollment:
    return replace(
        e, status=status, due_at=None, remaining=None, has_open_task=False, holds=(), awaits_since=None
    )


def _cancel_step(e: Enrollment, now: datetime, plan: Plan) -> Decision:
    if e.status in {Status.STOPPED, Status.COMPLETED, Status.SKIPPED}:
        raise Refused(f"{e.label} is {e.status}, so there is no step to cancel.")
    if e.is_leaving:
        raise Refused(
            f"Step {e.position + 1} of {e.label} is being handed over right now; it cannot be cancelled any more."
        )
    if any(hold.source is Source.UNCERTAIN for hold in e.holds):
        raise Refused(f"Step {e.position + 1} of {e.label} may have left. First settle it on its card.")
    # The next step keeps its distance to the cancelled one's date, as if that had been done on time.
    # A condition that is awaited already ends now.
    at = send_at(e.due_at, plan.calendar) if e.due_at and e.awaits_since is None else now
    moved = _done(e, at, plan, has_started=e.has_started)
    return moved, (Effect.DROP, Effect.SKIP_STEP)


def _resend_step(e: Enrollment, event: ResendStep, now: datetime) -> Decision:
    if e.status not in {Status.PENDING, Status.COMPLETED}:
        raise Refused(
            f"{e.label} is {e.status.replace('_', ' ')}. A step is resent only while the sequence runs or is completed."
        )
    if e.position == 0:
        raise Refused(f"No step of {e.label} has been sent yet, so there is none to resend.")
    position = e.position - 1 if event.position is None else event.position
    back = replace(e, status=Status.PENDING, position=position, attempt=event.attempt, due_at=now)
    return back, (Effect.WITHDRAW,)


def _snoozed(e: Enrollment) -> Enrollment:
    if e.status is not Status.IN_PROGRESS or not e.has_open_task:
        raise Refused(f"{e.label} has no open task to put off; nothing was changed.")
    return e


def _settle(e: Enrollment, event: Settle, now: datetime, plan: Plan) -> Decision:
    held = tuple(hold for hold in e.holds if hold.source is Source.UNCERTAIN)
    if not held:  # stopped meanwhile: only the delivery's record is settled
        if event.verdict is Verdict.AGAIN:
            raise Refused(f"{e.label} is {e.status}, so nothing is sent again.")
        return e, ()
    holds = tuple(hold for hold in e.holds if hold not in held)
    if not event.is_current:
        if event.verdict is Verdict.AGAIN:
            raise Refused(f"{e.label} has moved on from that step, so it is not sent again.")
    elif event.verdict is Verdict.AGAIN:
        e = replace(e, attempt=e.attempt + 1, due_at=now, remaining=NOTHING)
    else:
        e = _done(e, event.at if event.verdict is Verdict.LEFT else now, plan)
    if holds or e.status is Status.COMPLETED:
        return replace(e, holds=holds if e.status is not Status.COMPLETED else ()), ()
    return replace(e, status=Status.PENDING, holds=(), remaining=None, due_at=max(e.due_at or now, now)), ()


def _restore(e: Enrollment, event: Restore, plan: Plan) -> Decision:
    if e.is_leaving:
        raise Refused(f"A step of {e.label} is being handed over right now, so this cannot be undone.")
    if event.before.status in LIVE and event.before.position >= len(plan.steps):
        raise Refused(f"The step that {e.label} stood at is no longer there, so this cannot be undone.")
    return _without_lost_wait(event.before, plan), (Effect.WITHDRAW,)


def _steps_changed(e: Enrollment, event: StepsChanged, now: datetime, plan: Plan) -> Enrollment:
    e = replace(e, position=event.position)
    if not event.keeps_step:
        e = _off_its_step(e, now, plan)
    e = _without_lost_wait(e, plan)
    if e.status is Status.COMPLETED and e.position < len(plan.steps):
        due = due_after(now, plan.steps[e.position].delay, plan.calendar)
        return replace(e, status=Status.PAUSED, due_at=due, remaining=due - now, holds=(event.hold,))
    if e.status in LIVE and e.position >= len(plan.steps):
        return _ended(e, Status.COMPLETED)
    return e


def _off_its_step(e: Enrollment, now: datetime, plan: Plan) -> Enrollment:
    """Give the enrollment whose step was taken away: what was being done of it counts no more, the date stays."""
    if e.awaits_since is None and (e.has_open_task or e.is_sending) and e.position < len(plan.steps):
        due = due_after(now, plan.steps[e.position].delay, plan.calendar)
        is_paused = e.status is Status.PAUSED
        e = replace(e, due_at=due, remaining=due - now if is_paused else None)
    status = Status.PENDING if e.status is Status.IN_PROGRESS and e.awaits_since is None else e.status
    return replace(e, status=status, attempt=0, has_open_task=False)


def _without_lost_wait(e: Enrollment, plan: Plan) -> Enrollment:
    """Give the enrollment that awaits nothing where it stands at no condition (any more): the end of the wait stands."""
    stands_at = plan.steps[e.position].kind if e.position < len(plan.steps) else None
    if e.awaits_since is None or stands_at is StepKind.CONDITION:
        return e
    status = Status.PENDING if e.status is Status.IN_PROGRESS else e.status
    return replace(e, status=status, awaits_since=None)


def _awaited(e: Enrollment, event: Awaited, now: datetime, plan: Plan) -> Enrollment:
    if e.status is not Status.PENDING:
        raise Refused(f"{e.label} is {e.status}, so it waits for no condition.")
    # From the planned date on, however late this is noticed.
    until = due_after(e.due_at or now, plan.steps[e.position].within, plan.calendar)
    return replace(
        e, status=Status.IN_PROGRESS, due_at=until, has_started=True, awaits_since=min(event.since, now)
    )


def _branched(e: Enrollment, event: Branched, plan: Plan) -> Enrollment:
    if e.status is not Status.IN_PROGRESS or e.awaits_since is None:
        raise Refused(f"{e.label} waits for no condition; nothing was changed.")
    return _done(e, event.at, plan, position=len(plan.steps) if event.position is None else event.position)


def _finished(e: Enrollment, plan: Plan) -> Enrollment:
    if e.status is not Status.PENDING:
        raise Refused(f"{e.label} is {e.status}; its end is not reached.")
    return _ended(replace(e, position=len(plan.steps), attempt=0), Status.COMPLETED)


def _began(e: Enrollment, event: Began) -> Decision:
    if e.status is not Status.PENDING:
        raise Refused(f"{e.label} is {e.status}; nothing may be handed over.")
    return replace(
        e, status=Status.IN_PROGRESS, has_open_task=event.is_task, is_sending=not event.is_task
    ), ()


def _done(
    e: Enrollment, at: datetime, plan: Plan, *, has_started: bool = True, position: int | None = None
) -> Enrollment:
    """Give the enrollment one step further, or at `position`, its next countdown starting at `at`; a hold keeps it frozen."""
    position = e.position + 1 if position is None else position
    e = replace(
        e, position=position, attempt=0, has_started=has_started, has_open_task=False, is_sending=False,
        awaits_since=None,
    )  # fmt: skip
    if e.status is Status.STOPPED:
        return e
    if e.position >= len(plan.steps):
        return _ended(e, Status.COMPLETED)
    due = due_after(at, plan.steps[e.position].delay, plan.calendar)
    if e.status is Status.PAUSED:
        return replace(e, due_at=due, remaining=due - at)
    return replace(e, status=Status.PENDING, due_at=due)


def _never_left(e: Enrollment, event: NeverLeft, now: datetime) -> Decision:
    e = replace(e, is_sending=False)
    match e.status:
        case Status.IN_PROGRESS if e.awaits_since is not None:  # it has moved on from that step
            return e, ()
        case Status.IN_PROGRESS | Status.PENDING:
            return replace(e, status=Status.PENDING, due_at=max(event.retry_at, now)), (Effect.WITHDRAW,)
        case Status.STOPPED:
            return e, (Effect.DROP,)
        case _:
            return e, (Effect.WITHDRAW,)


def _held_by_sender(e: Enrollment, source: Source, reason: str, now: datetime) -> Decision:
    e = replace(e, is_sending=False)
    if e.status in {Status.STOPPED, Status.COMPLETED}:
        return e, ()
    hold = Hold(source=source, reason=reason, author="system", placed_at=now)
    return _held(replace(e, has_started=True), hold, now), ()
