"""What goes wrong inside a worker, set up in its process before it starts; the product knows nothing of it."""

import asyncio
import itertools
import os
import signal
import threading
from pathlib import Path

from sqlalchemy import Engine, event
from sqlalchemy.engine.default import DefaultDialect

from core.db import Database
from jobs.reader import Reader
from tests.races.naive import NaivePost

WRITING = ("INSERT", "UPDATE", "DELETE")


def die_at_commit(nth, when):
    """End this process as kill -9 does, right "before" or "after" its nth commit of something written."""
    thread, numbers, commit = threading.local(), itertools.count(1), DefaultDialect.do_commit

    @event.listens_for(Engine, "before_cursor_execute")
    def note(_connection, _cursor, statement, *_):
        thread.wrote = getattr(thread, "wrote", False) or statement.lstrip().upper().startswith(WRITING)

    def do_commit(dialect, connection):
        is_it = vars(thread).pop("wrote", False) and next(numbers) == nth
        if is_it and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        commit(dialect, connection)
        if is_it:
            os.kill(os.getpid(), signal.SIGKILL)

    DefaultDialect.do_commit = do_commit


def obey_the_disk(file):
    """Have SQLite find the disk "full" or "read-only" while the file says so."""
    says = Path(file)

    @event.listens_for(Engine, "begin")
    def look(connection):
        word = says.read_text() if says.exists() else ""
        pages = 1 if word == "full" else 2**32 - 2  # never fewer than there are
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        connection.exec_driver_sql(f"PRAGMA query_only = {word == 'read-only'}")


def lose_the_reader():
    """Have the part that reads mailboxes end by itself, as a fault nobody thought of would."""

    async def run(_reader):
        raise RuntimeError("a fault nobody thought of")

    Reader.run = run


def be_naive(url, mailbox_id):
    """Be a worker as it is often written: it sends, then marks what it sent, and sends again what bears no mark."""
    db = Database(url)

    async def drain():
        while True:
            await NaivePost(db).drain(mailbox_id)
            await asyncio.sleep(0.05)

    asyncio.run(drain())
