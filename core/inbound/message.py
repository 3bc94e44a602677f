"""A message as bytes, made into a small tree of parts in bounded time and memory, whatever the bytes are.

The standard library's own parser is not used for the whole of it: a thousand nested parts cost it a
thousand nested generators, and every line is compared with every open boundary. Here a part is split at its
boundary once, at most DEEPEST levels down, and what lies deeper stays unread. The parts are still
`email.message.Message`, so that the library's decoding and flufl.bounce work on them.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import MessageError
from email.message import Message
from email.parser import BytesHeaderParser
from typing import Final

MOST_BYTES: Final = 2_000_000
MOST_HEADER_BYTES: Final = 64_000
MOST_HEADERS: Final = 500
MOST_PARTS: Final = 100
MOST_TEXT_BYTES: Final = 200_000
MOST_ENCODED_CHARS: Final = 4_000  # of one header's encoded words
DEEPEST: Final = 10
# The library reads their parameters in time that grows with the square of the length, or worse.
STRUCTURED: Final = ("Content-Type", "Content-Disposition", "Content-Transfer-Encoding")
LONGEST_STRUCTURED_CHARS: Final = 1_000

END_OF_HEADERS = re.compile(rb"\r?\n\r?\n|\r\r")
# Codecs that decode no mail, or in time that grows with the square of the length.
UNFIT_CODECS: Final = frozenset({"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape"})
# What mail programs write, and the larger set that they mean by it.
LARGER_CODECS: Final = {
    "iso8859-1": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "iso2022_jp": "iso2022_jp_ext",
    "big5": "big5hkscs",
}
ENCODED_WORD = re.compile(r"=\?([^?\s]{1,40})\?([bBqQ])\?([^?]*)\?=")
BETWEEN_WORDS = re.compile(r"(\?=)[ \t\r\n]+(?==\?)")


@dataclass
class Tree:
    """A parsed message. `is_cut`: it was longer, deeper or had more parts than is read; `has_lost_text`: so was its text."""

    root: Message
    is_cut: bool = False
    has_lost_text: bool = False
    parts: int = 0


def tree(raw: bytes) -> Tree:
    """Give the message's parts, those that fit within the bounds; never raises for anything it is given."""
    found = Tree(root=Message(), is_cut=len(raw) > MOST_BYTES)
    found.root = _part(raw[:MOST_BYTES], 0, found)
    if found.is_cut:
        found.has_lost_text = _last_leaf(found.root).get_content_maintype() == "text"
    return found


def headers_of(raw: bytes) -> Message:
    """Give the headers of a message alone, the first MOST_HEADERS of them."""
    return _headers(raw)[0]


def parts(message: Message, *, inside_returned: bool = False) -> Iterator[Message]:
    """Walk a message and its parts; what a message/rfc822 part holds only where that is asked for."""
    waiting = [message]
    while waiting:
        part = waiting.pop()
        yield part
        payload = part.get_payload()
        is_returned = part.get_content_maintype() == "message"
        if isinstance(payload, list) and (inside_returned or not is_returned):
            waiting.extend(child for child in reversed(payload) if isinstance(child, Message))


def content(part: Message) -> bytes:
    """Give a leaf's bytes without their transfer encoding, at most MOST_TEXT_BYTES; broken base64 as far as it goes."""
    payload = part.get_payload()
    if not isinstance(payload, str):
        return b""
    try:
        decoded = part.get_payload(decode=True)
    except (MessageError, ValueError, LookupError, TypeError):
        decoded = payload.encode("utf-8", "replace")
    return decoded[:MOST_TEXT_BYTES] if isinstance(decoded, bytes) else b""


def text_of(part: Message) -> str:
    """Give a leaf's text; unknown character sets and bytes outside theirs are replaced, never an error."""
    try:
        charset = part.get_content_charset() or ""
    except (MessageError, ValueError, LookupError, TypeError):
        charset = ""
    return decoded(content(part), charset)


def decoded(data: bytes, charset: str) -> str:
    """Give bytes as text, in their own character set where it is one, else in UTF-8, else in windows-1252."""
    name = _codec(charset)
    for codec, errors in ((name, "strict"), ("utf-8", "strict"), (name, "replace"), ("cp1252", "replace")):
        if codec is None or (codec == "ascii" and errors == "replace"):
            continue
        try:
            return data.decode(codec, errors)
        except (UnicodeError, LookupError, ValueError):
            continue
    return data.decode("latin-1")


def header(message: Message, name: str) -> str:
    """Give the first such header as one line of text with its encoded words read, "" where there is none."""
    values = raw_values(message, name)
    return readable(values[0]) if values else ""


def raw_values(message: Message, name: str) -> list[str]:
    """Give every such header as it came; its 8-bit bytes are still there, as surrogates."""
    return [str(value) for key, value in message.raw_items() if key.lower() == name.lower()]


def readable(value: str) -> str:
    """Give a header's raw value as one line of text; what cannot be decoded stays as it is."""
    line = value[:MOST_ENCODED_CHARS]
    if "\x1b$" in line:  # Japanese servers write ISO-2022-JP into headers as it is
        line = decoded(line.encode("ascii", "replace"), "iso-2022-jp")
    if not line.isascii():
        line = decoded(line.encode("ascii", "surrogateescape"), "utf-8") if _has_bytes(line) else line
    if "=?" in line:
        line = _words(BETWEEN_WORDS.sub(r"\1", line))
    return " ".join(line.replace("\0", " ").split())


def _has_bytes(line: str) -> bool:
    return all(char < "\x80" or "\udc80" <= char <= "\udcff" for char in line)


def _words(line: str) -> str:
    """Read encoded words; neighbours in one character set are joined first, for a letter may be cut in two."""
    out: list[str] = []
    pending, charset, end = b"", "", 0
    for match in ENCODED_WORD.finditer(line):
        between = line[end : match.start()]
        if between or match[1].lower() != charset:
            out += [decoded(pending, charset), between]
            pending, charset = b"", match[1].partition("*")[0].lower()
        pending += _unpacked(match[2], match[3])
        end = match.end()
    return "".join([*out, decoded(pending, charset), line[end:]])


def _unpacked(way: str, text: str) -> bytes:
    data = text.encode("ascii", "replace")
    if way in "qQ":
        return codecs.decode(data.replace(b"_", b"=20"), "quopri")
    try:
        return codecs.decode(data + b"=" * (-len(data) % 4), "base64")
    except ValueError:
        return data


def _codec(charset: str) -> str | None:
    try:
        name = codecs.lookup(charset.strip("\"' ") or "us-ascii").name
    except (LookupError, ValueError, UnicodeError):
        return None
    return None if name in UNFIT_CODECS else LARGER_CODECS.get(name, name)


def _headers(raw: bytes) -> tuple[Message, bytes]:
    """Give the headers as a message without a body, and the body."""
    end = END_OF_HEADERS.search(raw)
    if raw[:1] in {b"\n", b"\r"}:
        head, body = b"", raw.lstrip(b"\r\n")
    else:
        head, body = (raw[: end.start()], raw[end.end() :]) if end else (raw, b"")
    lines = head[:MOST_HEADER_BYTES].splitlines(keepends=True)
    kept = b"".join(lines[: MOST_HEADERS * 4])
    message = BytesHeaderParser().parsebytes(kept + b"\n\n")
    for name in STRUCTURED:
        values = raw_values(message, name)
        if values and not (values[0].isascii() and len(values[0]) <= LONGEST_STRUCTURED_CHARS):
            short = values[0][:LONGEST_STRUCTURED_CHARS]
            message.replace_header(name, short.encode("ascii", "replace").decode("ascii"))
    left = message.get_payload()
    if isinstance(left, str) and left.strip():  # a line that is no header ends them, as in the library
        body = left.encode("utf-8", "surrogateescape") + body
        message.set_payload("")
    return message, body


def _part(raw: bytes, depth: int, found: Tree) -> Message:
    """Give one part with what it holds, no deeper and no more than the bounds allow."""
    found.parts += 1
    message, body = _headers(raw)
    kind = message.get_content_type()
    if kind in {"message/delivery-status", "message/feedback-report"}:
        blocks: list[Message | str] = [*_blocks(_unencoded(message, body))]
        message.set_payload(blocks)
        return message
    is_holder = kind in {"message/rfc822", "message/global"} or message.get_content_maintype() == "multipart"
    if not is_holder:
        message.set_payload(body.decode("ascii", "surrogateescape"))
    elif depth >= DEEPEST or found.parts >= MOST_PARTS:
        found.is_cut = True
        message.set_payload("")
    elif kind.startswith("message/"):
        message.set_payload([_part(_unencoded(message, body), depth + 1, found)])
    else:
        _divide(message, body, depth, found)
    return message


def _divide(message: Message, body: bytes, depth: int, found: Tree) -> None:
    """Split a multipart at its boundary; one whose boundary never comes is read as plain text."""
    pieces = _pieces(message, body)
    if not pieces:
        message.set_payload(body.decode("ascii", "surrogateescape"))
        message.set_type("text/plain")
        return
    message.set_payload([])
    for piece in pieces:
        if found.parts >= MOST_PARTS:
            found.is_cut = True
            return
        message.attach(_part(piece, depth + 1, found))


def _pieces(message: Message, body: bytes) -> list[bytes]:
    boundary = message.get_boundary()
    if not boundary or len(boundary) > 200:
        return []
    name = re.escape(boundary.encode("ascii", "surrogateescape"))
    line = re.compile(rb"(?:^|(?<=\n)|(?<=\r))--" + name + rb"(--)?[ \t]*(?:\r\n|\n|\r|$)")
    pieces, start = [], -1
    for match in line.finditer(body):
        if start >= 0:
            pieces.append(body[start : match.start()].removesuffix(b"\n").removesuffix(b"\r"))
        start = match.end()
        if match[1] or len(pieces) > MOST_PARTS:
            return pieces
    return [*pieces, body[start:]] if start >= 0 else []


def _unencoded(message: Message, body: bytes) -> bytes:
    """Give the bytes of a message/* part, which some servers put in base64 against the rules."""
    if str(message.get("content-transfer-encoding", "")).strip().lower() not in {
        "base64",
        "quoted-printable",
    }:
        return body
    leaf = Message()
    leaf["Content-Transfer-Encoding"] = str(message["content-transfer-encoding"])
    leaf.set_payload(body.decode("ascii", "surrogateescape"))
    return content(leaf)


def _blocks(body: bytes) -> list[Message]:
    """Give the groups of fields of a delivery status (RFC 3464 2.1), each as the headers of a message."""
    groups = re.split(rb"(?:\r?\n){2,}", body.strip(b"\r\n")[:MOST_HEADER_BYTES])
    return [BytesHeaderParser().parsebytes(group + b"\n\n") for group in groups[:MOST_PARTS] if group.strip()]


def _last_leaf(message: Message) -> Message:
    last = message
    while isinstance(payload := last.get_payload(), list) and payload:
        child = payload[-1]
        if not isinstance(child, Message):
            break
        last = child
    return last
