"""Throughput of the whole pipeline beside a raw aiosmtplib loop on the same sink, on each database."""

from __future__ import annotations

import argparse

from benchmarks.ground import Run, contend, sink, stores
from benchmarks.machine import middle, table

GOAL = 0.5
CPU_GOAL_MS = 0.3
RSS_GOAL_MB = 100


def main(options: argparse.Namespace) -> None:
    """Print messages a second, CPU and size of each, and the ratio to the raw loop."""
    count, connections = options.count or 4000, options.connections
    runs: dict[str, list[Run]] = {}
    with sink() as server, stores(options.databases) as made:
        for store in made:
            store.template(count, connections=connections)
        for _ in range(options.rounds):  # in turns, so that whatever else the machine does meets all alike
            for name in ("raw", "lines"):
                runs.setdefault(name, []).append(contend(name, server.port, 2 * count, connections))
            for store in made:
                with store.copy(server) as url:
                    runs.setdefault(store.kind, []).append(contend("pipeline", url))
    raw = runs["raw"]
    names = {"raw": "raw aiosmtplib loop", "lines": "our connections alone"}
    rows = [(f"{connections} connections", "messages/s", "CPU ms", "RSS MB", "× raw")]
    for name, found in runs.items():
        ratio = middle(run.rate / beside.rate for run, beside in zip(found, raw, strict=True))
        rows.append(
            (
                names.get(name, f"pipeline, {name}"),
                f"{middle(run.rate for run in found):,.0f}",
                f"{middle(run.cpu_ms for run in found):.3f}",
                f"{middle(run.rss_mb for run in found):.0f}",
                f"{ratio:.2f}",
            )
        )
    print(table(rows))
    print(
        f"Goals: pipeline ≥ {GOAL} × raw, CPU ≤ {CPU_GOAL_MS} ms, RSS ≤ {RSS_GOAL_MB} MB; {count} messages a round."
    )
