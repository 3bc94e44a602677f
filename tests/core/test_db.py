"""Instants stay aware, writers exclude each other, readers do not wait."""

import threading
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError
from sqlmodel import select

import core.db
from core.db import Database
from core.errors import Refused
from core.models import WORKSPACE_ID, Lead, Workspace

NOON = datetime(2027, 6, 15, 12, 0, 0, 123456, tzinfo=UTC)


def test_instant_comes_back_aware_and_exact(database):
    elsewhere = NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))
    with database.write() as session:
        session.add(Lead(email="ada@x.test", created_at=elsewhere))
    with database.read() as session:
        kept = session.exec(select(Lead.created_at)).one()
    assert kept == NOON
    assert kept.utcoffset() == timedelta(0)


def test_naive_instant_is_refused(database):
    with pytest.raises(Exception, match="must carry its zone"), database.write() as session:
        session.add(Lead(email="ada@x.test", created_at=NOON.replace(tzinfo=None)))


def test_instants_sort_as_time_does(database):
    moments = [NOON + timedelta(microseconds=n * 333_333) for n in (5, 1, 4, 0)]
    with database.write() as session:
        session.add_all(Lead(email=f"{n}@x.test", created_at=moment) for n, moment in enumerate(moments))
    with database.read() as session:
        assert list(session.exec(select(Lead.created_at).order_by(Lead.created_at))) == sorted(moments)


def test_sqlite_is_durable_and_strict(sqlite_url):
    db = Database(sqlite_url)
    with db.read() as session:
        pragma = {
            name: session.execute(text(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    db.close()
    assert pragma == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}


def test_sqlite_writer_is_alone_from_its_first_read_on(sqlite_url):
    """With the default deferred BEGIN both would read 0 and both would commit."""
    first, second = Database(sqlite_url), Database(sqlite_url)  # as two processes would

    def add_one(db):
        with db.write() as session:
            workspace = session.get(Workspace, WORKSPACE_ID)
            seen = len(workspace.channel)
            barrier_passed.wait(0.05)
            workspace.channel = "x" * (seen + 1)

    barrier_passed = threading.Event()
    threads = [threading.Thread(target=add_one, args=(db,)) for db in (first, second) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with first.read() as session:
        assert len(session.get(Workspace, WORKSPACE_ID).channel) == 10
    first.close()
    second.close()


def test_sqlite_is_asked_again_and_again_for_the_moment_between_two_writes(sqlite_url):
    first, second = Database(sqlite_url), Database(sqlite_url)
    with ExitStack() as held, closing(first), closing(second):
        held.enter_context(first.write()).execute(text("SELECT 1"))
        asked = []

        @event.listens_for(second.engine, "connect")
        def _(connection, _record):
            connection.set_trace_callback(listen)

        def listen(statement):
            asked.append(statement)
            if asked.count("BEGIN IMMEDIATE") == 5:
                held.close()  # the other has written

        with second.write() as session:
            session.add(Lead(email="ada@x.test", created_at=NOON))
        assert asked.count("BEGIN IMMEDIATE") == 5


def test_sqlite_that_stays_locked_is_given_up(sqlite_url, monkeypatch):
    monkeypatch.setattr(core.db, "BUSY_TIMEOUT_SECONDS", 0)
    first, second = Database(sqlite_url), Database(sqlite_url)
    with closing(first), closing(second):
        with first.write() as writing:
            writing.execute(text("SELECT 1"))
            with pytest.raises(OperationalError, match="database is locked"), second.write() as waiting:
                waiting.execute(text("SELECT 1"))
        with second.write() as session:  # and nothing of it is left
            session.add(Lead(email="ada@x.test", created_at=NOON))


def test_reading_does_not_wait_for_a_writer(database):
    with database.write() as writing:
        writing.add(Lead(email="ada@x.test", created_at=NOON))
        writing.flush()
        with database.read() as reading:
            assert reading.exec(select(Lead)).all() == []


def test_failed_write_leaves_nothing(database):
    def fail():
        with database.write() as session:
            session.add(Lead(email="ada@x.test", created_at=NOON))
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with database.read() as session:
        assert session.exec(select(Lead)).all() == []


def test_other_databases_are_refused_by_name_of_the_setting():
    with pytest.raises(Refused, match="FERMATA_DATABASE_URL"):
        Database("mysql://x")


def test_errors_hide_their_parameters(database):
    def save():
        with database.write() as session:
            session.add(Lead(email="secret.person@x.test", created_at=NOON))

    save()
    with pytest.raises(Exception, match="UNIQUE|unique") as caught:
        save()
    assert "SQL parameters hidden" in str(caught.value)


def test_urgent_write_does_not_stand_in_the_queue(database):
    while database._queue.acquire(blocking=False):
        pass
    with database.write(is_urgent=True) as session:
        assert session.connection().exec_driver_sql("SELECT 1").scalar() == 1
