"""Where mail leaves and comes back."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from core.models.base import instant, row_id


class Mailbox(SQLModel, table=True):
    """A sender. Passwords stay in the environment; `password_env` names the variable."""

    id: int | None = row_id()
    address: str = Field(unique=True)
    name: str = ""
    smtp_host: str
    smtp_port: int
    smtp_security: str
    username: str | None = None
    password_env: str | None = None
    # or "google", "microsoft": then `password_env` names the variable of the refresh token
    auth: str = Field(default="password", sa_column_kwargs={"server_default": "password"})
    imap_host: str | None = None  # None: nothing is read, and nobody waits for it
    imap_port: int | None = None
    imap_security: str | None = None
    read_at: datetime | None = instant()  # when everything in it was last read
    unread_because: str | None = None
    reader: str | None = None  # the one process that reads it, until `reader_until`
    reader_until: datetime | None = instant()
    connections: int = 4
    cap_per_day: int = 200
    min_gap_seconds: float = 0
    ramp_from: int | None = None  # the cap of the first day; None: no ramp-up
    ramp_step: int = 0  # how much the cap grows a day
    zone: str = "UTC"  # whose midnight begins a new day of the cap
    first_day: str | None = None  # ISO date of its first hand-over, where the ramp begins
    last_handed_at: datetime | None = instant()
    down_at: datetime | None = instant()
    down_because: str | None = None
    retry_at: datetime | None = instant()
    # Too many bounces or complaints: nothing leaves until a person releases it; judged anew from then on.
    guarded_at: datetime | None = instant()
    guarded_because: str | None = None
    released_at: datetime | None = instant()
    released_by: str | None = None
    created_at: datetime = instant(required=True)


class Folder(SQLModel, table=True):
    """How far a folder of a mailbox has been read (RFC 3501 §2.3.1.1); written with the messages it counts."""

    mailbox_id: int = Field(primary_key=True, foreign_key="mailbox.id")
    name: str = Field(primary_key=True)
    uidvalidity: int = Field(sa_type=BigInteger)
    last_uid: int = Field(default=0, sa_type=BigInteger)


class MailboxDay(SQLModel, table=True):
    """How many hand-overs a mailbox began on one of its days."""

    __tablename__ = "mailbox_day"
    mailbox_id: int = Field(primary_key=True, foreign_key="mailbox.id")
    day: str = Field(primary_key=True)
    handed: int = 0
