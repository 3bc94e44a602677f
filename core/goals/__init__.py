"""Goals: an event (a tag, a stage, a meeting, a form …) that starts and stops sequences by itself.

Where something happens, `meet` is told of it, in the transaction in which it happens; the goals act at the end of that
transaction, or when `settle` is called by whoever wants to say what they did. So a tag that came with the lead's enrolling
meets its goal after that, and an act that fails meets none. An event acts once for each goal and lead, by its key.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import uuid4

from sqlalchemy import event as hooks
from sqlmodel import Session

from core.goal_file.spec import Kind

__all__ = ["ACTOR", "GoalEvent", "Kind", "Settled", "meet", "meet_values", "settle"]

ACTOR = "goal:"  # how the id of a goal begins where the journal says who acted
_WAITING = "fermata_goal_events"


@dataclass(frozen=True)
class GoalEvent:
    """Something that may meet goals. `key`: what makes it the same when it comes again; "": it cannot come again.

    value: the tag, the stage, the note's text, the name of a form or event, a word of a meeting, a URL; "" for none.
    `is_certain` False: it may be a replay, or of somebody else, and then it may stop and never start. `depth`: how many
    goals led to it.
    """

    kind: Kind
    value: str
    lead_ids: tuple[int, ...]
    key: str = ""
    is_certain: bool = True
    depth: int = 0


@dataclass
class Settled:
    """What goals did: a sentence for each, how many leads met which, and what changed."""

    lines: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    stopped: list[int] = field(default_factory=list)
    batch_ids: list[int] = field(default_factory=list)
    lead_ids: set[int] = field(default_factory=set)


@dataclass
class Waiting:
    """The events of one transaction that goals have not yet seen, and the one that a goal acts on right now."""

    events: list[GoalEvent] = field(default_factory=list)
    cause: GoalEvent | None = None


def meet(session: Session, event: GoalEvent, *, now: datetime) -> None:
    """Take in what happened; the goals that it meets act before the transaction ends."""
    if not event.lead_ids:
        return
    waiting = session.info.get(_WAITING)
    if waiting is None:
        waiting = session.info[_WAITING] = Waiting()
        hooks.listen(session, "before_commit", lambda at_end: settle(at_end, now=now))
    if waiting.cause is not None:
        # What a goal causes is the same event still, so that two goals never call each other without end.
        event = replace(event, key=waiting.cause.key, depth=waiting.cause.depth + 1)
    waiting.events.append(replace(event, key=event.key or uuid4().hex))


def meet_values(session: Session, kind: Kind, pairs: Iterable[tuple[int, str]], *, now: datetime) -> None:
    """Take in the same for many leads: (lead, value), such as each lead's new tags."""
    by_value: dict[str, list[int]] = {}
    for lead_id, value in pairs:
        by_value.setdefault(value, []).append(lead_id)
    for value, lead_ids in by_value.items():
        meet(session, GoalEvent(kind, value, tuple(lead_ids)), now=now)


def settle(session: Session, *, now: datetime) -> Settled:
    """Let the goals act on what has happened in this transaction, and give what they did."""
    waiting: Waiting | None = session.info.get(_WAITING)
    if waiting is None or not waiting.events:
        return Settled()
    # Late: goals enrol leads, and whoever enrols them tells of their tags here.
    from core.goals.acting import act

    return act(session, waiting, now=now)
