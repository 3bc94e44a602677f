"""Forgetting in time: what leads wrote goes after so many days, and working notes of ours after they have served."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, or_, select, update
from sqlmodel import SQLModel, col

from core.db import Database
from core.models import ApiCall, HookEvent, Message, Proposal, Reply, Seen, Visit
from core.seen import KEPT

AT_ONCE = 1000  # rows of one transaction: nobody waits for it
NOTES_KEPT = timedelta(days=2)  # questions and idempotency keys: longer than anybody tries again
TOLD_KEPT = timedelta(days=30)

Forgotten = tuple[type[SQLModel], ColumnElement[bool], dict[str, Any] | None]


def forget_due(db: Database, *, now: datetime, keep: timedelta | None) -> int:
    """Give how many rows were forgotten.

    `keep`: how long the texts of mails with leads stay, and the browsers that opened links; None: for ever. What was
    judged, done and sent stays, so that every figure still adds up.
    """
    return sum(_forget(db, *each) for each in (*_notes(now), *(_texts(now - keep) if keep else ())))


def _notes(now: datetime) -> Iterator[Forgotten]:
    """Give what is deleted: rows that have served."""
    yield Seen, col(Seen.at) < now - KEPT, None
    yield Proposal, col(Proposal.created_at) < now - NOTES_KEPT, None
    yield ApiCall, col(ApiCall.at) < now - NOTES_KEPT, None
    ended = or_(col(HookEvent.told_at) < now - TOLD_KEPT, col(HookEvent.given_up_at) < now - TOLD_KEPT)
    yield HookEvent, ended, None


def _texts(old: datetime) -> Iterator[Forgotten]:
    """Give what is emptied: words of people, in rows that stay."""
    empty = {"text": "", "subject": ""}
    yield Message, (col(Message.came_at) < old) & (col(Message.text) != ""), empty
    yield Reply, (col(Reply.created_at) < old) & (col(Reply.text) != ""), empty
    yield Visit, (col(Visit.at) < old) & (col(Visit.agent) != ""), {"agent": ""}


def _forget(
    db: Database, model: type[SQLModel], which: ColumnElement[bool], values: dict[str, Any] | None
) -> int:
    table: Table = model.__table__  # type: ignore[attr-defined]
    (key,) = table.primary_key
    few = key.in_(select(key).where(which).limit(AT_ONCE).scalar_subquery())
    statement = delete(table).where(few) if values is None else update(table).where(few).values(values)
    count = 0
    while True:
        with db.write() as session:
            done: int = session.connection().execute(statement).rowcount
        count += done
        if done < AT_ONCE:
            return count
