"""What databases do to a worker: restarts, cut connections, the lost answer to a COMMIT, a full disk, no right to write."""

import time
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import make_url

from core.db import Database
from core.migrate import migrate
from tests.faults.harness import (
    THOROUGH,
    is_settled,
    proof,
    room_of,
    settle,
    sink_process,
    taken,
    wait_for,
    worker,
)
from tests.faults.proxy import LosingCommits, opened
from tests.faults.sabotage import obey_the_disk
from tests.services import running_postgres

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900 if THOROUGH else 180)]

LEADS = 3_000 if THOROUGH else 150
TIMES = 12 if THOROUGH else 2


@contextmanager
def sending(url, tmp_path, *, count=LEADS, at=None, fault="dot:delay=0.01", **more):
    """Give a room, the sink's log and the worker in the middle of sending; `at` is where the worker finds its database."""
    log = tmp_path / "mail.jsonl"
    with sink_process(log, fault) as sink:
        room = room_of(url, sink.port, count, connections=3)
        with closing(room.db), worker(at or url, tmp_path, **more) as process:
            wait_for(lambda: taken(log))
            yield room, log, process


def wait_for_more(room, log, count=5):
    """Wait until more has left, or nothing is left to send."""
    before = len(taken(log))
    settle(room, lambda: len(taken(log)) >= before + count)


@pytest.mark.postgres
def test_postgresql_is_restarted_in_the_middle(tmp_path, record_property):
    with (
        TemporaryDirectory(prefix="fermata-postgres-", ignore_cleanup_errors=True) as folder,
        running_postgres(Path(folder) / "server") as server,
    ):
        with closing(Database(url := server.create("mine"))) as db:
            migrate(db)
        with sending(url, tmp_path) as (room, log, process):
            restarts = 0
            while restarts < TIMES and not is_settled(room):
                server.stop()  # at once, as a power cut does
                room.db.engine.dispose()
                server.start()
                restarts += 1
                wait_for_more(room, log)
            settle(room)
            assert process.is_alive()
            assert restarts
            record_property("proof", proof("G2, G3, G8", f"PostgreSQL restarted {restarts} times", room, log))


@pytest.mark.postgres
def test_connections_are_cut(postgresql_url, postgres, tmp_path, record_property):
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
    name, cuts = make_url(postgresql_url).database, 0
    with sending(postgresql_url, tmp_path) as (room, log, process):
        for _ in range(10 * TIMES):
            with postgres.connect() as connection:
                cuts += len(connection.execute(cut, (name,)).fetchall())
            time.sleep(0.1)
        settle(room)
        assert process.is_alive()
        record_property("proof", proof("G2, G3, G8", f"{cuts} PostgreSQL connections cut", room, log))


@pytest.mark.postgres
def test_the_answer_to_a_commit_is_lost(postgresql_url, postgres, tmp_path, record_property):
    log = tmp_path / "mail.jsonl"
    with (
        sink_process(log) as sink,
        # Not evenly, so that it is another COMMIT of the protocol each time.
        opened(LosingCommits(postgres.port, lambda n: n > 20 and (n % 7 == 0 or n % 11 == 0))) as door,
    ):
        room = room_of(postgresql_url, sink.port, LEADS, connections=3)
        at = make_url(postgresql_url).set(port=door.port).render_as_string(hide_password=False)
        with closing(room.db):
            starts = 0
            while not is_settled(room):
                starts += 1
                with worker(at, tmp_path) as process:
                    settle(room, lambda: not process.is_alive())
            assert door.lost >= TIMES
            what = f"{door.lost} answers to COMMIT lost"
            record_property("proof", proof("G2, G3", what, room, log))


@pytest.mark.parametrize("trouble", ["full", "read-only"])
def test_sqlite_cannot_write(sqlite_url, tmp_path, trouble, record_property):
    disk, words = tmp_path / "disk", {"full": "database or disk is full", "read-only": "readonly database"}
    with sending(sqlite_url, tmp_path, sabotage=partial(obey_the_disk, disk)) as (room, log, process):
        for _ in range(TIMES):
            if is_settled(room):
                break
            told = (tmp_path / "worker.log").stat().st_size
            disk.write_text(trouble)
            wait_for(lambda: words[trouble] in (tmp_path / "worker.log").read_text()[told:])  # noqa: B023
            left = len(taken(log))
            time.sleep(0.5)
            stopped = len(taken(log))
            assert stopped - left <= 110, "it went on sending what it cannot write down"
            check_books_only(room, log)
            disk.unlink()
            wait_for_more(room, log)
        settle(room)
        assert process.is_alive()
        record_property("proof", proof("G2, G3", f"SQLite {trouble} {TIMES} times", room, log))


def check_books_only(room, log):
    """Nothing twice even now; what left and could not be written down yet is `sending`."""
    ids = [message.message_id for message in taken(log)]
    assert len(ids) == len(set(ids))
    known = {row.message_id for row in room.deliveries() if row.state in {"sending", "sent", "uncertain"}}
    assert set(ids) <= known
