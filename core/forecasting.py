"""The forecast of the whole database: who stands where, read at once, and worked through without writing anything."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, text
from sqlmodel import Session, col, func, select

from core.acts import load
from core.awaited import AWAITS
from core.forecast import DAYS, Outlook, Standing, outlook
from core.lifecycle import Status
from core.mailboxes import day_of, handed_on
from core.models import Enrollment, Lead, Mailbox, Sequence, SequenceStatus, Suppression
from core.plans import PlannedSequence, planned
from core.sequence_file.graph import target
from core.sequence_file.spec import ConditionStep
from core.views.forecast import awake, hold_ends_at

MOST = 50_000  # leads that are worked through, those that are due first; behind them caps are full for long


@dataclass(frozen=True)
class Forecast:
    """What would leave, by mailbox. `held`: mailboxes from which nothing leaves. `left_out`: leads that were too many."""

    boxes: tuple[Outlook, ...]
    held: tuple[str, ...] = ()
    left_out: int = 0


def forecast(
    session: Session, *, now: datetime, sequence_id: int | None = None, days: int = DAYS, most: int = MOST
) -> Forecast:
    """Give what would leave in so many days; of one sequence the mails alone that it sends, as if it were alone."""
    leads, left_out = _standing(session, sequence_id, now, most)
    found, held = [], []
    for box in session.exec(select(Mailbox).order_by(Mailbox.address)):
        if box.guarded_at or box.down_at:
            held.append(box.address)
        mine = [] if box.guarded_at or box.down_at else leads[box.id or 0]
        handed = handed_on(session, box, day_of(box, now))
        found.append(outlook(box, mine, handed=handed, now=now, days=days))
    return Forecast(tuple(found), tuple(held), left_out)


def _standing(
    session: Session, sequence_id: int | None, now: datetime, most: int
) -> tuple[defaultdict[int, list[Standing]], int]:
    is_wanted: list[Any] = [
        Sequence.status == SequenceStatus.PUBLISHED.value,
        col(Enrollment.mailbox_id).is_not(None),
        *([Enrollment.sequence_id == sequence_id] if sequence_id else []),
    ]
    suppressed = select(Suppression.email).where(Suppression.email == Lead.email).exists()
    running: list[Any] = [
        or_(text("enrollment.status = 'pending'"), text(AWAITS)),
        col(Enrollment.due_at).is_not(None),
        ~suppressed,
    ]
    columns = (
        Enrollment.id, Enrollment.sequence_id, Enrollment.mailbox_id, Enrollment.position, Enrollment.due_at,
        Enrollment.wake_at, Enrollment.status, Lead.zone,
    )  # fmt: skip
    query = (
        select(*columns)  # type: ignore[call-overload]  # SQLModel has types for four columns at most
        .join(Lead, col(Lead.id) == Enrollment.lead_id)
        .join(Sequence, col(Sequence.id) == Enrollment.sequence_id)
        .where(*is_wanted, *running)
    )
    rows = session.execute(query.order_by(Enrollment.wake_at, Enrollment.id).limit(most)).all()
    left_out = 0
    if len(rows) == most:
        all_ = session.execute(query.with_only_columns(func.count(), maintain_column_froms=True)).scalar_one()
        left_out = all_ - most
    sequences = planned(session, {row.sequence_id for row in rows})
    found: defaultdict[int, list[Standing]] = defaultdict(list)
    for row in rows:
        sequence = sequences[row.sequence_id]
        awaits = row.status != Status.PENDING
        wake_at = None if awaits else row.wake_at
        found[row.mailbox_id].append(
            Standing(row.id, row.position, row.due_at, sequence.plan(row.zone), otherwise(sequence), awaits, wake_at)
        )  # fmt: skip
    held = select(Enrollment.id).join(Sequence, col(Sequence.id) == Enrollment.sequence_id)
    held = (
        held.where(*is_wanted, Enrollment.status == Status.PAUSED.value)
        .order_by(col(Enrollment.id))
        .limit(most)
    )
    for paused in load(session, [number for number in session.exec(held) if number]):
        plan = paused.sequence.plan(paused.zone)
        ends_at = hold_ends_at(paused.state)
        if ends_at is None:
            continue
        state = awake(paused.state, plan, max(now, ends_at))
        awaits = state.awaits_since is not None
        if state.due_at and (awaits or state.status is Status.PENDING):
            lead = Standing(paused.id, state.position, state.due_at, plan, otherwise(paused.sequence), awaits)
            found[paused.mailbox_id or 0].append(lead)
    return found, left_out


def otherwise(sequence: PlannedSequence) -> dict[int, int]:
    """Give by position where a condition leads that does not come true."""
    steps, end = sequence.spec.steps, len(sequence.spec.steps)
    return {
        position: end if (to := target(steps, position, step.otherwise)) is None else to
        for position, step in enumerate(steps)
        if isinstance(step, ConditionStep)
    }
