"""The sweep and the queue: Redis only makes it faster; whatever happens to it, each mail leaves once, and soon (G4)."""

import asyncio
import os
import pickle
import signal
import time
from collections import Counter
from contextlib import asynccontextmanager

import pytest
from redis import Redis

from core import handover, sequences
from core.models import Mailbox, Workspace
from jobs.engine import Engine
from jobs.queue import QUEUE, to_json
from sandbox.sink import Offer, Sink
from tests import mailroom
from tests.mailroom import ADA, NOW, add_leads, add_mailbox, check_books, enrol, make, real_now, until
from tests.services import RealRedis

TICK = 0.1


@pytest.fixture
def own_redis(tmp_path):
    """A Redis that the test may harm."""
    server = RealRedis(tmp_path / "redis")
    server.start()
    yield server
    server.stop()


@asynccontextmanager
async def running(db, **more):
    """An engine at work, for the length of the block."""
    async with mailroom.post(db) as post:
        engine = Engine(db, post, clock=real_now, tick_seconds=TICK, **more)
        task = asyncio.create_task(engine.run())
        try:
            yield engine
        finally:
            engine.stop()
            await asyncio.wait_for(task, 30)


def due_now(db, count, port, **more):
    return make(db, count, text=mailroom.spec_text(steps=1), now=real_now(), port=port, **more)


async def all_sent(room, sink, count, seconds=30.0):
    await until(lambda: len(sink.accepted) >= count, seconds)
    await until(lambda: room.states() == {"sent": count}, seconds)
    check_books(room.db, sink.accepted)


def test_it_sends_with_the_embedded_queue(database):
    async def scenario():
        async with Sink() as sink:
            room = due_now(database, 200, sink.port)
            async with running(database) as engine:
                await all_sent(room, sink, 200)
                assert engine.last_tick is not None

    asyncio.run(scenario())


def test_two_processes_share_the_work_over_a_real_redis(database, redis_url):
    async def scenario():
        async with Sink(offer=Offer(latency=0.001)) as sink:
            room = due_now(database, 300, sink.port)
            async with running(database, redis_url=redis_url), running(database, redis_url=redis_url):
                await all_sent(room, sink, 300)

    asyncio.run(scenario())


def test_a_redis_that_was_never_there_costs_one_round(sqlite_room):
    async def scenario():
        async with Sink() as sink:
            room = due_now(sqlite_room, 50, sink.port)
            async with running(sqlite_room, redis_url="redis://127.0.0.1:1/0"):
                await all_sent(room, sink, 50, seconds=8)

    asyncio.run(scenario())


@pytest.fixture
def sqlite_room(sqlite_url):
    db = mailroom.Database(sqlite_url)
    yield db
    db.close()


@pytest.mark.slow
@pytest.mark.redis
@pytest.mark.parametrize("harm", ["killed", "frozen", "flushed"])
def test_whatever_happens_to_redis_while_sending(sqlite_room, own_redis, harm):
    def do_harm():
        if harm == "flushed":
            own_redis.wipe()
        elif harm == "killed":
            own_redis.stop()
        else:
            with Redis.from_url(own_redis.url) as client:
                pid = client.info()["process_id"]
            os.kill(pid, signal.SIGSTOP)
            return pid
        return None

    async def scenario():
        async with Sink(offer=Offer(latency=0.01)) as sink:
            room = due_now(sqlite_room, 200, sink.port)
            async with running(sqlite_room, redis_url=own_redis.url):
                await until(lambda: len(sink.accepted) >= 20)
                frozen = await asyncio.to_thread(do_harm)
                try:
                    await all_sent(room, sink, 200)
                    more = add_leads(sqlite_room, 20, prefix="later")
                    started = time.monotonic()
                    enrol(sqlite_room, more, room.sequence_id, now=real_now())
                    await all_sent(room, sink, 220)
                    assert time.monotonic() - started < 15
                finally:
                    if frozen:
                        os.kill(frozen, signal.SIGCONT)
            assert max(Counter(m.recipients[0] for m in sink.accepted).values()) == 1

    asyncio.run(scenario())


def test_a_frozen_redis_delays_a_round_once_however_many_mailboxes_are_due(sqlite_room, own_redis):
    async def scenario():
        async with Sink() as sink:
            room = due_now(sqlite_room, 1, sink.port)
            for number in range(9):
                add_mailbox(sqlite_room, f"m{number}@a.test", port=sink.port)
            ids = add_leads(sqlite_room, 9, prefix="more")
            enrol(sqlite_room, ids, room.sequence_id, now=real_now())
            with Redis.from_url(own_redis.url) as client:
                pid = client.info()["process_id"]
            os.kill(pid, signal.SIGSTOP)
            try:
                async with running(sqlite_room, redis_url=own_redis.url):
                    await all_sent(room, sink, 10, seconds=9)
            finally:
                os.kill(pid, signal.SIGCONT)

    asyncio.run(scenario())


class Bomb:
    """Pickle would run this; JSON cannot."""

    def __reduce__(self):
        return (os.mkdir, (os.environ["BOMB"],))


@pytest.mark.redis
def test_forged_jobs_do_no_harm(sqlite_room, redis_url, tmp_path, monkeypatch):
    monkeypatch.setenv("BOMB", str(tmp_path / "exploded"))
    soon = int(time.time() * 1000)

    def forge():
        with Redis.from_url(redis_url) as client:
            bodies = {
                "pickle": pickle.dumps({"t": None, "f": "drain", "a": (Bomb(),), "k": {}, "et": soon}),
                "not json": b"\xff\xfe",
                "no job": b"[]",
                "number": b"7",
                "other": to_json({"t": None, "f": "os.system", "a": ["true"], "k": {}, "et": soon}),
                **{
                    f"args {n}": to_json({"t": None, "f": "drain", "a": args, "k": {}, "et": soon})
                    for n, args in enumerate(
                        [[], ["1"], [1, 2], [-1], [10**30], [None], [{}], [True], [99999]]
                    )
                },
            }
            for name, body in bodies.items():
                client.set(f"arq:job:{name}", body, px=60_000)
                client.zadd(QUEUE, {name: soon})
            client.zadd(QUEUE, {b"\xff\xfe no text": soon, "no body": soon})

    async def scenario():
        async with Sink() as sink:
            room = due_now(sqlite_room, 30, sink.port)
            forge()
            async with running(sqlite_room, redis_url=redis_url):
                await all_sent(room, sink, 30)
                await asyncio.sleep(0.5)
                forge()
                enrol(
                    sqlite_room, add_leads(sqlite_room, 5, prefix="later"), room.sequence_id, now=real_now()
                )
                await all_sent(room, sink, 35)
        assert not (tmp_path / "exploded").exists()

    asyncio.run(scenario())


def test_settling_ends_with_the_engine_though_mail_is_due(database):
    """The sandbox is closed while days pass: what is due stays due."""

    async def scenario():
        async with Sink() as sink:
            due_now(database, 3, sink.port)
            async with mailroom.post(database) as post:
                engine = Engine(database, post, clock=real_now, tick_seconds=TICK)
                engine.stop()
                await asyncio.wait_for(engine.settle(), 5)
            assert sink.accepted == []

    asyncio.run(scenario())


def test_settling_comes_to_an_end_though_mail_is_held_back(database):
    """The sandbox's clock waits for it: what is due but may not leave must not keep it."""

    async def scenario():
        async with Sink() as sink:
            room = due_now(database, 3, sink.port)
            async with mailroom.post(database) as post:
                engine = Engine(database, post, clock=real_now, tick_seconds=TICK)
                room.change(Workspace, 1, halted_at=NOW)
                await asyncio.wait_for(engine.settle(), 5)
                room.change(Workspace, 1, halted_at=None)
                with database.write() as session:
                    sequences.turn(session, room.sequence_id, "pause", actor=ADA, now=NOW)
                await asyncio.wait_for(engine.settle(), 5)
                assert sink.accepted == []
                with database.write() as session:
                    sequences.turn(session, room.sequence_id, "resume", actor=ADA, now=NOW)
                room.change(Mailbox, room.mailbox_id, cap_per_day=2)
                await asyncio.wait_for(engine.settle(), 10)
                assert len(sink.accepted) == 2

    asyncio.run(scenario())


def test_a_part_that_fails_keeps_nothing_else_from_working(sqlite_room):
    async def fails():
        raise RuntimeError("drawing broke")

    async def scenario():
        async with Sink() as sink:
            room = due_now(sqlite_room, 5, sink.port)
            async with running(sqlite_room, also=(fails,)):
                await all_sent(room, sink, 5)

    asyncio.run(scenario())


def test_a_stop_finishes_what_has_begun(database):
    async def scenario():
        async with Sink(offer=Offer(latency=0.02)) as sink:
            room = due_now(database, 200, sink.port)
            async with running(database):
                await until(lambda: len(sink.accepted) >= 10)
            assert len(sink.accepted) < 200
            check_books(database, sink.accepted)
            assert set(room.states()) <= {"sent", "ready"}
            assert handover.reap(database, now=real_now() + mailroom.DAY) == 0

    asyncio.run(scenario())
