"""What comes back: messages, what people answer them, meetings, visits to links."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from core.models.base import instant, json_value, long_text, row_id


class Message(SQLModel, table=True):
    """A message that came back, however often it was delivered: what it is, whom it concerns, what the rule did.

    Only messages that concern a lead are kept, and of those only the sender's own words (`text`, 4,000 characters).
    """

    __table_args__ = (Index("conversation", "lead_id", "enrollment_id"),)
    id: int | None = row_id()
    key: str = Field(unique=True)  # of Message-ID and content
    message_id: str | None = Field(default=None, index=True)
    mailbox_id: int | None = Field(default=None, foreign_key="mailbox.id")
    lead_id: int = Field(foreign_key="lead.id")
    enrollment_id: int | None = Field(default=None, foreign_key="enrollment.id")
    delivery_id: int | None = Field(default=None, foreign_key="delivery.id", index=True)
    came_at: datetime = instant(required=True)
    matched_by: str  # "thread", "address" or "company"
    sender: str
    sender_name: str = ""
    subject: str = long_text()
    text: str = long_text()
    kind: str  # core.inbound.Kind, as judged last
    judged_kind: str  # as judged first
    findings: dict[str, Any] = json_value(dict)
    outcome: str = long_text()  # what was done, one sentence
    batch_id: int | None = Field(default=None, foreign_key="batch.id")
    corrected_by: str | None = None
    corrected_at: datetime | None = instant()


class Reply(SQLModel, table=True):
    """What a person wrote to a lead from a card: it leaves the lead's own mailbox, once, as a delivery of its own."""

    id: int | None = row_id()
    key: str = Field(unique=True)  # of the form it was written in: pressing twice sends once
    message_id: int = Field(foreign_key="message.id", index=True)  # what it answers
    enrollment_id: int = Field(foreign_key="enrollment.id", index=True)
    author: str
    subject: str = long_text()
    text: str = long_text()
    created_at: datetime = instant(required=True)


class Meeting(SQLModel, table=True):
    """A meeting with a lead. `state`: a word of core.meetings.State; `number` and `changed_at` order its news."""

    id: int | None = row_id()
    key: str = Field(unique=True)  # of the lead, the source and its id there: one meeting may have two leads
    lead_id: int = Field(foreign_key="lead.id", index=True)
    enrollment_id: int | None = Field(default=None, foreign_key="enrollment.id")
    source: str
    title: str = long_text()
    state: str = "booked"
    number: int = 0
    changed_at: datetime = instant(required=True)
    starts_at: datetime | None = instant()
    ends_at: datetime | None = instant(index=True)
    asked_at: datetime | None = instant()  # when its card began to ask how it went
    settled_by: str | None = None
    batch_id: int | None = Field(default=None, foreign_key="batch.id")


class Link(SQLModel, table=True):
    """A link of one mail, or (`url` "") its picture or its hidden link: found by its random token, never made up."""

    id: int | None = row_id()
    token: str = Field(unique=True)
    delivery_id: int = Field(foreign_key="delivery.id", index=True)
    url: str = long_text()
    place: int = 0  # which link of the mail it is, from 1; 0: the picture, -1: the link that nobody can see
    made_at: datetime = instant(required=True)


class Visit(SQLModel, table=True):
    """Somebody, or some scanner, fetched a link. A suspected scanner never changes a lead.

    `settled_at` None: what else the same visitor does is waited for, and nothing has come of it yet.
    """

    __table_args__ = (
        Index("unsettled", "at", sqlite_where=text("settled_at IS NULL"), postgresql_where=text("settled_at IS NULL")),
    )  # fmt: skip
    id: int | None = row_id()
    link_id: int = Field(foreign_key="link.id", index=True)
    delivery_id: int = Field(foreign_key="delivery.id", index=True)
    kind: str  # "click" or "open"
    at: datetime = instant(required=True)
    agent: str = long_text()
    suspect: str = ""  # why it is taken for a scanner; "": a person
    settled_at: datetime | None = instant()
