"""Figures and the log as CSV files: line by line, in bounded memory, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime
from typing import TextIO

from sqlmodel import Session

from core import grammar
from core.db import Database
from core.grammar import commands as orders
from core.lead_file import safe_cell
from core.people import Actor
from core.verbs import figures, log


def write(db: Database, order: orders.Stats | orders.Log, out: TextIO, *, actor: Actor, now: datetime) -> int:
    """Write what was asked for and give how many lines it has beside the heads; raises Refused as the command does."""
    writer, count = csv.writer(out), -1
    with db.read() as session:
        for row in rows(session, order, actor=actor, now=now):
            writer.writerow(map(safe_cell, row))
            count += 1
    return count


def rows(
    session: Session, order: orders.Stats | orders.Log, *, actor: Actor, now: datetime
) -> Iterator[list[str]]:
    """Give the lines, heads first."""
    if isinstance(order, orders.Stats):
        return figures.file_rows(session, order, actor=actor, now=now)
    return log.file_rows(session, order, actor=actor, now=now)


def order_of(command: str) -> orders.Stats | orders.Log:
    """Give what a file was asked for with."""
    order = grammar.parse(command)
    assert isinstance(order, orders.Stats | orders.Log)
    return order


def name_of(order: orders.Stats | orders.Log, now: datetime) -> str:
    """Give the file's name."""
    return f"fermata-{type(order).__name__.lower()}-{now:%Y-%m-%d-%H%M}.csv"
