"""What it costs to find and claim what is due, among few and among many enrollments."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta

from sqlalchemy import bindparam, text

from benchmarks.ground import Sink, stores
from benchmarks.machine import middle, table
from benchmarks.terms import MEASURED, NOW
from core import handover
from core.db import Database
from core.types import UtcDateTime

SIZES = (10_000, 100_000)
BIG = 1_000_000
DUE = 3000
GOAL = 1.5
_LEADS = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :more)
INSERT INTO lead (email, first_name, last_name, name, company, domain, stage, custom, created_at)
SELECT 'idle' || i || '@company.example', '', '', '', '', 'company.example', '', one.custom, one.created_at
FROM n, (SELECT * FROM lead WHERE id = 1) one
"""
# Two thirds wait for a later step, a sixth has completed, a sixth is paused.
_ENROLLMENTS = """
INSERT INTO enrollment (lead_id, sequence_id, run, status, position, attempt, due_at, send_at, wake_at, mailbox_id,
                        has_started, version, enrolled_at)
SELECT lead.id, one.sequence_id, 1,
       CASE lead.id % 6 WHEN 0 THEN 'completed' WHEN 1 THEN 'paused' ELSE 'pending' END,
       1, 0, one.due_at, :later, :later, one.mailbox_id, one.has_started, 2, one.enrolled_at
FROM lead, (SELECT * FROM enrollment WHERE mailbox_id = 2 ORDER BY id LIMIT 1) one
WHERE lead.email LIKE 'idle%'
"""


def main(options: argparse.Namespace) -> None:
    """Print the milliseconds of a poll and of a claim of 100 at each size, and the ratio to the smallest."""
    rows = [("", "enrollments", "poll ms", "claim of 100 ms", "poll ratio", "claim ratio")]
    sizes = (*SIZES, BIG) if options.big else SIZES
    with stores(options.databases) as made:
        for store in made:
            first: tuple[float, float] | None = None
            for size in sizes:
                store.template(DUE)
                store.grow(lambda db, more=size - DUE: grow(db, more))
                with store.copy(Sink(1)) as url, closing(Database(url)) as db:
                    poll, claim = _measure(db)
                first = first or (poll, claim)
                ratios = (f"{poll / first[0]:.2f} ×", f"{claim / first[1]:.2f} ×")
                rows.append((store.kind, f"{size:,}", f"{poll:.2f}", f"{claim:.1f}", *ratios))
    print(table(rows))
    print(
        f"Goal: ≤ {GOAL} × the smallest. {DUE} steps are due, the others wait, are paused or have completed."
    )


def grow(db: Database, more: int) -> None:
    """Add enrollments with which there is nothing to do now."""
    later = bindparam("later", NOW + timedelta(days=1), type_=UtcDateTime())
    with db.write() as session:
        session.connection().execute(text(_LEADS), {"more": more})
        session.connection().execute(text(_ENROLLMENTS).bindparams(later))


def _measure(db: Database) -> tuple[float, float]:
    with db.read() as session:
        polls = [_milliseconds(lambda: handover.mailboxes_due(session, now=NOW)) for _ in range(60)]
    claims = [_milliseconds(lambda: handover.claim(db, MEASURED, now=NOW)) for _ in range(DUE // 100)]
    return middle(polls[10:]), middle(claims[3:])


def _milliseconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000
