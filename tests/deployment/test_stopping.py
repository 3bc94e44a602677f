"""A worker ends on SIGTERM even where a library swallows its cancellation, as redis-py does now and then."""

import asyncio
from contextlib import closing, suppress

import arq.worker

from core.db import Database
from jobs.engine import Engine
from tests import mailroom


async def begin_and_stop(db, heard):
    async with mailroom.post(db) as post:
        engine = Engine(db, post, clock=mailroom.real_now, tick_seconds=0.05)
        task = asyncio.create_task(engine.run())
        await mailroom.until(heard.is_set)
        engine.stop()
        await asyncio.wait_for(task, 20)


def test_a_swallowed_cancellation_does_not_keep_a_worker_alive(sqlite_url, monkeypatch):
    begun, swallowed = asyncio.Event(), []
    run = arq.worker.Worker.async_run

    async def deaf(self):
        """The worker of arq, to whom the first cancellation is lost."""
        begun.set()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        swallowed.append(1)
        await run(self)

    monkeypatch.setattr(arq.worker.Worker, "async_run", deaf)
    with closing(Database(sqlite_url)) as db:
        asyncio.run(begin_and_stop(db, begun))
    assert swallowed == [1]
