"""The try-out as one web application: the page, the Slack emulator, the leads' mail and the clock."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from fastapi import APIRouter, FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, Field
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.errors import Refused
from sandbox.following import Following
from sandbox.gallery import gallery_routes, picture
from sandbox.lead_routes import lead_routes
from sandbox.leads import Leads
from sandbox.roles import role_routes
from sandbox.screen import screen
from sandbox.slack.delivery import NOBODY_LISTENS, TIMED_OUT
from sandbox.slack.errors import SlackError
from sandbox.slack.forms import NotOnScreenError
from sandbox.slack.people import Outcome
from sandbox.slack.routes import slack_routes
from sandbox.slack.workspace import Workspace
from sandbox.steps import step_routes
from sandbox.tour import Tour

PAGE = Path(__file__).parent / "page"
SLACK_API = "/slack/api"  # below /api is Fermata's own
MAILS_SHOWN = 400
HEARTBEAT_SECONDS = 15.0
# A mail's own inline styles must work inside its frame, which inherits this policy; its scripts must not.
POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "object-src 'none'; base-uri 'self'; form-action 'none'; frame-ancestors 'self'"
)
SAID = {
    TIMED_OUT: "Fermata did not answer within three seconds.",
    NOBODY_LISTENS: "Fermata is not connected to this workspace.",
    "app_did_not_answer": "Fermata is not connected to this workspace.",
    "http_error": "Fermata answered with an error.",
}
JSONValue = Any


class MailBoxLike(Protocol):
    """Mail that left: dicts with id, to, from, subject, date (ISO), text, html, headers; oldest first."""

    def messages(self) -> list[dict[str, Any]]: ...

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]: ...


class ClockLike(Protocol):
    """The workspace's time, which people may move forward."""

    def now(self) -> datetime: ...

    async def advance(self, by: timedelta) -> None: ...

    async def to_next_event(self) -> None: ...

    def next_event(self) -> tuple[datetime, str] | None: ...


@dataclass(frozen=True)
class Info:
    """What the page says beside the conversation.

    `summary` is the status line's first words ("12 leads"). `fill` makes more leads and says what to look at. `lead` and `until` fill the tour's texts.
    `shortcuts` are the manifest's message shortcuts as (callback_id, name), `global_shortcuts` the others.
    """

    zone: str = "Europe/Berlin"
    lead: str = "lead@example.com"
    until: str = "Friday"
    summary: Callable[[], str] = lambda: ""
    fill: Callable[[], str] | None = None
    shortcuts: Sequence[tuple[str, str]] = field(default=())
    global_shortcuts: Sequence[tuple[str, str]] = field(default=())


class Typed(BaseModel):
    user: str
    channel: str
    text: str = Field(min_length=1, max_length=8_000)


class Clicked(BaseModel):
    user: str
    target: str
    action_id: str
    block_id: str | None = None
    option: JSONValue = None
    label: str = ""
    filled: dict[str, JSONValue] = {}


class Submitted(BaseModel):
    user: str
    values: dict[str, JSONValue] = {}


class By(BaseModel):
    seconds: int = Field(gt=0, le=366 * 86_400)


class Who(BaseModel):
    user: str


class Shortcut(Who):
    """Called on the message `target`; "": not on a message."""

    target: str = ""
    callback_id: str


class Reaction(Who):
    """Put on the message `target`, or taken away from it where it is there."""

    target: str
    name: str


class Searched(Clicked):
    typed: str = ""


@dataclass
class Stage:
    """Everything the routes share."""

    workspace: Workspace
    mail: MailBoxLike
    clock: ClockLike
    tour: Tour
    info: Info
    leads: Leads | None = None
    moving: asyncio.Lock = field(default_factory=asyncio.Lock)
    listeners: set[Callable[[str], None]] = field(default_factory=set)

    def tell(self, what: str) -> None:
        for listener in list(self.listeners):
            listener(what)


def create_app(
    *,
    workspace: Workspace,
    mail: MailBoxLike,
    clock: ClockLike,
    leads: Leads | None = None,
    tour: Tour | None = None,
    info: Info | None = None,
    lifespan: Callable[[FastAPI], Any] | None = None,
) -> FastAPI:
    """The application; further routers may be added. Set `workspace.base_url` before people act."""
    known = info or Info()
    words = {"lead": known.lead, "until": known.until}
    tour = tour or Tour(words=words, now=clock.now, mail=mail.messages)
    stage = Stage(workspace, mail, clock, tour, known, leads)
    app = FastAPI(title="Fermata sandbox", docs_url=None, redoc_url=None, lifespan=lifespan)
    app.include_router(slack_routes(workspace, at=SLACK_API))
    app.include_router(_looking(stage))
    app.include_router(_acting(stage))
    app.include_router(_clock(stage))
    app.include_router(step_routes(workspace))
    app.include_router(role_routes(workspace))
    app.include_router(gallery_routes(PAGE))
    if leads is not None:
        app.include_router(lead_routes(leads, zone=known.zone, acted=lambda: _answered(stage)))
    app.mount("/page", StaticFiles(directory=PAGE), name="page")

    app.add_middleware(_Policy)
    app.add_middleware(
        Following, clock=clock, moving=stage.moving, newest=lambda: _newest(mail), tell=stage.tell
    )

    @app.exception_handler(NotOnScreenError)
    @app.exception_handler(LookupError)
    @app.exception_handler(Refused)
    async def not_there(_request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"ok": False, "said": str(error.args[0] if error.args else error)}, 409)

    return app


class _Policy:
    """Gives the page's answers their content policy; nothing of the page is worth caching."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")

        async def with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = POLICY
                headers["Cache-Control"] = "no-store"
            await send(message)

        ours = path in {"/", "/gallery"} or path.startswith(("/page/", "/sandbox/"))
        await self.app(scope, receive, with_policy if ours and scope["type"] == "http" else send)


def _newest(mail: MailBoxLike) -> datetime | None:
    messages = mail.messages()
    return datetime.fromisoformat(messages[-1]["date"]) if messages else None


def _looking(stage: Stage) -> APIRouter:
    router = APIRouter()

    @router.get("/")
    def index() -> FileResponse:
        return FileResponse(PAGE / "index.html")

    @router.get("/sandbox/slack")
    def slack(user: str) -> dict[str, Any]:
        return screen(stage.workspace, user)

    @router.get("/sandbox/file/{file_id}")
    def file(file_id: str) -> Response:
        found = stage.workspace.state.files.by_id.get(file_id)
        if found is None or not found.is_complete:
            return picture(file_id)
        return Response(found.content, media_type=found.kind or "application/octet-stream")

    @router.get("/sandbox/mail")
    def mail() -> dict[str, Any]:
        return {"messages": stage.mail.messages()[-MAILS_SHOWN:][::-1]}

    @router.get("/sandbox/status")
    def status() -> dict[str, Any]:
        upcoming = stage.clock.next_event()
        return {
            "now": stage.clock.now().isoformat(),
            "zone": stage.info.zone,
            "summary": stage.info.summary(),
            "next": {"at": upcoming[0].isoformat(), "text": upcoming[1]} if upcoming else None,
            "moving": stage.moving.locked(),
            "connected": not hasattr(stage.workspace.delivery, "connections")
            or bool(stage.workspace.hub.connections),
            "tour": stage.tour.as_json(),
            "examples": stage.tour.examples,
            "can_fill": stage.info.fill is not None,
            "shortcuts": list(stage.info.shortcuts),
            "global_shortcuts": list(stage.info.global_shortcuts),
            "has_steps": bool(stage.workspace.functions),
        }

    @router.get("/sandbox/events")
    async def events() -> StreamingResponse:
        return StreamingResponse(_changes(stage), media_type="text/event-stream")

    return router


async def _changes(stage: Stage) -> AsyncIterator[str]:
    """Server-sent events: which parts changed, as often as they do."""
    loop = asyncio.get_running_loop()
    changed: set[str] = set()
    ring = asyncio.Event()

    def ring_for(what: str) -> None:
        changed.add(what)
        ring.set()

    def note(what: str) -> None:
        """Called from any thread; only the loop's own touches `changed`, so that no change is lost."""
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(ring_for, what)

    stage.listeners.add(note)
    stop_slack = stage.workspace.state.subscribe(lambda: note("slack"))
    stop_mail = stage.mail.subscribe(lambda: note("mail"))
    stop_inbox = stage.leads.subscribe(lambda: note("mail")) if stage.leads else lambda: None
    try:
        yield "retry: 1000\n\n"
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ring.wait(), HEARTBEAT_SECONDS)
            ring.clear()
            parts = " ".join(sorted(changed))
            changed.clear()
            yield f"event: change\ndata: {parts}\n\n" if parts else ": still here\n\n"
            await asyncio.sleep(0.05)  # a burst of redraws is one look
    finally:
        stage.listeners.discard(note)
        stop_slack()
        stop_mail()
        stop_inbox()


def _acting(stage: Stage) -> APIRouter:
    router = APIRouter(prefix="/sandbox")
    workspace = stage.workspace

    @router.post("/type")
    def typed(act: Typed) -> dict[str, Any]:
        outcome = workspace.type(act.user, act.channel, act.text)
        if outcome.ok:
            stage.tour.command(act.text)
            stage.tell("status")
        return _said(outcome)

    @router.post("/click")
    def clicked(act: Clicked) -> dict[str, Any]:
        outcome = workspace.click(
            act.user, act.target, act.action_id, act.option, block_id=act.block_id, typed=act.filled
        )
        if outcome.ok:
            stage.tour.click(act.label)
            stage.tell("status")
        return _said(outcome)

    @router.post("/suggest")
    def suggest(act: Searched) -> dict[str, Any]:
        return {"options": workspace.person(act.user).suggestions(act.target, act.action_id, act.typed)}

    @router.post("/upload")
    async def uploaded(user: str, name: str, request: Request) -> dict[str, Any]:
        try:
            return {"ok": True, "id": workspace.person(user).upload(name, await request.body())}
        except SlackError:
            return {"ok": False, "said": "Slack takes files of up to 10 MB here."}

    @router.post("/submit")
    def submitted(act: Submitted) -> dict[str, Any]:
        return _said(workspace.submit(act.user, act.values))

    @router.post("/close")
    def closed(act: Who) -> dict[str, Any]:
        return _said(workspace.close_modal(act.user))

    @router.post("/home")
    def home(act: Who) -> dict[str, Any]:
        return _said(workspace.open_home(act.user))

    @router.post("/shortcut")
    def shortcut(act: Shortcut) -> dict[str, Any]:
        person = workspace.person(act.user)
        if not act.target:
            return _said(person.use_shortcut(act.callback_id))
        return _said(person.use_message_shortcut(act.target, act.callback_id))

    @router.post("/react")
    def reacted(act: Reaction) -> dict[str, Any]:
        return _said(workspace.person(act.user).toggle(act.target, act.name))

    @router.post("/fill")
    def fill() -> dict[str, Any]:
        if stage.info.fill is None:
            raise Refused("This sandbox has no further leads.")
        said = stage.info.fill()
        stage.tell("status")
        return {"ok": True, "said": said}

    @router.post("/mail-opened")
    def mail_opened() -> dict[str, Any]:
        stage.tour.mail_opened()
        stage.tell("status")
        return {"ok": True}

    return router


def _answered(stage: Stage) -> None:
    stage.tour.answered()
    stage.tell("status")


def _said(outcome: Outcome) -> dict[str, Any]:
    return {"ok": outcome.ok, "error": outcome.error, "said": SAID.get(outcome.error, outcome.error)}


def _clock(stage: Stage) -> APIRouter:
    router = APIRouter(prefix="/sandbox/clock")

    async def move(step: Callable[[], Awaitable[None]]) -> dict[str, Any]:
        if stage.moving.locked():
            raise HTTPException(409, "The clock is already moving.")
        async with stage.moving:
            stage.tell("status")
            await step()
        stage.tour.time_passed()
        stage.tell("status")
        return {"ok": True, "now": stage.clock.now().isoformat()}

    @router.post("/advance")
    async def advance(by: By) -> dict[str, Any]:
        return await move(lambda: stage.clock.advance(timedelta(seconds=by.seconds)))

    @router.post("/next")
    async def following() -> dict[str, Any]:
        return await move(stage.clock.to_next_event)

    return router
