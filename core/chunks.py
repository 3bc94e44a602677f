"""Pieces of bounded size (itertools.batched comes only with Python 3.12)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
AT_ONCE = 1000  # ids bound in one statement: far below what SQLite (32,766) and PostgreSQL (65,535) take


def chunks(items: Iterable[T], size: int = AT_ONCE) -> Iterator[list[T]]:
    """Give the items in lists of at most `size`, in order."""
    source = iter(items)
    while piece := list(islice(source, size)):
        yield piece
