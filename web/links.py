"""Links of mails: /c/TOKEN leads on to where its row says, /o/TOKEN.gif is the picture that tells of an opening.

Nothing of a request decides where it leads. What is written down changes nothing yet: core/visits judges it later.
"""

from __future__ import annotations

import logging
import re
from base64 import b64decode
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.exc import SQLAlchemyError

from core import scanners, visits
from core.db import Database
from core.models import Link
from core.scanners import HIDDEN, PICTURE
from web import pages

LOG = logging.getLogger("fermata.web")

GIF = b64decode(
    "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAICRAEAOw=="
)  # 43 octets, one pixel, transparent
PRIVATE = {"cache-control": "no-store", "referrer-policy": "no-referrer"}
_PICTURE_NAME = re.compile(r"([A-Za-z0-9_-]{1,64})\.gif", re.ASCII)


def routes(db: Database, clock: Callable[[], datetime]) -> APIRouter:
    """Give the routes of both."""
    router = APIRouter()

    # A path, not a name: a token with %2F in it gets the same page as any other that is not ours.
    @router.api_route("/c/{token:path}", methods=["GET", "HEAD"])
    def click(request: Request, token: str) -> Response:
        try:
            link = visits.find(db, token)
        except SQLAlchemyError as error:
            _failed("link_unknown", error)
            return HTMLResponse(pages.link_away(), 503, {"retry-after": "60", **PRIVATE})
        if link is None or link.place == PICTURE:
            return HTMLResponse(pages.link_unknown(), 404, PRIVATE)
        _record(db, link, request, now=clock())
        if link.place == HIDDEN:
            return HTMLResponse(pages.nothing(), 200, PRIVATE)
        if not _leads_on(link.url):  # of a lead that was erased
            return HTMLResponse(pages.link_unknown(), 404, PRIVATE)
        return RedirectResponse(link.url, 302, PRIVATE)

    @router.api_route("/o/{name:path}", methods=["GET", "HEAD"])
    def picture(request: Request, name: str) -> Response:
        match = _PICTURE_NAME.fullmatch(name)
        if match is None:
            return HTMLResponse(pages.link_unknown(), 404, PRIVATE)
        try:
            link = visits.find(db, match[1])
        except SQLAlchemyError as error:
            _failed("picture_unknown", error)
            link = None
        if link is not None and link.place == PICTURE:
            _record(db, link, request, now=clock())
        return Response(
            GIF, 200, PRIVATE, "image/gif"
        )  # whatever the token, so that nobody learns which are ours

    return router


def _record(db: Database, link: Link, request: Request, *, now: datetime) -> None:
    """Write the visit down; a visitor goes on even where that fails."""
    found = scanners.at_once(request.method, request.headers, is_picture=link.place == PICTURE)
    try:
        visits.record(db, link, suspect=found, agent=request.headers.get("user-agent", ""), now=now)
    except SQLAlchemyError as error:
        _failed("visit_lost", error)


def _failed(event: str, error: SQLAlchemyError) -> None:
    # The type alone: the text of a database error repeats the values, and so the token.
    LOG.error("%s error=%s", event, type(error).__name__)


def _leads_on(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme.lower() in {"http", "https"} and bool(parts.netloc)
