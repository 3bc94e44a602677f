"""The point of no return: what may go over goes over, under the locks that everyone who would hold it back takes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import ARRAY, Integer, and_, bindparam, or_, text, update
from sqlmodel import Session, col, select

from core.acts import DELIVERIES, ENROLLMENTS
from core.db import Database
from core.handover import replies
from core.handover.words import LEASE
from core.lifecycle import Status
from core.mailboxes import BOXES, is_read, spend, unread_before
from core.many import IsOne
from core.models import (
    WORKSPACE_ID,
    Delivery,
    DeliveryState,
    Enrollment,
    Lead,
    Mailbox,
    Sequence,
    SequenceStatus,
    Suppression,
    Workspace,
)
from core.types import UtcDateTime


def begin(
    db: Database, hands: Iterable[tuple[int, int]], *, now: datetime, lease: timedelta = LEASE
) -> set[int]:
    """Give the deliveries, of (delivery id, fence), that may go over now; they are `sending` from here on.

    All messages that reach the point together share one transaction and one commit. Every rule that can hold a mail
    back is looked at here: halted, sequence, suppression, pause, fence, lease, guard, reply barrier, cap and gap. Of these a
    person's answer waits for a halt, a suppression, fence, lease and guard; it counts against cap and gap.
    """
    fences = dict(hands)
    with db.write() as session:
        if not db.is_sqlite:  # there BEGIN IMMEDIATE has locked everything already
            _lock(session, list(fences))
        ready = [
            row for row in _free_to_go(session, list(fences), now) if fences[row.delivery_id] == row.fence
        ]
        allowed = _spend(session, ready, now)
        if not allowed:
            return set()
        connection = session.connection()
        going = {"ids": [row.delivery_id for row in allowed], "now": now, "until": now + lease}
        if db.is_sqlite:
            connection.execute(_SEND, going)
            connection.execute(
                _BEGIN, {"ids": [row.enrollment_id for row in allowed if row.reply_id is None]}
            )
        else:
            connection.execute(_SEND_AND_BEGIN, going)
        return {row.delivery_id for row in allowed}


# Written once: building these statements anew for each group cost more than running them.
_NOW = bindparam("now", type_=UtcDateTime())
_FREE = (
    select(  # type: ignore[call-overload]  # SQLModel has types for four columns at most
        col(Delivery.id).label("delivery_id"),
        Delivery.fence,
        Delivery.enrollment_id,
        Delivery.reply_id,
        Enrollment.has_started,
        Workspace.read_within_seconds,
        # As in `Mailbox`, for which a row stands.
        *(
            BOXES.c[name]
            for name in (
                "id",
                "guarded_at",
                "imap_host",
                "read_at",
                "cap_per_day",
                "ramp_from",
                "ramp_step",
                "first_day",
                "zone",
                "min_gap_seconds",
                "last_handed_at",
            )
        ),
    )
    .join(Enrollment, col(Enrollment.id) == Delivery.enrollment_id)
    .join(Lead, col(Lead.id) == Enrollment.lead_id)
    .join(Sequence, col(Sequence.id) == Enrollment.sequence_id)
    .join(BOXES, BOXES.c.id == Delivery.mailbox_id)
    .join(Workspace, col(Workspace.id) == WORKSPACE_ID)
    .outerjoin(Suppression, col(Suppression.email) == Lead.email)
    .where(
        IsOne(col(Delivery.id)),
        Delivery.state == DeliveryState.CLAIMED.value,
        col(Delivery.lease_until) > _NOW,
        or_(
            and_(
                col(Delivery.reply_id).is_(None),
                col(Enrollment.status) == Status.PENDING.value,
                col(Sequence.status) == SequenceStatus.PUBLISHED.value,
            ),
            replies.may_go(bindparam("since", type_=UtcDateTime())),
        ),
        col(Suppression.email).is_(None),
        col(Workspace.halted_at).is_(None),
    )
    .order_by(col(Delivery.id))
)
# In one round trip, since it runs for every group; the answer to CASE is looked for from the top, which keeps DESIGN's order.
# An answer also locks the leads that bear the address it goes to: a suppression of that one locks them.
# NO KEY: whoever writes rows that refer to these must not wait, while it holds what we want next.
_LOCK = text("""
WITH hand AS MATERIALIZED (
    SELECT enrollment.id, enrollment.lead_id, enrollment.sequence_id, delivery.mailbox_id
    FROM delivery JOIN enrollment ON enrollment.id = delivery.enrollment_id WHERE delivery.id = ANY(:ids)
), workspaces AS MATERIALIZED (
    SELECT id FROM workspace WHERE id = 1 FOR SHARE
), leads AS MATERIALIZED (
    SELECT id FROM lead WHERE id = ANY(ARRAY(SELECT lead_id FROM hand) || ARRAY(
        SELECT lead.id FROM delivery JOIN reply ON reply.id = delivery.reply_id JOIN message ON message.id = reply.message_id
        JOIN lead ON lead.email = message.sender WHERE delivery.id = ANY(:ids)
    )) ORDER BY id FOR SHARE
), sequences AS MATERIALIZED (
    SELECT id FROM sequence WHERE id = ANY(ARRAY(SELECT sequence_id FROM hand)) ORDER BY id FOR SHARE
), mailboxes AS MATERIALIZED (
    SELECT id FROM mailbox WHERE id = ANY(ARRAY(SELECT mailbox_id FROM hand)) ORDER BY id FOR NO KEY UPDATE
), enrollments AS MATERIALIZED (
    SELECT id FROM enrollment WHERE id = ANY(ARRAY(SELECT id FROM hand)) ORDER BY id FOR NO KEY UPDATE
)
SELECT CASE
    WHEN (SELECT count(*) FROM workspaces) < 0 THEN 1
    WHEN (SELECT count(*) FROM leads) < 0 THEN 2
    WHEN (SELECT count(*) FROM sequences) < 0 THEN 3
    WHEN (SELECT count(*) FROM mailboxes) < 0 THEN 4
    WHEN (SELECT count(*) FROM enrollments) < 0 THEN 5
END
""").bindparams(bindparam("ids", type_=ARRAY(Integer)))
_SEND = (
    update(DELIVERIES)
    .where(IsOne(DELIVERIES.c.id))
    .values(
        state=DeliveryState.SENDING.value,
        sending_at=_NOW,
        lease_until=bindparam("until", type_=UtcDateTime()),
        tries=DELIVERIES.c.tries + 1,
    )
)
# What lifecycle.decide does for Began, as one statement; a property test holds the two against each other.
_BEGUN = update(ENROLLMENTS).values(status=Status.IN_PROGRESS.value, version=ENROLLMENTS.c.version + 1)
_BEGIN = _BEGUN.where(IsOne(ENROLLMENTS.c.id))
_GONE = _SEND.returning(DELIVERIES.c.enrollment_id, DELIVERIES.c.reply_id).cte("gone")
# Both in one statement, which SQLite does not know.
_SEND_AND_BEGIN = _BEGUN.where(
    ENROLLMENTS.c.id.in_(select(_GONE.c.enrollment_id).where(_GONE.c.reply_id.is_(None)))
)


def _lock(session: Session, delivery_ids: list[int]) -> None:
    """Lock in DESIGN's order: workspace, lead, sequence, mailbox, enrollment; within a table by id."""
    session.connection().execute(_LOCK, {"ids": delivery_ids})


def _free_to_go(session: Session, delivery_ids: list[int], now: datetime) -> list[Any]:
    """Give the deliveries that no rule holds back, as things stand under the locks, each with its mailbox."""
    which = {"ids": delivery_ids, "now": now, "since": now - replies.MOST_AGE}
    free = session.connection().execute(_FREE, which).all()
    barred = replies.barred(session, [row.delivery_id for row in free if row.reply_id is not None])
    return [row for row in free if row.guarded_at is None and row.delivery_id not in barred]


def _is_answered_for(row: Any, now: datetime) -> bool:
    """Say whether no answer to an earlier mail can lie unread in the mailbox."""
    return (
        row.reply_id is not None
        or not row.has_started
        or is_read(row, unread_before(row.read_within_seconds, now))
    )


def _spend(session: Session, ready: list[Any], now: datetime) -> list[Any]:
    """Take one hand-over each from the caps and gaps of their mailboxes; give those for which there was one, or which do
    not wait for it.
    """
    allowed: list[Any] = []
    for mailbox_id in {row.id for row in ready}:
        mine = [row for row in ready if row.id == mailbox_id and _is_answered_for(row, now)]
        answers = [row for row in mine if row.reply_id is not None]
        steps = [row for row in mine if row.reply_id is None]
        if mine:
            free = spend(session, cast("Mailbox", mine[0]), len(answers), len(steps), now)
            allowed += answers + steps[:free]
    return allowed
