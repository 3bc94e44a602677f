"""One connection to a mailbox's IMAP server: log in, find the folders, see what is new, fetch it within bounds, wait.

Everything here blocks and belongs in a thread, but for `break_off` and `fileno`. Whatever goes wrong is a `MailboxDown`
with one sentence. Nothing that a message says ever stands in a command: those hold numbers, dates and folder names.
Folders are opened read-only, and nothing is marked as seen.
"""

from __future__ import annotations

import logging
import re
import socket
import ssl
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from imapclient import IMAPClient  # type: ignore[import-untyped]
from imapclient.exceptions import (  # type: ignore[import-untyped]
    IMAPClientAbortError,
    IMAPClientError,
    LoginError,
)

from jobs.smtp_login import MailboxDown, Server, refusal, tls_context
from jobs.smtp_wire import printable

INBOX = "INBOX"
MOST_BYTES = 512 * 1024  # of one message; what is longer is read up to here: headers and text come first
HEADER_BYTES = 64 * 1024
BATCH_BYTES = 8 * 1024 * 1024
CONNECT_SECONDS = 20
_ROLES = {b"\\Junk": "junk", b"\\Sent": "sent"}
_UNUSABLE = {b"\\Noselect", b"\\NonExistent"}

# What the library puts before an answer, and Dovecot behind it.
_NOISE = re.compile(r"^(?:select|status|fetch|search|uid) failed: | ?\(\d[\d.]* \+ [\d. +]* secs\)\.?$")

# The library would put whole messages and addresses into the log.
logging.getLogger("imapclient").setLevel(logging.WARNING)


class FolderGone(MailboxDown):
    """A folder that should be read cannot be opened."""


class Place(NamedTuple):
    """A folder and what it is for: "inbox", "junk" or "sent"."""

    name: str
    role: str


class State(NamedTuple):
    """A folder as it stands: whatever came into it has a UID below `next_uid`, as long as `uidvalidity` is the same."""

    uidvalidity: int
    next_uid: int


@dataclass(frozen=True)
class Fetched:
    """One message. `is_cut`: only its beginning was read. `came_at`: when the server took it, aware."""

    uid: int
    content: bytes
    came_at: datetime
    is_cut: bool


class Connection:
    """A logged-in connection; one command at a time."""

    def __init__(self, server: Server, client: Any) -> None:
        self.server = server
        self._client = client
        self.has_idle: bool = client.has_capability("IDLE")

    # Folders

    def places(self) -> list[Place]:
        """Give the folders to read: the inbox, and what the server says is for junk and for sent mail (RFC 6154)."""
        found: list[Place] = []
        with self._explaining("listing the folders"):
            for flags, _, name in self._client.list_folders():
                role = next((_ROLES[flag] for flag in flags if flag in _ROLES), None)
                if role and not _UNUSABLE.intersection(flags) and _is_folder_name(name):
                    found.append(Place(name, role))
        return [Place(INBOX, "inbox"), *sorted(found, key=lambda place: (place.role, place.name))]

    def open(self, name: str) -> State:
        """Open a folder for reading only; raises FolderGone when it cannot be."""
        with self._opening(name):
            found = self._client.select_folder(name, readonly=True)
            return _state(found.get(b"UIDVALIDITY"), found.get(b"UIDNEXT"))

    def look(self, name: str) -> State:
        """Give a folder's state without opening it."""
        with self._opening(name):
            found = self._client.folder_status(name, ["UIDNEXT", "UIDVALIDITY"])
            return _state(found.get(b"UIDVALIDITY"), found.get(b"UIDNEXT"))

    # Messages of the open folder

    def since(self, day: date) -> list[int]:
        """Give the UIDs of what came on that day or later, ascending."""
        with self._explaining("looking for messages"):
            return sorted(int(uid) for uid in self._client.search(["SINCE", day]))

    def after(self, uid: int) -> list[int]:
        """Give the UIDs above this one, ascending."""
        with self._explaining("looking for messages"):
            # A range up to * always holds the last message, however low its UID is.
            found = self._client.search(["UID", f"{uid + 1}:*"])
            return sorted(int(one) for one in found if one > uid)

    def fetch(self, uids: Sequence[int], *, headers_only: bool = False) -> Iterator[list[Fetched]]:
        """Give these messages in lists of bounded size; those that are gone meanwhile are left out.

        One that the server cannot give is tried alone, then by its headers, then left out with a line in the log.
        """
        most = HEADER_BYTES if headers_only else MOST_BYTES
        for group in self._groups(uids, most):
            try:
                yield self._fetch(group, most, headers_only=headers_only)
            except _NotGiven:
                yield [one for uid in group for one in self._fetch_alone(uid, headers_only=headers_only)]

    def _groups(self, uids: Sequence[int], most: int) -> Iterator[list[int]]:
        with self._explaining("asking for sizes"):
            sizes = self._client.fetch(uids, ["RFC822.SIZE"])
        group: list[int] = []
        total = 0
        for uid in uids:
            if uid not in sizes:
                continue
            size = min(int(sizes[uid].get(b"RFC822.SIZE", most)), most)
            if group and total + size > BATCH_BYTES:
                yield group
                group, total = [], 0
            group.append(uid)
            total += size
        if group:
            yield group

    def _fetch(self, uids: Sequence[int], most: int, *, headers_only: bool) -> list[Fetched]:
        what = "HEADER" if headers_only else ""
        with self._explaining("fetching messages", _NotGiven):
            found = self._client.fetch(uids, ["INTERNALDATE", "RFC822.SIZE", f"BODY.PEEK[{what}]<0.{most}>"])
        return [
            Fetched(
                uid, content, found[uid][b"INTERNALDATE"], headers_only or found[uid][b"RFC822.SIZE"] > most
            )
            for uid in uids
            if uid in found
            and b"INTERNALDATE" in found[uid]
            and (content := found[uid].get(f"BODY[{what}]<0>".encode())) is not None
        ]

    def _fetch_alone(self, uid: int, *, headers_only: bool) -> list[Fetched]:
        for is_short in (headers_only, True):
            with suppress(_NotGiven):
                return self._fetch([uid], HEADER_BYTES if is_short else MOST_BYTES, headers_only=is_short)
        logging.getLogger(__name__).warning("the server does not give message %d", uid)
        return []

    # Waiting

    def fileno(self) -> int:
        """Give the descriptor that becomes readable when the server says something."""
        return int(self._client.socket().fileno())

    def idle(self) -> bool:
        """Ask to be told of new mail (RFC 2177). True: something was said already, so do not wait."""
        with self._explaining("waiting for mail"):
            try:
                self._client.idle()
            except IMAPClientAbortError:
                raise
            except IMAPClientError:  # it spoke before it agreed
                while self._client._imap._get_response() is not None:  # noqa: SLF001 - the library gives up there
                    pass
                return True
            return self._has_unread()

    def done(self) -> None:
        """Stop waiting."""
        with self._explaining("waiting for mail"):
            self._client.idle_done()

    def _has_unread(self) -> bool:
        """Say whether something was read from the socket that nobody has looked at: no descriptor would tell."""
        sock = self._client.socket()
        if getattr(sock, "pending", lambda: 0)():
            return True
        sock.setblocking(False)
        try:
            return bool(self._client._imap.file.peek(1))  # noqa: SLF001 - there is no other way to see its buffer
        except (OSError, ValueError):
            return False
        finally:
            sock.settimeout(self.server.timeout)

    # Ending

    def close(self) -> None:
        """Say goodbye; how the server takes it does not matter."""
        with suppress(Exception):
            self._client.socket().settimeout(1)
            self._client.logout()
        self.break_off()

    def break_off(self) -> None:
        """Cut the connection; a command that waits in another thread fails at once."""
        with suppress(OSError, ValueError, AttributeError):
            self._client.socket().shutdown(socket.SHUT_RDWR)
        with suppress(OSError, ValueError, AttributeError):
            self._client.socket().close()

    # Faults

    @contextmanager
    def _opening(self, name: str) -> Iterator[None]:
        try:
            yield
        except IMAPClientAbortError as error:
            raise _explained(error, self.server, "opening a folder") from error
        except IMAPClientError as error:
            raise FolderGone(
                f"The folder {_words(name)} cannot be opened on {self.server}: {_said(error)}."
            ) from error
        except (OSError, ValueError, KeyError) as error:
            raise _explained(error, self.server, "opening a folder") from error

    @contextmanager
    def _explaining(self, doing: str, refused: type[Exception] | None = None) -> Iterator[None]:
        try:
            yield
        except MailboxDown:
            raise
        except IMAPClientAbortError as error:
            raise _explained(error, self.server, doing) from error
        except IMAPClientError as error:
            if refused is not None:
                raise refused from error
            raise _explained(error, self.server, doing) from error
        except (OSError, ValueError, KeyError, AttributeError, TypeError, IndexError) as error:
            # the library's parser meets words that it does not expect; a socket cut by `break_off` is None
            raise _explained(error, self.server, doing) from error


def missing(places: Collection[Place], known: Collection[str]) -> list[str]:
    """Give the folders that were read and are there no more; none where others have come in their place (renamed)."""
    names = {place.name for place in places}
    gone = [name for name in known if name not in names]
    return gone if len(gone) > len(names.difference(known)) else []


def gone_words(gone: Sequence[str], address: str) -> str:
    """Give the sentence for folders that are missing."""
    return (
        f"The folder {_words(gone[0])} of {address} is gone, or is no longer marked as junk or sent mail; "
        "bring it back, or add the mailbox again if that is meant."
    )


class _NotGiven(Exception):
    """The server refused to give a message."""


def connect(server: Server, *, watch: Callable[[Connection], None] | None = None) -> Connection:
    """Give a logged-in connection; raises `MailboxDown`. No insecure fallback, as in jobs/smtp_login.py."""
    client = None
    try:
        client = _open(server)
        _log_in(client, server)
        connection = Connection(server, client)
    except BaseException as error:
        if client is not None:
            with suppress(Exception):
                client.shutdown()
        if isinstance(error, (OSError, IMAPClientError, ValueError, KeyError)):
            raise _explained(error, server, "logging in") from error
        raise
    if watch is not None:
        watch(connection)
    return connection


def _open(server: Server) -> Any:
    is_tls = server.security == "tls"
    client = IMAPClient(
        server.host,
        server.port,
        ssl=is_tls,
        ssl_context=tls_context() if is_tls else None,
        timeout=min(server.timeout, CONNECT_SECONDS),
    )
    client.normalise_times = False  # aware instants
    try:
        client.socket().settimeout(server.timeout)
        if server.security == "starttls":
            if not client.has_capability("STARTTLS"):
                raise MailboxDown(
                    f"{server} does not offer STARTTLS, or something on the way removed it; nothing was sent to it.",
                    lasting=True,
                )
            client.starttls(tls_context())
    except BaseException:
        with suppress(Exception):
            client.shutdown()
        raise
    return client


def _log_in(client: Any, server: Server) -> None:
    username, password = server.username or "", server.password or ""
    if any(not char.isprintable() for char in username + password):
        raise MailboxDown(
            f"The user name or the password for {server} has characters that no server takes.", lasting=True
        )
    token = server.token
    try:
        if token is not None:
            _present(client, server, username, token())
        elif client.has_capability("AUTH=PLAIN"):
            client.plain_login(username, password)
        elif client.has_capability("LOGINDISABLED"):
            raise MailboxDown(f"{server} offers no login with user name and password.", lasting=True)
        elif not (username + password).isascii():
            raise MailboxDown(
                f"{server} takes only user names and passwords of plain ASCII characters.", lasting=True
            )
        else:
            client.login(username, password)
    except LoginError as error:
        if isinstance(error.__context__, IMAPClientAbortError):
            raise _explained(error.__context__, server, "logging in") from error
        if token is not None:
            token.forget()
        raise _refused(error, server) from error


def _present(client: Any, server: Server, username: str, token: str) -> None:
    if not client.has_capability("AUTH=XOAUTH2"):
        raise MailboxDown(f"{server} offers no login with an access token (XOAUTH2).", lasting=True)
    # A refusal comes as a challenge that wants an empty answer; the library would send the token again.
    answers = iter([f"user={username}\1auth=Bearer {token}\1\1"])
    client.sasl_login("XOAUTH2", lambda _: next(answers, ""))


def _refused(error: Exception, server: Server) -> MailboxDown:
    said = _said(error)
    # [UNAVAILABLE] and its like pass by themselves (RFC 5530).
    if any(word in said.upper() for word in ("[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "TOO MANY")):
        return MailboxDown(f"{server} turned the login away: {said}.")
    return MailboxDown(refusal(server, f": {said}" if said else ""), lasting=True)


def _explained(error: BaseException, server: Server, doing: str) -> MailboxDown:
    """Say in one sentence what is wrong, most particular first."""
    match error:
        case ssl.SSLCertVerificationError():
            why = printable(error.verify_message.encode()).rstrip(".")
            return MailboxDown(f"The certificate of {server} is not valid: {why}.", lasting=True)
        case ssl.SSLError():
            return MailboxDown(
                f"{server} does not speak TLS as it should; check port and security.", lasting=True
            )
        case socket.gaierror() | UnicodeError():
            return MailboxDown(f"The host name of {server} is not known.")
        case ConnectionRefusedError():
            return MailboxDown(f"Nothing answers at {server}.")
        case TimeoutError():
            return MailboxDown(f"{server} did not answer within {server.timeout:g} seconds while {doing}.")
        case IMAPClientAbortError() | OSError() | AttributeError():
            return MailboxDown(f"The connection to {server} was lost while {doing}.")
        case IMAPClientError():
            return MailboxDown(f"{server} refused {doing}: {_said(error)}.")
    return MailboxDown(f"{server} said something that cannot be understood while {doing}.")


def _said(error: BaseException) -> str:
    text = _NOISE.sub("", _words(str(error)))
    return text[:200].rstrip(". ")


def _words(text: str) -> str:
    return printable(text.encode("utf-8", "replace"))


def _state(uidvalidity: Any, next_uid: Any) -> State:
    return State(int(_first(uidvalidity)), int(_first(next_uid)))


def _first(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        value = value[0]
    if value is None:
        raise ValueError("the server does not say UIDVALIDITY and UIDNEXT")
    return value


def _is_folder_name(name: Any) -> bool:
    return isinstance(name, str) and 0 < len(name) <= 1000 and name.isprintable()
