"""What is sent, and what starts and stops it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Column, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.models.base import instant, long_text, row_id


class SequenceStatus(StrEnum):
    """`draft → published ⇄ paused → archived`."""

    DRAFT = "draft"
    PUBLISHED = "published"
    PAUSED = "paused"
    ARCHIVED = "archived"


class Sequence(SQLModel, table=True):
    """Ordered steps with settings; `spec` is the canonical YAML of core/sequence_file."""

    id: int | None = row_id()
    name: str
    key: str = Field(unique=True)  # the name, case-folded
    status: str = SequenceStatus.DRAFT.value
    spec: str = long_text()
    version: int = 0
    created_at: datetime = instant(required=True)
    changed_at: datetime = instant(required=True)
    changed_by: str = ""
    published_spec: str | None = long_text(None)  # as it was when it was published last


class Step(SQLModel, table=True):
    """One unit of a sequence. `position` None: removed, kept for the record."""

    __table_args__ = (UniqueConstraint("sequence_id", "key"),)
    id: int | None = row_id()
    sequence_id: int = Field(foreign_key="sequence.id")
    key: str
    position: int | None = None
    kind: str
    subject: str = long_text()
    body: str = long_text()
    is_threaded: bool = False
    # of an email that is tried in several versions: name, weight, subject and body of each; None: one version
    variants: list[dict[str, Any]] | None = Field(default=None, sa_column=Column(JSON, nullable=True))


class Goal(SQLModel, table=True):
    """What shall start and stop sequences by itself, such as a tag or a booked meeting; `spec` is its canonical YAML."""

    id: int | None = row_id()
    name: str
    key: str = Field(unique=True)  # the name, case-folded
    spec: str = long_text()
    is_off: bool = False
    changed_at: datetime = instant(required=True)
    changed_by: str = ""


class GoalMet(SQLModel, table=True):
    """A lead met a goal, once for each event: `key` is the event's own."""

    __tablename__ = "goal_met"
    id: int | None = row_id()
    goal_id: int = Field(foreign_key="goal.id", index=True)
    lead_id: int = Field(foreign_key="lead.id", index=True)
    key: str = Field(unique=True)
    at: datetime = instant(required=True)
    outcome: str = long_text()
    batch_id: int | None = Field(default=None, foreign_key="batch.id")
