"""When the next mail of an enrollment would leave, as far as that is known. Pure; the rules are lifecycle's own."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from core.lifecycle import Enrollment, Hold, HoldsEnded, Pause, Plan, Policy, Resume, Status, decide
from core.schedule import send_at


def next_at(state: Enrollment, plan: Plan, *, now: datetime) -> datetime | None:
    """Give the instant at which the next step may leave; None while it waits for a person, or nothing comes."""
    if state.status is Status.PAUSED:
        ends_at = hold_ends_at(state)
        if ends_at is None:
            return None
        now = max(now, ends_at)
        state = awake(state, plan, now)
    if state.status is not Status.PENDING or state.due_at is None:
        return None
    return send_at(max(state.due_at, now), plan.calendar)


def hold_ends_at(state: Enrollment) -> datetime | None:
    """Give when the last hold ends by itself; None where one waits for a person."""
    ends = [hold.until for hold in state.holds]
    return max((end for end in ends if end), default=None) if all(ends) else None


def awake(state: Enrollment, plan: Plan, at: datetime) -> Enrollment:
    """Give what it becomes when all of its holds end by themselves at this moment."""
    holds = tuple(replace(hold, id=number) for number, hold in enumerate(state.holds))
    ended = HoldsEnded(frozenset(range(len(holds))))
    return decide(replace(state, holds=holds), ended, now=at, plan=plan)[0]


def if_paused(state: Enrollment, plan: Plan, hold: Hold, *, now: datetime) -> dict[Policy, datetime | None]:
    """Give when the next step would leave if this hold were placed now and ended by its date, for each policy.

    None: not by itself. Raises Refused where it cannot be placed.
    """
    own = (hold.source, hold.author)  # a person who pauses again changes the date of their own hold
    state = replace(state, holds=tuple(h for h in state.holds if (h.source, h.author) != own))
    return {
        policy: next_at(
            decide(state, Pause(replace(hold, policy=policy)), now=now, plan=plan)[0], plan, now=now
        )
        for policy in Policy
    }


def if_resumed(
    state: Enrollment, plan: Plan, *, now: datetime, at: datetime | None = None
) -> dict[Policy, datetime | None]:
    """Give when the next step would leave if it were resumed now, for each policy; `at` None: at once.

    Raises Refused where it cannot be resumed.
    """
    return {
        policy: next_at(decide(state, Resume(policy, at), now=now, plan=plan)[0], plan, now=now)
        for policy in Policy
    }
