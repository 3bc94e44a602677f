"""What the reps' mailboxes hold: folders of messages as an IMAP server keeps them. Thread-safe."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

INBOX, SENT = "INBOX", "Sent"
ROLES = {INBOX: "", SENT: "\\Sent"}  # RFC 6154
FIRST_UIDVALIDITY = 1


@dataclass(frozen=True)
class Kept:
    """One message of a folder; `uid` never changes as long as the folder's uidvalidity does not."""

    uid: int
    at: datetime
    content: bytes


@dataclass
class Folder:
    """A folder; `next_uid` only grows."""

    uidvalidity: int = FIRST_UIDVALIDITY
    next_uid: int = 1
    messages: list[Kept] = field(default_factory=list)


class Inboxes:
    """Mailboxes by address, each made when it is first named."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._folders: dict[tuple[str, str], Folder] = {}
        self._listeners: list[Callable[[], None]] = []

    def deliver(self, address: str, raw: bytes, at: datetime) -> int:
        """Put a message into the inbox, as the last hop of its way does, and give its UID."""
        return self._put(address, INBOX, raw, at)

    def put_sent(self, address: str, raw: bytes, at: datetime) -> int:
        """Put a copy into Sent, as mail programs and some providers do, and give its UID."""
        return self._put(address, SENT, raw, at)

    def messages(self, address: str, folder: str = INBOX) -> list[Kept]:
        """Give a folder's messages, oldest first."""
        with self._lock:
            return list(self._folder(address, folder).messages)

    def addresses(self) -> list[str]:
        """Give the mailboxes that got something, in the order of their first message."""
        with self._lock:
            return [
                address
                for (address, name), folder in self._folders.items()
                if name == INBOX and folder.messages
            ]

    def standing(self, address: str, folder: str) -> Folder:
        """Give a copy of a folder as it is now."""
        with self._lock:
            found = self._folder(address, folder)
            return Folder(found.uidvalidity, found.next_uid, list(found.messages))

    def renumber(self, address: str, folder: str = INBOX) -> None:
        """Give every message a new UID and the folder a new uidvalidity, as after a restored backup."""
        with self._lock:
            found = self._folder(address, folder)
            found.uidvalidity += 1
            found.messages = [Kept(n, m.at, m.content) for n, m in enumerate(found.messages, start=1)]
            found.next_uid = len(found.messages) + 1

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` (from any thread) after every message; the result ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _put(self, address: str, folder: str, raw: bytes, at: datetime) -> int:
        with self._lock:
            found = self._folder(address, folder)
            uid, found.next_uid = found.next_uid, found.next_uid + 1
            found.messages.append(Kept(uid, at, raw))
            listeners = list(self._listeners)
        for listener in listeners:
            listener()
        return uid

    def _folder(self, address: str, folder: str) -> Folder:
        return self._folders.setdefault((address.casefold(), folder), Folder())
