"""Goals in the database: written from YAML, turned on and off, found by name, and by the event that meets them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches

from sqlmodel import Session, col, func, select

from core import filters, goal_file, sequences
from core.errors import Refused
from core.goal_file import GoalSpec
from core.goal_file.spec import Kind
from core.journal import note
from core.models import Goal, GoalMet, Sequence, SequenceStatus
from core.people import Actor

COUNTED_OVER = timedelta(days=30)
NONE_YET = "There is no goal yet. Make one with `fermata apply FILE.yaml`; docs/goals.md says how."


@dataclass(frozen=True)
class Active:
    """A goal that is on, ready to act."""

    id: int
    spec: GoalSpec

    @property
    def name(self) -> str:
        """Give its name."""
        return self.spec.name


def find(session: Session, name: str) -> Goal:
    """Give the goal of this name, in any case; raises Refused with the nearest names."""
    row = session.exec(select(Goal).where(Goal.key == name.strip().casefold())).first()
    if row is not None:
        return row
    names = list(session.exec(select(Goal.name).order_by(Goal.name)))
    near = get_close_matches(name, names, n=3, cutoff=0.4) or names[:5]
    if not near:
        raise Refused(NONE_YET)
    raise Refused(f"There is no goal called “{name}”. Did you mean {' or '.join(near)}?")


def save(session: Session, spec: GoalSpec, *, actor: Actor, now: datetime) -> str:
    """Write a goal and give "new", "changed" or "unchanged"; raises Refused where it names what is not there.

    A new one is on; one that was off stays off. What has met it keeps what came of it.
    """
    _check(session, spec)
    text, key = goal_file.dump(spec), spec.name.casefold()
    row = session.exec(select(Goal).where(Goal.key == key).with_for_update()).first()
    if row is not None and row.spec == text:
        return "unchanged"
    done = "new" if row is None else "changed"
    row = row or Goal(name=spec.name, key=key, changed_at=now)
    row.name, row.spec, row.changed_at, row.changed_by = spec.name, text, now, actor.id
    session.add(row)
    note(session, "apply goal", actor=actor, now=now, reason=spec.name)
    return done


def _check(session: Session, spec: GoalSpec) -> None:
    stops = spec.stop if isinstance(spec.stop, tuple) else ()
    named = [term.value for term in _terms(spec) if term.key == "in"]
    for name in (*(spec.within or ()), *stops, *named):
        sequences.find(session, name)
    if spec.start is None:
        return
    row = sequences.find(session, spec.start)
    if row.status == SequenceStatus.DRAFT:
        raise Refused(
            f"The goal {spec.name} starts {row.name}, which is a draft; publish it first: "
            f"`publish sequence {row.name}`."
        )
    if row.status == SequenceStatus.ARCHIVED:
        raise Refused(f"The goal {spec.name} starts {row.name}, which is archived; name another sequence.")


def _terms(spec: GoalSpec) -> Iterable[filters.Term]:
    return spec.when.who.filter if spec.when.kind is Kind.NEW_LEAD else ()


def ids_of(session: Session, names: Iterable[str]) -> list[int]:
    """Give the sequences of these names; one that was deleted since is left out, since an event must not fail by it."""
    keys = [name.casefold() for name in names]
    return [found for found in session.exec(select(Sequence.id).where(col(Sequence.key).in_(keys))) if found]


def fault(session: Session, spec: GoalSpec) -> str:
    """Say what a goal names that is not there any more; "" where all of it is."""
    try:
        _check(session, spec)
    except Refused as refused:
        return str(refused)
    return ""


def turn(session: Session, name: str, *, is_on: bool, actor: Actor, now: datetime) -> Goal:
    """Turn a goal on or off; raises Refused where it is so already."""
    row = find(session, name)
    word = "on" if is_on else "off"
    if row.is_off is not is_on:
        raise Refused(f"The goal {row.name} is {word} already; nothing was changed.")
    row.is_off, row.changed_at, row.changed_by = not is_on, now, actor.id
    session.add(row)
    note(session, f"goal {word}", actor=actor, now=now, reason=row.name)
    return row


def counts(session: Session, *, now: datetime) -> dict[int, int]:
    """Give by goal how many leads met it in the last COUNTED_OVER."""
    query = select(GoalMet.goal_id, func.count(func.distinct(GoalMet.lead_id))).where(
        col(GoalMet.at) > now - COUNTED_OVER
    )
    return dict(session.exec(query.group_by(col(GoalMet.goal_id))).all())


def active(session: Session) -> list[Active]:
    """Give the goals that are on, in the order in which they were made."""
    rows = session.exec(select(Goal).where(~col(Goal.is_off)).order_by(col(Goal.id)))
    return [Active(row.id or 0, goal_file.parsed(row.spec)) for row in rows]


def awaited(session: Session, kind: Kind, value: str) -> list[Active]:
    """Give the goals that such an event would meet."""
    return [goal for goal in active(session) if is_met(goal.spec, kind, value)]


def is_met(spec: GoalSpec, kind: Kind, value: str) -> bool:
    """Say whether an event of this kind and value is what a goal waits for; case and spaces do not matter."""
    if spec.when.kind is not kind:
        return False
    wanted, given = spec.when.value.casefold(), " ".join(value.split()).casefold()
    match kind:
        case Kind.REPLY | Kind.NEW_LEAD:
            return True
        case Kind.NOTE | Kind.CLICK:
            return wanted in given
        case _:
            return wanted == given
