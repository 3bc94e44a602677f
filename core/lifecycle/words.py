"""The words of the state machine: statuses, holds, plans, and the state of one enrollment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from core.schedule import Calendar, Delay, Unit

AT_ONCE = Delay(0, Unit.DAYS)


class Status(StrEnum):
    """The words that leads' lists show."""

    SKIPPED = "skipped"
    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    PAUSED = "paused"
    STOPPED = "stopped"
    COMPLETED = "completed"


RUNNING = frozenset({Status.PENDING, Status.IN_PROGRESS})
LIVE = RUNNING | {Status.PAUSED, Status.SKIPPED}


class Source(StrEnum):
    """Who or what placed a hold."""

    PERSON = "person"
    REPLY = "reply"
    OUT_OF_OFFICE = "out_of_office"
    MEETING = "meeting"
    CLICK = "click"
    BOUNCE = "bounce"
    BACKLOG = "backlog"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    NEW_STEP = "new_step"
    MISSING_VALUE = "missing_value"
    AWAY = "away"  # the lead's owner


class Policy(StrEnum):
    """What becomes of the countdown on resume (DESIGN §2)."""

    FREEZE = "freeze"
    KEEP = "keep"
    AT = "at"


class Verdict(StrEnum):
    """What a named person says of an uncertain delivery."""

    LEFT = "left"
    AGAIN = "again"
    DROP = "drop"


class StepKind(StrEnum):
    """What a step is."""

    EMAIL = "email"
    TASK = "task"
    CONDITION = "condition"
    STOP = "stop"
    JUMP = "jump"


@dataclass(frozen=True)
class Hold:
    """One reason why an enrollment is paused. `until` None: no end date. `id` None: not yet stored.

    `policy`: how the countdown goes on once `until` has come; None: the sequence's own way.
    """

    source: Source
    reason: str
    author: str
    placed_at: datetime
    until: datetime | None = None
    batch_id: int | None = None
    id: int | None = None
    policy: Policy | None = None


@dataclass(frozen=True)
class PlannedStep:
    """One step as the state machine sees it; the delay comes before the step. `within`: how long a condition is awaited."""

    kind: StepKind
    delay: Delay
    within: Delay = AT_ONCE


@dataclass(frozen=True)
class Plan:
    """A sequence as the state machine sees it; `calendar` is already in the lead's zone where that applies."""

    steps: tuple[PlannedStep, ...]
    calendar: Calendar
    resume: Policy = Policy.FREEZE


@dataclass(frozen=True)
class Enrollment:
    """One lead in one sequence, one run of it.

    `position` counts the steps done (0-based number of the next step); `attempt` counts how often a person had this
    step sent again. `due_at` is the countdown's end as first planned; while paused `remaining` is the frozen rest.
    While a condition is awaited `due_at` is the end of that wait, and facts count from `awaits_since` on.
    `label` names it in refusals ("ada@x.com in Spring").
    """

    label: str
    status: Status
    position: int = 0
    attempt: int = 0
    due_at: datetime | None = None
    remaining: timedelta | None = None
    has_started: bool = False
    has_open_task: bool = False
    is_sending: bool = False  # a step of it is past the point of no return, whatever was said since
    holds: tuple[Hold, ...] = ()
    awaits_since: datetime | None = None

    @property
    def is_leaving(self) -> bool:
        """Say whether a step of it is being handed over: in progress, but neither a task nor a condition."""
        waits = self.has_open_task or self.awaits_since is not None
        return self.is_sending or (self.status is Status.IN_PROGRESS and not waits)
