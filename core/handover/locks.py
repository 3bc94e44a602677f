"""The lock that whoever changes deliveries takes first."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session, col, select

from core.many import IsOne
from core.models import Delivery, Enrollment

# Written once: it runs for every group of mails.
_LOCK = (
    select(Enrollment.id)
    .where(col(Enrollment.id).in_(select(Delivery.enrollment_id).where(IsOne(col(Delivery.id)))))
    .order_by(col(Enrollment.id))
    .with_for_update()
)


def lock_enrollments(session: Session, delivery_ids: Sequence[int | None]) -> None:
    """Lock the enrollments of these deliveries, by id: nobody else changes a delivery of theirs until the commit.

    Read the deliveries after it. Whoever looks at them before the lock, or locks them first, meets a pause half-way.
    """
    if session.get_bind().dialect.name == "sqlite":  # BEGIN IMMEDIATE has locked everything already
        return
    session.connection().execute(_LOCK, {"ids": list(delivery_ids)})
