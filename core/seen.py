"""What has come before: every outside event acts once, by its id (DESIGN G5)."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlmodel import Session, col

from core.models import Seen

KEPT = timedelta(days=90)


def once(session: Session, key: str, *, now: datetime) -> Seen | None:
    """Give None the first time a key comes, and from then on what it was answered.

    Two at the same moment: one gets None, the other waits for its commit and then gets its row.
    """
    insert = sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgresql_insert
    placed = session.connection().execute(insert(Seen).values(key=key, at=now).on_conflict_do_nothing())
    return None if placed.rowcount else session.get(Seen, key)


def answered(session: Session, key: str, answer: str) -> None:
    """Keep what the first one was told, for those that come again."""
    session.execute(update(Seen).where(col(Seen.key) == key).values(answer=answer))


def forget(session: Session, *, now: datetime) -> None:
    """Drop what is older than any replay window of ours."""
    session.execute(delete(Seen).where(col(Seen.at) < now - KEPT))
