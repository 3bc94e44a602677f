"""One connection ("line") of one mailbox to its SMTP server, and the fate of every message handed to it.

Where the server offers PIPELINING a message costs two round trips: DATA, then its content together with the
next message's MAIL and RCPT (RFC 2920 allows that). Between RCPT and DATA stands the gate, the point of no
return. The fate follows from how far the dialogue came:

    before the gate             RETRY, REFUSED or HELD: nothing left
    gate passed, no final dot   RETRY or REFUSED: nothing left
    final dot handed over       SENT, RETRY or REFUSED as the server answers; UNKNOWN if it does not
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from jobs.smtp_desk import Desk
from jobs.smtp_login import MailboxDown, Server, Welcome, log_in
from jobs.smtp_message import (
    Fate,
    Gate,
    Outgoing,
    Phase,
    Report,
    Result,
    Source,
    envelope,
    stuffed,
    unsendable,
)
from jobs.smtp_wire import CLOSING, LostError, Reply, SilentError, Wire

__all__ = ["Fate", "Line", "MailboxDown", "Outgoing", "Phase", "Result", "Server"]

IDLE_SECONDS = 15  # after that a connection is tried with RSET before a message relies on it
QUIT_SECONDS = 5
BARREN_CONNECTIONS = 3  # so many in a row that carried no message, and the mailbox counts as down
# Content above this goes out in parts, so that a connection that breaks before the last one is no UNKNOWN.
PART_BYTES = 64 * 1024
NOT_BEGUN = "not begun"
# Answers about the login, not about the message, wherever they come (RFC 4954).
LOGIN_CODES = frozenset({530, 534, 535, 538})

T = TypeVar("T")


class Line:
    """A kept connection. It opens itself again when the server closed it; one `run` at a time."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._welcome: Welcome | None = None
        self._cancelled = False
        self._joins = True  # the next envelope goes out behind a content
        self._carried = 0  # contents this connection answered for
        self._barren = 0
        self._phase = Phase.START

    @property
    def is_open(self) -> bool:
        """Say whether there is a connection, as far as one can tell without using it."""
        return self._welcome is not None and self._welcome.wire.lost is None

    async def open(self) -> None:
        """Connect and log in; raises `MailboxDown` with a sentence."""
        await self.close()
        self._welcome, self._carried = await log_in(self.server), 0

    async def close(self) -> None:
        """Say goodbye; how the server takes it changes no result."""
        welcome, self._welcome = self._welcome, None
        if welcome is None:
            return
        wire = welcome.wire
        try:
            if wire.is_quiet:
                wire.send(b"QUIT\r\n")
                async with asyncio.timeout(min(self.server.timeout, QUIT_SECONDS)):
                    await wire.reply()
        except (LostError, TimeoutError):
            pass
        finally:
            wire.close()
            await asyncio.wait({wire.ended}, timeout=1)
            wire.break_off("The connection is closed")

    async def run(self, source: Source, gate: Gate, report: Report) -> None:
        """Hand over messages until the source gives None; each one taken is reported exactly once.

        Cancelled, it finishes the message that is past the gate (bounded by the server's timeout) and reports
        the others as RETRY. Raises `MailboxDown` when nothing more can be sent, and what source, gate or
        report raise; the connection is closed then, and messages in hand are reported all the same.
        """
        self._cancelled = False
        desk = Desk(source, report)
        why = NOT_BEGUN
        try:
            await self._serve(desk, gate)
        except BaseException as error:
            if isinstance(error, MailboxDown):
                why = str(error)
            if self._welcome is not None:
                self._welcome.wire.break_off("The connection was given up")
            if self._cancelled:
                raise asyncio.CancelledError from error  # put off while a message was past the gate
            raise
        finally:
            await desk.close(why)

    async def _serve(self, desk: Desk, gate: Gate) -> None:
        announced: Outgoing | None = None
        while (message := announced or await desk.take()) is not None:
            joined = announced is not None
            announced, self._phase = None, Phase.START
            try:
                welcome = await self._fit_welcome(renew=not joined)
                if joined or self._announce(message, welcome, desk):
                    announced = await self._hand_over(message, welcome, desk, gate)
            except LostError as lost:
                self._settle_loss(message, lost, desk, joined=joined)
            if self._cancelled:
                raise asyncio.CancelledError

    def _settle_loss(self, message: Outgoing, lost: LostError, desk: Desk, *, joined: bool) -> None:
        """Report the message, or take it to a fresh connection where only the old one was worn out."""
        if joined and isinstance(lost, SilentError) and self._phase is Phase.MAIL:
            self._joins = False  # some servers throw away what comes behind a content
        if self._carried and self._phase is Phase.MAIL:
            desk.put_back(message)
            return
        desk.report(message, _lost_result(self._phase, lost))
        self._barren = 0 if self._carried else self._barren + 1
        if self._barren >= BARREN_CONNECTIONS:
            self._barren = 0
            raise MailboxDown(
                f"{self.server} broke off each connection before a message was through: {lost.text}"
            )

    # The connection

    async def _fit_welcome(self, *, renew: bool) -> Welcome:
        """Give the connection; with `renew` one that is alive, a new one if need be."""
        if renew and self._welcome is not None and self.is_open:
            idle_seconds = asyncio.get_running_loop().time() - self._welcome.wire.heard_at
            if idle_seconds > IDLE_SECONDS:
                await self._reset(self._welcome.wire)
        if self._welcome is None or (renew and not self.is_open):
            self._welcome, self._carried = await log_in(self.server), 0
        return self._welcome

    async def _reset(self, wire: Wire) -> None:
        """Withdraw an open transaction; a connection that cannot do that is given up, which fits too."""
        if self._cancelled:
            return  # the connection goes anyway
        with suppress(LostError):
            wire.send(b"RSET\r\n")
            reply = await wire.reply()
            if not _is_good(reply):
                wire.break_off(f"The server did not reset: {reply.code} {reply.text}", reply.code)

    # One message

    def _announce(self, message: Outgoing, welcome: Welcome, desk: Desk) -> bool:
        """Write MAIL and RCPT; False: the message cannot be written at all, and has been reported."""
        if self._turn_away(message, welcome, desk):
            return False
        welcome.wire.send(*envelope(message, welcome.extensions))
        return True

    def _turn_away(self, message: Outgoing, welcome: Welcome, desk: Desk) -> bool:
        problem = unsendable(message, welcome.extensions, welcome.size_limit)
        if problem is not None:
            desk.report(message, Result(Fate.REFUSED, None, problem, Phase.START))
        return problem is not None

    async def _hand_over(
        self, message: Outgoing, welcome: Welcome, desk: Desk, gate: Gate
    ) -> Outgoing | None:
        """Bring an announced message to its report; gives the next message if that is announced already."""
        wire = welcome.wire
        verdict = await self._read_envelope_answers(wire, message, desk) or await self._ask(
            gate, message, wire
        )
        if verdict is None:
            self._phase = Phase.DATA
            wire.send(b"DATA\r\n")
            desk.fetch()
            reply = await self._finish_reply(wire)
            verdict = None if reply.code == 354 else self._judge(reply, wire)
        if verdict is not None:
            desk.report(message, verdict)
            await self._reset(wire)
            return None
        return await self._deliver(message, welcome, desk)

    async def _read_envelope_answers(self, wire: Wire, message: Outgoing, desk: Desk) -> Result | None:
        """Read the replies to MAIL and RCPT; None: both are accepted."""
        self._phase = Phase.MAIL
        reply = _unless_closing(await wire.reply(), wire)
        if _is_good(reply):
            self._phase = Phase.RCPT
            reply = _unless_closing(await wire.reply(), wire)
            if _is_good(reply):
                return None
        else:
            with suppress(LostError):
                await wire.reply()  # RCPT was on its way too
        if reply.code >= 500 and (self._phase is Phase.MAIL or reply.code in LOGIN_CODES):
            desk.report(message, Result(Fate.RETRY, reply.code, reply.text, self._phase))
            raise MailboxDown(
                f"{self.server} takes no mail from {message.sender}: {reply.code} {reply.text}"[:500],
                lasting=True,
            )
        return self._judge(reply, wire)

    async def _ask(self, gate: Gate, message: Outgoing, wire: Wire) -> Result | None:
        """Pass the point of no return; None: passed.

        A cancellation waits: the gate commits, and what it committed is either done or taken back, never left.
        """
        self._phase = Phase.GATE
        wire.check()
        asked = asyncio.ensure_future(gate(message))
        while not asked.done():
            try:
                await asyncio.shield(asked)
            except asyncio.CancelledError:
                if asked.cancelled():
                    raise
                self._cancelled = True
        return None if asked.result() else Result(Fate.HELD, None, "The gate said no", Phase.GATE)

    async def _deliver(self, message: Outgoing, welcome: Welcome, desk: Desk) -> Outgoing | None:
        """Write the content and read what becomes of it; gives the next message if it went along."""
        wire = welcome.wire
        following = desk.ready() if self._joins and not self._cancelled else None
        if following is not None and self._turn_away(following, welcome, desk):
            following = None
        try:
            body = stuffed(message.content)
            last = await self._pour(body, wire) if len(body) > PART_BYTES else body
            wire.check()  # before the phase: what cannot be written has not left
            self._phase, desk.past_dot = Phase.DOT, message
            wire.send(last + b".\r\n", *(envelope(following, welcome.extensions) if following else ()))
            reply = await self._finish_reply(wire)
        except LostError:
            desk.put_back(following)
            raise
        self._carried, self._barren = self._carried + 1, 0
        verdict = self._judge(reply, wire)
        desk.report(message, verdict)
        if wire.lost is not None:
            desk.put_back(following)
            return None
        if verdict.fate is not Fate.SENT and following is None:
            await self._reset(wire)
        return following

    async def _pour(self, body: bytes, wire: Wire) -> bytes:
        """Write all parts but the last, each when the one before is on its way; gives the last."""
        wire.check()
        self._phase = Phase.CONTENT
        start = 0
        while len(body) - start > PART_BYTES:
            wire.pour(body[start : start + PART_BYTES])
            await self._finish(wire.drained)
            start += PART_BYTES
        return body[start:]

    async def _finish(self, wait: Callable[[], Awaitable[T]]) -> T:
        """Wait past the gate: a cancellation is remembered and obeyed when the message is through."""
        while True:
            try:
                return await wait()
            except asyncio.CancelledError:
                self._cancelled = True

    async def _finish_reply(self, wire: Wire) -> Reply:
        return _unless_closing(await self._finish(wire.reply), wire)

    def _judge(self, reply: Reply, wire: Wire) -> Result:
        """Give the fate a reply means in this phase; a reply that means nothing here ends the connection."""
        at_dot = self._phase is Phase.DOT
        match reply.code // 100:
            case 2 if at_dot:
                fate = Fate.SENT
            case 4:
                fate = Fate.RETRY
            case 5:
                fate = Fate.REFUSED
            case _:
                fate = Fate.UNKNOWN if at_dot else Fate.RETRY
                wire.break_off(f"The server's answer does not fit: {reply.code} {reply.text}")
        return Result(fate, reply.code, reply.text, self._phase)


def _is_good(reply: Reply) -> bool:
    return 200 <= reply.code < 300


def _unless_closing(reply: Reply, wire: Wire) -> Reply:
    """Give the reply, or raise: a 421 says that the server is closing the connection, whatever was asked."""
    if reply.code == CLOSING:
        wire.break_off(reply.text, reply.code)
        raise LostError(reply.text, reply.code)
    return reply


def _lost_result(phase: Phase, lost: LostError) -> Result:
    """Give the fate of the message in hand when the connection was lost."""
    fate = Fate.RETRY
    if phase is Phase.DOT and lost.code != CLOSING:
        fate = Fate.UNKNOWN
    elif phase is Phase.CONTENT and lost.code is not None:
        # The server judged content it had not read to the end; that it took some of it cannot be ruled out.
        fate = {2: Fate.UNKNOWN, 5: Fate.REFUSED}.get(lost.code // 100, Fate.RETRY)
    return Result(fate, lost.code, lost.text[:500], phase)
