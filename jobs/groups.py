"""Group commit: what comes while one group is being written goes into the next."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Groups(Generic[T, R]):
    """Collects items and hands them on in groups, one group at a time; `write` gives how to answer each of them.

    A group that could still grow waits `linger_seconds`: what is written together costs one commit.
    """

    def __init__(
        self,
        write: Callable[[list[T]], Awaitable[Callable[[T], R]]],
        *,
        most: int = 100,
        linger_seconds: float = 0,
    ) -> None:
        self._write = write
        self._most = most
        self._linger_seconds = linger_seconds
        self._full = asyncio.Event()
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._writer: asyncio.Task[None] | None = None

    def put(self, item: T) -> asyncio.Future[R]:
        """Add an item; the future gets the answer of its group to it, or what `write` raised."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if len(self._waiting) >= self._most:
            self._full.set()
        if self._writer is None:
            self._writer = asyncio.create_task(self._run())
        return future

    async def finish(self) -> None:
        """Wait until everything put so far is written, even if cancelled meanwhile (the cancellation follows then)."""
        cancelled = False
        while self._writer is not None:
            try:
                await asyncio.shield(self._writer)
            except asyncio.CancelledError:
                cancelled = True
        if cancelled:
            raise asyncio.CancelledError

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._gather()
                group, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                await self._settle(group)
        finally:
            self._writer = None

    async def _gather(self) -> None:
        """Wait until the group is full or has waited long enough."""
        self._full.clear()
        if len(self._waiting) < self._most:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._full.wait(), self._linger_seconds)

    async def _settle(self, group: list[tuple[T, asyncio.Future[R]]]) -> None:
        try:
            answer = await self._write([item for item, _ in group])
        except Exception as error:  # noqa: BLE001 - whoever waits gets it, whatever it is
            for _, future in group:
                if not future.done():
                    future.set_exception(error)
        else:
            for item, future in group:
                if not future.done():
                    future.set_result(answer(item))
