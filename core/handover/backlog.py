"""The backlog guard (DESIGN §3, G9): many steps overdue for long wait for a person instead of leaving in a burst.

Overdue is counted from `wake_at`, when the sender was to look at the step. While it works it looks, and moves that
moment to when window, cap or gap allow the step; so only what nobody looked at is old: after an outage, a long halt, a
paused sequence, a mailbox that was down, a restored copy, or a clock that jumped.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Integer, bindparam, case, text
from sqlmodel import Session, col, func, select

from core import cards
from core.acts import CHUNK, apply, open_batch
from core.db import Database
from core.lifecycle import Hold, Pause, Source
from core.models import WORKSPACE_ID, Batch, Enrollment, Sequence, SequenceStatus, Workspace
from core.models import Hold as HoldRow
from core.people import SYSTEM
from core.types import UtcDateTime
from core.words import counted

VERB = "backlog"
REASON = "backlog of overdue mail, waiting for an answer"
LONG_OVERDUE = timedelta(hours=12)
MANY = 20  # so many long overdue steps of one mailbox are a backlog; fewer simply leave, under caps and gaps
# What is this much overdue waits with them: the end of the same outage. What came due since then leaves as always.
OVERDUE = timedelta(hours=1)


def is_backlog(session: Session, mailbox_id: int, *, now: datetime) -> bool:
    """Say whether the overdue steps of a mailbox wait for a person: they are many, or such a wait is open already."""
    many = _overdue(session, mailbox_id, now - LONG_OVERDUE, MANY)
    # In this order: another worker may just have put the others on hold.
    return len(many) >= MANY or (bool(many) and _has_open(session, mailbox_id))


def due_words(session: Session, *, now: datetime) -> str:
    """Say how many steps are due now, and how many of them this guard will let wait for an answer."""
    due = waits = 0
    for mailbox_id, count, overdue in session.execute(_DUE, {"now": now, "before": now - OVERDUE}):
        due += count
        waits += overdue if is_backlog(session, mailbox_id, now=now) else 0
    if not waits:
        return counted(due, "step") if due else "nothing"
    which = "none of them leaves" if waits == due else f"{waits:,} of them do not leave"
    return f"{counted(due, 'step')}; {which} yet: so long overdue, they wait for an answer on a card of their own"


def hold_overdue(db: Database, mailbox_id: int, *, now: datetime) -> int:
    """Give how many overdue steps were put on hold, at most a chunk, all in the one backlog that nobody has answered.

    The workspace is locked first, so that any number of workers make one batch and one card.
    """
    with db.write() as session:
        session.exec(
            select(Workspace.id).where(Workspace.id == WORKSPACE_ID).with_for_update(key_share=True)
        ).one()
        open_one = _open(session)
        if not is_backlog(session, mailbox_id, now=now):
            return 0
        found = _overdue(session, mailbox_id, now - OVERDUE, CHUNK)
        since = found[0].wake_at
        batch = open_one or session.get_one(Batch, open_batch(session, VERB, actor=SYSTEM, now=since))
        assert batch.id is not None
        # Its date is when sending stopped: what is shifted is shifted by the time since then.
        batch.at = min(batch.at, since)
        session.add(batch)
        session.flush()
        hold = Hold(Source.BACKLOG, REASON, SYSTEM.id, now, batch_id=batch.id)
        changed = apply(
            session,
            [row.id for row in found],
            lambda _: Pause(hold, is_wide=True),
            verb="hold",
            actor=SYSTEM,
            now=now,
            reason=REASON,
            batch_id=batch.id,
        )
        channel = cards.channel_of(session, None)
        cards.show(session, f"backlog:{batch.id}", channel=channel, about_id=batch.id, now=now)
        return len(changed.changes)


_OVERDUE = (
    select(Enrollment.id, Enrollment.wake_at)
    .join(Sequence, col(Sequence.id) == Enrollment.sequence_id)
    .where(
        text("enrollment.status = 'pending'"),
        col(Enrollment.mailbox_id) == bindparam("mailbox"),
        col(Enrollment.wake_at) < bindparam("before", type_=UtcDateTime()),
        Sequence.status == SequenceStatus.PUBLISHED.value,
    )
    .order_by(col(Enrollment.wake_at), col(Enrollment.id))
    .limit(bindparam("most", type_=Integer()))
)


_DUE = (
    select(
        Enrollment.mailbox_id,
        func.count(),
        func.sum(case((col(Enrollment.wake_at) < bindparam("before", type_=UtcDateTime()), 1), else_=0)),
    )
    .join(Sequence, col(Sequence.id) == Enrollment.sequence_id)
    .where(
        text("enrollment.status = 'pending'"),
        col(Enrollment.mailbox_id).is_not(None),
        col(Enrollment.wake_at) <= bindparam("now", type_=UtcDateTime()),
        Sequence.status == SequenceStatus.PUBLISHED.value,
    )
    .group_by(col(Enrollment.mailbox_id))
)


def _overdue(session: Session, mailbox_id: int, before: datetime, most: int) -> list[Any]:
    which = {"mailbox": mailbox_id, "before": before, "most": most}
    return list(session.connection().execute(_OVERDUE, which))


def _has_open(session: Session, mailbox_id: int) -> bool:
    query = (
        select(HoldRow.id)
        .join(Enrollment, col(Enrollment.id) == HoldRow.enrollment_id)
        .where(*_OPEN, Enrollment.mailbox_id == mailbox_id)
    )
    return session.exec(query.limit(1)).first() is not None


_OPEN = (HoldRow.source == Source.BACKLOG.value, text("hold.released_at IS NULL"))


def _open(session: Session) -> Batch | None:
    """Give the backlog that waits for an answer, locked; None where there is none, or it was answered just now."""
    has_holds = select(HoldRow.id).where(*_OPEN, HoldRow.batch_id == Batch.id).exists()
    query = select(Batch).where(Batch.verb == VERB).order_by(col(Batch.id).desc()).limit(1)
    batch = session.exec(query.where(has_holds)).first()
    if batch is None:
        return None
    locked = query.where(Batch.id == batch.id).with_for_update().execution_options(populate_existing=True)
    session.exec(locked).one()
    return session.exec(query.where(has_holds, Batch.id == batch.id)).first()
