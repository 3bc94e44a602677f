"""The reader of replies: a task for each mailbox, of which only the process that holds its lease has work.

    take the lease → scan → wait for news (IDLE, else the poll interval) → scan → …
                       └ fault: said in the database, tried again later; a wrong password only after a long while

Whatever blocks runs in the reader's own threads; waiting takes none.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import uuid4

from core import reading
from core.db import Database
from core.errors import Refused
from core.inbound import judge
from core.models import Mailbox
from jobs import imap
from jobs.imap import Connection
from jobs.scan import Scan
from jobs.smtp_login import MailboxDown, Server

LOG = logging.getLogger(__name__)
THREADS = 16
LOOK_SECONDS = 5  # how often mailboxes are looked for that were added, changed or removed
FIRST_BACK_OFF_SECONDS = 1.0
LONGEST_BACK_OFF_SECONDS = 60.0
LASTING_SECONDS = 900.0  # a wrong password tried every minute locks accounts
STOP_SECONDS = 10
GLANCE_SECONDS = 3  # how long the sender waits for a look

T = TypeVar("T")


@dataclass(frozen=True)
class Desk:
    """What reading needs from outside. `server` says where a mailbox is read, and raises Refused or MailboxDown."""

    db: Database
    clock: Callable[[], datetime]
    server: Callable[[Mailbox], Server]
    poll_seconds: float = 60
    lease: timedelta = reading.LEASE
    look_seconds: float = LOOK_SECONDS


class _LeaseLost(Exception):
    """Another process reads the mailbox now, or this one is to stop."""


class Reader:
    """The reading half of a process: `run` until `stop`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._name = f"{socket.gethostname()[:60]}:{uuid4().hex[:12]}"
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="fermata-reader")
        self._rounds: dict[int, _Rounds] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._looks: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Read every mailbox, again and again, until `stop`."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._pool, _warm_up, self._desk.clock())
            seconds = 0.0
            while not await _within(self._stopping.wait(), seconds):
                try:
                    await self._refresh(runs=True)
                    if seconds:  # at first nothing can have been read yet
                        await self._watch()
                except Exception:  # the database may be away; what is being read goes on
                    LOG.exception("mailboxes could not be looked up")
                seconds = self._desk.look_seconds
        finally:
            self.stop()
            if ending := {*self._tasks.values(), *self._looks}:
                await asyncio.wait(ending, timeout=STOP_SECONDS)

    def stop(self) -> None:
        """Begin no further batch; connections are cut, and what was not committed is read again."""
        self._stopping.set()
        for rounds in self._rounds.values():
            rounds.stop()
        self._pool.shutdown(wait=False)

    async def read_all(self) -> None:
        """Read every mailbox once, now, whoever has the lease; a fault is said in the database."""
        await self._refresh(runs=False)
        await asyncio.gather(*(rounds.read_now() for rounds in list(self._rounds.values())))
        await self._watch()

    async def look(self, mailbox_id: int) -> None:
        """Read one mailbox now, as far as that can be done in a moment; one that is not read here is left alone.

        For the sender, right before follow-ups leave: what lies in the mailbox by then stops its step, however late
        the server would have told of it. Where the moment is too short, the reply barrier decides.
        """
        rounds = self._rounds.get(mailbox_id)
        if rounds is not None and rounds.is_well:
            task = asyncio.create_task(rounds.read_now())
            self._looks.add(task)
            task.add_done_callback(self._looks.discard)
            await asyncio.wait({task}, timeout=GLANCE_SECONDS)

    async def _refresh(self, *, runs: bool) -> None:
        """Have rounds for exactly the mailboxes there are, as they are set up now; with `runs` each gets its task."""
        found = {box.id or 0: box for box in await asyncio.to_thread(reading.readable, self._desk.db)}
        for mailbox_id, rounds in list(self._rounds.items()):
            if mailbox_id not in found or _setup(found[mailbox_id]) != _setup(rounds.mailbox):
                await self._end(mailbox_id)
        for mailbox_id, mailbox in found.items():
            if mailbox_id not in self._rounds and not self._stopping.is_set():
                self._rounds[mailbox_id] = _Rounds(self._desk, mailbox, self._name, self._pool)
            if runs and mailbox_id not in self._tasks and mailbox_id in self._rounds:
                self._tasks[mailbox_id] = asyncio.create_task(self._rounds[mailbox_id].run())

    async def _end(self, mailbox_id: int) -> None:
        self._rounds.pop(mailbox_id).stop()
        if task := self._tasks.pop(mailbox_id, None):
            await asyncio.wait({task}, timeout=STOP_SECONDS)

    async def _watch(self) -> None:
        busy = [mailbox_id for mailbox_id, rounds in self._rounds.items() if rounds.is_well]
        await asyncio.to_thread(reading.watch, self._desk.db, now=self._desk.clock(), busy=busy)


class _Rounds:
    """The reading of one mailbox by this process."""

    def __init__(self, desk: Desk, mailbox: Mailbox, name: str, pool: ThreadPoolExecutor) -> None:
        self.mailbox = mailbox
        self._desk, self._name, self._pool = desk, name, pool
        self._lock = asyncio.Lock()  # one scan, or one wait, at a time
        self._news = asyncio.Event()
        self._connection: Connection | None = None
        self._is_stopped = False
        self._is_leased = False
        self._renew_at = 0.0
        self._failures = 0
        self._rest_until = 0.0  # by the loop's clock; after a fault that only a person can mend

    @property
    def is_well(self) -> bool:
        """Say whether this process reads the mailbox, as far as it knows."""
        return self._is_leased and not self._failures and not self._is_stopped

    def stop(self) -> None:
        """End soon."""
        self._is_stopped = True
        self._news.set()
        if self._connection is not None:
            self._connection.break_off()

    async def run(self) -> None:
        """Read until `stop`."""
        while not self._is_stopped:
            try:
                await self._turn()
            except _LeaseLost:
                self._hang_up()
            except RuntimeError:
                if not self._is_stopped:  # the pool takes no more work
                    raise
            except Exception:
                LOG.exception("reading a mailbox failed")
                self._hang_up()
                await _within(self._news.wait(), LONGEST_BACK_OFF_SECONDS)
        self._hang_up()
        with suppress(Exception):
            await asyncio.to_thread(reading.leave, self._desk.db, self._id, self._name)

    async def read_now(self) -> None:
        """Read once, as soon as a scan or a wait that is under way has ended."""
        if asyncio.get_running_loop().time() < self._rest_until:
            return
        self._news.set()
        async with self._lock:
            if not self._is_stopped:
                with suppress(_LeaseLost):
                    await self._scan(needs_lease=False)

    async def _turn(self) -> None:
        if not await self._take():
            self._hang_up()
            await self._pause(self._desk.lease.total_seconds() / 3, needs_lease=False)
            return
        async with self._lock:
            rest = await self._scan(needs_lease=True)
            if rest is None:
                rest = await self._wait_for_news()
        if rest:
            await self._pause(rest)

    # Scanning

    async def _scan(self, *, needs_lease: bool) -> float | None:
        """Read all that is new; None: done, else how many seconds to wait before the next try."""
        was_connected = self._connection is not None
        try:
            await self._in_thread(lambda: self._scan_in_thread(needs_lease=needs_lease))
        except _LeaseLost:
            raise
        except (MailboxDown, Refused) as fault:
            self._hang_up()
            if self._is_stopped:
                return 0
            if was_connected and not self._failures:
                self._failures = 1  # servers end connections; that alone is no fault
                return 0.01
            return await self._failed(str(fault), is_lasting=getattr(fault, "lasting", True))
        except Exception as error:
            if self._is_stopped:
                return 0
            LOG.exception("reading a mailbox failed")
            self._hang_up()
            return await self._failed(f"Reading broke off: {type(error).__name__}.", is_lasting=False)
        self._failures = 0
        return None

    def _scan_in_thread(self, *, needs_lease: bool) -> None:
        if self._connection is None:
            self._connection = imap.connect(self._desk.server(self.mailbox))
        loop_guard = self._keep_lease if needs_lease else self._keep_on
        Scan(self._desk.db, self.mailbox, self._connection, self._desk.clock, loop_guard).run()

    def _keep_on(self) -> None:
        if self._is_stopped:
            raise _LeaseLost

    def _keep_lease(self) -> None:
        self._keep_on()
        if not self._renew():
            raise _LeaseLost

    async def _failed(self, because: str, *, is_lasting: bool) -> float:
        self._failures += 1
        now = self._desk.clock()
        await self._in_thread(lambda: reading.could_not_read(self._desk.db, self._id, because, now=now))
        if is_lasting:
            self._rest_until = asyncio.get_running_loop().time() + LASTING_SECONDS
            return LASTING_SECONDS
        seconds: float = FIRST_BACK_OFF_SECONDS * 2 ** (min(self._failures, 10) - 1)
        return min(seconds, LONGEST_BACK_OFF_SECONDS)

    # Waiting

    async def _wait_for_news(self) -> float | None:
        """Wait until the server has something new, or the poll interval is over, or somebody asks."""
        connection = self._connection
        if connection is None or not connection.has_idle:
            await self._pause(self._desk.poll_seconds)
            return None
        try:
            if not await self._in_thread(connection.idle):
                await self._listen(connection)
            await self._in_thread(connection.done)
        except MailboxDown:
            self._hang_up()  # the next scan connects anew, and says so if it cannot
        return None

    async def _listen(self, connection: Connection) -> None:
        loop, fileno = asyncio.get_running_loop(), connection.fileno()

        def heard() -> None:
            loop.remove_reader(fileno)
            self._news.set()

        loop.add_reader(fileno, heard)
        try:
            await self._pause(self._desk.poll_seconds)
        finally:
            loop.remove_reader(fileno)

    async def _pause(self, seconds: float, *, needs_lease: bool = True) -> None:
        """Wait for news at most so long, and keep the lease meanwhile."""
        loop = asyncio.get_running_loop()
        ends, part = loop.time() + seconds, self._desk.lease.total_seconds() / 3
        while (left := ends - loop.time()) > 0 and not self._news.is_set():
            await _within(self._news.wait(), min(left, part))
            if needs_lease and not self._news.is_set() and not await self._take():
                raise _LeaseLost
        self._news.clear()

    # The lease

    async def _take(self) -> bool:
        return await self._in_thread(self._renew)

    def _renew(self) -> bool:
        desk = self._desk
        self._is_leased = reading.take(desk.db, self._id, self._name, now=desk.clock(), lease=desk.lease)
        return self._is_leased

    # Small things

    @property
    def _id(self) -> int:
        return self.mailbox.id or 0

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.break_off()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)


def _warm_up(now: datetime) -> None:
    """Judge a message in vain: the first one takes a second, for the tables of all languages."""
    judge(b"Subject: Automatic reply\n\nI am out of the office until next Monday.\n", received=now)


def _setup(mailbox: Mailbox) -> tuple[object, ...]:
    """Give what a connection depends on."""
    return (mailbox.address, mailbox.imap_host, mailbox.imap_port, mailbox.imap_security, mailbox.smtp_security,
            mailbox.username, mailbox.password_env, mailbox.auth)  # fmt: skip


async def _within(wanted: Awaitable[object], seconds: float) -> bool:
    """Say whether it came in time."""
    try:
        async with asyncio.timeout(seconds):
            await wanted
    except TimeoutError:
        return False
    return True
