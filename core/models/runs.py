"""Leads in sequences: enrollments, what holds them, what was handed over, and who did what."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Column, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from core.models.base import instant, long_text, row_id
from core.types import Microseconds


class Enrollment(SQLModel, table=True):
    """One lead in one sequence, one run of it.

    `due_at`: the countdown's end. `send_at`: the first moment at or after it that is inside the window.
    `wake_at`: when the sender looks next; later than `send_at` while a lease or a cap holds it back.
    """

    __table_args__ = (
        UniqueConstraint("lead_id", "sequence_id", "run"),
        Index(
            "one_live_run",
            "lead_id",
            "sequence_id",
            unique=True,
            sqlite_where=text("status IN ('pending','in_progress','paused','skipped')"),
            postgresql_where=text("status IN ('pending','in_progress','paused','skipped')"),
        ),
        Index(
            "due",
            "mailbox_id",
            "wake_at",
            sqlite_where=text("status = 'pending'"),
            postgresql_where=text("status = 'pending'"),
        ),
        Index("of_sequence", "sequence_id", "status"),
        Index(
            "awaited",
            "wake_at",
            sqlite_where=text("awaits_since IS NOT NULL"),
            postgresql_where=text("awaits_since IS NOT NULL"),
        ),
    )
    id: int | None = row_id()
    lead_id: int = Field(foreign_key="lead.id")
    sequence_id: int = Field(foreign_key="sequence.id")
    run: int = 1
    status: str
    position: int = 0
    attempt: int = 0
    due_at: datetime | None = instant()
    send_at: datetime | None = instant()
    wake_at: datetime | None = instant()
    remaining: timedelta | None = Field(default=None, sa_type=Microseconds)
    mailbox_id: int | None = Field(default=None, foreign_key="mailbox.id")
    has_started: bool = False
    version: int = 0
    # While a condition is awaited: from when on facts count. `wake_at` is then when it is looked at next.
    awaits_since: datetime | None = instant()
    enrolled_at: datetime = instant(required=True)
    ended_at: datetime | None = instant()
    end_reason: str | None = None


class Hold(SQLModel, table=True):
    """One reason why an enrollment is paused. `until` None: no end date; `released_at` None: still open.

    No foreign keys, as in the journal: each pause of very many would have every row checked.
    """

    __table_args__ = (
        Index("open_holds", "enrollment_id", sqlite_where=text("released_at IS NULL"),
              postgresql_where=text("released_at IS NULL")),
        Index("ending_holds", "until", sqlite_where=text("released_at IS NULL"),
              postgresql_where=text("released_at IS NULL")),
        Index("announced_holds", "announce_at", sqlite_where=text("announce_at IS NOT NULL"),
              postgresql_where=text("announce_at IS NOT NULL")),
        Index("released_holds", "released_at", sqlite_where=text("released_at IS NOT NULL"),
              postgresql_where=text("released_at IS NOT NULL")),
    )  # fmt: skip
    id: int | None = row_id()
    enrollment_id: int
    source: str
    reason: str = long_text()
    author: str
    placed_at: datetime = instant(required=True)
    until: datetime | None = instant()
    policy: str | None = None  # how the countdown goes on once `until` comes; None: the sequence's own way
    announce_at: datetime | None = (
        instant()
    )  # when the owner is told that it will end; None: told, or not at all
    batch_id: int | None = Field(default=None, index=True)
    released_at: datetime | None = instant()
    released_by: str | None = None


class DeliveryState(StrEnum):
    """`ready → claimed → sending → sent | failed | uncertain`; `claimed → skipped`; a task waits as `open`."""

    READY = "ready"
    CLAIMED = "claimed"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    SKIPPED = "skipped"
    OPEN = "open"


class Delivery(SQLModel, table=True):
    """One attempt to hand one step of one enrollment to SMTP, one task to a person, or one person's answer to a lead.

    The unique keys are what keeps a step, and an answer, from leaving twice; `attempt` rises only by a named person's act.
    """

    __table_args__ = (
        UniqueConstraint("enrollment_id", "step_id", "attempt"),
        Index("under_way", "state", "lease_until", sqlite_where=text("state IN ('claimed','sending')"),
              postgresql_where=text("state IN ('claimed','sending')")),
        Index("snoozed", "snoozed_until", sqlite_where=text("snoozed_until IS NOT NULL"),
              postgresql_where=text("snoozed_until IS NOT NULL")),
        Index("gone_wrong", "state", "id", sqlite_where=text("state IN ('failed','uncertain','skipped')"),
              postgresql_where=text("state IN ('failed','uncertain','skipped')")),
        Index("ready_replies", "mailbox_id", sqlite_where=text("kind = 'reply' AND state = 'ready'"),
              postgresql_where=text("kind = 'reply' AND state = 'ready'")),
    )  # fmt: skip
    id: int | None = row_id()
    enrollment_id: int = Field(foreign_key="enrollment.id")
    step_id: int | None = Field(default=None, foreign_key="step.id")  # None: a person's answer, no step
    # of a table that comes later and refers to this one: a foreign key would close a circle
    reply_id: int | None = Field(default=None, unique=True)
    attempt: int = 0
    kind: str = "email"  # or "task", "reply"
    variant: str | None = None  # the version of the email that left
    snoozed_until: datetime | None = instant()  # a task that its person put off
    state: str = DeliveryState.READY.value
    reason: str | None = long_text(None)
    message_id: str | None = Field(default=None, unique=True)
    mailbox_id: int | None = Field(default=None, foreign_key="mailbox.id")
    subject: str = long_text()
    fence: int = 0
    tries: int = 0
    lease_until: datetime | None = instant()  # of a ready answer: when it is tried again
    created_at: datetime = instant(required=True)
    claimed_at: datetime | None = instant()
    sending_at: datetime | None = instant()
    settled_at: datetime | None = instant()
    code: int | None = None
    answer: str | None = long_text(None)

    @property
    def is_open_question(self) -> bool:
        """Say whether a person must still say what became of it."""
        return self.state == DeliveryState.UNCERTAIN and self.settled_at is None


class Batch(SQLModel, table=True):
    """One act of one person or rule, on one or many enrollments; what `undo` undoes."""

    id: int | None = row_id()
    verb: str
    actor: str = Field(index=True)
    at: datetime = instant(required=True)
    size: int = 0
    undone_at: datetime | None = instant()
    undone_by: str | None = None


class Journal(SQLModel, table=True):
    """Append-only: who or what did what, when, to whom, from what to what, in which batch.

    `before` holds the enrollment as it was, `version` the version it then got: what an undo needs to be exact. No foreign
    keys: nothing that a line names is ever deleted (of a draft its lines lose the number), and checked row by row they
    were a third of what pausing very many costs; tests/mailroom.py looks for lines that name nothing.
    """

    id: int | None = row_id()
    at: datetime = instant(required=True)
    actor: str
    verb: str
    lead_id: int | None = Field(default=None, index=True)
    sequence_id: int | None = None
    enrollment_id: int | None = None
    delivery_id: int | None = None
    batch_id: int | None = Field(default=None, index=True)
    was: str | None = None
    became: str | None = None
    reason: str = long_text()
    before: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    version: int | None = None
