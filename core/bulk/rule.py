"""What `core.lifecycle.decide` says of the plain cases of a person's pause, of resume and of stop, as SQL.

`decide` is the rule; this says the same again for very many rows, and tests/core/test_bulk.py holds the two against
each other for every kind of row.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    MetaData,
    Table,
    and_,
    case,
    exists,
    false,
    literal,
    or_,
    true,
)

from core.acts import DELIVERIES, ENROLLMENTS, HOLDS
from core.lifecycle import LIVE, RUNNING, Event, Hold, Pause, Resume, Source, Status, Stop
from core.models import DeliveryState
from core.people import Actor
from core.sql import Spelling
from core.types import UtcDateTime

E, H, D = ENROLLMENTS.c, HOLDS.c, DELIVERIES.c
# The rows that the statements are about, and where their countdowns end once they go on.
ACTING = Table(
    "acting",
    MetaData(),
    Column("id", BigInteger),
    Column("due_at", UtcDateTime),
    Column("send_at", UtcDateTime),
    prefixes=["TEMPORARY"],
)
# Their end does nothing else; with a hold for a failed, uncertain or overdue step more ends than the hold.
PLAIN_HOLDS = (
    Source.PERSON, Source.REPLY, Source.OUT_OF_OFFICE, Source.MEETING, Source.CLICK, Source.AWAY,
)  # fmt: skip


@dataclass(frozen=True)
class Act:
    """What an act writes down about itself."""

    verb: str
    actor: Actor
    now: datetime
    reason: str
    batch_id: int


@dataclass(frozen=True)
class Rule:
    """An event in SQL: for which enrollments this says it all, what they become, and which of their open holds end.

    `begins`: the hold that is placed. `is_last`: nothing of it will ever be sent.
    """

    says_all: ColumnElement[bool]
    becomes: dict[str, Any]
    ends: ColumnElement[bool]
    begins: Hold | None = None
    is_last: bool = False


def rule_of(event: Event | None, act: Act, sql: Spelling) -> Rule | None:
    """Give what `decide` does with an event; None: it must decide itself."""
    match event:
        case Pause(hold=Hold(source=Source.PERSON) as hold) if not event.replaces:
            return _pause(hold, act.now, sql, is_wide=event.is_wide)
        case Resume():
            return _resume(event)
        case Stop():
            return _stop(act)
        case _:
            return None


def _pause(hold: Hold, now: datetime, sql: Spelling, *, is_wide: bool) -> Rule:
    own = and_(H.source == hold.source.value, H.author == hold.author)
    same = and_(
        own, H.until.is_not_distinct_from(hold.until), H.policy.is_not_distinct_from(hold.policy),
        H.reason == hold.reason if hold.reason else true(),
    )  # fmt: skip
    runs = E.status.in_(sorted(RUNNING))
    has_begun = or_(true() if is_wide else false(), E.has_started, E.status != Status.PENDING.value)
    is_held = and_(E.status == Status.PAUSED.value, or_(E.due_at.is_(None), E.remaining.is_not(None)))
    rest = sql.microseconds(E.due_at) - sql.microseconds(literal(now, UtcDateTime()))
    remaining = case((E.due_at > now, rest), (E.due_at.is_not(None), 0))
    return Rule(
        says_all=or_(and_(runs, has_begun), and_(is_held, ~_open_holds(same))),
        becomes={
            "status": Status.PAUSED.value,
            "remaining": case((E.status == Status.PAUSED.value, E.remaining), else_=remaining),
            "send_at": None,
        },
        ends=own,
        begins=hold,
    )


def _resume(event: Resume) -> Rule:
    of_batch = true() if event.batch_id is None else H.batch_id.is_not_distinct_from(event.batch_id)
    under_way = (DeliveryState.OPEN.value, DeliveryState.SENDING.value)
    is_under_way = exists().where(D.enrollment_id == E.id, D.state.in_(under_way)).correlate(ENROLLMENTS)
    return Rule(
        says_all=and_(
            E.status == Status.PAUSED.value,
            E.awaits_since.is_(None),
            _open_holds(true()),
            ~_open_holds(or_(~of_batch, H.source.not_in(PLAIN_HOLDS))),
        ),
        becomes={
            "status": case((is_under_way, Status.IN_PROGRESS.value), else_=Status.PENDING.value),
            "remaining": None,
            "due_at": ACTING.c.due_at,
            "send_at": ACTING.c.send_at,
        },
        ends=true(),
    )


def _stop(act: Act) -> Rule:
    return Rule(
        says_all=and_(E.status.in_(sorted(LIVE)), ~_open_holds(H.source.not_in(PLAIN_HOLDS))),
        becomes={
            "status": Status.STOPPED.value,
            "remaining": None,
            "due_at": None,
            "send_at": None,
            "awaits_since": None,
            "ended_at": act.now,
            "end_reason": act.reason or Status.STOPPED.value,
        },
        ends=true(),
        is_last=True,
    )


def _open_holds(which: ColumnElement[bool]) -> ColumnElement[bool]:
    held = exists().where(H.enrollment_id == E.id, H.released_at.is_(None), which)
    return held.correlate(ENROLLMENTS)
