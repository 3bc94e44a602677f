"""Serving: the parts of one process, started together and stopped together on SIGTERM."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import socket as sockets
import threading
from collections.abc import AsyncIterator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import uvicorn
from fastapi import FastAPI
from slack_bolt import App
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot import app as bot_app
from bot import socket
from bot.delivery import deliver
from bot.members import Members
from core import lineage
from core.cards import PACE
from core.commands import Desk
from core.db import Database
from core.errors import Refused
from core.retention import forget_due
from core.settings import Settings
from fermata import logs, wiring
from jobs.engine import Engine
from web import health, metrics
from web.app import create_app
from web.doors import Secrets
from web.slack import SlackGate, bolt_handler

if TYPE_CHECKING:
    from jobs.reader import Reader

LOG = logging.getLogger("fermata")
DRAW_SECONDS = 0.5
SLACK_SECONDS = 10
STALE_TICKS = 5
BACKLOG = 2048
DAY_SECONDS = 86_400


async def serve(settings: Settings, *, bot: bool = False, worker: bool = False, web: bool = False) -> None:
    """Run the chosen parts until SIGTERM or SIGINT, then let what has begun end; raises Refused on faulty settings."""
    roles = [name for name, on in (("bot", bot), ("worker", worker), ("web", web)) if on]
    logs.begin(settings, role="run" if len(roles) > 1 else roles[0])
    is_http = bool(settings.bot_token.get_secret_value()) and not settings.app_token.get_secret_value()
    logging.getLogger("alembic").setLevel(logging.WARNING)
    _check(settings, bot=bot, web=web, is_http=is_http)
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    db = wiring.open_database(settings)
    desk = wiring.make_desk(settings, db)
    async with AsyncExitStack() as parts:
        parts.callback(db.close)
        slack = None
        if bot or (web and is_http):
            slack = await parts.enter_async_context(talking(settings, desk, is_guarded=is_http))
        engine = None
        lasting: list[asyncio.Task[Any]] = [asyncio.create_task(stop.wait())]
        if worker:
            reader = wiring.make_reader(settings, db)
            engine = wiring.make_engine(settings, db, look=reader.look)
            lasting.append(await parts.enter_async_context(reading(reader)))
            await parts.enter_async_context(forgetting(db, settings))
            await parts.enter_async_context(marking(db, settings.home / "sent-from"))
            lasting.append(await parts.enter_async_context(sending(engine)))
        if web:
            page = create_app(
                db=db,
                office=wiring.make_office(settings),
                clock=wiring.now,
                slack=make_gate(settings, slack) if slack and is_http else None,
                ready=lambda: not_ready(engine, settings),
                secrets=make_secrets(settings),
                figures=lambda: own_figures(engine, settings),
            )
            await parts.enter_async_context(listening(page, settings.host, settings.port))
        elif settings.health_port:
            page = health.alone(
                db, ready=lambda: not_ready(engine, settings), figures=lambda: own_figures(engine, settings)
            )
            await parts.enter_async_context(listening(page, settings.host, settings.health_port))
        LOG.info("running: %s", ", ".join(roles))
        # Where a part ends by itself, so does the process: its supervisor starts a whole one.
        await asyncio.wait(lasting, return_when=asyncio.FIRST_COMPLETED)
        LOG.info("stopping: what has begun is finished first")


def _check(settings: Settings, *, bot: bool, web: bool, is_http: bool) -> None:
    if bot and not settings.bot_token.get_secret_value():
        msg = "SLACK_BOT_TOKEN is not set; docs/slack.md says where to find it, or try `fermata sandbox`."
        raise Refused(msg)
    if bot and is_http and not web:
        msg = "SLACK_APP_TOKEN is not set. Set it for Socket Mode, or use `fermata web` for Slack over HTTP."
        raise Refused(msg)
    if is_http and not settings.signing_secret.get_secret_value():
        msg = "SLACK_SIGNING_SECRET is not set; Slack over HTTP needs it, Socket Mode needs SLACK_APP_TOKEN instead."
        raise Refused(msg)


def make_gate(settings: Settings, slack: App) -> SlackGate:
    """Give the door through which Slack comes over HTTP."""
    return SlackGate(
        bolt_handler(slack),
        settings.signing_secret.get_secret_value(),
        team_id=settings.team_id,
        app_id=settings.app_id,
    )


def make_secrets(settings: Settings) -> Secrets:
    """Give what webhooks are signed with; one that is not set is off."""
    given = (settings.hooks_secret, settings.calendly_secret, settings.cal_secret, settings.mailgun_secret)
    own, calendly, cal, mailgun = (secret.get_secret_value() if secret else None for secret in given)
    return Secrets(own, calendly, cal, settings.sendgrid_key, mailgun, settings.sns_topics)


def not_ready(engine: Engine | None, settings: Settings) -> list[str]:
    """Say what keeps this process from its work; empty: nothing."""
    if engine is None:
        return []
    if engine.last_tick is None:
        return ["The sender has not made its first round yet."]
    seconds = (wiring.now() - engine.last_tick).total_seconds()
    if seconds > STALE_TICKS * settings.tick_seconds + STALE_TICKS:
        return [f"The sender made its last round {seconds:.0f} seconds ago."]
    return []


def own_figures(engine: Engine | None, settings: Settings) -> str:
    """Give the metrics that this process alone can tell: its sweep, and the disk that holds FERMATA_HOME."""
    settings.home.mkdir(parents=True, exist_ok=True)
    disk = shutil.disk_usage(settings.home)
    found = metrics.figure("home_free_bytes", "Free on the disk of FERMATA_HOME.", [("", disk.free)])
    found += metrics.figure("home_bytes", "Size of the disk of FERMATA_HOME.", [("", disk.total)])
    if engine is None:
        return found
    age = (wiring.now() - (engine.last_tick or engine.made_at)).total_seconds()
    return found + metrics.figure("tick_age_seconds", "Since the sweep's last round ended.", [("", age)])


@asynccontextmanager
async def talking(
    settings: Settings,
    desk: Desk,
    *,
    is_guarded: bool,
    clock: wiring.Clock = wiring.now,
    pace: timedelta = PACE,
) -> AsyncIterator[App]:
    """Keep the Slack app alive: its listeners, and the loop that draws cards, one in `pace` in each channel."""
    loop, nudged = asyncio.get_running_loop(), asyncio.Event()
    pool = ThreadPoolExecutor(bot_app.WORKERS, thread_name_prefix="fermata-bot")

    def nudge() -> None:
        loop.call_soon_threadsafe(nudged.set)

    app = bot_app.create(
        desk,
        clock=clock,
        token=settings.bot_token.get_secret_value(),
        signing_secret=settings.signing_secret.get_secret_value(),
        is_guarded=is_guarded,
        api_url=settings.slack_api_url,
        admins=settings.admins,
        operators=settings.operators,
        viewers=settings.viewers,
        who_may_act=settings.who_may_act,
        nudge=nudge,
        pool=pool,
    )
    handler = None
    if not is_guarded:
        try:
            handler = await asyncio.to_thread(socket.start, app, settings.app_token.get_secret_value())
        except SlackApiError as refused:
            msg = f"Slack refuses the token: {refused.response.get('error')}. Check SLACK_APP_TOKEN and SLACK_BOT_TOKEN."
            raise Refused(msg) from None
    client = WebClient(settings.bot_token.get_secret_value(), settings.slack_api_url, timeout=SLACK_SECONDS)
    over = threading.Event()
    members = Members(desk.db, client)
    admin = min((name for name in settings.admins if name.startswith(("U", "W"))), default="")
    draw = partial(deliver, desk, client, members=members, is_over=over.is_set, pace=pace, admin=admin)
    drawing = asyncio.create_task(_draw(draw, nudged, clock, over))
    try:
        yield app
    finally:
        over.set()  # the card in hand is finished: a cancelled task would leave its thread behind
        nudged.set()
        await asyncio.gather(drawing, return_exceptions=True)
        if handler is not None:
            await asyncio.to_thread(socket.stop, handler)
        await asyncio.to_thread(pool.shutdown)  # answers that have begun are given


async def _draw(
    draw: Callable[..., int], nudged: asyncio.Event, clock: wiring.Clock, over: threading.Event
) -> None:
    while not over.is_set():
        try:
            while await asyncio.to_thread(draw, now=clock()):
                pass
        except Exception:  # cards are rows: the next round draws what this one could not
            LOG.exception("drawing cards failed")
        nudged.clear()
        if over.is_set():
            return
        with suppress(TimeoutError):
            # not wait_for: Python 3.11's can swallow a cancellation
            async with asyncio.timeout(DRAW_SECONDS):
                await nudged.wait()


@asynccontextmanager
async def sending(engine: Engine) -> AsyncIterator[asyncio.Task[object]]:
    """Keep the engine running; at the end it finishes the hand-overs it has begun."""
    task: asyncio.Task[object] = asyncio.create_task(engine.run())
    try:
        yield task
    finally:
        engine.stop()
        await task


@asynccontextmanager
async def reading(reader: Reader) -> AsyncIterator[asyncio.Task[object]]:
    """Keep the mailboxes read; at the end the batch in hand is finished, and nothing more is begun."""
    task: asyncio.Task[object] = asyncio.create_task(reader.run())
    try:
        yield task
    finally:
        reader.stop()
        await task


@asynccontextmanager
async def forgetting(db: Database, settings: Settings) -> AsyncIterator[None]:
    """Forget what has served its time, now and once a day."""
    task = asyncio.create_task(
        _forget_daily(db, timedelta(days=settings.keep_days) if settings.keep_days else None)
    )
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _forget_daily(db: Database, keep: timedelta | None) -> None:
    while True:
        try:
            await asyncio.to_thread(forget_due, db, now=wiring.now(), keep=keep)
        except Exception:  # tomorrow is soon enough
            LOG.exception("what has served its time could not be forgotten")
        await asyncio.sleep(DAY_SECONDS)


@asynccontextmanager
async def marking(db: Database, witness: Path, *, clock: wiring.Clock = wiring.now) -> AsyncIterator[None]:
    """Halt at once what may be a restored copy; then keep a mark of what was sent from here last (core/lineage)."""
    if because := await asyncio.to_thread(_suspicion, db, witness, clock):
        LOG.error("halted: %s. Look at what left since, then say `unhalt`.", because)
    await asyncio.to_thread(_mark, db, witness, clock)
    task = asyncio.create_task(_keep_marking(db, witness, clock))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await _try_mark(db, witness, clock)  # a backup made since the last mark is older than this


def _suspicion(db: Database, witness: Path, clock: wiring.Clock) -> str:
    seen = witness.read_text(errors="replace") if witness.exists() else ""
    return lineage.check(db, seen.strip(), now=clock())


async def _keep_marking(db: Database, witness: Path, clock: wiring.Clock) -> None:
    while True:
        await asyncio.sleep(lineage.BEAT.total_seconds())
        await _try_mark(db, witness, clock)


async def _try_mark(db: Database, witness: Path, clock: wiring.Clock) -> None:
    try:
        await asyncio.to_thread(_mark, db, witness, clock)
    except Exception:  # a database that is away, a full disk: the next one says it again
        LOG.exception("the mark of what was sent from could not be left")


def _mark(db: Database, witness: Path, clock: wiring.Clock) -> None:
    kept = lineage.beat(db, now=clock())
    witness.parent.mkdir(parents=True, exist_ok=True)
    fresh = witness.with_suffix(f".{uuid4().hex}")  # several workers may share FERMATA_HOME
    fresh.write_text(kept)
    fresh.replace(witness)


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals to `serve`, which stops every part in order."""
        yield


def open_port(host: str, port: int) -> sockets.socket:
    """Give a listening socket; raises Refused when the port is taken. (uvicorn would end the process.)"""
    try:
        family = sockets.AF_INET6 if ":" in host else sockets.AF_INET
        return sockets.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        msg = (
            f"Port {port} on {host} cannot be used ({os.strerror(error.errno or 0)}); "
            "choose another with FERMATA_PORT, for the sandbox with `--port`."
        )
        raise Refused(msg) from None


@asynccontextmanager
async def listening(page: FastAPI, host: str, port: int) -> AsyncIterator[None]:
    """Serve HTTP until the end of the block; raises Refused when the port is taken."""
    door = open_port(host, port)
    server = _Server(uvicorn.Config(page, log_level="warning", access_log=False))
    task = asyncio.create_task(server.serve([door]))
    while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn tells it in no other way
        await asyncio.sleep(0.02)
    try:
        yield
    finally:
        server.should_exit = True
        await task
