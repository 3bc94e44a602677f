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


def main(options: argparse.Namespace) -> None:
    """Print messages a second and CPU of both on each database, and the ratio."""
    count = options.count or 4000
    rows = [("", "pipeline /s", "plain /s", "ratio", "pipeline CPU ms", "plain CPU ms")]
    with (
        TemporaryDirectory(prefix="fermata-redis-") as folder,
        running_redis(Path(folder)) as redis,
        sink() as server,
        stores(options.databases) as made,
    ):
        for store in made:
            store.template(count, connections=options.connections)
            runs: list[tuple[Run, Run]] = []
            for _ in range(options.rounds):
                redis.wipe()
                with store.copy(server) as url:
                    plain = contend("plain", url, redis.url, server.port, JOBS)
                with store.copy(server) as url:
                    runs.append((contend("pipeline", url), plain))
            rows.append(
                (
                    store.kind,
                    f"{middle(ours.rate for ours, _ in runs):,.0f}",
                    f"{middle(plain.rate for _, plain in runs):,.0f}",
                    f"{middle(ours.rate / plain.rate for ours, plain in runs):.1f} ×",
                    f"{middle(ours.cpu_ms for ours, _ in runs):.2f}",
                    f"{middle(plain.cpu_ms for _, plain in runs):.2f}",
                )
            )
    print(table(rows))
    print(
        f"Goal: ≥ {GOAL} ×. Plain: arq's default worker, {JOBS} jobs a round, a MIME tree, a connection, a commit each."
    )
