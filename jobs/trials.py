"""Sending test mail, beside the sweep: each once, over its mailbox's own server, whatever becomes of it."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from functools import partial

from core import trials
from core.errors import FermataError
from core.trials import HALTED, Taken
from jobs.sender import Desk
from jobs.servers import smtp_server
from jobs.smtp import Fate, Line, Outgoing, Result

LOG = logging.getLogger(__name__)
BROKEN = "Something went wrong in Fermata; whoever runs it finds the cause in its log."
UNKNOWN = "The connection broke off, so nobody knows whether it left: {}"


class Trials:
    """Sends in the background; `look` begins where something waits."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._running: asyncio.Task[None] | None = None

    async def look(self) -> None:
        """Begin to send what waits, unless that is under way; at the end of the process it is cut off, never repeated."""
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._send_all())

    async def settle(self) -> None:
        """Wait until what has begun has ended."""
        if self._running is not None:
            await asyncio.wait({self._running})

    async def _send_all(self) -> None:
        try:
            while batch := await asyncio.to_thread(trials.take, self._desk.db, now=self._desk.clock()):
                for taken in batch:
                    await self._tell(taken, await self._tried(taken))
        except Exception:  # such as a database that is away: the next tick goes on with the others
            LOG.exception("test mail failed")

    async def _tell(self, taken: Taken, fault: str) -> None:
        settle = partial(trials.settle, self._desk.db, taken.id, fault=fault, now=self._desk.clock())
        await asyncio.to_thread(settle)

    async def _tried(self, taken: Taken) -> str:
        try:
            return await self._send(taken)
        except Exception:  # one that breaks leaves the others their turn
            LOG.exception("a test mail could not be sent id=%s", taken.id)
            return BROKEN

    async def _send(self, taken: Taken) -> str:
        """Hand it over, and give why it has not left; "" where it has."""
        desk, waiting, ends = self._desk, [taken], list[Result]()

        async def source() -> Outgoing | None:
            one = waiting.pop() if waiting else None
            return Outgoing(one.id, one.mailbox.address, one.recipient, one.content) if one else None

        async def gate(_outgoing: Outgoing) -> bool:
            return await asyncio.to_thread(trials.may_leave, desk.db, taken)

        try:
            line = Line(smtp_server(taken.mailbox, desk.password, desk.tokens, desk.timeout_seconds))
        except FermataError as refused:
            return str(refused)
        try:
            with suppress(FermataError):  # why it is down stands in the report, too
                await line.run(source, gate, lambda _message, result: ends.append(result))
        finally:
            await line.close()
        return _fault(ends[0]) if ends else HALTED


def _fault(result: Result) -> str:
    said = f"{result.code or ''} {result.text}".strip()
    match result.fate:
        case Fate.SENT:
            return ""
        case Fate.HELD:
            return HALTED
        case Fate.UNKNOWN:
            return UNKNOWN.format(said)
    return said
