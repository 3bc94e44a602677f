"""The unsubscribe link: looking changes nothing, since mail scanners follow every link; a POST stops all mail.

RFC 8058: a mail program posts `List-Unsubscribe=One-Click`, as a form of either kind. Our own page posts `confirm=yes`.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable
from datetime import datetime
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.formparsers import MultiPartException, MultiPartParser

from core import leads
from core.db import Database
from core.letters import Office
from core.models import Lead, Suppression
from core.people import SYSTEM
from web import body as bodies
from web import pages

LOG = logging.getLogger("fermata.web")

LARGEST_BODY_BYTES = 16 * 2**10
MOST_FIELDS = 20
BY_MAIL_PROGRAM = "unsubscribed with the button of their mail program"
BY_PAGE = "unsubscribed with the link in a mail"


def routes(db: Database, office: Office, clock: Callable[[], datetime]) -> APIRouter:
    """Give the routes of the link."""
    router = APIRouter()

    # A path, not a name: a token with %2F in it gets the same page as any other that is not ours.
    @router.api_route("/u/{token:path}", methods=["GET", "HEAD"])
    def look(token: str) -> HTMLResponse:
        lead_id = office.unsubscriber(token)
        return _unknown() if lead_id is None else _asked(db, lead_id)

    @router.post("/u/{token:path}")
    async def act(request: Request, token: str) -> HTMLResponse:
        lead_id = office.unsubscriber(token)
        if lead_id is None:
            return _unknown()
        reason = await _reason(request)
        if reason is None:
            return await run_in_threadpool(_asked, db, lead_id)
        return await run_in_threadpool(_unsubscribed, db, lead_id, reason, now=clock())

    return router


def _asked(db: Database, lead_id: int) -> HTMLResponse:
    """Give the page with the button, or the last page where there is nothing left to press."""
    try:
        with db.read() as session:
            lead = session.get(Lead, lead_id)
            is_done = lead is None or session.get(Suppression, lead.email) is not None
    except SQLAlchemyError as error:
        return _failed(lead_id, error)
    if lead is None or is_done:
        return HTMLResponse(pages.done(lead.email if lead else None))
    return HTMLResponse(pages.ask(lead.email))


def _unsubscribed(db: Database, lead_id: int, reason: str, *, now: datetime) -> HTMLResponse:
    """Suppress the lead's address and answer once that is committed; 503 where it could not be."""
    try:
        email = _suppress(db, lead_id, reason, now=now)
    except SQLAlchemyError as error:
        return _failed(lead_id, error)
    return HTMLResponse(pages.done(email))


def _suppress(db: Database, lead_id: int, reason: str, *, now: datetime) -> str | None:
    """Give the address that gets no more mail; None for a lead that was erased."""
    with db.write() as session:
        lead = session.get(Lead, lead_id)
        if lead is None:
            return None
        is_new = leads.suppress(session, lead.email, reason=reason, actor=SYSTEM, now=now)
    if is_new:
        LOG.info("unsubscribed lead=%s", lead_id)
    return lead.email


async def _reason(request: Request) -> str | None:
    """Tell from the form why to stop; None: it is no order to stop, so the page asks."""
    fields = await _fields(request)
    if fields.get("List-Unsubscribe", "").strip().lower() == "one-click":
        return BY_MAIL_PROGRAM
    return BY_PAGE if fields.get("confirm") == "yes" else None


async def _fields(request: Request) -> dict[str, str]:
    """Give the fields of a form of either kind; of anything else none."""
    body = await bodies.read(request, limit_bytes=LARGEST_BODY_BYTES)
    try:
        if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
            form = await MultiPartParser(
                request.headers, _stream(body), max_files=0, max_fields=MOST_FIELDS
            ).parse()
            return {name: value for name, value in form.multi_items() if isinstance(value, str)}
        return dict(parse_qsl(body.decode(), max_num_fields=MOST_FIELDS))
    except (MultiPartException, ValueError, LookupError):
        return {}


async def _stream(body: bytes) -> AsyncGenerator[bytes, None]:
    yield body


def _unknown() -> HTMLResponse:
    return HTMLResponse(pages.unknown(), 404)


def _failed(lead_id: int, error: SQLAlchemyError) -> HTMLResponse:
    # The type alone: the text of a database error repeats the values, and so the address.
    LOG.error("unsubscribe_failed lead=%s error=%s", lead_id, type(error).__name__)
    return HTMLResponse(pages.try_again(), 503, {"retry-after": "60"})
