"""What happens when somebody at the page follows a link of a mail: Fermata's own answer, as a person would get it.

Only a browser that goes to a page is meant; a scanner that somebody plays with a script stays as fast as it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from html import escape
from typing import Protocol
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

READING_TIME = timedelta(minutes=1)
RESERVED = (".example", ".test", ".invalid")  # RFC 6761: nobody is there
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>The lead has left</title><body style="font:17px/1.6 system-ui,sans-serif;max-width:34em;margin:20vh auto;padding:0 1em">
<h1 style="font-size:1.3em">Here the lead leaves for their page</h1><p><code>{}</code></p>
<p>That name is made up, so there is nothing to see. Fermata has noted the click; after five seconds, when it is certain
that no scanner made it, it does what the sequence says.</p>"""


class Clock(Protocol):
    """The workspace's time."""

    def now(self) -> datetime: ...

    async def advance(self, by: timedelta) -> None: ...


class Following:
    """Lets a minute pass before a link of a mail that has only just come, since nobody reads faster and Fermata takes
    whoever does for a scanner; and says where a made-up address would have led.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        clock: Clock,
        moving: asyncio.Lock,
        newest: Callable[[], datetime | None],
        tell: Callable[[str], None],
    ) -> None:
        self._app, self._clock, self._moving, self._newest, self._tell = app, clock, moving, newest, tell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, a minute later where it is one of a person."""
        is_link = scope["type"] == "http" and scope["path"].startswith("/c/")
        if not is_link or Headers(scope=scope).get("sec-fetch-mode") != "navigate":
            await self._app(scope, receive, send)
            return
        await self._read()
        await self._app(scope, receive, _kindly(scope, receive, send))

    async def _read(self) -> None:
        newest = self._newest()
        if newest and self._clock.now() - newest < READING_TIME and not self._moving.locked():
            async with self._moving:
                await self._clock.advance(READING_TIME)
            self._tell("status")


def _kindly(scope: Scope, receive: Receive, send: Send) -> Callable[[Message], Awaitable[None]]:
    """Give a `send` that shows a page in place of a redirect to where nobody is."""
    is_replaced = False

    async def instead(message: Message) -> None:
        nonlocal is_replaced
        if message["type"] == "http.response.start":
            leads_to = Headers(raw=message["headers"]).get("location", "")
            is_replaced = message["status"] == 302 and (urlsplit(leads_to).hostname or "").endswith(RESERVED)
            if is_replaced:
                await HTMLResponse(_PAGE.format(escape(leads_to)))(scope, receive, send)
        if not is_replaced:
            await send(message)

    return instead
