"""When the next mail of an enrollment would leave, as far as that is known. Pure; the rules are lifecycle's own."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from core.lifecycle import Enrollment, HoldsEnded, Plan, Status, decide
from core.schedule import send_at


def next_at(state: Enrollment, plan: Plan, *, now: datetime) -> datetime | None:
    """Give the instant at which the next step may leave; None while it waits for a person, or nothing comes."""
    if state.status is Status.PAUSED:
        ends_at = hold_ends_at(state)
        if ends_at is None:
            return None
        now = max(now, ends_at)
        state = _awake(state, plan, now)
    if state.status is not Status.PENDING or state.due_at is None:
        return None
    return send_at(max(state.due_at, now), plan.calendar)


def hold_ends_at(state: Enrollment) -> datetime | None:
    """Give when the last hold ends by itself; None where one waits for a person."""
    ends = [hold.until for hold in state.holds]
    return max((end for end in ends if end), default=None) if all(ends) else None


def _awake(state: Enrollment, plan: Plan, at: datetime) -> Enrollment:
    holds = tuple(replace(hold, id=number) for number, hold in enumerate(state.holds))
    ended = HoldsEnded(frozenset(range(len(holds))))
    return decide(replace(state, holds=holds), ended, now=at, plan=plan)[0]
