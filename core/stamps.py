"""Instants as the whole numbers that commands of buttons carry: exact, and without a zone. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def stamp(moment: datetime) -> int:
    """Give an instant as whole microseconds since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def instant(stamped: int) -> datetime:
    """Give the instant, UTC, of a stamp; raises OverflowError past the year 9999."""
    return _EPOCH + timedelta(microseconds=stamped)
