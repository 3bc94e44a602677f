"""Throughput of the whole pipeline beside Celery and django-post-office, as people use them."""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.ground import Run, contend, sink, stores
from benchmarks.machine import table
from benchmarks.plain import compared
from tests.services import running_redis

GOALS = {"celery": 20, "post_office": 5}
TASKS = 400


def main(options: argparse.Namespace) -> None:
    """Print messages a second and CPU of each on each database, and the ratio."""
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
            runs: dict[str, list[Run]] = {"pipeline": [], "celery": [], "post_office": []}
            for _ in range(options.rounds):
                with store.copy(server) as url:
                    runs["pipeline"].append(contend("pipeline", url))
                with store.copy(server) as url:
                    redis.wipe()
                    rival = contend("celery", url, redis.url, server.port, TASKS, program="benchmarks.rivals")
                    runs["celery"].append(rival)
                with store.empty() as url:
                    rival = contend("post_office", url, server.port, count, program="benchmarks.rivals")
                    runs["post_office"].append(rival)
            rows += [
                compared(f"{store.kind}, {name}", found, runs["pipeline"]) for name, found in runs.items()
            ]
    print(table(rows))
    print(
        f"Goal: ≥ {GOALS['celery']} × Celery ({TASKS} tasks a round), ≥ {GOALS['post_office']} × django-post-office."
    )
