"""What can happen to an enrollment, and what that means for its deliveries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.lifecycle.words import Enrollment, Hold, Policy, Verdict

# Events: what people ask for.


@dataclass(frozen=True)
class Start:
    """Begin a new run at the very first step."""


@dataclass(frozen=True)
class Pause:
    """Place a hold. `is_wide`: part of a lead-wide, company or bulk hold, which also holds what has not started.

    `replaces`: ids of holds that end in the same moment, such as that of a meeting which was moved.
    """

    hold: Hold
    is_wide: bool = False
    replaces: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Resume:
    """Release all holds, or only those of `batch_id`. `policy` None: the sequence's own."""

    policy: Policy | None = None
    at: datetime | None = None
    batch_id: int | None = None


@dataclass(frozen=True)
class Skip:
    """Never start."""


@dataclass(frozen=True)
class Unskip:
    """Undo a skip."""


@dataclass(frozen=True)
class Stop:
    """End for good."""


@dataclass(frozen=True)
class CancelStep:
    """Leave out the next step."""


@dataclass(frozen=True)
class ResendStep:
    """Hand over the last step once more; the next one then waits its full delay after it.

    `attempt`: a number that no delivery of that step bears yet. `position` None: the step before the one that is next,
    which it is not where a condition has led past some.
    """

    attempt: int
    position: int | None = None


@dataclass(frozen=True)
class Snoozed:
    """A person puts their open task off: nothing changes but when it is shown again."""


@dataclass(frozen=True)
class Settle:
    """A named person, or evidence, says what became of an uncertain delivery. `at`: when it had left."""

    verdict: Verdict
    at: datetime
    is_current: bool = True  # False: an edit of the sequence has moved the lead past that step


@dataclass(frozen=True)
class Restore:
    """Undo: put back what was before a batch."""

    before: Enrollment


@dataclass(frozen=True)
class StepsChanged:
    """The sequence was edited: `position` is where the lead now stands. A finished lead is held at a new last step.

    `keeps_step`: it is the step it stood at before, at whatever place.
    """

    position: int
    hold: Hold
    keeps_step: bool = True


# Events: what time and the sender report.


@dataclass(frozen=True)
class HoldsEnded:
    """Holds whose date has come release themselves, and only themselves."""

    ids: frozenset[int]


@dataclass(frozen=True)
class Began:
    """The step passed the point of no return, or (`is_task`) was opened for a person."""

    is_task: bool = False


@dataclass(frozen=True)
class Awaited:
    """A condition is awaited from now on; facts count from `since` on."""

    since: datetime


@dataclass(frozen=True)
class Branched:
    """A condition was decided at `at`: the lead goes on at a later step; `position` None ends the run."""

    position: int | None
    at: datetime


@dataclass(frozen=True)
class Finished:
    """A step that ends the run was reached: there is nothing more to send, wherever the lead stands."""


@dataclass(frozen=True)
class Done:
    """The step left at `at`, or its task was done."""

    at: datetime


@dataclass(frozen=True)
class NeverLeft:
    """The hand-over came to nothing, for certain; it may be tried again from `retry_at` on."""

    retry_at: datetime


@dataclass(frozen=True)
class Failed:
    """The step was refused for good."""

    reason: str


@dataclass(frozen=True)
class Uncertain:
    """Nobody knows whether the step left."""

    reason: str


Event = (
    Start | Pause | Resume | Skip | Unskip | Stop | CancelStep | ResendStep | Snoozed | Settle | Restore
    | StepsChanged | HoldsEnded | Began | Awaited | Branched | Finished | Done | NeverLeft | Failed | Uncertain
)  # fmt: skip


class Effect(StrEnum):
    """What must happen to the enrollment's deliveries in the same transaction."""

    BEGIN_RUN = "begin_run"  # a new enrollment, run + 1
    WITHDRAW = "withdraw"  # claimed → ready: the step may still be sent one day
    DROP = "drop"  # ready and claimed → skipped: it never will be
    SKIP_STEP = "skip_step"  # the step at the old position is recorded as skipped
