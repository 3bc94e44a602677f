"""Throughput of the whole pipeline beside the plain design: one deferred arq job per step."""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.ground import Run, contend, sink, stores
from benchmarks.machine import middle, table
from tests.services import running_redis

GOAL = 20
JOBS = 200
POLL_DELAYS = {"plain": 0.5, "plain, tuned": 0.01}


def main(options: argparse.Namespace) -> None:
    """Print messages a second and CPU of both on each database, and the ratio."""
    count = options.count or 4000
    rows = [("", "messages/s", "CPU ms", "pipeline is", "by CPU")]
    with (
        TemporaryDirectory(prefix="fermata-redis-") as folder,
        running_redis(Path(folder)) as redis,
        sink() as server,
        stores(options.databases) as made,
    ):
        for store in made:
            store.template(count, connections=options.connections)
            runs: dict[str, list[Run]] = {}
            for _ in range(options.rounds):
                with store.copy(server) as url:
                    runs.setdefault("pipeline", []).append(contend("pipeline", url))
                for name, delay in POLL_DELAYS.items():
                    redis.wipe()
                    with store.copy(server) as url:
                        runs.setdefault(name, []).append(
                            contend("plain", url, redis.url, server.port, JOBS, delay)
                        )
            rows += [
                compared(f"{store.kind}, {name}", found, runs["pipeline"]) for name, found in runs.items()
            ]
    print(table(rows))
    print(
        f"Goal: ≥ {GOAL} × plain. Plain: {JOBS} jobs a round, a MIME tree, a connection and a commit each; arq's"
    )
    print("defaults take 10 jobs every half second, tuned means a poll every 10 ms.")


def compared(name: str, runs: list[Run], ours: list[Run]) -> tuple[str, ...]:
    """Give a line of the table: its own figures, and how ours compare, round by round."""
    faster = middle(own.rate / run.rate for own, run in zip(ours, runs, strict=True))
    lighter = middle(run.cpu_ms / own.cpu_ms for own, run in zip(ours, runs, strict=True))
    rate, cpu = middle(run.rate for run in runs), middle(run.cpu_ms for run in runs)
    return name, f"{rate:,.0f}", f"{cpu:.2f}", f"{faster:.1f} × as fast", f"{lighter:.1f} × lighter"
