"""Throughput of 1, 2 and 4 worker processes on one PostgreSQL, each with an equal share in four mailboxes."""

from __future__ import annotations

import argparse
import json
import time
from concurrent.futures import ThreadPoolExecutor

from benchmarks.ground import contend_raw, sink, stores
from benchmarks.machine import middle, table
from benchmarks.terms import MEASURED
from core.db import Database

WORKERS = (1, 2, 4)
MAILBOXES = 4
READY_SECONDS = 12  # until each process has warmed up
_MAILBOX = """
INSERT INTO mailbox ({names}) SELECT {values} FROM mailbox, generate_series(1, {more}) n WHERE id = {measured}
"""
_SPREAD = "UPDATE enrollment SET mailbox_id = {measured} + mod(id, {mailboxes}) WHERE mailbox_id = {measured}"


def main(options: argparse.Namespace) -> None:
    """Print messages a second by the number of workers, and the ratio to one."""
    count = options.count or 4000
    rates: dict[int, list[float]] = {}
    with sink() as server, stores(("postgresql",)) as (store,):
        store.template(count, connections=options.connections)
        store.grow(_spread)
        for _ in range(options.rounds):
            for workers in WORKERS:
                with store.copy(server) as url:
                    rates.setdefault(workers, []).append(_rate(url, workers))
    rows = [("PostgreSQL", "messages/s", "× one")]
    for workers, found in rates.items():
        ratio = middle(rate / one for rate, one in zip(found, rates[1], strict=True))
        rows.append((f"{workers} worker processes", f"{middle(found):,.0f}", f"{ratio:.2f}"))
    print(table(rows))
    print("All processes, the database and the mail sink share the cores named above.")


def _rate(url: str, workers: int) -> float:
    begin = time.monotonic() + READY_SECONDS
    with ThreadPoolExecutor(workers) as pool:
        lines = list(pool.map(lambda _: contend_raw("worker", url, begin, MAILBOXES), range(workers)))
    found = [json.loads(line) for line in lines]
    return sum(one["messages"] for one in found) / (
        max(one["ended"] for one in found) - min(one["began"] for one in found)
    )


def _spread(db: Database) -> None:
    with db.write() as session:
        run = session.connection().exec_driver_sql
        names = [name for (name,) in run("SELECT column_name FROM information_schema.columns WHERE table_name = 'mailbox' AND column_name <> 'id'")]  # fmt: skip
        values = ["'box' || n || address" if name == "address" else name for name in names]
        run(_MAILBOX.format(names=", ".join(names), values=", ".join(values), more=MAILBOXES - 1, measured=MEASURED))  # fmt: skip
        run(_SPREAD.format(measured=MEASURED, mailboxes=MAILBOXES))
