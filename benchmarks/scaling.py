"""Throughput of 1, 2 and 4 worker processes on one PostgreSQL, each with mailboxes of its own, or all at work in every one."""

from __future__ import annotations

import argparse
import json
import time
from concurrent.futures import ThreadPoolExecutor

from benchmarks.ground import contend_raw, sink, stores
from benchmarks.machine import middle, table
from benchmarks.terms import MEASURED
from core.db import Database

MAILBOXES = 4
READY_SECONDS = 12  # until each process has warmed up
_MAILBOX = """
INSERT INTO mailbox ({names}) SELECT {values} FROM mailbox, generate_series(1, {more}) n WHERE id = {measured}
"""
_SPREAD = "UPDATE enrollment SET mailbox_id = {measured} + mod(id, {mailboxes}) WHERE mailbox_id = {measured}"


def main(options: argparse.Namespace) -> None:
    """Print messages a second by the number of workers, and the ratio to one."""
    count = options.count or 4000
    rates: dict[tuple[int, bool], list[float]] = {}
    with sink() as server, stores(("postgresql",)) as (store,):
        store.template(count, connections=options.connections)
        store.grow(_spread)
        for _ in range(options.rounds):
            for how in ((1, True), (2, True), (4, True), (2, False), (4, False)):
                with store.copy(server) as url:
                    rates.setdefault(how, []).append(_rate(url, *how))
    rows = [("PostgreSQL", "messages/s", "× one")]
    for (workers, is_apart), found in rates.items():
        ratio = middle(rate / one for rate, one in zip(found, rates[1, True], strict=True))
        name = (
            f"{workers} worker processes, {'each its own mailboxes' if is_apart else 'all in every mailbox'}"
        )
        rows.append((name, f"{middle(found):,.0f}", f"{ratio:.2f}"))
    print(table(rows))
    print("All processes, the database and the mail sink share the cores named above.")


def _rate(url: str, workers: int, is_apart: bool) -> float:  # noqa: FBT001 - named where it is unpacked
    mailboxes = [str(MEASURED + number) for number in range(MAILBOXES)]
    shares = [",".join(mailboxes[n::workers] if is_apart else mailboxes) for n in range(workers)]
    begin = time.monotonic() + READY_SECONDS
    with ThreadPoolExecutor(workers) as pool:
        lines = list(pool.map(lambda share: contend_raw("worker", url, begin, share), shares))
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
