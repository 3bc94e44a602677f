"""What the tables share: names of constraints, and the columns of which there are many."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Column, Text
from sqlmodel import Field, SQLModel

from core.types import UtcDateTime

LARGEST_ID = 2**31 - 1  # of a row: PostgreSQL refuses a larger number instead of finding nothing
# Named constraints can be altered later on every database.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


def instant(*, index: bool = False, required: bool = False) -> Any:
    """Give a column of a moment."""
    return Field(default=None, sa_type=UtcDateTime, index=index, nullable=not required)


def json_value(default: Any) -> Any:
    """Give a column of JSON, never NULL."""
    return Field(default_factory=default, sa_column=Column(JSON, nullable=False))


def long_text(default: str | None = "") -> Any:
    """Give a column of text without a limit."""
    return Field(default=default, sa_column=Column(Text, nullable=default is None))


def row_id() -> Any:
    """Give the primary key."""
    return Field(default=None, primary_key=True)
