"""The sandbox's clock: it runs like any other, and people may move it forward, from event to event."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from core.db import Database
from core.releases import next_event

SHORTEST_STEP = timedelta(seconds=1)


class SandboxClock:
    """Time that never goes back. At every moment on its way everything that is due happens before it moves on.

    `read` reads the mailboxes, `work` does what is due. Mailboxes are read before time moves as well, as of then: no
    follow-up leaves a mailbox that was not read lately (DESIGN G7), and time that jumps would make each look forgotten.
    `draw` posts what that made, so that it stands in Slack with the hour at which it happened.
    """

    def __init__(self, start: datetime, db: Database) -> None:
        self._base = start
        self._since = time.monotonic()
        self._db = db
        self._ahead: datetime | None = None
        self.is_over = False
        self.read: Callable[[], Awaitable[None]] = nothing
        self.work: Callable[[], Awaitable[None]] = nothing
        self.draw: Callable[[], Awaitable[None]] = nothing

    def now(self) -> datetime:
        """Give the workspace's time."""
        return self._base + timedelta(seconds=time.monotonic() - self._since)

    def reading_now(self) -> datetime:
        """Give the time for those who read mailboxes: while time is about to move, the moment it moves to."""
        return self._ahead or self.now()

    def stop(self) -> None:
        """Let what is on its way end at the next event: the sandbox closes."""
        self.is_over = True

    async def settle(self) -> None:
        """Let everything that is due now happen: first what came in, then what goes out and what Slack shows of it."""
        await self.read()
        await self.work()
        await self.draw()

    async def _move(self, moment: datetime) -> None:
        self._ahead = max(moment, self.now())
        try:
            await self.read()
            self._set(self._ahead)
        finally:
            self._ahead = None

    def _set(self, moment: datetime) -> None:
        self._base, self._since = max(moment, self.now()), time.monotonic()

    def next_event(self) -> tuple[datetime, str] | None:
        """Give when something happens next by itself, and what."""
        with self._db.read() as session:
            return next_event(session, now=self.now())

    async def advance(self, by: timedelta) -> None:
        """Move forward, stopping at every event on the way, as real time would."""
        target = self.now() + by
        await self.settle()
        while (event := await asyncio.to_thread(self.next_event)) and event[0] <= target:
            await self._move(max(event[0], self.now() + SHORTEST_STEP))
            await self.settle()
            if self.is_over:
                return
        await self._move(target)
        await self.settle()

    async def to_next_event(self) -> None:
        """Move to the next event and let it happen; nothing planned: stay."""
        if event := await asyncio.to_thread(self.next_event):
            await self._move(max(event[0], self.now() + SHORTEST_STEP))
        await self.settle()


async def nothing() -> None:
    """Do nothing, where that part does not run."""
