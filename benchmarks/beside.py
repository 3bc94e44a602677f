"""The whole pipeline beside rivals that need a Redis, each on a database of its own, in turns."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.ground import Run, Sink, Store, contend, sink, stores
from benchmarks.machine import middle, table
from tests.services import running_redis

Rival = Callable[[Store, Sink, str], Run]  # the string is the address of an empty Redis


def compare(options: argparse.Namespace, rivals: Mapping[str, Rival]) -> None:
    """Print messages a second and CPU of the pipeline and its rivals on each database, and the ratios."""
    rows = [("", "messages/s", "CPU ms", "pipeline is", "by CPU")]
    with (
        TemporaryDirectory(prefix="fermata-redis-") as folder,
        running_redis(Path(folder)) as redis,
        sink() as server,
        stores(options.databases) as made,
    ):
        for store in made:
            store.template(options.count or 4000, connections=options.connections)
            runs: dict[str, list[Run]] = {name: [] for name in ("pipeline", *rivals)}
            for _ in range(options.rounds):
                with store.copy(server) as url:
                    runs["pipeline"].append(contend("pipeline", url))
                for name, rival in rivals.items():
                    redis.wipe()
                    runs[name].append(rival(store, server, redis.url))
            rows += [_line(f"{store.kind}, {name}", found, runs["pipeline"]) for name, found in runs.items()]
    print(table(rows))


def _line(name: str, runs: list[Run], ours: list[Run]) -> tuple[str, ...]:
    """Give a line of the table: its own figures, and how ours compare, round by round."""
    faster = middle(own.rate / run.rate for own, run in zip(ours, runs, strict=True))
    lighter = middle(run.cpu_ms / own.cpu_ms for own, run in zip(ours, runs, strict=True))
    rate, cpu = middle(run.rate for run in runs), middle(run.cpu_ms for run in runs)
    return name, f"{rate:,.0f}", f"{cpu:.2f}", f"{faster:.1f} × as fast", f"{lighter:.1f} × lighter"
