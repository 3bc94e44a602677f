"""A file that somebody gave to a form, read from Slack: bounded in size and time, and from Slack alone.

The bot's token goes with the request, so neither another host nor a redirect is ever followed: Slack itself answers with
one, to its sign-in page, where the scope files:read is missing.
"""

from __future__ import annotations

import time
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from slack_sdk import WebClient

from core.errors import Refused

LARGEST_BYTES = 10 * 1024 * 1024  # of a file input; Slack takes no more
SILENCE_SECONDS = 10
WHOLE_SECONDS = 60
CHUNK_BYTES = 1 << 16
SLACK_HOSTS = ("slack.com", "slack-gov.com")
NOT_SLACKS = "That file is not kept by Slack itself; upload it here."
NOT_GIVEN = (
    "Slack did not hand that file over. Choose it again; if that does not help, whoever runs Fermata should look "
    "whether the app has the scope files:read."
)
TOO_LARGE = f"That file is larger than {LARGEST_BYTES // 1024**2} MB; split it."
TOO_SLOW = "Slack took too long to hand that file over. Try again in a minute."


class _Stay(HTTPRedirectHandler):
    """Follows nothing."""

    def redirect_request(self, *_given: Any, **_named: Any) -> None:
        return None


_OPENER = build_opener(_Stay)


def download(client: WebClient, url: str) -> bytes:
    """Give a file's bytes; raises Refused."""
    if not is_slacks(client, url):
        raise Refused(NOT_SLACKS)
    until = time.monotonic() + WHOLE_SECONDS
    asked = Request(url, headers={"Authorization": f"Bearer {client.token}"})  # noqa: S310 - judged above
    try:
        with _OPENER.open(asked, timeout=SILENCE_SECONDS) as answer:
            if answer.headers.get_content_type() == "text/html":  # a page for people
                raise Refused(NOT_GIVEN)
            data = bytearray()
            while piece := answer.read(CHUNK_BYTES):
                data += piece
                if len(data) > LARGEST_BYTES:
                    raise Refused(TOO_LARGE)
                if time.monotonic() > until:
                    raise Refused(TOO_SLOW)
    except HTTPError as refused:
        refused.close()
        raise Refused(NOT_GIVEN) from None
    except TimeoutError:
        raise Refused(TOO_SLOW) from None
    except (OSError, HTTPException):
        raise Refused(NOT_GIVEN) from None
    return bytes(data)


def is_slacks(client: WebClient, url: str) -> bool:
    """Say whether the token may be shown there: to Slack by HTTPS, or to the endpoint this bot is set to talk to."""
    try:
        parts, ours = urlsplit(url), urlsplit(client.base_url)
        origin, own = ((one.scheme, one.hostname or "", one.port) for one in (parts, ours))
    except ValueError:
        return False
    scheme, host, port = origin
    is_at_slack = any(host == slack or host.endswith(f".{slack}") for slack in SLACK_HOSTS)
    return (scheme == "https" and port in {None, 443} and is_at_slack) or origin == own
