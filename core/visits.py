"""Who has clicked and who has opened, as far as that can be told: suspected scanners count as nobody."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session, col, select

from core.models import Delivery, Visit

CLICK, OPEN = "click", "open"


def has_clicked(session: Session, enrollment_ids: Iterable[int], since: datetime | None = None) -> set[int]:
    """Give those of the enrollments whose lead has clicked a link of one of its mails since then; None: ever.

    A click counts a few seconds after it came, once it is certain that no scanner made it.
    """
    return _has(session, CLICK, enrollment_ids, since)


def has_opened(session: Session, enrollment_ids: Iterable[int], since: datetime | None = None) -> set[int]:
    """Give those of the enrollments whose lead has opened one of its mails since then; None: ever.

    Whoever has clicked has opened. What a mail program's proxy fetched says nothing about the lead.
    """
    ids = list(enrollment_ids)
    return _has(session, OPEN, ids, since) | _has(session, CLICK, ids, since)


def _has(session: Session, kind: str, enrollment_ids: Iterable[int], since: datetime | None) -> set[int]:
    query = (
        select(Delivery.enrollment_id)
        .join(Visit, col(Visit.delivery_id) == Delivery.id)
        .where(
            col(Delivery.enrollment_id).in_(list(enrollment_ids)),
            Visit.kind == kind,
            Visit.suspect == "",
            col(Visit.settled_at).is_not(None),
        )
        .distinct()
    )
    if since is not None:
        query = query.where(col(Visit.at) >= since)
    return set(session.exec(query))
