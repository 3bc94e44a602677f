"""`fermata sandbox`: the real bot, sender and web, in a Slack and a mail world of their own on this machine."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from pydantic import SecretStr

from core import leads
from core.commands import Desk
from core.settings import Settings
from fermata import serving, wiring
from sandbox.app import Info, create_app
from sandbox.clock import SandboxClock
from sandbox.mailbox import MailStore
from sandbox.sink import Accepted, Sink
from sandbox.slack.workspace import Command, Workspace
from sandbox.world import HISTORY, ZONE, furnish, opening
from web.unsubscribe import routes as unsubscribe_routes

CHANNEL = "C0OUTBOUND"
TICK_SECONDS = 1
DAYS_HELD_IN_THE_TOUR = 21
TOUR_LEAD = "ada@lindenhof.example"


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
    url = f"http://127.0.0.1:{port}"
    settings = Settings(
        home=home,
        base_url=url,
        port=port,
        channel=CHANNEL,
        bot_token=SecretStr("xoxb-sandbox"),
        app_token=SecretStr("xapp-sandbox"),
        slack_api_url=f"{url}/api/",
        tick_seconds=TICK_SECONDS,
    )
    db = wiring.open_database(settings)
    opens = opening(wiring.now())
    clock = SandboxClock(opens - HISTORY, db)
    mail = MailStore(now=clock.now)
    desk = wiring.make_desk(settings, db)
    workspace = Workspace(now=clock.now, base_url=url, commands=_commands())
    async with AsyncExitStack() as parts:
        parts.callback(db.close)

        def keep(message: Accepted) -> None:
            mail.keep(message.message, message.recipients)

        sink = await parts.enter_async_context(Sink(deliver=keep))
        engine = wiring.make_engine(settings, db, clock=clock.now)
        clock.settle = engine.settle
        sys.stdout.write("Fermata sandbox: living through the first days of a sample sequence …\n")
        await furnish(desk, clock, smtp_port=sink.port, until=opens)
        page = create_app(workspace=workspace, mail=mail, clock=clock, info=_info(desk, clock))
        page.include_router(unsubscribe_routes(db, wiring.make_office(settings), clock.now))
        parts.callback(workspace.close)
        await parts.enter_async_context(serving.listening(page, "127.0.0.1", port))
        await parts.enter_async_context(serving.talking(settings, desk, is_guarded=False, clock=clock.now))
        await parts.enter_async_context(serving.sending(engine))
        await asyncio.to_thread(workspace.type, "ana", "outbound", "/sequence status dai@harbourhall.example")
        sys.stdout.write(f"Open {url} in a browser. Ctrl-C ends it; nothing is kept.\n")
        sys.stdout.flush()
        await stop.wait()


def _commands() -> tuple[Command, ...]:
    manifest = yaml.safe_load((Path(__file__).parent.parent / "manifest.yml").read_text("utf-8"))
    return tuple(
        Command(one["command"], one["description"], one["usage_hint"], one.get("should_escape", True))
        for one in manifest["features"]["slash_commands"]
    )


def _info(desk: Desk, clock: SandboxClock) -> Info:
    until = clock.now() + timedelta(days=DAYS_HELD_IN_THE_TOUR)

    def summary() -> str:
        with desk.db.read() as session:
            return f"{leads.count(session)} leads"

    return Info(zone=ZONE, lead=TOUR_LEAD, until=f"{until:%B} {until.day}", summary=summary)
