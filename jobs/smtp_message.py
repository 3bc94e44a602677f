"""What is handed to SMTP and what became of it: messages, fates, and a message as commands and content."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum

LONGEST_ADDRESS_CHARS = 254

_LINE_END = re.compile(rb"\r\n|\r|\n")


class Fate(StrEnum):
    """What became of a message."""

    SENT = "sent"
    REFUSED = "refused"  # for good, before acceptance: never left
    RETRY = "retry"  # never left, may be tried again
    UNKNOWN = "unknown"  # may have left: never tried again by itself
    HELD = "held"  # the gate said no: never left


class Phase(StrEnum):
    """How far the dialogue about a message came."""

    START = "start"
    MAIL = "mail"
    RCPT = "rcpt"
    GATE = "gate"
    DATA = "data"
    CONTENT = "content"  # parts of it are written, the final dot is not
    DOT = "dot"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to one recipient; `content` needs no dot-stuffing."""

    key: int
    sender: str
    recipient: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Result:
    """The fate of a message; `code` and `text` are the server's, or None and our own words (≤ 500 chars)."""

    fate: Fate
    code: int | None
    text: str
    phase: Phase


Source = Callable[[], Awaitable[Outgoing | None]]
Gate = Callable[[Outgoing], Awaitable[bool]]
Report = Callable[[Outgoing, Result], None]


def unsendable(message: Outgoing, extensions: AbstractSet[str], size_limit: int | None) -> str | None:
    """Give the sentence why a message cannot be put to this server at all, None if it can."""
    for address in (message.sender, message.recipient):
        if not _is_safe(address):
            return f"{ascii(address)[:300]} cannot be written into an SMTP command."
        if not address.isascii() and "smtputf8" not in extensions:
            return f"{address} has letters outside ASCII, and the server does not offer SMTPUTF8."
    if size_limit is not None and len(message.content) > size_limit:
        return f"The message has {len(message.content)} bytes, the server takes {size_limit}."
    return None


def stuffed(content: bytes) -> bytes:
    """Give content as DATA wants it, without the final dot: CRLF everywhere, leading dots doubled.

    A bare CR or LF must not pass: servers disagree on whether it ends a line, and so on where a mail ends.
    """
    whole_ends = content.count(b"\r\n")
    if content.count(b"\n") != whole_ends or content.count(b"\r") != whole_ends:
        content = _LINE_END.sub(b"\r\n", content)
    if b"\r\n." in content:
        content = content.replace(b"\r\n.", b"\r\n..")
    if content.startswith(b"."):
        content = b"." + content
    return content if content.endswith(b"\r\n") or not content else content + b"\r\n"


def _is_safe(address: str) -> bool:
    local, at, domain = address.partition("@")
    unsafe = not address.isprintable() or not set(address).isdisjoint(" <>") or "@" in domain
    return bool(local and at and domain) and not unsafe and len(address) <= LONGEST_ADDRESS_CHARS


def envelope(message: Outgoing, extensions: AbstractSet[str]) -> tuple[bytes, bytes]:
    """Give the MAIL and RCPT commands; the message has been found sendable."""
    options = ""
    if "8bitmime" in extensions and not message.content.isascii():
        options += " BODY=8BITMIME"
    if not (message.sender + message.recipient).isascii():
        options += " SMTPUTF8"
    return (
        f"MAIL FROM:<{message.sender}>{options}\r\n".encode(),
        f"RCPT TO:<{message.recipient}>\r\n".encode(),
    )
