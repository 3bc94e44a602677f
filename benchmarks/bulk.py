"""What it costs to pause, resume and stop very many leads in one command, beside the bare statement."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from time import perf_counter

from sqlalchemy import bindparam, text

from benchmarks.ground import Sink, Store, stores
from benchmarks.machine import middle, table
from benchmarks.terms import NOW
from core import commands
from core.db import Database
from core.people import Actor
from core.types import UtcDateTime

COUNT = 100_000
FEW = 300  # leads that the ground is laid with; the others are copies of them
GOAL = 1.5
GOAL_SECONDS = 3
ANA = Actor("U0ANA", "Ana", "Europe/Berlin")
SAID = ("pause everyone", "resume everyone", "stop everyone")
# No two countdowns end alike, and the leads live in three zones.
_LEADS = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :more)
INSERT INTO lead (email, first_name, last_name, name, company, domain, stage, custom, created_at, zone)
SELECT 'bulk' || i || '@company.example', '', '', '', '', 'company.example', '', one.custom, one.created_at,
       CASE i % 3 WHEN 0 THEN 'America/New_York' WHEN 1 THEN 'Europe/Berlin' END
FROM n, (SELECT * FROM lead WHERE id = 1) one
"""
_ENROLLMENTS = """
INSERT INTO enrollment (lead_id, sequence_id, run, status, position, attempt, due_at, send_at, wake_at, mailbox_id,
                        has_started, version, enrolled_at)
SELECT lead.id, one.sequence_id, 1, 'pending', 1, 0, {due}, {due}, {due}, one.mailbox_id, one.has_started, 2,
       one.enrolled_at
FROM lead, (SELECT * FROM enrollment ORDER BY id LIMIT 1) one WHERE lead.email LIKE 'bulk%'
"""
_DUE = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%S', :soon, '+' || (lead.id * 7) || ' seconds') || '.250000'",
    "postgresql": ":soon + lead.id * interval '7.25 seconds'",
}
_REST = {
    "sqlite": "(strftime('%s', due_at) - strftime('%s', :now)) * 1000000",
    "postgresql": "EXTRACT(EPOCH FROM due_at - :now) * 1000000",
}
# Nothing but the change of the enrollments themselves: no hold, no line of the journal, no lock, no answer.
_BARE = {
    "pause everyone": "UPDATE enrollment SET status = 'paused', remaining = {rest}, send_at = NULL, wake_at = NULL,"
    " version = version + 1 WHERE status = 'pending'",
    "resume everyone": "UPDATE enrollment SET status = 'pending', remaining = NULL, send_at = due_at, wake_at = due_at,"
    " version = version + 1 WHERE status = 'paused'",
    "stop everyone": "UPDATE enrollment SET status = 'stopped', due_at = NULL, send_at = NULL, wake_at = NULL,"
    " ended_at = :now, end_reason = '', version = version + 1 WHERE status = 'pending'",
}


def main(options: argparse.Namespace) -> None:
    """Print seconds of each command, asked and confirmed, and the ratio of the confirmed one to the bare statement."""
    count = options.count or COUNT
    rows = [("", f"{count:,} leads", "asked s", "confirmed s", "bare UPDATE s", "ratio")]
    with stores(options.databases) as made:
        for store in made:
            store.template(FEW)
            store.grow(lambda db, more=count - 2 * FEW: _grow(db, more))
            asked, done, bare = _measure(store, options.rounds)
            for said in SAID:
                a, d, b = (middle(figures[said]) for figures in (asked, done, bare))
                rows.append((store.kind, said, f"{a:.2f}", f"{d:.2f}", f"{b:.2f}", f"{d / b:.1f} ×"))
    print(table(rows))
    print(
        f"Goals: a pause ≤ {GOAL} × the bare statement, and within {GOAL_SECONDS} s on PostgreSQL. Medians of rounds."
    )


def _measure(store: Store, rounds: int) -> tuple[dict[str, list[float]], ...]:
    asked, done, bare = ({said: [] for said in SAID} for _ in range(3))
    for _ in range(rounds):
        with _opened(store) as db:
            desk = commands.Desk(db)
            for said in SAID:
                started = perf_counter()
                question = commands.run(desk, said, actor=ANA, now=NOW)
                asked[said].append(perf_counter() - started)
                started = perf_counter()
                answer = commands.confirm(desk, question.choices[0].proposal or "", actor=ANA, now=NOW)
                done[said].append(perf_counter() - started)
                assert not answer.is_refusal, answer
        with _opened(store) as db:
            for said in SAID:
                started = perf_counter()
                _run(db, _BARE[said].format(rest=_REST[store.kind]))
                bare[said].append(perf_counter() - started)
    return asked, done, bare


@contextmanager
def _opened(store: Store) -> Iterator[Database]:
    with store.copy(Sink(1)) as url, closing(Database(url)) as db:
        yield db


def _grow(db: Database, more: int) -> None:
    soon = bindparam("soon", NOW + timedelta(days=1), type_=UtcDateTime())
    with db.write() as session:
        session.connection().execute(text(_LEADS), {"more": more})
        due = _DUE["sqlite" if db.is_sqlite else "postgresql"]
        session.connection().execute(text(_ENROLLMENTS.format(due=due)).bindparams(soon))


def _run(db: Database, statement: str) -> None:
    bound = [bindparam("now", NOW, type_=UtcDateTime())] if ":now" in statement else []
    with db.write() as session:
        session.connection().execute(text(statement).bindparams(*bound))
