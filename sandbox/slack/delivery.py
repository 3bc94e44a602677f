"""How an envelope reaches the app: over Socket Mode, or as a signed HTTP request.

Both block the calling thread until the app acknowledges, for at most three seconds.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from sandbox.slack import limits
from sandbox.slack.state import APP_ID, JSON

TIMED_OUT = "operation_timeout"
NOBODY_LISTENS = "dispatch_failed"


@dataclass(frozen=True)
class Envelope:
    """One thing to tell the app. `kind`: slash_commands, interactive or events_api."""

    kind: str
    payload: JSON
    retry_attempt: int = 0
    retry_reason: str = ""


@dataclass(frozen=True)
class Reply:
    """The acknowledgement: `payload` when the app sent one, `error` when it did not answer properly."""

    payload: Any = None
    error: str | None = None


class Delivery(Protocol):
    """A way to the app."""

    def deliver(self, envelope: Envelope) -> Reply: ...

    def wait_until_reachable(self, seconds: float) -> bool: ...


@dataclass
class _Waiting:
    acked: bool = False
    payload: Any = None


@dataclass
class Connection:
    """One WebSocket of the app. `send` and `close` may be called from any thread."""

    send: Callable[[JSON], None]
    close: Callable[[], None]
    number: int
    alive: bool = True
    received: list[JSON] = field(default_factory=list)


class SocketHub:
    """Socket Mode: several connections of one app, each envelope goes to one of them.

    An envelope whose connection ends before the acknowledgement is sent again, on the next
    connection, with `retry_attempt`.
    """

    def __init__(self, *, ack_seconds: float = limits.ACK_SECONDS) -> None:
        self.ack_seconds = ack_seconds
        self.connections: list[Connection] = []
        self._changed = threading.Condition()
        self._waiting: dict[str, _Waiting] = {}
        self._tickets: set[str] = set()
        self._turn = 0
        self._numbers = 0

    # The connection's side
    def new_ticket(self) -> str:
        ticket = secrets.token_urlsafe(18)
        self._tickets.add(ticket)
        return ticket

    def attach(
        self, ticket: str, send: Callable[[JSON], None], close: Callable[[], None]
    ) -> Connection | None:
        """A new connection after its `hello`; None when the ticket is unknown or spent."""
        with self._changed:
            if ticket not in self._tickets or len(self.connections) >= limits.SOCKET_CONNECTIONS_MAX:
                return None
            self._tickets.discard(ticket)
            self._numbers += 1
            connection = Connection(send, close, self._numbers)
            send(
                {
                    "type": "hello",
                    "num_connections": len(self.connections) + 1,
                    "connection_info": {"app_id": APP_ID},
                    "debug_info": {"host": "sandbox", "approximate_connection_time": 18060},
                }
            )
            self.connections.append(connection)
            self._changed.notify_all()
            return connection

    def detach(self, connection: Connection) -> None:
        with self._changed:
            connection.alive = False
            if connection in self.connections:
                self.connections.remove(connection)
            self._changed.notify_all()

    def receive(self, message: JSON) -> None:
        with self._changed:
            waiting = self._waiting.get(str(message.get("envelope_id")))
            if waiting is not None and not waiting.acked:
                waiting.acked, waiting.payload = True, message.get("payload")
                self._changed.notify_all()

    # The workspace's side
    def wait_until_reachable(self, seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: bool(self.connections), seconds)

    def deliver(self, envelope: Envelope) -> Reply:
        envelope_id = secrets.token_hex(16)
        waiting = self._waiting[envelope_id] = _Waiting()
        try:
            return self._deliver(envelope_id, envelope, waiting)
        finally:
            self._waiting.pop(envelope_id, None)

    def _deliver(self, envelope_id: str, envelope: Envelope, waiting: _Waiting) -> Reply:
        deadline = time.monotonic() + self.ack_seconds
        attempt, reason = envelope.retry_attempt, envelope.retry_reason
        sent = False
        while (left := deadline - time.monotonic()) > 0:
            with self._changed:
                if not self.connections and (not sent or not self._changed.wait_for(self._any, left)):
                    break
                connection = self._next()
                connection.send(_frame(envelope_id, envelope, attempt, reason))
                connection.received.append(envelope.payload)
                sent = True
                left = max(deadline - time.monotonic(), 0)
                self._changed.wait_for(lambda c=connection: waiting.acked or not c.alive, left)  # type: ignore[misc]
                if waiting.acked:
                    return Reply(waiting.payload)
            attempt, reason = attempt + 1, "connection_closed"
        return Reply(error=TIMED_OUT if sent else NOBODY_LISTENS)

    def _any(self) -> bool:
        return bool(self.connections)

    def _next(self) -> Connection:
        self._turn += 1
        return self.connections[self._turn % len(self.connections)]

    def disconnect(self, reason: str = "refresh_requested", *, close: bool = False) -> None:
        """Tell every connection to reconnect, as Slack does every few hours; `close` also hangs up."""
        with self._changed:
            leaving = list(self.connections)
        for connection in leaving:
            connection.send({"type": "disconnect", "reason": reason, "debug_info": {"host": "sandbox"}})
            if close:
                connection.close()


def _frame(envelope_id: str, envelope: Envelope, attempt: int, reason: str) -> JSON:
    frame: JSON = {
        "envelope_id": envelope_id,
        "type": envelope.kind,
        "payload": envelope.payload,
        "accepts_response_payload": envelope.kind != "events_api",
    }
    if envelope.kind == "events_api" or attempt:
        frame |= {"retry_attempt": attempt, "retry_reason": reason}
    return frame


class SignedHttp:
    """Requests to one URL, signed with the app's secret (v0: HMAC-SHA256 of `v0:timestamp:body`)."""

    def __init__(
        self,
        url: str,
        signing_secret: str,
        *,
        now: Callable[[], datetime],
        ack_seconds: float = limits.ACK_SECONDS,
    ) -> None:
        self.url = url
        self.signing_secret = signing_secret
        self.now = now
        self.ack_seconds = ack_seconds
        # The app is on this machine: a proxy named in the environment is none of its business.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def wait_until_reachable(self, seconds: float) -> bool:
        time.sleep(seconds)
        return True

    def headers(self, body: bytes, content_type: str) -> dict[str, str]:
        stamp = str(int(self.now().timestamp()))
        signed = hmac.new(self.signing_secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256)
        return {
            "Content-Type": content_type,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": f"v0={signed.hexdigest()}",
        }

    def deliver(self, envelope: Envelope) -> Reply:
        body, content_type = encoded(envelope)
        headers = self.headers(body, content_type)
        if envelope.retry_attempt:
            headers["X-Slack-Retry-Num"] = str(envelope.retry_attempt)
            headers["X-Slack-Retry-Reason"] = envelope.retry_reason
        request = urllib.request.Request(self.url, body, headers)  # noqa: S310  our own localhost URL
        try:
            with self._opener.open(request, timeout=self.ack_seconds) as response:
                return Reply(_decoded(response.read(), response.headers.get_content_type()))
        except urllib.error.HTTPError as error:
            error.close()
            return Reply(error=NOBODY_LISTENS if envelope.kind == "slash_commands" else "http_error")
        except TimeoutError:
            return Reply(error=TIMED_OUT)
        except OSError as error:
            timed_out = isinstance(getattr(error, "reason", None), TimeoutError)
            return Reply(error=TIMED_OUT if timed_out else NOBODY_LISTENS)


def encoded(envelope: Envelope) -> tuple[bytes, str]:
    """The body as Slack encodes it: a form for commands, `payload=` for clicks, JSON for events."""
    if envelope.kind == "events_api":
        return json.dumps(envelope.payload).encode(), "application/json"
    fields = (
        envelope.payload if envelope.kind == "slash_commands" else {"payload": json.dumps(envelope.payload)}
    )
    return urllib.parse.urlencode(fields).encode(), "application/x-www-form-urlencoded"


def _decoded(body: bytes, content_type: str) -> Any:
    if not body.strip():
        return None
    if content_type == "application/json":
        return json.loads(body)
    return {"text": body.decode("utf-8", "replace")}
