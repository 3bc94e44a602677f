"""The leads' mail as the page shows it: every message that went through SMTP, parsed and as it came."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import parseaddr
from typing import Any

from sandbox.letters import Got

JSON = dict[str, Any]


def shown(raw: bytes, *, number: int, recipients: tuple[str, ...], at: datetime) -> JSON:
    """One message as the page wants it: `to` is where it really went, `headers` stand as they came."""
    parsed = message_from_bytes(raw, policy=default)
    head, _, _ = raw.partition(b"\r\n\r\n")
    return {
        "id": str(number),
        "to": ", ".join(recipients) or str(parsed["To"] or ""),
        "to_name": parseaddr(str(parsed["To"] or ""))[0],
        "from": str(parsed["From"] or ""),
        "subject": str(parsed["Subject"] or "(no subject)"),
        "date": at.isoformat(),
        "text": _part(parsed, "plain"),
        "html": _part(parsed, "html"),
        "headers": head.decode("utf-8", "replace").replace("\r\n", "\n"),
    }


def _part(parsed: EmailMessage, kind: str) -> str:
    body = parsed.get_body(preferencelist=(kind,))
    return str(body.get_content()) if body is not None else ""


class MailStore:
    """Messages in the order they arrived; give `keep` to the SMTP sink. Thread-safe."""

    def __init__(self, *, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._messages: list[JSON] = []
        self._got: dict[str, Got] = {}
        self._listeners: list[Callable[[], None]] = []

    def keep(self, raw: bytes, recipients: tuple[str, ...]) -> None:
        with self._lock:
            number = len(self._messages) + 1
            self._messages.append(shown(raw, number=number, recipients=recipients, at=self._now()))
            self._got[str(number)] = Got(raw, recipients[0] if recipients else "")
            listeners = list(self._listeners)
        for listener in listeners:
            listener()

    def messages(self) -> list[JSON]:
        with self._lock:
            return list(self._messages)

    def got(self, number: str) -> Got:
        """Give a message as its lead's mail system has it; raises LookupError where there is none."""
        with self._lock:
            if number not in self._got:
                raise LookupError("That message is not here any more; load the page again.")
            return self._got[number]

    def newest_to(self, address: str) -> str:
        """Give the id of the last message to a lead; raises LookupError where there is none."""
        with self._lock:
            for message in reversed(self._messages):
                if message["to"] == address:
                    return str(message["id"])
        raise LookupError(f"No mail has gone to {address} yet.")

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` (from any thread) after every message; the result ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)
