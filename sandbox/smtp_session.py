"""One SMTP dialogue as the mail sink leads it: commands, content, login, TLS, and the faults of its script."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import re
import ssl
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, cast

from sandbox.faults import Fault, Moment, Phase

if TYPE_CHECKING:
    from sandbox.sink import Sink

LONGEST_LINE_BYTES = 4096
READ_BYTES = 64 * 1024
SPLIT_PAUSE_SECONDS = 0.002

_MAIL = re.compile(rb"MAIL FROM:<([^<>]*)>((?: [^ ]+)*)", re.IGNORECASE)
_RCPT = re.compile(rb"RCPT TO:<([^<>]+)>((?: [^ ]+)*)", re.IGNORECASE)
_MESSAGE_ID = re.compile(rb"^message-id:\s*(<[^>\r\n]*>)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Accepted:
    """One message the sink took: `message` is un-dot-stuffed, `at` is None where the sink has no clock."""

    message: bytes
    sender: str
    recipients: tuple[str, ...]
    message_id: str
    at: datetime | None
    monotonic: float
    connection: int

    def as_line(self) -> bytes:
        """Give the line of the log; the message's bytes stand in it as Latin-1, so that none is lost."""
        fields = {
            "message_id": self.message_id,
            "sender": self.sender,
            "recipients": self.recipients,
            "at": self.at.isoformat() if self.at else None,
            "monotonic": self.monotonic,
            "connection": self.connection,
            "message": self.message.decode("latin-1"),
        }
        return json.dumps(fields).encode() + b"\n"


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What the sink is and says in its EHLO answer; `latency` is the emulated round trip in seconds."""

    pipelining: bool = True
    eightbit: bool = True
    smtputf8: bool = False
    size: int | None = None
    tls: ssl.SSLContext | None = None
    starttls: ssl.SSLContext | None = None
    users: dict[str, str] | None = None
    latency: float = 0.0


class Session(asyncio.BufferedProtocol):
    """One connection. `_busy` means: the next command waits, because of a fault or a TLS handshake.

    It reads into one buffer of its own; asyncio would else allocate 256 KiB for every packet, most of the cost.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink, self._offer = sink, sink.offer
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._incoming = memoryview(bytearray(READ_BYTES))
        self._buffer = bytearray()
        self._out: list[bytes] = []
        self._late: deque[bytes | None] = deque()
        self._busy = self._upgrading = self._secure = self._greeted = self._known = False
        self._sender: str | None = None
        self._recipients: list[str] = []
        self._about = ("", "")  # sender and recipient last spoken of; what a script may choose by
        self._in_content = False
        self._scanned = 0
        self._body_fault: Fault | None = None
        self._expected: Callable[[bytes], bytes] | None = None
        self._number = 0
        self._handshake: asyncio.Task[None] | None = None

    # The connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._secure = self._offer.tls is not None
        self._sink.connections += 1
        self._sink.sessions.add(self)
        self._number = self._sink.connections
        self._act(Phase.BANNER, lambda: b"220 sink.test ESMTP Fermata")
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._busy = True
        self._sink.sessions.discard(self)

    def abort(self) -> None:
        """Close at once."""
        self._busy = True
        self._transport.abort()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's signature
        return self._incoming

    def buffer_updated(self, nbytes: int) -> None:
        self._buffer += self._incoming[:nbytes]
        if not self._busy:
            self._work()

    def _work(self) -> None:
        while not self._busy:
            if self._in_content:
                if not self._read_content():
                    break
                continue
            end = self._buffer.find(b"\r\n")
            if end < 0:
                break
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 2]
            self._command(line)
        if len(self._buffer) > LONGEST_LINE_BYTES and not self._in_content and not self._busy:
            self._say(b"500 5.5.2 Line too long")
            self._close()
        self._flush()
        if self._upgrading and self._offer.starttls is not None:
            self._upgrading = False
            self._handshake = self._loop.create_task(self._start_tls(self._offer.starttls))

    # Speaking

    def _say(self, reply: bytes) -> None:
        if reply:
            self._out.append(reply + b"\r\n")

    def _flush(self) -> None:
        if self._out:
            self._send(b"".join(self._out))
            self._out.clear()

    def _send(self, item: bytes | None) -> None:
        """Write now, or one emulated round trip later and still in order; None closes."""
        self._late.append(item)
        if self._offer.latency:
            self._loop.call_later(self._offer.latency, self._send_next)
        else:
            self._send_next()

    def _send_next(self) -> None:
        item = self._late.popleft()
        if self._transport.is_closing():
            return
        if item is None:
            self._transport.close()
        else:
            self._transport.write(item)

    def _close(self) -> None:
        self._busy = True
        self._flush()
        self._send(None)

    def _act(self, phase: Phase, usual: Callable[[], bytes]) -> None:
        """Do what the command does and say its answer, or what the script wants instead."""
        fault = self._fault(phase)
        if fault is None:
            self._say(usual())
        else:
            self._obey(fault, usual)

    def _fault(self, phase: Phase) -> Fault | None:
        if self._sink.script is None:
            return None
        return self._sink.script(Moment(phase, self._number, *self._about))

    def _obey(self, fault: Fault, usual: Callable[[], bytes]) -> None:
        if fault.delay:
            self._busy = True
            self._loop.call_later(fault.delay, self._resume, replace(fault, delay=0.0), usual)
        elif fault.hang:
            self._busy = True
            self._transport.pause_reading()
            self._sink.hangs()
        elif fault.drop:
            self._close()
        else:
            done = b"" if fault.refuses else usual()
            reply = done if fault.reply is None else fault.reply.encode().replace(b"\n", b"\r\n")
            self._say_badly(fault, reply)

    def _resume(self, fault: Fault, usual: Callable[[], bytes]) -> None:
        if self._transport.is_closing():
            return
        self._busy = False
        self._obey(fault, usual)
        self._work()

    def _say_badly(self, fault: Fault, reply: bytes) -> None:
        if fault.cut:
            self._out.append(reply[: len(reply) // 2])
            self._close()
        elif fault.split:
            self._busy = True
            self._flush()
            for index, byte in enumerate(reply + b"\r\n", start=1):
                self._loop.call_later(index * SPLIT_PAUSE_SECONDS, self._send, bytes([byte]))
            pause = (len(reply) + 4) * SPLIT_PAUSE_SECONDS
            self._loop.call_later(pause, self._resume, Fault(), lambda: b"")
        else:
            self._say(reply)
            if reply.startswith(b"421"):
                self._close()

    # Commands

    def _command(self, line: bytes) -> None:
        self._sink.commands.append(line)
        if self._expected is not None:
            answer, self._expected = self._expected, None
            self._act(Phase.AUTH, lambda: answer(line))
            return
        if self._buffer and not self._offer.pipelining:
            self._sink.complaints.append(f"pipelined without being invited, after {line[:40]!r}")
        command = _COMMANDS.get(line[:4].upper())
        if command is None:
            self._say(b"500 5.5.1 Unknown command")
            return
        phase, usual = command
        if self._sink.script is None:
            self._say(usual(self, line))
            return
        if phase is Phase.MAIL and (found := _MAIL.fullmatch(line)):
            self._about = (_text(found[1]), "")
        elif phase is Phase.RCPT and (found := _RCPT.fullmatch(line)):
            self._about = (self._about[0], _text(found[1]))
        self._act(phase, lambda: usual(self, line))

    def ehlo(self, line: bytes) -> bytes:
        self._greeted = True
        self._forget()
        if line[:4].upper() == b"HELO":
            return b"250 sink.test"
        offer = self._offer
        words = ["sink.test", "ENHANCEDSTATUSCODES"]
        words += ["PIPELINING"] * offer.pipelining + ["8BITMIME"] * offer.eightbit
        words += ["SMTPUTF8"] * offer.smtputf8 + ["STARTTLS"] * (
            offer.starttls is not None and not self._secure
        )
        words += [f"SIZE {offer.size}"] * (offer.size is not None)
        words += ["AUTH PLAIN LOGIN"] * self._may_log_in()
        return "\r\n".join([f"250-{word}" for word in words[:-1]] + [f"250 {words[-1]}"]).encode()

    def _may_log_in(self) -> bool:
        return self._offer.users is not None and (self._secure or self._offer.starttls is None)

    def mail(self, line: bytes) -> bytes:
        found = _MAIL.fullmatch(line)
        if found is None:
            return b"501 5.5.4 Syntax: MAIL FROM:<address>"
        if not self._greeted or self._sender is not None:
            return b"503 5.5.1 Not now"
        if self._offer.users is not None and not self._known:
            return b"530 5.7.0 Log in first"
        if not line.isascii() and not (self._offer.smtputf8 and b"SMTPUTF8" in found[2].upper()):
            return b"553 5.6.7 Letters outside ASCII"
        self._sender = _text(found[1])
        return b"250 2.1.0 Sender ok"

    def rcpt(self, line: bytes) -> bytes:
        found = _RCPT.fullmatch(line)
        if found is None:
            return b"501 5.5.4 Syntax: RCPT TO:<address>"
        if self._sender is None:
            return b"503 5.5.1 MAIL first"
        self._recipients.append(_text(found[1]))
        return b"250 2.1.5 Recipient ok"

    def data(self, _: bytes) -> bytes:
        if not self._recipients:
            return b"503 5.5.1 RCPT first"
        self._in_content, self._scanned = True, 0
        self._body_fault = self._fault(Phase.BODY)
        return b"354 Go ahead"

    def rset(self, _: bytes) -> bytes:
        self._forget()
        return b"250 2.0.0 Forgotten"

    def noop(self, _: bytes) -> bytes:
        return b"250 2.0.0 Still here"

    def quit(self, _: bytes) -> bytes:
        self._loop.call_soon(self._close)
        return b"221 2.0.0 Bye"

    def _forget(self) -> None:
        self._sender, self._recipients, self._in_content = None, [], False

    # Content

    def _read_content(self) -> bool:
        """Take the content if it is complete; False: more has to arrive."""
        if self._body_fault is not None and len(self._buffer) >= self._body_fault.at_bytes:
            fault, self._body_fault = self._body_fault, None
            self._obey(fault, lambda: b"")
            if fault.refuses:
                self._close()
            return True
        if self._buffer.startswith(b".\r\n"):
            content, rest = b"", 3
        else:
            end = self._buffer.find(b"\r\n.\r\n", self._scanned)
            if end < 0:
                self._scanned = max(0, len(self._buffer) - 4)
                return False
            content, rest = bytes(self._buffer[: end + 2]), end + 5
        del self._buffer[:rest]
        if not self._offer.pipelining and self._buffer:
            self._sink.complaints.append("pipelined without being invited, after the content")
        sender, recipients = self._sender or "", tuple(self._recipients)
        self._forget()
        self._act(Phase.DOT, lambda: self._accept(content, sender, recipients))
        return True

    def _accept(self, content: bytes, sender: str, recipients: tuple[str, ...]) -> bytes:
        if self._offer.size is not None and len(content) > self._offer.size:
            return b"552 5.3.4 Message too big"
        message = content.replace(b"\r\n.", b"\r\n").removeprefix(b".")
        head = message.partition(b"\r\n\r\n")[0]
        found = _MESSAGE_ID.search(head)
        self._sink.keep(
            Accepted(
                message=message,
                sender=sender,
                recipients=recipients,
                message_id=_text(found[1]) if found else "",
                at=self._sink.clock() if self._sink.clock else None,
                monotonic=time.monotonic(),
                connection=self._number,
            )
        )
        fault = self._fault(Phase.AFTER)
        if fault is None:
            return b"250 2.0.0 Kept"
        self._obey(fault, lambda: b"250 2.0.0 Kept")
        return b""

    # Login and encryption

    def auth(self, line: bytes) -> bytes:
        if not self._may_log_in():
            return b"503 5.5.1 No login here"
        _, _, rest = line.partition(b" ")
        kind, _, first = rest.partition(b" ")
        match kind.upper():
            case b"PLAIN":
                return self._plain(first) if first else self._ask(b"334 ", self._plain)
            case b"LOGIN":
                return self._login_user(first) if first else self._ask(b"334 VXNlcm5hbWU6", self._login_user)
        return b"504 5.5.4 Unknown kind of login"

    def _ask(self, prompt: bytes, then: Callable[[bytes], bytes]) -> bytes:
        self._expected = then
        return prompt

    def _plain(self, line: bytes) -> bytes:
        _, user, password, *_ = [*_unbase64(line).split(b"\0"), b"", b"", b""]
        return self._judge(user, password)

    def _login_user(self, line: bytes) -> bytes:
        user = _unbase64(line)
        return self._ask(b"334 UGFzc3dvcmQ6", lambda answer: self._judge(user, _unbase64(answer)))

    def _judge(self, user: bytes, password: bytes) -> bytes:
        users = self._offer.users or {}
        self._known = users.get(_text(user)) == _text(password)
        return b"235 2.7.0 Welcome" if self._known else b"535 5.7.8 Wrong user name or password"

    def starttls(self, _: bytes) -> bytes:
        if self._offer.starttls is None or self._secure:
            return b"503 5.5.1 Not now"
        self._transport.pause_reading()
        self._busy = self._upgrading = True
        return b"220 2.0.0 Go ahead"

    async def _start_tls(self, context: ssl.SSLContext) -> None:
        self._buffer.clear()  # what came before the handshake came from nobody in particular
        self._greeted = False
        try:
            upgraded = await self._loop.start_tls(self._transport, self, context, server_side=True)
        except OSError:  # the client did not like the certificate, or left
            self._transport.abort()
            return
        if upgraded is not None:
            self._transport, self._secure, self._busy = upgraded, True, False
            self._work()  # a quick client has spoken already


_COMMANDS: dict[bytes, tuple[Phase, Callable[[Session, bytes], bytes]]] = {
    b"EHLO": (Phase.EHLO, Session.ehlo),
    b"HELO": (Phase.EHLO, Session.ehlo),
    b"MAIL": (Phase.MAIL, Session.mail),
    b"RCPT": (Phase.RCPT, Session.rcpt),
    b"DATA": (Phase.DATA, Session.data),
    b"RSET": (Phase.RSET, Session.rset),
    b"NOOP": (Phase.NOOP, Session.noop),
    b"QUIT": (Phase.QUIT, Session.quit),
    b"AUTH": (Phase.AUTH, Session.auth),
    b"STAR": (Phase.STARTTLS, Session.starttls),
}


def _text(address: bytes) -> str:
    return address.decode("utf-8", "replace")


def _unbase64(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return b""
