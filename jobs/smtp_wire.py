"""The replies of one SMTP server, in order: what goes out, what is owed, what came back, and why it ended.

aiosmtplib connects and logs in; after that `Wire` takes over its transport. aiosmtplib's own protocol keeps
one reply at a time and drops or mispairs the others, so a pipelined group cannot be read through it, and it
writes DATA, content and final dot in one call, which hides the moment from which a message may have left.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from typing import NamedTuple

READ_BYTES = 8 * 1024
LONGEST_REPLY_BYTES = 64 * 1024
LONGEST_TEXT_CHARS = 500
CLOSING = 421

_LINE = re.compile(rb"([1-5][0-9][0-9])(?:([ -])(.*))?", re.DOTALL)


class Reply(NamedTuple):
    """One whole answer; `text` is its lines joined by spaces, printable and short."""

    code: int
    text: str


class LostError(Exception):
    """The connection cannot be used any more; `code` is that of a reply nobody had asked for, else None."""

    def __init__(self, text: str, code: int | None = None) -> None:
        super().__init__(text)
        self.text, self.code = text, code


class SilentError(LostError):
    """The server did not answer in time."""


class Wire(asyncio.BufferedProtocol):
    """A logged-in connection.

    With `pipelining` a group of commands is written at once; without it each waits for the reply before, so
    that callers need not know the difference. A reply that nobody waits for (a server that closes an idle
    connection, or one that answers before it was asked) makes every later reply doubtful: the wire is lost.
    """

    def __init__(self, transport: asyncio.Transport, *, pipelining: bool, timeout_seconds: float) -> None:
        self._transport = transport
        self._pipelining = pipelining
        self._timeout_seconds = timeout_seconds
        self._loop = asyncio.get_running_loop()
        self._incoming = memoryview(bytearray(READ_BYTES))
        self._partial = bytearray()
        self._texts: list[bytes] = []  # lines of a reply whose last line has not come yet
        self._code: bytes | None = None
        self._unwritten: deque[bytes] = deque()
        self._owed = 0
        self._replies: deque[Reply] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._paused = False
        self.lost: LostError | None = None
        self.heard_at = self._loop.time()
        self.ended: asyncio.Future[None] = self._loop.create_future()
        transport.set_protocol(self)
        if transport.is_closing():
            self.lost = LostError("The server closed the connection")

    # Writing

    def check(self) -> None:
        """Raise `LostError` if the connection is gone or its replies can no longer be trusted."""
        if self.lost is not None:
            raise self.lost.with_traceback(None)
        if self._transport.is_closing():  # asyncio tells us with its next turn
            raise LostError("The server closed the connection")

    def send(self, *commands: bytes) -> None:
        """Write commands, each of which is owed one reply; the last write may be held back without pipelining."""
        self.check()
        if self._pipelining:
            self._owed += len(commands)
            self._transport.write(b"".join(commands))
        else:
            self._unwritten.extend(commands)
            self._write_next()

    def pour(self, part: bytes) -> None:
        """Write a part of the content, to which no reply is owed yet."""
        self.check()
        self._transport.write(part)

    async def drained(self) -> None:
        """Return once the buffer towards the server is short again."""
        await asyncio.sleep(
            0
        )  # a loss is told by the loop, which a buffer that never fills would not let run
        while self._paused:
            self.check()
            await self._wait()
        self.check()

    def _write_next(self) -> None:
        if self._unwritten and not self._owed and self.lost is None:
            self._owed = 1
            self._transport.write(self._unwritten.popleft())

    # Reading

    async def reply(self) -> Reply:
        """Give the next reply; a cancelled wait loses none, the next call gets it."""
        while not self._replies:
            self.check()
            await self._wait()
        return self._replies.popleft()

    async def _wait(self) -> None:
        self._waiter = self._loop.create_future()
        timer = self._loop.call_later(self._timeout_seconds, self._expire)
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _expire(self) -> None:
        self.lost = self.lost or SilentError(f"No answer within {self._timeout_seconds:g} seconds")
        self.break_off(self.lost.text)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's signature
        return self._incoming

    def buffer_updated(self, nbytes: int) -> None:
        if self.lost is not None:
            return
        self._partial += self._incoming[:nbytes]
        *lines, rest = self._partial.split(b"\n")
        self._partial = rest
        for line in lines:
            self._read_line(bytes(line).rstrip(b"\r"))
        if len(rest) + sum(map(len, self._texts)) > LONGEST_REPLY_BYTES:
            self.break_off("The server's answer has no end")
        # Only now: a reply that came in the same packet cannot answer a command not written yet.
        self._write_next()
        self._wake()

    def _read_line(self, line: bytes) -> None:
        found = _LINE.fullmatch(line)
        if self.lost is not None:
            return
        if found is None or self._code not in {None, found[1]}:
            self.break_off(f"The server does not speak SMTP: {printable(line)}")
            return
        self._texts.append(found[3] or b"")
        if found[2] == b"-":
            self._code = found[1]
            return
        reply = Reply(int(found[1]), printable(b" ".join(self._texts)))
        self._texts, self._code = [], None
        self._take(reply)

    def _take(self, reply: Reply) -> None:
        if not self._owed:
            self.break_off(f"The server spoke unasked: {reply.code} {reply.text}", reply.code)
            return
        self._owed -= 1
        self._replies.append(reply)
        self.heard_at = self._loop.time()

    # Ending

    @property
    def is_quiet(self) -> bool:
        """Say whether the connection lives and every command has been answered and read."""
        return self.lost is None and not (self._owed or self._replies or self._unwritten)

    def break_off(self, text: str, code: int | None = None) -> None:
        """Give the connection up at once, for a reason that is said to whoever waits."""
        if self.lost is None:
            self.lost = LostError(text, code)
        self._transport.abort()
        self._wake()

    def close(self) -> None:
        """Close in peace: what is written still goes out."""
        self.lost = self.lost or LostError("The connection is closed")
        self._transport.close()

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._wake()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if self.lost is None:
            half = f" in the middle of an answer: {printable(bytes(self._partial))}" if self._partial else ""
            why = f" ({printable(str(exc).encode())})" if exc else ""
            self.lost = LostError(f"The server closed the connection{half}{why}")
        self._paused = False
        self._wake()
        if not self.ended.done():
            self.ended.set_result(None)


def printable(raw: bytes) -> str:
    """Give a server's words fit for a row and a card: one line, no control characters, at most 500 of them."""
    text = raw[: 4 * LONGEST_TEXT_CHARS].decode("utf-8", "replace")
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " for char in text)
    return text.strip()[:LONGEST_TEXT_CHARS]
