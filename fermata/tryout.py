"""`fermata sandbox`: the real bot, sender and web, in a Slack and a mail world of their own on this machine.

    async with world(settings, begins=…) as made:      # database, clock, Slack, SMTP sink; nothing runs yet
        …                                              # leads and sequences may be put in
        async with living(made, port):                 # page, bot and sender, until the block ends
            …

The end-to-end tests use the same two blocks.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import SecretStr
from slack_sdk import WebClient

from bot.delivery import deliver
from bot.members import Members
from core import cards, leads, lineage
from core.commands import Desk
from core.db import Database
from core.models import Mailbox
from core.settings import Settings
from fermata import manifest, serving, wiring
from jobs.engine import Engine
from jobs.reader import Desk as ReadingDesk
from jobs.reader import Reader
from jobs.smtp_login import Server
from sandbox import forty, roles
from sandbox.app import SLACK_API, Info, create_app
from sandbox.clock import SandboxClock, nothing
from sandbox.imap import Imap
from sandbox.inboxes import Inboxes
from sandbox.leads import Leads
from sandbox.mailbox import MailStore
from sandbox.sink import Accepted, Sink
from sandbox.slack.workspace import Command, Workspace
from sandbox.world import HISTORY, ZONE, furnish, opening
from web import api, health
from web.hooks import Hooks
from web.links import routes as link_routes
from web.unsubscribe import routes as unsubscribe_routes

CHANNEL = "C0OUTBOUND"
HOOKS_SECRET = "sandbox-webhooks"  # noqa: S105 - for this machine only, and written in docs/hooks.md
TICK_SECONDS = 1
POLL_SECONDS = 1
DRAWING_SECONDS, DRAWING_LOOKS, DRAWING_LOOK_SECONDS = 5, 300, 0.01
IMAP_SECONDS = 10
DAYS_HELD_IN_THE_TOUR = 21
TOUR_LEAD = "ada@lindenhof.example"


@dataclass
class World:
    """The parts of a sandbox. `desk` and `engine` are the real ones; `mail` is what the leads got, `leads` answer it."""

    settings: Settings
    desk: Desk
    clock: SandboxClock
    workspace: Workspace
    mail: MailStore
    sink: Sink
    imap: Imap
    leads: Leads
    engine: Engine
    reader: Reader


def main(port: int) -> None:
    """Run the sandbox until Ctrl-C."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    with TemporaryDirectory(prefix="fermata-sandbox-") as folder:
        asyncio.run(run(port, Path(folder)))


async def run(port: int, home: Path, *, stop: asyncio.Event | None = None) -> None:
    """Serve the page on this port until `stop`, or until Ctrl-C where there is none."""
    if stop is None:
        stop = asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
    settings = settings_for(port, home)
    serving.open_port(settings.host, port).close()  # said at once, rather than after the first days
    opens = opening(wiring.now())
    async with world(settings, begins=opens - HISTORY) as made:
        sys.stdout.write("Fermata sandbox: living through the first days of a sample sequence …\n")
        ports = {"smtp_port": made.sink.port, "imap_port": made.imap.port}
        await furnish(made.desk, made.clock, made.leads, **ports, until=opens)
        async with living(made):
            sys.stdout.write(f"Open {settings.base_url} in a browser. Ctrl-C ends it; nothing is kept.\n")
            sys.stdout.flush()
            await stop.wait()
            made.clock.stop()


def settings_for(port: int, home: Path, *, database_url: str = "") -> Settings:
    """Give the settings of a sandbox: everything on this machine."""
    url = f"http://127.0.0.1:{port}"
    return Settings(
        home=home,
        database_url=database_url,
        base_url=url,
        port=port,
        channel=CHANNEL,
        zone=ZONE,
        admins=frozenset({roles.ADMINS}),
        operators=frozenset({roles.OPERATORS}),
        viewers=frozenset({roles.VIEWERS}),
        bot_token=SecretStr("xoxb-sandbox"),
        app_token=SecretStr("xapp-sandbox"),
        slack_api_url=f"{url}{SLACK_API}/",
        hooks_secret=SecretStr(HOOKS_SECRET),
        calendly_secret=SecretStr(HOOKS_SECRET),
        cal_secret=SecretStr(HOOKS_SECRET),
        tick_seconds=TICK_SECONDS,
        poll_seconds=POLL_SECONDS,
    )


@asynccontextmanager
async def world(settings: Settings, *, begins: datetime) -> AsyncIterator[World]:
    """Give a database, a clock that stands at `begins`, a Slack workspace and an SMTP server; nothing runs yet."""
    db = wiring.open_database(settings)
    lineage.beat(db, now=wiring.now())  # a command in another shell finds that somebody serves here
    clock = SandboxClock(begins, db)
    mail, inboxes = MailStore(now=clock.now), Inboxes()
    workspace = Workspace(
        now=clock.now,
        base_url=settings.base_url,
        commands=_commands(),
        functions=manifest.read()["functions"],
    )

    roles.furnish(workspace)

    def keep(message: Accepted) -> None:
        mail.keep(message.message, message.recipients)

    async with Sink(deliver=keep) as sink, Imap(inboxes) as imap:
        made = World(
            settings,
            wiring.make_desk(settings, db),
            clock,
            workspace,
            mail,
            sink,
            imap,
            Leads(mail, inboxes, now=clock.now),
            _engine(settings, db, clock),
            _reader(settings, db, clock),
        )
        try:
            yield made
        finally:
            made.reader.stop()
            workspace.close()
            db.close()


@asynccontextmanager
async def living(made: World) -> AsyncIterator[None]:
    """Serve the page, and run bot and sender, until the end of the block."""
    async with AsyncExitStack() as parts:
        await parts.enter_async_context(showing(made))
        await parts.enter_async_context(talking(made))
        await parts.enter_async_context(sending(made))
        yield


@asynccontextmanager
async def showing(made: World) -> AsyncIterator[None]:
    """Serve the page, the Slack emulator and the unsubscribe links."""
    page = create_app(
        workspace=made.workspace,
        mail=made.mail,
        clock=made.clock,
        leads=made.leads,
        info=_info(made.desk, made.clock),
    )
    page.include_router(unsubscribe_routes(made.desk.db, wiring.make_office(made.settings), made.clock.now))
    page.include_router(link_routes(made.desk.db, made.clock.now))
    page.include_router(health.routes(made.desk.db, made.clock.now, list))
    page.router.routes.append(api.mount(made.desk, made.clock.now))
    # Signed by the clock on the wall, whatever day it is in the sandbox.
    secrets = serving.make_secrets(made.settings)
    page.include_router(Hooks(made.desk.db, made.clock.now, secrets, stamps=wiring.now).routes())
    async with serving.listening(page, made.settings.host, made.settings.port):
        yield


@asynccontextmanager
async def talking(made: World) -> AsyncIterator[None]:
    """Run the bot over Socket Mode; a second block is a bot that was started anew. This Slack limits no rates."""
    pace = timedelta(0)
    async with serving.talking(made.settings, made.desk, is_guarded=False, clock=made.clock.now, pace=pace):
        token, slack = made.settings.bot_token.get_secret_value(), made.settings.slack_api_url
        client = WebClient(token, slack, timeout=DRAWING_SECONDS)
        made.clock.draw = partial(_draw, made, client, Members(made.desk.db, client))
        try:
            yield
        finally:
            made.clock.draw = nothing


async def _draw(made: World, client: WebClient, members: Members) -> None:
    """Draw what there is to draw, and wait for what the bot has in hand; what Slack does not take is not waited for."""
    now, still = made.clock.now, timedelta(0)

    def draw() -> bool:
        drawn = deliver(
            made.desk, client, now=now(), members=members, pace=still, is_over=lambda: made.clock.is_over
        )
        with made.desk.db.read() as session:
            return bool(drawn) or cards.are_waiting(session)

    for _ in range(DRAWING_LOOKS):
        if made.clock.is_over or not await asyncio.to_thread(draw):
            return
        await asyncio.sleep(DRAWING_LOOK_SECONDS)


@asynccontextmanager
async def sending(made: World) -> AsyncIterator[None]:
    """Run the worker, which reads and sends; a second block is a worker that was started anew."""
    try:
        async with serving.reading(made.reader), serving.sending(made.engine):
            yield
    finally:
        made.engine = _engine(made.settings, made.desk.db, made.clock)
        made.reader = _reader(made.settings, made.desk.db, made.clock)


def _engine(settings: Settings, db: Database, clock: SandboxClock) -> Engine:
    """Give an engine to which the clock brings what is due, whether it runs by itself or not."""
    engine = wiring.make_engine(settings, db, clock=clock.now)
    clock.work = engine.settle
    return engine


def _reader(settings: Settings, db: Database, clock: SandboxClock) -> Reader:
    """Give a reader for which the clock waits, whether it runs by itself or not."""

    def server(mailbox: Mailbox) -> Server:
        return Server(
            mailbox.imap_host or "", mailbox.imap_port or 0, "none", mailbox.address, "any", IMAP_SECONDS
        )

    reader = Reader(ReadingDesk(db, clock.reading_now, server, settings.poll_seconds))
    clock.read = reader.read_all
    return reader


def _commands() -> tuple[Command, ...]:
    return tuple(
        Command(one["command"], one["description"], one["usage_hint"], one.get("should_escape", True))
        for one in _features()["slash_commands"]
    )


def shortcuts(kind: str) -> tuple[tuple[str, str], ...]:
    """Give the manifest's shortcuts of a kind, `message` or `global`, as (callback_id, name)."""
    return tuple((one["callback_id"], one["name"]) for one in _features()["shortcuts"] if one["type"] == kind)


def _features() -> dict[str, Any]:
    features: dict[str, Any] = manifest.read()["features"]
    return features


def _info(desk: Desk, clock: SandboxClock) -> Info:
    until = clock.now() + timedelta(days=DAYS_HELD_IN_THE_TOUR)

    def summary() -> str:
        with desk.db.read() as session:
            return f"{leads.count(session)} leads"

    return Info(
        zone=ZONE,
        lead=TOUR_LEAD,
        until=f"{until:%B} {until.day}",
        summary=summary,
        fill=lambda: forty.fill(desk, now=clock.now()),
        shortcuts=shortcuts("message"),
        global_shortcuts=shortcuts("global"),
    )
