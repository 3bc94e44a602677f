"""What has come before: every outside event acts once, by its id (DESIGN G5)."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Table, update
from sqlmodel import Session, col

from core.db import Database, upsert
from core.models import Seen

KEPT = timedelta(days=90)
SEEN: Table = Seen.__table__  # type: ignore[attr-defined]


def once(session: Session, key: str, *, now: datetime) -> Seen | None:
    """Give None the first time a key comes, and from then on what it was answered.

    Two at the same moment: one gets None, the other waits for its commit and then gets its row.
    """
    # RETURNING, since PostgreSQL's driver tells no row count of an INSERT.
    place = upsert(session, SEEN).values(key=key, at=now).on_conflict_do_nothing().returning(SEEN.c.key)
    return None if session.connection().execute(place).first() else session.get(Seen, key)


def answered(session: Session, key: str, answer: str) -> None:
    """Keep what the first one was told, for those that come again."""
    session.execute(update(Seen).where(col(Seen.key) == key).values(answer=answer))


def is_spent(db: Database, key: str) -> bool:
    """Say whether this has come before."""
    with db.read() as session:
        return session.get(Seen, key) is not None


def spend(db: Database, key: str, *, now: datetime) -> None:
    """Remember that it came."""
    with db.write() as session:
        once(session, key, now=now)
