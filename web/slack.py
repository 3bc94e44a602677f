"""The door for Slack over HTTP: what passes was signed by Slack, lately, for us, and acts once.

Bolt parses bodies before it checks signatures and answers 500 to odd timestamps, so all of that is done here, on the
raw bytes, and Bolt's own check is off.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

import anyio
from anyio.to_thread import run_sync
from fastapi import APIRouter, HTTPException, Request, Response
from slack_bolt import App, BoltRequest
from sqlalchemy.exc import SQLAlchemyError
from starlette.background import BackgroundTask
from starlette.datastructures import Headers

from core.db import Database
from core.errors import Refused
from web import body as bodies
from web import replays
from web.replays import Reply

LOG = logging.getLogger("fermata.web.slack")

PATH = "/slack/events"
LARGEST_BODY_BYTES = 2**20
MOST_FIELDS = 1000
WINDOW = timedelta(minutes=5)
# Slack gives up after 3 seconds; a request not begun by then must not act behind the back of who was told it failed.
ANSWER_SECONDS = 2.5
THREADS = 32
FORM = "application/x-www-form-urlencoded"
# The signature covers the body alone, so no other header may steer Bolt.
PASSED_ON = ("content-type", "x-slack-retry-num", "x-slack-retry-reason")
_STAMP = re.compile("[0-9]{1,12}")

Handler = Callable[[dict[str, str], bytes], tuple[int, dict[str, str], bytes]]


@dataclass(frozen=True)
class SlackGate:
    """Who answers Slack, and whose requests are let through. `team_id`, `app_id` None: any that is signed."""

    handler: Handler
    signing_secret: str
    team_id: str | None = None
    app_id: str | None = None

    def __post_init__(self) -> None:
        """Refuse to stand open: with an empty secret anybody could sign."""
        if not self.signing_secret:
            raise Refused(
                "SLACK_SIGNING_SECRET is not set; without it nobody can tell Slack from a stranger."
            )

    def verify(self, headers: Headers, body: bytes, *, now: datetime) -> str:
        """Give the timestamp of a request that Slack signed within the window; raises HTTPException 401."""
        stamp, signature = _only(headers, "x-slack-request-timestamp"), _only(headers, "x-slack-signature")
        if not _STAMP.fullmatch(stamp) or abs(int(stamp) - now.timestamp()) > WINDOW.total_seconds():
            raise HTTPException(401, "The timestamp is missing, unreadable or not of the last five minutes.")
        signed = hmac.new(self.signing_secret.encode(), f"v0:{stamp}:".encode() + body, sha256)
        # As bytes: compare_digest raises on text that is not ASCII.
        if not hmac.compare_digest(f"v0={signed.hexdigest()}".encode(), signature.encode("latin-1")):
            raise HTTPException(401, "The signature is missing or wrong.")
        return stamp

    def check_origin(self, payload: Mapping[str, Any]) -> None:
        """Raise HTTPException 401 for another workspace or app; Slack's URL check names neither and passes."""
        if payload.get("type") == "url_verification":
            return
        team = payload.get("team")
        team_id = payload.get("team_id") or (team.get("id") if isinstance(team, dict) else team)
        if self.team_id is not None and team_id != self.team_id:
            raise HTTPException(401, "The request is from another workspace.")
        if self.app_id is not None and payload.get("api_app_id") != self.app_id:
            raise HTTPException(401, "The request is for another app.")


def routes(gate: SlackGate, db: Database, clock: Callable[[], datetime]) -> APIRouter:
    """Give the one route that Slack calls, for commands, clicks, forms and events alike."""
    router = APIRouter()
    limiter = anyio.CapacityLimiter(THREADS)

    @router.post(PATH)
    async def events(request: Request) -> Response:
        deadline = time.monotonic() + ANSWER_SECONDS
        if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
            raise HTTPException(415, "Send the request without content encoding.")
        body = await bodies.read(request, limit_bytes=LARGEST_BODY_BYTES, seconds=ANSWER_SECONDS)
        if is_ssl_check(request.headers, body):
            return Response()
        now = clock()
        stamp = gate.verify(request.headers, body, now=now)
        gate.check_origin(payload_of(body, request.headers.get("content-type", "")))
        headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
        key = replays.key(stamp, body)
        work = partial(answer, partial(gate.handler, headers, body), db, key, now=now, deadline=deadline)
        try:
            async with asyncio.timeout(max(deadline - time.monotonic(), 0)):
                reply, is_new = await run_sync(work, abandon_on_cancel=True, limiter=limiter)
        except TimeoutError:
            reply, is_new = replays.BUSY, False
        # Slack waits for the answer, nobody for its copy.
        keep = BackgroundTask(replays.keep, db, key, reply) if is_new else None
        return Response(reply.body, reply.status, reply.headers, background=keep)

    return router


def answer(ask: Callable[[], tuple[int, dict[str, str], bytes]], db: Database, key: str, *, now: datetime,
           deadline: float) -> tuple[Reply, bool]:  # fmt: skip
    """Give the reply, and whether it is new. What came before gets the same again, what comes too late none."""
    try:
        if not replays.is_first(db, key, now=now):
            return replays.earlier(db, key, deadline=deadline), False
    except SQLAlchemyError as error:
        LOG.warning("slack_request_not_begun error=%s", type(error).__name__)
        return replays.BUSY, False
    if time.monotonic() > deadline:
        return replays.BUSY, False
    try:
        reply = Reply(*ask())
    except Exception:
        LOG.exception("slack_request_failed")
        return replays.BUSY, True
    return (reply if reply.status < 500 else replays.BUSY), True


def is_ssl_check(headers: Headers, body: bytes) -> bool:
    """Tell Slack's unsigned test of our certificate, which wants an empty 200, from everything else."""
    is_form = headers.get("content-type", FORM).partition(";")[0].strip().lower() == FORM
    return is_form and "x-slack-signature" not in headers and b"ssl_check=1" in body.split(b"&")


def payload_of(body: bytes, content_type: str) -> dict[str, Any]:
    """Give what Slack says: JSON, or a form, or a form that holds JSON; raises HTTPException 400 for anything else."""
    try:
        text = body.decode()
        if content_type.partition(";")[0].strip().lower() == "application/json" or text.startswith("{"):
            found = json.loads(text)
        else:
            fields = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS))
            found = json.loads(fields["payload"]) if "payload" in fields else fields
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise HTTPException(400, "The body is not what Slack sends.")
    return found


def bolt_handler(app: App) -> Handler:
    """Give the handler that lets a Bolt app answer; the app must be made with its own verification off."""

    def handle(headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        try:
            request = BoltRequest(body=body.decode(), headers=dict(headers))
        except Exception as error:  # noqa: BLE001 - Bolt reads shapes it does not check; whatever fails, it was the body
            LOG.warning("slack_payload_unreadable error=%s", type(error).__name__)
            return 400, {}, b""
        response = app.dispatch(request)
        return (
            response.status,
            response.first_headers_without_set_cookie(),
            response.body.encode(errors="replace"),
        )

    return handle


def _only(headers: Headers, name: str) -> str:
    """Give a header that came exactly once; "" otherwise."""
    found = headers.getlist(name)
    return found[0] if len(found) == 1 else ""
