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
    """Time that never goes back. `settle` lets everything that is due at a moment happen before time moves on."""

    def __init__(self, start: datetime, db: Database) -> None:
        self._base = start
        self._since = time.monotonic()
        self._db = db
        self.settle: Callable[[], Awaitable[None]] = _nothing

    def now(self) -> datetime:
        """Give the workspace's time."""
        return self._base + timedelta(seconds=time.monotonic() - self._since)

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
            self._set(max(event[0], self.now() + SHORTEST_STEP))
            await self.settle()
        self._set(target)
        await self.settle()

    async def to_next_event(self) -> None:
        """Move to the next event and let it happen; nothing planned: stay."""
        if event := await asyncio.to_thread(self.next_event):
            self._set(max(event[0], self.now() + SHORTEST_STEP))
        await self.settle()


async def _nothing() -> None:
    return
