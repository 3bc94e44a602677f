"""What stands in Slack, and what was asked there."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from core.models.base import instant, json_value, long_text, row_id


class Card(SQLModel, table=True):
    """A Slack message that is redrawn for ever: wanted when `wanted` > `drawn`. `ts` None: not yet posted.

    `about_id`: what it shows beside the lead, by `kind` (a message, a meeting, a hold, a mailbox, a batch, a reminder, a
    collision). `parent_id`: the card in whose thread it stands.
    """

    __table_args__ = (
        Index(
            "to_draw",
            "retry_at",
            sqlite_where=text("wanted > drawn"),
            postgresql_where=text("wanted > drawn"),
        ),
        Index("posted", "channel", "ts"),
        Index("drawn_lately", "drawn_at"),
    )
    id: int | None = row_id()
    key: str = Field(unique=True)
    kind: str
    channel: str
    ts: str | None = None  # of an App Home the hash of the view that was published last
    meant_for: str | None = None  # the channel it could not be posted to, where `channel` is a person instead
    file_id: str | None = None  # of the picture on it, as Slack names it
    drawn_at: datetime | None = instant()
    drawn_hash: str | None = None  # of what was drawn last: the same is not drawn again
    lead_id: int | None = Field(default=None, foreign_key="lead.id", index=True)
    delivery_id: int | None = Field(default=None, foreign_key="delivery.id", index=True)
    about_id: int | None = None
    parent_id: int | None = Field(default=None, foreign_key="card.id")
    wanted: int = 1
    drawn: int = 0
    tries: int = 0
    retry_at: datetime | None = instant()
    fault: str | None = None
    created_at: datetime = instant(required=True)


class Digest(SQLModel, table=True):
    """When a person, or a channel, gets the list of paused leads. `at` None: nobody asked, so at the usual time.

    `day` is the reader's own day on which it was last due, ISO; `card_id` the newest list, the only one that is redrawn.
    """

    id: int | None = row_id()
    place: str = Field(unique=True)  # a Slack id, or a channel
    is_channel: bool = False
    asked_by: str | None = None  # who named this channel, and is told where it takes no messages
    at: str | None = None  # "08:30", on the reader's clock
    is_off: bool = False
    day: str | None = None
    card_id: int | None = Field(default=None, foreign_key="card.id")
    weekly_at: str | None = None  # "monday 09:00", on the reader's clock; None: no weekly report
    week: str | None = None  # the ISO week, "2026-W47", of the report that was last due


class Seen(SQLModel, table=True):
    """An outside event that has acted; when it comes again it gets the same answer and acts no more."""

    key: str = Field(primary_key=True)
    at: datetime = instant(index=True, required=True)
    answer: str | None = long_text(None)


class Proposal(SQLModel, table=True):
    """A command that asked before acting: the exact enrollments it showed, good for one click."""

    id: str = Field(primary_key=True)
    command: str = long_text()
    actor: str
    enrollments: list[int] = json_value(list)
    created_at: datetime = instant(required=True)
    used_at: datetime | None = instant()
    used_by: str | None = None


class Trial(SQLModel, table=True):
    """A mail that somebody sends to themselves to see it: written, begun once, never tried again, counted nowhere."""

    id: int | None = row_id()
    key: str = Field(unique=True)  # of the form: pressing twice sends once
    mailbox_id: int = Field(foreign_key="mailbox.id")
    lead_id: int = Field(foreign_key="lead.id", index=True)  # as whom it is written
    sequence: str
    step: int  # its number
    recipient: str
    content: str = long_text()  # the whole message; "" from when it has begun
    asked_by: str
    created_at: datetime = instant(required=True)
    begun_at: datetime | None = instant(index=True)
    sent_at: datetime | None = instant()
    fault: str | None = long_text(None)
