"""Instants as the whole numbers that commands of buttons carry: exact, and without a zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from core.models.base import LARGEST_ID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def stamp(moment: datetime) -> int:
    """Give an instant as whole microseconds since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def instant(stamped: int) -> datetime:
    """Give the instant, UTC, of a stamp; raises OverflowError past the year 9999."""
    return _EPOCH + timedelta(microseconds=stamped)


def place(moment: datetime, number: int) -> str:
    """Give a place on a list that goes by time: what is read on from, whatever has come or gone since."""
    return f"{stamp(moment)}:{number}"


def placed(written: str) -> tuple[datetime, int]:
    """Give the moment and the number of a place."""
    moment, _, number = written.partition(":")
    return instant(int(moment)), min(int(number), LARGEST_ID)
