"""The bytes of one message: a skeleton prepared per step and mailbox, filled per lead.

An ``EmailMessage`` tree per lead costs about a hundred times as much, and older Python versions let an
encoded word in a header value inject further headers. So the few shapes Fermata sends are written here
directly, each header value passes one guard, and the tests parse the result beside ``EmailMessage``.

Lines end in CRLF and are at most 998 octets (RFC 5322 §2.1.1). Dot-stuffing belongs to the SMTP layer.
"""

from __future__ import annotations

import re
from base64 import b64encode
from binascii import b2a_qp
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

from core.errors import Refused

if TYPE_CHECKING:
    from core.template import Rendered

LINE_OCTETS = 78  # RFC 5322: lines SHOULD stay within 78
ENCODED_WORD_OCTETS = 42  # before base64: 68 characters as an encoded word, 77 with "Subject: "
QUOTED_NAME_CHARS = 60  # a longer display name is written as encoded words, which can be folded
ADDRESS_CHARS = 254  # RFC 5321 §4.5.3.1.3
MESSAGE_ID_CHARS = 900
URL_CHARS = 900

_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]|=\?")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9'-]+(?: [A-Za-z0-9'-]+)*")
_ADDRESS = re.compile(r"""[^\s<>()\[\],;:\\"@]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?""")
_MESSAGE_ID = re.compile(r"<[!-;=?A-~]+@[!-;=?A-~]+>")
_WEB = re.compile(r"https?://[!-;=?-~]+")
_MAILTO = re.compile(r"(?:mailto:)?[!-;=?-~]+@[!-;=?-~]+")
_CONTROL_OCTETS = bytes(octet for octet in range(0x20) if octet not in b"\t\n\r") + b"\x7f"
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Sender:
    """The mailbox a message comes from; `name` may be empty."""

    address: str
    name: str


@dataclass(frozen=True, slots=True)
class Skeleton:
    """What every message of one step and mailbox has in common."""

    common: str  # header lines: From, Reply-To, MIME-Version
    boundary: str
    multipart: bool


def header_value(text: str) -> str:
    """Return `text` unchanged if it may stand in a header; refuse what could start another header."""
    if text.isascii() and text.isprintable() and "=?" not in text:
        return text
    if _UNSAFE.search(text):
        raise Refused(
            "A mail header may not hold line breaks, control characters or '=?'; "
            f"take them out of {text[:60]!a}."
        )
    return text


def is_message_id(value: str | None) -> bool:
    """Say whether a Message-ID that came from outside can be written into a header."""
    return bool(value) and len(value or "") <= MESSAGE_ID_CHARS and bool(_MESSAGE_ID.fullmatch(value or ""))


def prepare(sender: Sender, *, multipart: bool = True, reply_to: str | None = None) -> Skeleton:
    """Return the skeleton for `sender`; text and HTML parts, or the text alone if not `multipart`."""
    common = f"From: {_mailbox(sender.name, sender.address, column=6)}\r\n"
    if reply_to:
        common += f"Reply-To: {_address(reply_to)}\r\n"
    common += "MIME-Version: 1.0\r\n"
    # The same for every run, so that a prepared message can be compared; "=_" never occurs in
    # quoted-printable, and `fill` checks the rest.
    digest = sha256(common.encode()).hexdigest()[:24]
    return Skeleton(common=common, boundary=f"=_fermata_{digest}", multipart=multipart)


def fill(
    skeleton: Skeleton,
    *,
    rendered: Rendered,
    to_address: str,
    to_name: str,
    message_id: str,
    date: datetime,
    references: tuple[str, ...] = (),
    unsubscribe_url: str | None = None,
    unsubscribe_mailto: str | None = None,
) -> bytes:
    """Return the message as octets, ready for SMTP DATA but for dot-stuffing.

    `references` are the Message-IDs of the thread, oldest first; the last one is answered.
    With `unsubscribe_url` one click unsubscribes (RFC 8058). Raises `Refused` for a value that
    cannot stand in a header.
    """
    head = (
        f"Message-ID: {_message_id(message_id)}\r\nDate: {_date(date)}\r\n"
        f"To: {_mailbox(to_name, to_address, column=4)}\r\n"
        f"Subject: {_unstructured(rendered.subject)}\r\n{skeleton.common}"
    )
    if references:
        thread = [_message_id(reference) for reference in references]
        head += f"In-Reply-To: {thread[-1]}\r\nReferences: {_folded(thread)}\r\n"
    if unsubscribe_url or unsubscribe_mailto:
        head += _list_unsubscribe(unsubscribe_url, unsubscribe_mailto)
    text = _part(b"plain", rendered.text)
    if not skeleton.multipart:
        return head.encode("ascii") + text
    html = _part(b"html", rendered.html)
    boundary = _unused(skeleton.boundary.encode("ascii"), text, html)
    head += f'Content-Type: multipart/alternative; boundary="{boundary.decode()}"\r\n\r\n'
    rule = b"\r\n--" + boundary
    return b"".join((head.encode("ascii"), rule[2:], b"\r\n", text, rule, b"\r\n", html, rule, b"--\r\n"))


def _part(subtype: bytes, text: str) -> bytes:
    """Headers and body of one text part: 7bit where it is short-lined ASCII, else quoted-printable."""
    lines = text.encode("utf-8", "replace").translate(None, _CONTROL_OCTETS)
    if b"\r" in lines:
        lines = lines.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if not lines.endswith(b"\n"):
        lines += b"\n"
    body = lines.replace(b"\n", b"\r\n")
    encoding = b"7bit"
    if not lines.isascii() or max(map(len, lines.split(b"\n"))) > LINE_OCTETS:
        encoding, body = b"quoted-printable", b2a_qp(body, istext=True)
    return b'Content-Type: text/%b; charset="utf-8"\r\nContent-Transfer-Encoding: %b\r\n\r\n%b' % (
        subtype,
        encoding,
        body,
    )


def _unused(boundary: bytes, *parts: bytes) -> bytes:
    """`boundary`, lengthened until no part contains it."""
    while any(boundary in part for part in parts):
        boundary += b"_"
    return boundary


def _mailbox(name: str, address: str, *, column: int) -> str:
    """``name <address>`` with the name quoted or encoded as needed; it starts at `column` of its line."""
    _address(address)
    if not name:
        return address
    phrase = _phrase(header_value(name))
    gap = "\r\n " if "\r\n" in phrase or column + len(phrase) + len(address) + 3 > LINE_OCTETS else " "
    return f"{phrase}{gap}<{address}>"


def _phrase(name: str) -> str:
    if not name.isascii() or len(name) > QUOTED_NAME_CHARS:
        return _encoded(name)
    if _PLAIN_NAME.fullmatch(name):
        return name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _address(address: str) -> str:
    header_value(address)
    if not (address.isascii() and len(address) <= ADDRESS_CHARS and _ADDRESS.fullmatch(address)):
        raise Refused(f"{address[:80]!a} is not an email address Fermata can write to.")
    return address


def _message_id(value: str) -> str:
    if len(value) > MESSAGE_ID_CHARS or not _MESSAGE_ID.fullmatch(header_value(value)):
        raise Refused(f"{value[:80]!a} is not a Message-ID.")
    return value


def _unstructured(text: str) -> str:
    """A Subject's value: as it is if short ASCII, folded at spaces if long, else as encoded words."""
    header_value(text)
    if not text.isascii() or text != text.strip():
        return _encoded(text)
    if len(text) <= LINE_OCTETS - 9:
        return text
    # Each continuation keeps its leading space, so unfolding gives the same text back.
    words = re.findall(r" *[^ ]+", text)
    if max(map(len, words)) > LINE_OCTETS - 9:
        return _encoded(text)
    lines = [""]
    for word in words:
        used = len(lines[-1]) + (9 if len(lines) == 1 else 0)
        if used + len(word) > LINE_OCTETS:
            lines.append(word)
        else:
            lines[-1] += word
    return "\r\n".join(lines)


def _encoded(text: str) -> str:
    """`text` as RFC 2047 encoded words, one per line, no character split."""
    return "\r\n ".join(f"=?utf-8?b?{b64encode(chunk).decode()}?=" for chunk in _chunks(text))


def _chunks(text: str) -> Iterator[bytes]:
    octets = text.encode()
    start = 0
    while len(octets) - start > ENCODED_WORD_OCTETS:
        end = start + ENCODED_WORD_OCTETS
        while octets[end] & 0xC0 == 0x80:  # a continuation octet: stay in front of its character
            end -= 1
        yield octets[start:end]
        start = end
    yield octets[start:]


def _folded(items: list[str]) -> str:
    return "\r\n ".join(items)


def _list_unsubscribe(url: str | None, mailto: str | None) -> str:
    ways = []
    if mailto:
        if len(mailto) > URL_CHARS or not _MAILTO.fullmatch(header_value(mailto)):
            raise Refused(f"{mailto[:80]!a} is not an address for unsubscribing.")
        ways.append(f"<mailto:{mailto.removeprefix('mailto:')}>")
    if url:
        if len(url) > URL_CHARS or not _WEB.fullmatch(header_value(url)):
            raise Refused(f"{url[:80]!a} is not a web address for unsubscribing.")
        ways.append(f"<{url}>")
    lines = f"List-Unsubscribe: {_folded([f'{way},' for way in ways[:-1]] + ways[-1:])}\r\n"
    return lines + ("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" if url else "")


@lru_cache(maxsize=64)  # a batch shares its instant
def _date(moment: datetime) -> str:
    """`moment` as RFC 5322 writes it, in UTC; English names whatever the locale."""
    if moment.tzinfo is None:
        raise ValueError("the Date of a message must be an aware instant")
    utc = moment.astimezone(UTC)
    return f"{_DAYS[utc.weekday()]}, {utc.day:02} {_MONTHS[utc.month - 1]} {utc:%Y %H:%M:%S} +0000"
