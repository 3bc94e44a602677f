"""Throughput of the whole pipeline beside the plain design: one deferred arq job per step."""

from __future__ import annotations

import argparse

from benchmarks.beside import Rival, compare
from benchmarks.ground import Run, Sink, Store, contend

GOAL = 20
JOBS = 200
POLL_DELAYS = {"plain": 0.5, "plain, tuned": 0.01}


def main(options: argparse.Namespace) -> None:
    """Print messages a second and CPU of both on each database, and the ratio."""
    compare(options, {name: _plain(delay) for name, delay in POLL_DELAYS.items()})
    print(
        f"Goal: ≥ {GOAL} × plain. Plain: {JOBS} jobs a round, a MIME tree, a connection and a commit each; arq's"
    )
    print("defaults take 10 jobs every half second, tuned means a poll every 10 ms.")


def _plain(poll_delay: float) -> Rival:
    def run(store: Store, server: Sink, redis_url: str) -> Run:
        with store.copy(server) as url:
            return contend("plain", url, redis_url, server.port, JOBS, poll_delay)

    return run
