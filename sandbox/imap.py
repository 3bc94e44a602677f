"""A real IMAP server on loopback, for the reps' mailboxes: what a reader of mail needs of RFC 3501, and IDLE.

    async with Imap(inboxes) as imap:
        ...  # talk to 127.0.0.1:imap.port; any password opens the mailbox of that address
        inboxes.deliver("ana@northwind.example", raw, at)

pymap was tried first: it has no SPECIAL-USE folders, hashes a password for every login, and parses each message by
its own rules before anybody asked for it. What a reader uses fits on two pages.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Self

from sandbox.inboxes import ROLES, Folder, Inboxes, Kept

LONGEST_LINE_BYTES = 64 * 1024
CAPABILITIES = b"CAPABILITY IMAP4rev1 IDLE SPECIAL-USE UNSELECT LITERAL+"
# A quoted string, a group in parentheses (two deep, as in BODY[HEADER.FIELDS (…)]), or a word.
_TOKEN = re.compile(rb'"((?:[^"\\]|\\.)*)"|(\((?:[^()]|\([^()]*\))*\))|((?:[^\s()\[\]"]|\[[^\]]*\])+)')
_LITERAL = re.compile(rb"\{(\d+)(\+?)\}$")
_BODY = re.compile(rb"(BODY(?:\.PEEK)?)\[([^\]]*)\](?:<(\d+)\.(\d+)>)?", re.IGNORECASE)
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


class Imap:
    """The server. `refuses` "": logins succeed, else what they are told. `commands` are the names that came, in order."""

    def __init__(self, inboxes: Inboxes, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.inboxes, self.host, self.port = inboxes, host, port
        self.refuses = ""
        self.commands: list[str] = []
        self._sessions: dict[_Session, asyncio.Task[None] | None] = {}
        self._server: asyncio.Server | None = None
        self._deaf: Callable[[], None] = lambda: None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()

        def ring() -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._ring)

        self._deaf = self.inboxes.subscribe(ring)
        self._server = await asyncio.start_server(self._serve, self.host, self.port, limit=LONGEST_LINE_BYTES)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._deaf()
        if self._server is not None:
            self._server.close()
            self.drop()
            # A session that the loop's end would cancel is an error on the screen.
            if tasks := [task for task in self._sessions.values() if task is not None]:
                await asyncio.wait(tasks, timeout=1)
            await self._server.wait_closed()

    def drop(self) -> None:
        """Close every connection without a word, as a server that is restarted does."""
        for session in list(self._sessions):
            session.writer.transport.abort()

    def _ring(self) -> None:
        for session in self._sessions:
            session.news.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = _Session(self, reader, writer)
        self._sessions[session] = asyncio.current_task()
        try:
            await session.run()
        except (OSError, asyncio.IncompleteReadError, ValueError):
            writer.transport.abort()  # the client went, or spoke something else
        finally:
            del self._sessions[session]
            writer.close()


class _Session:
    """One connection: who is logged in, and which folder as it was last told."""

    def __init__(self, imap: Imap, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._imap, self._reader, self.writer = imap, reader, writer
        self.news = asyncio.Event()
        self._user = ""
        self._name = ""  # of the selected folder
        self._shown = Folder()

    async def run(self) -> None:
        self._say(b"* OK [" + CAPABILITIES + b"] the try-out's mail")
        while line := await self._line():
            tag, _, rest = line.partition(b" ")
            word, _, arguments = rest.partition(b" ")
            name = word.decode("ascii", "replace").upper()
            if name == "UID":
                sub, _, arguments = arguments.partition(b" ")
                name = f"UID {sub.decode('ascii', 'replace').upper()}"
            self._imap.commands.append(name)
            self._say(tag + b" " + await self._answer(name, arguments))
            await self.writer.drain()
            if name == "LOGOUT":
                return

    async def _answer(self, name: str, arguments: bytes) -> bytes:
        words = list(_tokens(arguments))
        match name:
            case "CAPABILITY":
                self._say(b"* " + CAPABILITIES)
            case "NOOP" | "CHECK" | "ID":
                self._tell_news()
            case "LOGOUT":
                self._say(b"* BYE until next time")
            case "LOGIN" if len(words) == 2:
                if self._imap.refuses:
                    return b"NO [AUTHENTICATIONFAILED] " + self._imap.refuses.encode()
                self._user = words[0].decode()
            case _ if not self._user:
                return b"BAD log in first"
            case "LIST" | "LSUB":
                self._list(name.encode(), words)
            case "SELECT" | "EXAMINE" if words and words[0].decode() in ROLES:
                self._select(words[0].decode())
                return b"OK [READ-ONLY] open" if name == "EXAMINE" else b"OK [READ-WRITE] open"
            case "SELECT" | "EXAMINE" | "STATUS" if not words or words[0].decode() not in ROLES:
                return b"NO [NONEXISTENT] there is no such folder"
            case "STATUS":
                self._status(words[0].decode())
            case _ if not self._name:
                return b"BAD select a folder first"
            case "CLOSE" | "UNSELECT":
                self._name = ""
            case "IDLE":
                await self._idle()
            case "UID SEARCH" | "SEARCH":
                return self._search(words, is_uid=name.startswith("UID"))
            case "UID FETCH" | "FETCH" if len(words) >= 2:
                self._fetch(words[0], b" ".join(words[1:]), is_uid=name.startswith("UID"))
            case _:
                return b"BAD this server does not know that"
        return b"OK done"

    def _list(self, word: bytes, words: list[bytes]) -> None:
        pattern = words[-1].decode("utf-8", "replace") if words else "*"
        for folder, role in ROLES.items():
            if pattern in {"*", "%", folder}:
                marks = " ".join(filter(None, ("\\HasNoChildren", role))).encode()
                self._say(b"* " + word + b" (" + marks + b') "/" "' + folder.encode() + b'"')

    def _select(self, folder: str) -> None:
        self._name, self._shown = folder, self._imap.inboxes.standing(self._user, folder)
        self._say(b"* FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft)")
        self._say(f"* {len(self._shown.messages)} EXISTS".encode())
        self._say(b"* 0 RECENT")
        self._say(f"* OK [UIDVALIDITY {self._shown.uidvalidity}] stable".encode())
        self._say(f"* OK [UIDNEXT {self._shown.next_uid}] next".encode())

    def _status(self, folder: str) -> None:
        now = self._imap.inboxes.standing(self._user, folder)
        said = f"MESSAGES {len(now.messages)} UIDNEXT {now.next_uid} UIDVALIDITY {now.uidvalidity} UNSEEN 0 RECENT 0"
        self._say(f'* STATUS "{folder}" ({said})'.encode())

    def _tell_news(self) -> None:
        """Say how many messages there are now, if there are more; a renumbered folder needs a new SELECT."""
        self.news.clear()
        if not self._name:
            return
        now = self._imap.inboxes.standing(self._user, self._name)
        if now.uidvalidity == self._shown.uidvalidity and len(now.messages) > len(self._shown.messages):
            self._shown = now
            self._say(f"* {len(now.messages)} EXISTS".encode())

    async def _idle(self) -> None:
        """Tell of every message as it comes, until the client says DONE (RFC 2177)."""
        self._say(b"+ idling")
        done = asyncio.ensure_future(self._line())
        try:
            while not done.done():
                self._tell_news()
                await self.writer.drain()
                ring = asyncio.ensure_future(self.news.wait())
                await asyncio.wait((done, ring), return_when=asyncio.FIRST_COMPLETED)
                ring.cancel()
            done.result()
        finally:
            done.cancel()

    def _search(self, words: list[bytes], *, is_uid: bool) -> bytes:
        self._tell_news()
        found = list(enumerate(self._shown.messages, start=1))
        rest = iter(words)
        for word in rest:
            match word.upper():
                case b"ALL" | b"UNSEEN" | b"UNDELETED":
                    continue
                case b"CHARSET":
                    next(rest, b"")
                case b"UID":
                    wanted = self._set(next(rest, b""), is_uid=True)
                    found = [(n, m) for n, m in found if m.uid in wanted]
                case b"SINCE":
                    day = _day(next(rest, b""))
                    found = [(n, m) for n, m in found if m.at.date() >= day]
                case _:
                    return b"BAD this server does not search for that"
        numbers = " ".join(str(m.uid if is_uid else n) for n, m in found)
        self._say(f"* SEARCH {numbers}".rstrip().encode())
        return b"OK done"

    def _set(self, text: bytes, *, is_uid: bool) -> frozenset[int]:
        """Give the UIDs or numbers of a sequence set; of `9:*` the last message is always part (RFC 3501 §6.4.8)."""
        known = [m.uid if is_uid else n for n, m in enumerate(self._shown.messages, start=1)]
        last, chosen = max(known, default=0), set[int]()
        for part in text.decode("ascii").split(","):
            ends = [last if end == "*" else int(end) for end in part.split(":")]
            chosen |= {number for number in known if min(ends) <= number <= max(ends)}
        return frozenset(chosen)

    def _fetch(self, wanted: bytes, items: bytes, *, is_uid: bool) -> None:
        chosen = self._set(wanted, is_uid=is_uid)
        for number, message in enumerate(self._shown.messages, start=1):
            if (message.uid if is_uid else number) in chosen:
                parts = b" ".join(_items(message, items, is_uid=is_uid))
                self._say(f"* {number} FETCH (".encode() + parts + b")")

    async def _line(self) -> bytes:
        """Give one command line with its literals put in as quoted strings; b"" at the end of the connection."""
        whole = b""
        while True:
            line = (await self._reader.readline()).rstrip(b"\r\n")
            literal = _LITERAL.search(line)
            if literal is None:
                return whole + line
            if not literal[2]:
                self._say(b"+ go on")
            if int(literal[1]) > LONGEST_LINE_BYTES:
                raise ValueError("a literal is too long")
            content = await self._reader.readexactly(int(literal[1]))
            whole += line[: literal.start()] + b'"' + re.sub(rb'(["\\])', rb"\\\1", content) + b'"'

    def _say(self, line: bytes) -> None:
        self.writer.write(line + b"\r\n")


def _tokens(arguments: bytes) -> Iterator[bytes]:
    """Give the words of a command; a quoted string without its quotes, a group with its parentheses."""
    for found in _TOKEN.finditer(arguments):
        yield re.sub(rb"\\(.)", rb"\1", found[1]) if found[1] is not None else found[0]


def _items(message: Kept, asked: bytes, *, is_uid: bool) -> Iterator[bytes]:
    """Give what a FETCH asked of one message; the bodies as literals, cut to the part that was asked for."""
    for word in re.findall(rb"(?:[^\s()\[]|\[[^\]]*\])+", asked):
        body = _BODY.fullmatch(word)
        match word.upper():
            case b"FLAGS":
                yield b"FLAGS ()"
            case b"RFC822.SIZE":
                yield f"RFC822.SIZE {len(message.content)}".encode()
            case b"INTERNALDATE":
                yield b'INTERNALDATE "' + _internal(message.at) + b'"'
            case b"RFC822":
                yield b"RFC822 " + _literal(message.content)
            case _ if body is not None:
                start, size = (int(body[3]), int(body[4])) if body[3] else (0, len(message.content))
                name = b"BODY[" + body[2] + b"]" + (b"<" + body[3] + b">" if body[3] else b"")
                yield name + b" " + _literal(_section(message.content, body[2])[start : start + size])
    if is_uid:
        yield f"UID {message.uid}".encode()


def _section(content: bytes, section: bytes) -> bytes:
    head, _, body = content.partition(b"\r\n\r\n")
    name, _, fields = section.upper().partition(b" ")
    if name == b"HEADER.FIELDS":
        wanted = set(fields.strip(b"()").split())
        lines = re.findall(rb"[^\r\n]+(?:\r\n[ \t][^\r\n]*)*", head)
        return b"".join(one + b"\r\n" for one in lines if one.partition(b":")[0].upper() in wanted) + b"\r\n"
    return {b"": content, b"HEADER": head + b"\r\n\r\n", b"TEXT": body}.get(name, b"")


def _literal(content: bytes) -> bytes:
    return f"{{{len(content)}}}\r\n".encode() + content


def _internal(at: datetime) -> bytes:
    moment = at.astimezone(UTC)
    return f"{moment:%d}-{_MONTHS[moment.month - 1]}-{moment:%Y %H:%M:%S} +0000".encode()


def _day(text: bytes) -> date:
    day, month, year = text.decode("ascii").split("-")
    return date(int(year), _MONTHS.index(month.title()) + 1, int(day))
