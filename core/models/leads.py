"""Who is written to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from core.models.base import instant, json_value, row_id

QUALIFIED, NOT_QUALIFIED = "qualified", "not qualified"  # the stages that `qualify` and `unqualify` give


class Lead(SQLModel, table=True):
    """A person: one email address."""

    id: int | None = row_id()
    email: str = Field(unique=True)
    first_name: str = ""
    last_name: str = ""
    name: str = ""
    company: str = ""
    domain: str = Field(default="", index=True)
    zone: str | None = None
    stage: str = Field(default="", index=True)
    owner: str | None = Field(default=None, index=True)
    custom: dict[str, Any] = json_value(dict)
    created_at: datetime = instant(required=True)


class LeadTag(SQLModel, table=True):
    """A tag on a lead."""

    __tablename__ = "lead_tag"
    lead_id: int = Field(primary_key=True, foreign_key="lead.id")
    tag: str = Field(primary_key=True, index=True)


class Suppression(SQLModel, table=True):
    """An address that gets no mail, whatever anybody does."""

    email: str = Field(primary_key=True)
    reason: str
    author: str
    at: datetime = instant(required=True)
