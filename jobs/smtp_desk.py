"""The messages a line has taken: fetched one ahead, each reported exactly once."""

from __future__ import annotations

import asyncio

from jobs.cancelling import end
from jobs.smtp_message import Fate, Outgoing, Phase, Report, Result, Source


class Desk:
    """The messages taken and not reported yet; it fetches one ahead and sees that each is reported once."""

    def __init__(self, source: Source, report: Report) -> None:
        self._source, self._report = source, report
        self._owed: list[Outgoing] = []
        self._returned: Outgoing | None = None
        self._fetching: asyncio.Task[Outgoing | None] | None = None
        self._ended = False
        self.past_dot: Outgoing | None = None

    def fetch(self) -> None:
        """Begin to fetch the next message, unless that is under way."""
        if self._fetching is None and self._returned is None and not self._ended:
            self._fetching = asyncio.ensure_future(self._fetch())

    async def _fetch(self) -> Outgoing | None:
        message = await self._source()
        if message is None:
            self._ended = True
        else:
            self._owed.append(message)
        return message

    async def take(self) -> Outgoing | None:
        """Give the next message, None at the end."""
        self.fetch()
        if self._fetching is not None:
            await asyncio.wait({self._fetching})
            self._fetching.result()  # raises what the source raised
        return self.ready()

    def ready(self) -> Outgoing | None:
        """Give the next message if it is there already."""
        if self._returned is not None:
            message, self._returned = self._returned, None
            return message
        task = self._fetching
        if task is None or not task.done() or task.cancelled() or task.exception() is not None:
            return None
        self._fetching = None
        return task.result()

    def put_back(self, message: Outgoing | None) -> None:
        """Let `take` give a message again that was announced in vain."""
        self._returned = message

    def report(self, message: Outgoing, result: Result) -> None:
        self._owed.remove(message)
        self._report(message, result)

    async def close(self, why: str) -> None:
        """Stop fetching and report what is left: never begun, unless its final dot was written."""
        try:
            if self._fetching is not None:
                await end(self._fetching)
        finally:
            self._report_rest(why)

    def _report_rest(self, why: str) -> None:
        while self._owed:
            message = self._owed[0]
            if message is self.past_dot:
                self.report(
                    message, Result(Fate.UNKNOWN, None, "broken off while waiting for the answer", Phase.DOT)
                )
            else:
                self.report(message, Result(Fate.RETRY, None, why[:500], Phase.START))
