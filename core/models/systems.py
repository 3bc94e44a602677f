"""Other systems: their tokens and calls, and what they are told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from core.models.base import instant, json_value, long_text, row_id


class ApiToken(SQLModel, table=True):
    """A key to the API; only its hash is kept. `scopes`: what it may do."""

    __tablename__ = "api_token"
    id: int | None = row_id()
    name: str
    hash: str = Field(unique=True)
    scopes: list[str] = json_value(list)
    created_at: datetime = instant(required=True)
    created_by: str
    used_at: datetime | None = instant()
    revoked_at: datetime | None = instant()
    revoked_by: str | None = None


class ApiCall(SQLModel, table=True):
    """A call of the API that bore an idempotency key, with its answer: the same call again gets it and acts no more."""

    __tablename__ = "api_call"
    key: str = Field(primary_key=True)  # of the token and the key it gave
    request: str  # a hash of what was asked
    status: int | None = None  # None: it is being done
    answer: str | None = long_text(None)
    at: datetime = instant(index=True, required=True)


class Hook(SQLModel, table=True):
    """An address of somebody's that is told what happens: signed with its own secret, which is kept encrypted."""

    id: int | None = row_id()
    url: str = long_text()
    secret: str = long_text()
    events: list[str] = json_value(list)
    created_at: datetime = instant(required=True)
    created_by: str
    off_at: datetime | None = instant()
    off_because: str | None = None


class HookEvent(SQLModel, table=True):
    """One thing to tell one hook: tried until it is taken, in order for each lead."""

    __tablename__ = "hook_event"
    __table_args__ = (
        Index("untold", "hook_id", "lead_id", "id", sqlite_where=text("told_at IS NULL AND given_up_at IS NULL"),
              postgresql_where=text("told_at IS NULL AND given_up_at IS NULL")),
    )  # fmt: skip
    id: int | None = row_id()
    hook_id: int = Field(foreign_key="hook.id")
    lead_id: int | None = Field(default=None, foreign_key="lead.id", index=True)
    event: str
    payload: dict[str, Any] = json_value(dict)
    created_at: datetime = instant(required=True)
    tries: int = 0
    retry_at: datetime | None = instant()
    told_at: datetime | None = instant()
    given_up_at: datetime | None = instant()
    fault: str | None = None
