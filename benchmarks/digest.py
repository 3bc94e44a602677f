"""The list of paused leads over very many: its first page and a later one, beside loading every row as an object.

Each runs in a process of its own, so that its memory is its own too. The naive one is what one writes first: all open
holds with their enrollments and leads as ORM objects, grouped and sorted in Python.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tracemalloc
from contextlib import closing
from time import perf_counter

import psutil
from sqlalchemy import text
from sqlmodel import col, select

from benchmarks.bulk import FEW, _grow
from benchmarks.ground import LONGEST_SECONDS, ROOT, Sink, Store, stores
from benchmarks.machine import middle, table
from benchmarks.terms import NOW
from core import commands, digests, views
from core.db import Database
from core.lifecycle import Source
from core.models import Card, Enrollment, Hold, Lead
from core.people import Actor
from core.worklist import LONG, Group

COUNT = 100_000
GOAL_SECONDS = 1
ROWS_SHOWN = 12
ANA = Actor("U0ANA", "Ana", "Europe/Berlin")
WAYS = ("first page", "a later page", "naive")
_OWNED = "UPDATE lead SET owner = 'U0ANA'"
# A fifth each: answered, due back today, no end, for long, an end far off.
_SPREAD = {
    "sqlite": """UPDATE hold SET source = CASE WHEN enrollment_id % 5 = 0 THEN 'reply' ELSE source END,
        until = CASE enrollment_id % 5 WHEN 1 THEN '2027-06-15 10:00:00.000000' WHEN 4 THEN '2027-12-01 08:00:00.000000' END,
        placed_at = CASE enrollment_id % 5 WHEN 3 THEN '2027-01-01 08:00:00.000000' ELSE placed_at END""",
    "postgresql": """UPDATE hold SET source = CASE WHEN enrollment_id % 5 = 0 THEN 'reply' ELSE source END,
        until = CASE enrollment_id % 5 WHEN 1 THEN timestamptz '2027-06-15 10:00Z' WHEN 4 THEN timestamptz '2027-12-01 08:00Z' END,
        placed_at = CASE enrollment_id % 5 WHEN 3 THEN timestamptz '2027-01-01 08:00Z' ELSE placed_at END""",
}


def main(options: argparse.Namespace) -> None:
    """Print seconds and memory of each way on each database, and the naive one's ratio to the first page."""
    count = options.count or COUNT
    rows = [("", f"{count:,} paused leads", "seconds", "peak MB of Python", "process grew by MB", "naive is")]
    with stores(options.databases) as made:
        for store in made:
            store.template(FEW)
            store.grow(lambda db, more=count - 2 * FEW: _grow(db, more))
            store.grow(_paused)
            found = _measure(store, options.rounds)
            first = found["first page"]
            for way in WAYS:
                seconds, peak, grown = found[way]
                ratio = (
                    f"{seconds / first[0]:.0f} × slower, {peak / first[1]:.0f} × larger"
                    if way == "naive"
                    else ""
                )
                rows.append((store.kind, way, f"{seconds:.2f}", f"{peak:.1f}", f"{grown:.0f}", ratio))
    print(table(rows))
    print(
        f"Goal: the first page within {GOAL_SECONDS} s, in memory that does not grow with the leads. Medians of rounds."
    )


def _measure(store: Store, rounds: int) -> dict[str, tuple[float, float, float]]:
    found: dict[str, list[tuple[float, float, float]]] = {way: [] for way in WAYS}
    with store.copy(Sink(1)) as url:
        for _ in range(rounds):
            for way in WAYS:
                found[way].append(_alone(url, way))
    return {way: tuple(middle(values) for values in zip(*each, strict=True)) for way, each in found.items()}


def _alone(url: str, way: str) -> tuple[float, float, float]:
    """Give seconds, and megabytes of Python and of the process, of one way in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.digest", url, way]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=LONGEST_SECONDS
    )
    if done.returncode:
        raise RuntimeError(f"{way} failed:\n{done.stderr[-3000:]}")
    return tuple(json.loads(done.stdout.splitlines()[-1]))


def _paused(db: Database) -> None:
    """Pause everybody, for five different reasons; all are Ana's."""
    desk = commands.Desk(db)
    question = commands.run(desk, "pause everyone", actor=ANA, now=NOW)
    answer = commands.confirm(desk, question.choices[0].proposal or "", actor=ANA, now=NOW)
    assert not answer.is_refusal, answer
    with db.write() as session:
        session.connection().execute(text(_OWNED))
        session.connection().execute(text(_SPREAD["sqlite" if db.is_sqlite else "postgresql"]))
        row = digests.row_of(session, ANA.id, is_channel=False)
        digests.show(session, row, "digest:U0ANA:today", now=NOW)


def contender(url: str, way: str) -> None:
    """Print seconds, then the peak of what Python held and how much the process grew, in megabytes."""
    work = {"first page": _first, "a later page": _later, "naive": _naive}[way]
    with closing(Database(url)) as db:
        with db.read() as session:
            session.connection().execute(text("SELECT 1"))
        process = psutil.Process()
        before = process.memory_info().rss
        began = perf_counter()
        lines = work(db)
        seconds = perf_counter() - began
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before  # at its largest
        assert lines == ROWS_SHOWN, lines
        tracemalloc.start()  # in a second run: it slows everything down
        work(db)
        peak = tracemalloc.get_traced_memory()[1]
    print(json.dumps([seconds, peak / 2**20, grown / 2**20]))


def _first(db: Database) -> int:
    """What a worker does before it draws: the whole card."""
    with db.read() as session:
        card = session.exec(select(Card).where(Card.kind == digests.KIND)).one()
        view = views.view(session, card, now=NOW)
    return sum(len(group.rows) for group in view.groups)


def _later(db: Database) -> int:
    """What a click on "more" does, in the middle of the list."""
    with db.read() as session:
        card = session.exec(select(Card).where(Card.kind == digests.KIND)).one()
        half = session.connection().execute(text("SELECT count(*) / 2 FROM hold")).scalar_one()
    said = f"card digest {card.id} more {half}"
    return len(commands.run(commands.Desk(db), said, actor=ANA, now=NOW).rows)


def _naive(db: Database) -> int:
    with db.read() as session:
        query = (
            select(Hold, Enrollment, Lead)
            .join(Enrollment, col(Enrollment.id) == Hold.enrollment_id)
            .join(Lead, col(Lead.id) == Enrollment.lead_id)
            .where(col(Hold.released_at).is_(None), Lead.owner == ANA.id)
        )
        found = session.exec(query).all()
    groups: dict[Group, list[tuple[Hold, Enrollment, Lead]]] = {}
    for hold, enrollment, lead in found:
        if hold.until and hold.until.date() <= NOW.date():
            group = Group.TODAY
        elif hold.source == Source.REPLY:
            group = Group.REPLY
        else:
            group = Group.LONG if hold.placed_at <= NOW - LONG else Group.ENDLESS
        groups.setdefault(group, []).append((hold, enrollment, lead))
    ordered = [
        line for group in sorted(groups) for line in sorted(groups[group], key=lambda line: line[0].placed_at)
    ]
    return len([f"{lead.name} ({lead.email})" for _, _, lead in ordered[:ROWS_SHOWN]])


if __name__ == "__main__":
    contender(*sys.argv[1:])
