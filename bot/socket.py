"""Socket Mode: Slack is called, nobody has to reach us."""

from __future__ import annotations

import socket
from contextlib import suppress

from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler


def start(app: App, app_token: str) -> SocketModeHandler:
    """Connect in the background and reconnect for ever, until `stop`.

    Raises SlackApiError when Slack refuses the token.
    """
    handler = SocketModeHandler(app, app_token)
    handler.connect()  # type: ignore[no-untyped-call]
    return handler


def stop(handler: SocketModeHandler) -> None:
    """End the connection at once; `close` alone waits for its reading threads to time out, about three seconds."""
    client = handler.client
    client.closed, client.auto_reconnect_enabled = True, False
    line = getattr(client.current_session, "sock", None)
    if line is not None:
        with suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)
    client.message_queue.put(None)  # wakes the thread that waits for messages
    handler.close()  # type: ignore[no-untyped-call]
