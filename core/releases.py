"""Holds that end by their date, and what the next thing to happen is."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Integer, bindparam, text
from sqlmodel import Session, col, func, select

from core.absences import next_return
from core.acts import apply
from core.collisions import next_expiry
from core.conditions import next_look
from core.db import Database
from core.digests import next_digest
from core.handover import replies
from core.lifecycle import HoldsEnded
from core.mailboxes import may_leave, unread_before
from core.models import (
    WORKSPACE_ID,
    Delivery,
    DeliveryState,
    Enrollment,
    Hold,
    Lead,
    Mailbox,
    Sequence,
    SequenceStatus,
    Workspace,
)
from core.people import SYSTEM
from core.reminders import next_reminder
from core.tasks import next_task
from core.types import UtcDateTime
from core.visits import next_settling
from core.weekly import next_weekly

_DUE = (
    select(Hold)
    .where(text("hold.released_at IS NULL"), col(Hold.until) <= bindparam("now", type_=UtcDateTime()))
    .order_by(col(Hold.until), col(Hold.id))
    .limit(bindparam("most", type_=Integer()))
)

_ANNOUNCED = select(func.min(Hold.announce_at)).where(
    text("hold.announce_at IS NOT NULL AND hold.released_at IS NULL")
)


def release_due(db: Database, *, now: datetime, limit: int = 500) -> int:
    """Give how many enrollments had a hold end by its date; each hold releases only itself."""
    with db.write() as session:
        found = session.exec(_DUE, params={"now": now, "most": limit}).all()
        if not found:
            return 0
        # Their leads first, in the order that verbs take them; the enrollments are locked by `apply`.
        of_leads = select(Enrollment.lead_id).where(
            col(Enrollment.id).in_({hold.enrollment_id for hold in found})
        )
        lock = select(Lead.id).where(col(Lead.id).in_(of_leads)).order_by(col(Lead.id))
        session.exec(lock.with_for_update(key_share=True)).all()
        ended: dict[int, set[int]] = {}
        # Looked at again under the locks: another process may have released some of them meanwhile.
        for hold in session.exec(_DUE, params={"now": now, "most": limit}):
            ended.setdefault(hold.enrollment_id, set()).add(hold.id or 0)
        changed = apply(
            session,
            ended,
            lambda row: HoldsEnded(frozenset(ended[row.id])),
            verb="release",
            actor=SYSTEM,
            now=now,
            is_undoable=False,
        )
        return len(changed.changes)


def next_event(session: Session, *, now: datetime) -> tuple[datetime, str] | None:
    """Give when something happens next by itself, and what; None: nothing is planned.

    What is due already gives `now`. A lease that ends is an event too: a hand-over whose worker is gone is settled then.
    """
    lease = select(func.min(Delivery.lease_until)).where(
        col(Delivery.state).in_([DeliveryState.CLAIMED.value, DeliveryState.SENDING.value])
    )
    events = [
        (_next_step(session, now), "a step is due"),
        (
            session.exec(select(func.min(Hold.until)).where(text("hold.released_at IS NULL"))).one(),
            "a hold ends",
        ),
        (session.exec(_ANNOUNCED).one(), "a heads-up is due"),
        (session.exec(lease).one(), "a lease ends"),
        (replies.next_due(session), "an answer leaves"),
        (next_digest(session, now=now), "a digest is due"),
        (next_expiry(session), "a question to a colleague ends"),
        (next_reminder(session), "a reminder is due"),
        (next_return(session), "somebody comes back"),
        (next_settling(session), "a click is judged"),
        (next_weekly(session, now=now), "a weekly report is due"),
        (next_look(session), "a wait for a condition ends"),
        (next_task(session), "a task comes back"),
    ]
    known = [(max(at, now), what) for at, what in events if at is not None]
    return min(known, default=None)


def _next_step(session: Session, now: datetime) -> datetime | None:
    workspace = session.get_one(Workspace, WORKSPACE_ID)
    if workspace.halted_at:
        return None
    # 'pending' as a literal, for the partial index.
    query = (
        select(func.min(Enrollment.wake_at), Mailbox.retry_at)
        .join(Sequence, col(Sequence.id) == Enrollment.sequence_id)
        .join(Mailbox, col(Mailbox.id) == Enrollment.mailbox_id)
        .where(
            text("enrollment.status = 'pending'"),
            Sequence.status == SequenceStatus.PUBLISHED.value,
            col(Mailbox.down_at).is_(None),
            col(Mailbox.guarded_at).is_(None),
            may_leave(unread_before(workspace.read_within_seconds, now)),
        )
        .group_by(col(Mailbox.id), col(Mailbox.retry_at))
    )
    moments = [max(wake_at, retry_at or wake_at) for wake_at, retry_at in session.exec(query) if wake_at]
    return min(moments, default=None)
