"""Who uses Fermata: the workspace, its members, and what they agree on."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, text, true
from sqlmodel import Field, SQLModel

from core.models.base import instant, json_value, long_text, row_id

WORKSPACE_ID = 1


class Workspace(SQLModel, table=True):
    """The one row that every hand-over locks first: halted or not, and the defaults."""

    id: int = Field(default=WORKSPACE_ID, primary_key=True)
    zone: str = "UTC"
    channel: str = ""
    # The reply barrier: no follow-up leaves a mailbox that was not read for so long (DESIGN G7).
    read_within_seconds: int = Field(default=600, sa_column_kwargs={"server_default": "600"})
    # Past these shares of what a mailbox or a sequence sent it is held, in per cent; with fewer sends nobody can tell.
    bounce_limit: float = Field(default=5, sa_column_kwargs={"server_default": "5"})
    complaint_limit: float = Field(default=0.1, sa_column_kwargs={"server_default": "0.1"})
    guard_sends: int = Field(default=50, sa_column_kwargs={"server_default": "50"})
    # Whether links of ours can stand in mail (FERMATA_BASE_URL): to unsubscribe, and those that are counted.
    has_links: bool = Field(default=True, sa_column_kwargs={"server_default": true()})
    halted_at: datetime | None = instant()
    halted_by: str | None = None
    halted_because: str | None = None
    # Whether this is the database that was sent from last, or a copy of it that was restored (DESIGN G9).
    lineage: str | None = None
    beat: int = Field(default=0, sa_column_kwargs={"server_default": "0"})


class Member(SQLModel, table=True):
    """A Slack user as last seen: who may act, and in which zone their words are read."""

    id: str = Field(primary_key=True)
    name: str
    zone: str = "UTC"
    is_guest: bool = False
    is_bot: bool = False
    is_deleted: bool = False
    seen_at: datetime = instant(required=True)


class Absence(SQLModel, table=True):
    """A person is away: their leads' cards go to `cover`, or, with none, their leads are held in one batch."""

    __table_args__ = (
        Index("one_absence", "person", unique=True, sqlite_where=text("ended_at IS NULL"),
              postgresql_where=text("ended_at IS NULL")),
    )  # fmt: skip
    id: int | None = row_id()
    person: str
    cover: str | None = None
    until: datetime = instant(required=True)
    batch_id: int | None = Field(default=None, foreign_key="batch.id")  # of the holds it placed
    created_at: datetime = instant(required=True)
    created_by: str
    ended_at: datetime | None = instant()
    ended_by: str | None = None


class Reminder(SQLModel, table=True):
    """What a person asked to be told about a lead, once, at a moment of their own day."""

    __table_args__ = (
        Index("waiting_reminders", "at", sqlite_where=text("fired_at IS NULL AND cancelled_at IS NULL"),
              postgresql_where=text("fired_at IS NULL AND cancelled_at IS NULL")),
    )  # fmt: skip
    id: int | None = row_id()
    lead_id: int = Field(foreign_key="lead.id", index=True)
    person: str = Field(index=True)  # who is told
    at: datetime = instant(required=True)
    note: str = long_text()
    created_at: datetime = instant(required=True)
    created_by: str
    fired_at: datetime | None = instant()
    cancelled_at: datetime | None = instant()
    done_at: datetime | None = instant()  # when somebody pressed Done on its card
    done_by: str | None = None


class Collision(SQLModel, table=True):
    """Somebody wants to enroll leads that a colleague works: the colleague is asked, and until then nobody is enrolled.

    `state`: "open", "accepted", "declined", "handed_over" (enrolled, and owned by the asker from then on), "expired" or
    "withdrawn". `batch_id`: of what an acceptance enrolled.
    """

    __table_args__ = (
        Index("open_collisions", "expires_at", sqlite_where=text("state = 'open'"), postgresql_where=text("state = 'open'")),
    )  # fmt: skip
    id: int | None = row_id()
    asker: str
    colleague: str = Field(index=True)
    sequence_id: int = Field(foreign_key="sequence.id")
    lead_ids: list[int] = json_value(list)
    why: str = long_text()
    state: str = "open"
    created_at: datetime = instant(required=True)
    expires_at: datetime = instant(required=True)
    settled_at: datetime | None = instant()
    settled_by: str | None = None
    batch_id: int | None = Field(default=None, foreign_key="batch.id")
