"""Calls of the API that bear an idempotency key act once: the same call again gets the answer of the first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import Table, delete, update
from sqlmodel import col

from core.db import Database, upsert
from core.errors import Refused
from core.models import ApiCall

CALLS: Table = ApiCall.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Stored:
    """What the first call was answered."""

    status: int
    body: str


class AnotherCall(Refused):
    """The key was used for something else."""


def place(token_id: int, key: str) -> str:
    """Give the key as it is kept: of its token, and of one length."""
    return f"{token_id}:{sha256(key.encode()).hexdigest()}"


def begin(db: Database, key: str, request: str, *, now: datetime) -> Stored | None:
    """Give None the first time, then the answer of the first; raises Refused for a call that has none (yet).

    `request`: a hash of what is asked. A call that was cut off is never repeated: nobody knows what it did.
    """
    with db.write() as session:
        values = {"key": key, "request": request, "at": now}
        mark = upsert(session, CALLS).values(values).on_conflict_do_nothing().returning(CALLS.c.key)
        if session.connection().execute(mark).first():
            return None
        row = session.get_one(ApiCall, key)
    if row.request != request:
        raise AnotherCall("This Idempotency-Key was used for another call; take a new one for each.")
    if row.status is None:
        raise Refused(
            "The first call with this Idempotency-Key has no answer yet; try again, and if it stays so look what it did."
        )
    return Stored(row.status, row.answer or "{}")


def keep(db: Database, key: str, status: int, body: str) -> None:
    """Keep the answer for whoever calls again."""
    with db.write() as session:
        session.execute(update(ApiCall).where(col(ApiCall.key) == key).values(status=status, answer=body))


def forget(db: Database, key: str) -> None:
    """Let the call be made again: it changed nothing."""
    with db.write() as session:
        session.execute(delete(ApiCall).where(col(ApiCall.key) == key))
