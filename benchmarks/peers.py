"""Throughput of the whole pipeline beside Celery and django-post-office, as people use them."""

from __future__ import annotations

import argparse

from benchmarks.beside import compare
from benchmarks.ground import Run, Sink, Store, contend

GOALS = {"celery": 20, "post_office": 5}
TASKS = 400
_RIVALS = "benchmarks.rivals"


def main(options: argparse.Namespace) -> None:
    """Print messages a second and CPU of each on each database, and the ratio."""

    def celery(store: Store, server: Sink, redis_url: str) -> Run:
        with store.copy(server) as url:
            return contend("celery", url, redis_url, server.port, TASKS, program=_RIVALS)

    def post_office(store: Store, server: Sink, _: str) -> Run:
        with store.empty() as url:
            return contend("post_office", url, server.port, options.count or 4000, program=_RIVALS)

    compare(options, {"celery": celery, "post_office": post_office})
    print(
        f"Goal: ≥ {GOALS['celery']} × Celery ({TASKS} tasks a round), ≥ {GOALS['post_office']} × django-post-office."
    )
