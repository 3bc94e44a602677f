"""The doors for other systems: raw mail, own events, calendars and mail services; signed, bounded, and each thing once.

A door whose secret is not set does not exist. Whatever is wrong with a request is one plain sentence; nothing that was
told in it stands in an answer or a log.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any

import anyio
from anyio.to_thread import run_sync
from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from sqlalchemy.exc import SQLAlchemyError

from core import hooks
from core.db import Database
from core.errors import FermataError, Refused
from core.hooks import Told, cal, calendly, events
from core.inbox import receive_content
from web import body as bodies
from web.doors import Door, Secrets, json_of, object_of
from web.services import Services
from web.signatures import is_signed, is_stamped
from web.sns import Fetch, fetch
from web.sources import Sources

LOG = logging.getLogger("fermata.web.hooks")

LARGEST_MAIL_BYTES = 32 * 2**20
MOST_EVENTS = 100
PER_SECOND, AT_ONCE = 50, 50
THREADS = 16
OWN_WINDOW = timedelta(seconds=300)
CALENDLY_WINDOW = timedelta(seconds=180)
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]

Reader = Callable[..., list[Told]]


class Hooks:
    """The doors, and how often each was used and with what result."""

    def __init__(
        self,
        db: Database,
        clock: Callable[[], datetime],
        secrets: Secrets,
        *,
        stamps: Callable[[], datetime] | None = None,
        fetch: Fetch = fetch,
    ) -> None:
        """`stamps` is the clock that senders stamp by, where that is another: the sandbox's own can be moved."""
        self._db = db
        self._clock = clock
        self._stamps = stamps or clock
        self._secrets = secrets
        self._counts: Counter[tuple[str, str]] = Counter()
        self._services = Services(db, secrets, fetch, self._counts)
        self._sources = Sources(per_second=PER_SECOND, at_once=AT_ONCE)
        self._limiter: anyio.CapacityLimiter | None = None

    def routes(self) -> APIRouter:
        """Give the routes of all doors."""
        router = APIRouter()
        set_, own = self._secrets, partial(_own, self._secrets.own or "")
        doors: tuple[tuple[Door, Callable[..., Response]], ...] = (
            (
                Door("/hooks/mime", "FERMATA_HOOKS_SECRET", set_.own is not None, own, LARGEST_MAIL_BYTES),
                self._mail,
            ),
            (Door("/hooks/event", "FERMATA_HOOKS_SECRET", set_.own is not None, own), self._events),
            (
                Door(
                    "/hooks/calendly",
                    "FERMATA_CALENDLY_SECRET",
                    set_.calendly is not None,
                    partial(_calendly, set_.calendly or ""),
                ),
                partial(self._webhook, "calendly", calendly.read),
            ),
            (
                Door("/hooks/cal", "FERMATA_CAL_SECRET", set_.cal is not None, partial(_cal, set_.cal or "")),
                partial(self._webhook, "cal", cal.read),
            ),
            *self._services.doors(),
        )
        for door, act in doors:
            endpoint = self._open(door, act) if door.is_open else _closed(door)
            router.add_api_route(door.path, endpoint, methods=["POST"] if door.is_open else METHODS)
        return router

    def figures(self) -> str:
        """Give Prometheus lines: the requests of this process by door and result."""
        if not self._counts:
            return ""
        head = "# HELP fermata_hooks_total Requests to the hooks.\n# TYPE fermata_hooks_total counter\n"
        lines = (f'fermata_hooks_total{{hook="{door}",result="{result}"}} {count}\n'
                 for (door, result), count in sorted(self._counts.items()))  # fmt: skip
        return head + "".join(lines)

    def _open(self, door: Door, act: Callable[..., Response]) -> Callable[[Request], Awaitable[Response]]:
        name = door.path.rpartition("/")[2]

        async def enter(request: Request) -> Response:
            try:
                body = await self._read(door, request)
                self._limiter = self._limiter or anyio.CapacityLimiter(THREADS)
                return await run_sync(partial(self._act, door, act, request, body), limiter=self._limiter)
            except HTTPException as refused:
                self._counts[name, str(refused.status_code)] += 1
                return PlainTextResponse(f"{refused.detail}\n", refused.status_code, refused.headers)
            except (SQLAlchemyError, FermataError) as error:
                # The type alone: the text of a database error repeats the values.
                LOG.warning("hook_failed hook=%s error=%s", name, type(error).__name__)
                self._counts[name, "503"] += 1
                return PlainTextResponse(
                    "It could not be stored now; send it again.\n", 503, {"retry-after": "60"}
                )

            except Exception:  # a body that nobody foresaw must not take more than its own answer
                LOG.exception("hook_failed hook=%s", name)
                self._counts[name, "500"] += 1
                return PlainTextResponse("It could not be handled.\n", 500)

        return enter

    async def _read(self, door: Door, request: Request) -> bytes:
        """Give the body of a request; raises HTTPException."""
        if not self._sources.may_ask(request.client.host if request.client else ""):
            raise HTTPException(
                429, "Too many requests at once; send them more slowly.", {"retry-after": "1"}
            )
        if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
            raise HTTPException(415, "Send the request without content encoding.")
        try:
            return await bodies.read(request, limit_bytes=door.largest_bytes)
        except HTTPException as refused:
            if refused.status_code == 413 and door.largest_bytes != LARGEST_MAIL_BYTES:
                raise HTTPException(400, f"The body is larger than {door.largest_bytes} bytes.") from None
            raise

    def _act(self, door: Door, act: Callable[..., Response], request: Request, body: bytes) -> Response:
        """Act on what a proven sender sent; raises HTTPException. In a thread: Amazon's keys are fetched."""
        if not door.check(request, body, self._stamps()):
            raise HTTPException(401, "The signature is missing, wrong or too old.")
        return act(body, now=self._clock())

    def _mail(self, body: bytes, *, now: datetime) -> Response:
        received = receive_content(self._db, body, now=now)
        result = hooks.UNKNOWN if received.kind is None else hooks.DONE if received.is_new else hooks.SEEN
        return self._answer("mime", result, received.kind or "")

    def _webhook(self, name: str, read: Reader, body: bytes, *, now: datetime) -> Response:
        found = object_of(json_of(body))
        try:
            told = read(found, now=now)
        except Refused as refused:
            raise HTTPException(400, str(refused)) from None
        key = f"{name}:{sha256(body).hexdigest()}"
        return self._answer(name, hooks.take_in(self._db, key, told, now=now))

    def _events(self, body: bytes, *, now: datetime) -> Response:
        """Take in one event, or a list of which each is taken in for itself: a bad one keeps none of the others out."""
        found = json_of(body)
        if not isinstance(found, list):
            return self._answer("event", self._event(object_of(found), now))
        if len(found) > MOST_EVENTS:
            raise HTTPException(400, f"Send at most {MOST_EVENTS} events at once.")
        results = []
        for one in found:
            try:
                result = {"result": self._event(object_of(one), now)}
            except HTTPException as refused:
                result = {"result": "refused", "because": refused.detail}
            self._counts["event", result["result"]] += 1
            results.append(result)
        return JSONResponse({"results": results})

    def _event(self, found: Mapping[str, Any], now: datetime) -> str:
        try:
            told = events.read(found, now=now)
        except Refused as refused:
            raise HTTPException(400, str(refused)) from None
        key = f"event:{sha256(str(found['id']).encode()).hexdigest()}"
        return hooks.take_in(self._db, key, told, now=now)

    def _answer(self, name: str, result: str, kind: str = "") -> Response:
        self._counts[name, result] += 1
        LOG.info("hook hook=%s result=%s", name, result)
        return JSONResponse({"result": result, **({"kind": kind} if kind else {})})


def _closed(door: Door) -> Callable[[], Awaitable[Response]]:
    async def closed() -> Response:
        return PlainTextResponse(f"This hook is off; set {door.variable} to turn it on.\n", 404)

    return closed


def _own(secret: str, request: Request, body: bytes, now: datetime) -> bool:
    header = request.headers.getlist("fermata-signature")
    return is_stamped(header, body, secret, now=now, window=OWN_WINDOW)


def _calendly(secret: str, request: Request, body: bytes, now: datetime) -> bool:
    header = request.headers.getlist("calendly-webhook-signature")
    return is_stamped(header, body, secret, now=now, window=CALENDLY_WINDOW)


def _cal(secret: str, request: Request, body: bytes, _now: datetime) -> bool:
    return is_signed(request.headers.getlist("x-cal-signature-256"), body, secret)
