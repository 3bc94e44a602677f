"""The database: one engine, short reads, and writes that exclude each other where they must.

SQLite runs in WAL with synchronous FULL, and every writing transaction starts with BEGIN IMMEDIATE:
with the default deferred BEGIN a pause and a send can both read "pending" and both commit.
PostgreSQL runs READ COMMITTED; the rows that decide are locked by the verbs themselves (DESIGN §4).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from sqlite3 import SQLITE_BUSY, OperationalError
from threading import BoundedSemaphore, Lock
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, make_url
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlmodel import Session

from core.errors import Refused

BUSY_TIMEOUT_SECONDS = 30
WRITERS = 4  # at once in a process, but for the urgent
ASKING_MS = 3  # SQLite asks at once, after 1 ms, after 2 more, and then gives up
READING = {"fermata_reading": True}


class Database:
    """One database and the two ways to use it: `read()` and `write()`, each one transaction."""

    def __init__(self, url: str) -> None:
        """Connect lazily to `url`; raises Refused for a URL that is neither SQLite nor PostgreSQL."""
        self.url = _with_driver(url)
        self.engine = _engine(self.url)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._reader = self.engine.execution_options(**READING)
        # SQLite lets one writer in and has the others poll with growing sleeps; inside a process they queue here. On
        # PostgreSQL more than a few only take turns at Python's lock, and what Slack waits for takes its turn among them.
        self._queue = BoundedSemaphore(1 if self.is_sqlite else WRITERS)
        self._writing = Lock() if self.is_sqlite else nullcontext()

    @contextmanager
    def write(self, *, is_urgent: bool = False) -> Iterator[Session]:
        """Open a writing transaction; it commits at the end of the block and rolls back on any error.

        `is_urgent`: goes before whoever else waits in this process, for the few writes that Slack itself waits for.
        """
        with (
            nullcontext() if is_urgent else self._queue,
            self._writing,
            Session(self.engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a reading transaction, one consistent snapshot on SQLite; it never waits for writers."""
        with Session(self._reader, expire_on_commit=False) as session:
            yield session

    def close(self) -> None:
        """Give back every connection."""
        self.engine.dispose()


def upsert(session: Session, table: Table) -> Any:
    """Give an INSERT of this database's own dialect, which knows ON CONFLICT; both spell it the same."""
    return insert_of(session.get_bind().dialect.name, table)


def insert_of(dialect: str, table: Table) -> Any:
    """Give the same by the dialect's name, for statements that are written once."""
    return (sqlite_insert if dialect == "sqlite" else postgresql_insert)(table)


def _with_driver(url: str) -> str:
    for plain in ("postgres://", "postgresql://"):
        if url.startswith(plain):
            return "postgresql+psycopg://" + url.removeprefix(plain)
    if not url.startswith(("sqlite:", "postgresql+psycopg:")):
        msg = "FERMATA_DATABASE_URL must begin with sqlite:/// or postgresql://."
        raise Refused(msg)
    return url


def _engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        # Enough for the hand-over threads of a worker and the listener threads of a bot in one process.
        return create_engine(url, pool_size=20, max_overflow=20, pool_pre_ping=True, hide_parameters=True)
    path = make_url(url).database
    if path and path != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        connect_args={"timeout": BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
        pool_size=20,
        max_overflow=20,
        hide_parameters=True,  # addresses have no place in a log
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver must not begin transactions by itself: we choose the kind in _begin_sqlite.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_TIMEOUT_SECONDS * 1000}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    if connection.get_execution_options().get("fermata_reading"):
        connection.exec_driver_sql("BEGIN")
        return
    # SQLite itself asks ever more seldom, up to ten times a second: beside a process that writes all the time, a pause
    # would wait for seconds until it meets the moment between two writes.
    ends = time.monotonic() + BUSY_TIMEOUT_SECONDS
    sqlite: Any = connection.connection.driver_connection
    sqlite.execute(f"PRAGMA busy_timeout={ASKING_MS}")
    try:
        while time.monotonic() < ends and not _is_answered(sqlite):
            pass
        if not sqlite.in_transaction:
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # the last time, whose error is SQLAlchemy's
    finally:
        sqlite.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_SECONDS * 1000}")


def _is_answered(sqlite: Any) -> bool:
    try:
        sqlite.execute("BEGIN IMMEDIATE")
    except OperationalError as error:
        return (
            error.sqlite_errorcode & 0xFF != SQLITE_BUSY
        )  # whatever else is wrong, waiting does not mend it
    return True
