"""Conditions: a lead that comes to one waits until the fact is true or its time is over, and then goes on at a step.

Nobody is asked after again and again. A wait is looked at when it begins, when it ends, and when there is `news` of its
lead: whatever keeps a fact (a click, a reply, a meeting, a tag) says so in its own transaction. What is looked at
together is asked with one query for each fact. A condition changes where a lead goes on, and when; it sends nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, and_, bindparam, or_, text, update
from sqlalchemy import select as sql
from sqlmodel import Session, col, func, select

from core.acts import CHUNK, ENROLLMENTS, Loaded, apply, load, tried
from core.awaited import AWAITS
from core.db import Database
from core.facts import IS_CLICK, IS_OPEN
from core.inbound.words import Kind
from core.lifecycle import Awaited, Branched, Hold, Source, Status, StepKind, StepsChanged
from core.mailboxes import is_read
from core.models import (
    WORKSPACE_ID,
    Delivery,
    DeliveryState,
    Enrollment,
    Lead,
    LeadTag,
    Mailbox,
    Meeting,
    Message,
    SequenceStatus,
    Visit,
    Workspace,
)
from core.models import Sequence as SequenceRow
from core.people import SYSTEM
from core.sequence_file.facts import Asked, Fact
from core.sequence_file.graph import say_way, target
from core.sequence_file.spec import ConditionStep
from core.sql import spelling
from core.types import UtcDateTime

VERB = "branch"
SOON = timedelta(seconds=10)  # a visit is not judged yet, or the mailbox not read: asked again after this
MOST_ROUNDS = 20  # chunks of one tick
_E = ENROLLMENTS.c
_TO_LOOK_AT = (
    select(Enrollment.id)
    .join(SequenceRow, col(SequenceRow.id) == Enrollment.sequence_id)
    .where(
        text(AWAITS),  # as literals, for the partial index
        col(Enrollment.wake_at) <= bindparam("now", type_=UtcDateTime()),
        SequenceRow.status == SequenceStatus.PUBLISHED.value,
    )
    .order_by(col(Enrollment.wake_at), col(Enrollment.id))
    .limit(bindparam("most", type_=Integer()))
)


def conditions_due(db: Database, *, now: datetime, most: int = CHUNK) -> int:
    """Give how many leads went on: their time is over, or there was news of them and it is what they waited for."""
    went_on = 0
    for _ in range(MOST_ROUNDS):
        with db.read() as session:
            if session.get_one(Workspace, WORKSPACE_ID).halted_at:
                break
            ids = [i for i in session.exec(_TO_LOOK_AT, params={"now": now, "most": most}) if i is not None]
        if ids:
            went_on += tried(db, partial(_look_at, ids=ids, now=now))
        if len(ids) < most:
            break
    return went_on


def next_look(session: Session) -> datetime | None:
    """Give when a condition is looked at next; None: nobody waits for one."""
    query = select(func.min(Enrollment.wake_at)).join(
        SequenceRow, col(SequenceRow.id) == Enrollment.sequence_id
    )
    return session.exec(query.where(text(AWAITS), SequenceRow.status == SequenceStatus.PUBLISHED.value)).one()


def await_these(session: Session, ids: Sequence[int], *, now: datetime) -> int:
    """Let these leads, whose condition has come and who are locked, wait for it; give how many went on at once."""
    since = dict(session.execute(_since(ids)).all())
    apply(
        session,
        ids,
        lambda row: Awaited(since[row.id]),
        verb="await",
        actor=SYSTEM,
        now=now,
        is_undoable=False,
    )
    return look_at(session, ids, now=now)


def _since(ids: Sequence[int]) -> Select[Any]:
    """Give from when on facts count: since the last mail of the run, without one since it began."""
    last = func.coalesce(func.max(col(Delivery.sending_at)), col(Enrollment.enrolled_at), type_=UtcDateTime())
    left = and_(
        col(Delivery.enrollment_id) == col(Enrollment.id),
        col(Delivery.kind) == StepKind.EMAIL.value,
        col(Delivery.state) == DeliveryState.SENT.value,
    )
    ids_and_since: Any = sql(col(Enrollment.id), last)
    query: Select[Any] = ids_and_since.outerjoin(Delivery, left).where(col(Enrollment.id).in_(ids))
    return query.group_by(col(Enrollment.id), col(Enrollment.enrolled_at))


def _look_at(session: Session, *, ids: Sequence[int], now: datetime) -> int:
    of_leads = select(Enrollment.lead_id).where(col(Enrollment.id).in_(ids))
    locked = select(Lead.id).where(col(Lead.id).in_(of_leads)).order_by(col(Lead.id))
    session.exec(locked.with_for_update(key_share=True)).all()
    return look_at(session, ids, now=now)


def look_at(session: Session, ids: Sequence[int], *, now: datetime) -> int:
    """Give how many of these leads, who are locked, went on; the others are looked at again at their time's end."""
    rows = {
        row.id: row
        for row in load(session, ids, lock=True)
        if row.state.status is Status.IN_PROGRESS and row.state.awaits_since is not None
    }
    lost = [row for row in rows.values() if _step(row) is None]
    for row in lost:
        del rows[row.id]
    _let_lost_go_on(session, lost, now)
    is_true = _true_of(session, rows.values())
    over = [row for row in rows.values() if row.id not in is_true and _ends_at(row) <= now]
    unsure = _unsure(session, over, now)
    ways: dict[tuple[int, int, bool], list[int]] = {}
    for row in rows.values():
        if row.id in is_true or (_ends_at(row) <= now and row.id not in unsure):
            ways.setdefault((row.sequence.id, row.state.position, row.id in is_true), []).append(row.id)
    for (_, _, found), these in ways.items():
        _go_on(session, these, rows[these[0]], found=found, now=now)
    gone = {row_id for these in ways.values() for row_id in these}
    left = [(row.id, _ends_at(row)) for row in rows.values() if row.id not in gone]
    _sleep(session, [(i, ends_at if ends_at > now else now + SOON) for i, ends_at in left])
    return len(gone) + len(lost)


def _step(row: Loaded) -> ConditionStep | None:
    """Give the condition at which it stands; None: an edit of the sequence has taken it away."""
    steps = row.sequence.spec.steps
    step = steps[row.state.position] if row.state.position < len(steps) else None
    return step if isinstance(step, ConditionStep) else None


def _asked(row: Loaded) -> Asked:
    step = _step(row)
    assert step is not None
    return step.when


def _ends_at(row: Loaded) -> datetime:
    assert row.state.due_at is not None
    return row.state.due_at


def _let_lost_go_on(session: Session, rows: Sequence[Loaded], now: datetime) -> None:
    hold = Hold(Source.NEW_STEP, "", SYSTEM.id, now)
    apply(
        session, [row.id for row in rows], lambda row: StepsChanged(row.state.position, hold), verb="steps changed",
        actor=SYSTEM, now=now, is_undoable=False,
    )  # fmt: skip


def _go_on(session: Session, ids: Sequence[int], one: Loaded, *, found: bool, now: datetime) -> None:
    """Let leads that stand at the same condition go on, each from its own moment."""
    step, steps, position = _step(one), one.sequence.spec.steps, one.state.position
    assert step is not None
    word = step.then if found else step.otherwise
    to = target(steps, position, word)
    what = f"there is {step.when.words}" if found else f"not {step.when.words}"
    apply(
        session,
        ids,
        # Whose time is over goes on from its end, however late that is noticed.
        lambda row: Branched(to, now if found else min(_ends_at(row), now)),
        verb=VERB,
        actor=SYSTEM,
        now=now,
        reason=f"{what}, so on to {say_way(steps, position, word)}",
        is_undoable=False,
    )


def _sleep(session: Session, rows: Sequence[tuple[int, datetime]]) -> None:
    if rows:
        statement = update(ENROLLMENTS).where(_E.id == bindparam("at_id")).values(wake_at=bindparam("moment"))
        session.connection().execute(statement, [{"at_id": i, "moment": moment} for i, moment in rows])


# What is true ------------------------------------------------------------------------------------------------------


def _true_of(session: Session, rows: Iterable[Loaded]) -> set[int]:
    """Give those for whom it is true what they wait for: one query for each question."""
    questions: dict[Asked, list[Loaded]] = {}
    for row in rows:
        questions.setdefault(_asked(row), []).append(row)
    found: set[int] = set()
    for asked, of_these in questions.items():
        found |= set(_answers(session, asked, of_these))
    return found


def _answers(session: Session, asked: Asked, rows: Sequence[Loaded]) -> Iterator[int]:
    ids = [row.id for row in rows]
    if asked.fact is Fact.FIELD:
        leads = session.exec(select(Lead).where(col(Lead.id).in_({row.lead_id for row in rows})))
        having = {lead.id for lead in leads if _holds(lead, asked)}
        yield from (row.id for row in rows if row.lead_id in having)
        return
    query = _HAPPENED[asked.fact](asked).where(spelling(session).among(_E.id, ids)).distinct()
    yield from session.connection().execute(query).scalars()


def _holds(lead: Lead, asked: Asked) -> bool:
    """Say whether a field of the lead, its own or one of ours, holds the value; case does not count."""
    own = {key.casefold(): value for key, value in lead.custom.items()}
    name = asked.name.removeprefix("lead.").removeprefix("custom.").casefold()
    value = own.get(name, getattr(lead, name, "") if name in OUR_FIELDS else "")
    return str(value or "").strip().casefold() == asked.value.casefold()


OUR_FIELDS = ("email", "first_name", "last_name", "name", "company", "domain", "stage", "zone")


def _visited(is_so: ColumnElement[bool]) -> Select[Any]:
    return (
        sql(_E.id)
        .join(Delivery, col(Delivery.enrollment_id) == _E.id)
        .join(Visit, col(Visit.delivery_id) == col(Delivery.id))
        .where(is_so, col(Visit.at) >= _E.awaits_since)
    )


def _replied(_: Asked) -> Select[Any]:
    of_run = or_(col(Message.enrollment_id) == _E.id, col(Message.enrollment_id).is_(None))
    came = and_(col(Message.lead_id) == _E.lead_id, of_run, col(Message.came_at) >= _E.awaits_since)
    return sql(_E.id).join(Message, came).where(col(Message.kind) == Kind.REPLY.value)


def _booked(_: Asked) -> Select[Any]:
    since = and_(col(Meeting.lead_id) == _E.lead_id, col(Meeting.changed_at) >= _E.awaits_since)
    return sql(_E.id).join(Meeting, since).where(col(Meeting.state).in_(["booked", "happened"]))


def _tagged(asked: Asked) -> Select[Any]:
    bearing = and_(col(LeadTag.lead_id) == _E.lead_id, func.lower(LeadTag.tag) == asked.value.lower())
    return sql(_E.id).join(LeadTag, bearing)


def _staged(asked: Asked) -> Select[Any]:
    at = and_(col(Lead.id) == _E.lead_id, func.lower(Lead.stage) == asked.value.lower())
    return sql(_E.id).join(Lead, at)


_HAPPENED = {
    Fact.CLICKED: lambda _: _visited(IS_CLICK),
    Fact.OPENED: lambda _: _visited(IS_OPEN),
    Fact.REPLIED: _replied,
    Fact.BOOKED: _booked,
    Fact.TAG: _tagged,
    Fact.STAGE: _staged,
}


def _unsure(session: Session, rows: Sequence[Loaded], now: datetime) -> set[int]:
    """Give those whose time is over, but for whom the fact may be there and not yet known."""
    visits = [row for row in rows if _asked(row).fact in {Fact.CLICKED, Fact.OPENED}]
    replies = [row for row in rows if _asked(row).fact is Fact.REPLIED]
    found: set[int] = set()
    if visits:
        unsettled = (
            sql(col(Delivery.enrollment_id))
            .join(Visit, col(Visit.delivery_id) == col(Delivery.id))
            .where(text("visit.settled_at IS NULL"))
        )
        found = set(session.connection().execute(unsettled).scalars()) & {row.id for row in visits}
    if replies:
        senders = {box.id: box for box in session.exec(select(Mailbox))}
        found |= {
            row.id
            for row in replies
            if (box := senders.get(row.mailbox_id)) and not is_read(box, min(_ends_at(row), now))
        }
    return found
