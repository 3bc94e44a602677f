"""Headers that every answer carries: nothing is cached, framed, sniffed, indexed or passed on as a referrer."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class SafeHeaders:
    """Adds `headers` to each answer that does not set them itself. Plain ASGI, so that bodies still stream."""

    def __init__(self, app: ASGIApp, *, headers: Mapping[str, str]) -> None:
        self._app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and the answer back."""

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                found = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    found.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_safely if scope["type"] == "http" else send)


def safe(style_hash: str) -> dict[str, str]:
    """Give the headers; pages may use the one inline style with that hash, and post to ourselves."""
    policy = f"default-src 'none'; style-src '{style_hash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    return {
        "content-security-policy": policy,
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-robots-tag": "noindex, nofollow",
        "cache-control": "no-store",
    }
