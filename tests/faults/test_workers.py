"""Workers killed at every commit, many at once, frozen past their leases and woken, told to stop all together (G2, G8)."""

import itertools
import os
import random
import signal
import time
from contextlib import ExitStack, closing
from functools import partial

import pytest
from sqlalchemy.exc import OperationalError

from sandbox.faults import Fault, Phase
from tests.faults.harness import (
    LEASE_SECONDS,
    THOROUGH,
    is_settled,
    proof,
    room_of,
    settle,
    sink_process,
    sink_thread,
    taken,
    wait_for,
    worker,
)
from tests.faults.sabotage import die_at_commit, lose_the_reader

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900 if THOROUGH else 180)]

# A start, a tick that finds nothing to release, a claim, then gate and results of some mails, over and over.
COMMITS = range(1, 41) if THOROUGH else (3, 6)
# Many workers on a busy machine need longer to come to what they claimed; else they would give it back for ever.
CROWD_LEASE_SECONDS = 4
FROZEN_AT = (Phase.MAIL, Phase.RCPT, Phase.DATA, Phase.BODY, Phase.DOT, Phase.AFTER)


def test_killed_at_every_commit(database_url, tmp_path, record_property):
    log = tmp_path / "mail.jsonl"
    with sink_process(log) as sink:
        room = room_of(database_url, sink.port, 40 * len(COMMITS), connections=1)
        with closing(room.db):
            kills = 0
            for nth, when in itertools.product(COMMITS, ("before", "after")):
                with worker(database_url, tmp_path, sabotage=partial(die_at_commit, nth, when)) as process:
                    wait_for(lambda: not process.is_alive() or is_settled(room))
                    kills += process.exitcode == -signal.SIGKILL
            assert kills == 2 * len(COMMITS)
            with worker(database_url, tmp_path):
                settle(room)
            record_property("proof", proof("G2, G3, G8", f"{kills} kills, one at each commit", room, log))


def test_a_worker_that_lost_a_part_ends_so_that_a_whole_one_is_started(sqlite_url, tmp_path):
    with worker(sqlite_url, tmp_path, sabotage=lose_the_reader) as process:
        process.join(60)
        assert process.exitcode == 1
    assert "a fault nobody thought of" in (tmp_path / "worker.log").read_text()


def test_frozen_past_the_lease_and_woken(database_url, record_property, tmp_path):
    """The first worker stands still at a phase, another takes over, then the first wakes with its answer before it."""
    frozen, pids = [], []

    def freeze(moment):
        if not pids or moment.phase != phases[-1]:
            return
        frozen.append(moment.recipient)
        os.kill(pids.pop(), signal.SIGSTOP)
        return

    phases, all_phases = [Phase.QUIT], FROZEN_AT * 4 if THOROUGH else FROZEN_AT[2::3]
    with sink_thread(lambda moment: freeze(moment) or slow(moment)) as sink:
        room = room_of(database_url, sink.port, 300 * len(all_phases), connections=2)
        with closing(room.db):
            for phase in all_phases:
                phases.append(phase)
                with worker(database_url, tmp_path) as first:
                    before = len(frozen)
                    pids.append(first.pid)
                    wait_for(lambda: len(frozen) > before)  # noqa: B023 - called at once
                    with worker(database_url, tmp_path) as second:
                        time.sleep(
                            2 * LEASE_SECONDS
                        )  # what the first had claimed or begun is no longer its own
                        others = [] if is_shut(room.db) else [second]
                        if others:
                            wait_for_some(sink)
                        os.kill(first.pid, signal.SIGCONT)
                        wait_for_some(sink)
                        stop(first, *others)
            sink.script = None
            with worker(database_url, tmp_path):
                settle(room)
            record_property("proof", proof("G2, G8", f"{len(frozen)} workers frozen and woken", room, sink))


def slow(moment):
    return Fault(delay=0.1) if moment.phase is Phase.DOT else None


def is_shut(db):
    """Say whether nobody can write, nor a worker begin: whoever stands still in a transaction of SQLite keeps its lock."""
    if db.is_sqlite:
        try:
            with db.write() as session:
                session.connection()  # begins
        except OperationalError:
            return True
    return False


def wait_for_some(sink):
    before = len(sink.accepted)
    wait_for(lambda: len(sink.accepted) > before)


def stop(*processes):
    for process in processes:
        process.terminate()
    for process in processes:
        process.join(20)
        assert process.exitcode == 0


def crowd_sizes():
    few = [("sqlite_url", 2), pytest.param("postgresql_url", 4, marks=pytest.mark.postgres)]
    more = [pytest.param("postgresql_url", count, marks=pytest.mark.postgres) for count in (2, 8)]
    return [*few, *more] if THOROUGH else few


@pytest.mark.parametrize(("url", "count"), crowd_sizes())
def test_many_at_once_killed_and_frozen_at_random(url, count, request, tmp_path, record_property):
    """They share one mailbox; again and again one of them is killed, or stands still past its lease."""
    url, log, chance = request.getfixturevalue(url), tmp_path / "mail.jsonl", random.Random(count)
    kills = freezes = 0
    start = partial(worker, url, tmp_path, FERMATA_LEASE_SECONDS=str(CROWD_LEASE_SECONDS))
    with sink_process(log, "dot:delay=0.01") as sink:
        room = room_of(url, sink.port, 4_000 if THOROUGH else 300, connections=2)
        with closing(room.db), ExitStack() as stack:
            workers = [stack.enter_context(start()) for _ in range(count)]
            wait_for(lambda: taken(log))
            for _ in range(25 if THOROUGH else 2):
                number = chance.randrange(count)
                if chance.random() < 0.5:
                    workers[number].kill()
                    workers[number] = stack.enter_context(start())
                    kills += 1
                else:
                    os.kill(workers[number].pid, signal.SIGSTOP)
                    time.sleep(1.25 * CROWD_LEASE_SECONDS)
                    os.kill(workers[number].pid, signal.SIGCONT)
                    freezes += 1
                time.sleep(chance.uniform(0.1, 0.6))
            settle(room)
            what = f"{count} workers, {kills} kills, {freezes} freezes"
            record_property("proof", proof("G2, G3, G8", what, room, log))


@pytest.mark.parametrize(("url", "count"), crowd_sizes())
def test_stopped_together_in_mid_dialogue_they_leave_nothing_uncertain(
    url, count, request, tmp_path, record_property
):
    url, log, stops = request.getfixturevalue(url), tmp_path / "mail.jsonl", 0
    patient = {
        "FERMATA_SMTP_TIMEOUT_SECONDS": "30",
        "FERMATA_LEASE_SECONDS": "30",
    }  # all doubt is from the stop
    with sink_process(log, "dot:delay=0.05", "data:delay=0.02") as sink:
        room = room_of(url, sink.port, 3_000 if THOROUGH else 200, connections=2)
        with closing(room.db):
            for _ in range(10 if THOROUGH else 1):
                with ExitStack() as stack:
                    workers = [stack.enter_context(worker(url, tmp_path, **patient)) for _ in range(count)]
                    before = len(taken(log))
                    wait_for(lambda: len(taken(log)) > before + count)  # noqa: B023 - called at once
                    stop(*workers)
                    stops += count
                assert set(room.states()) <= {"sent", "ready"}
            assert not is_settled(room)
            with worker(url, tmp_path, **patient):
                settle(room)
            assert room.states() == {"sent": len(room.ids)}
            record_property("proof", proof("G8", f"{stops} workers stopped by SIGTERM", room, log))
