"""A real server on loopback in front of a small world, and Slack's side of the signing."""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import pytest
from httpx import Response

from core.letters import Office
from sandbox.slack import serving
from tests.world import PLAIN, START, World, make
from web.app import create_app
from web.slack import SlackGate

SECRET = "a-signing-secret-of-slack"
OFFICE = Office("https://mail.example", b"k" * 32)
LEADS = ("lea@x.test", "max@x.test")


class Bot:
    """Stands where Bolt stands: counts what gets through the door."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.threads: set[str] = set()
        self.reply: object = (200, {"content-type": "text/plain"}, b"heard")

    def __call__(self, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        self.heard.append(body)
        self.threads.add(threading.current_thread().name)
        return self.reply() if callable(self.reply) else self.reply


@dataclass
class Site:
    """The served application and a client of it."""

    world: World
    bot: Bot
    url: str
    http: httpx.Client
    faults: list[str] = field(default_factory=list)

    def slack(self, body: bytes, *, at: object = None, secret: str = SECRET, **headers: str) -> Response:
        """Post as Slack does; `headers` in snake_case replace or (None) drop the right ones."""
        stamp = str(int(self.world.now.timestamp()) if at is None else at)
        sent = {"content-type": "application/x-www-form-urlencoded", **signed(body, stamp, secret)}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in sent.items() if value is not None}
        return self.http.post("/slack/events", content=body, headers=list(raw(sent)))

    def link(self, email: str) -> str:
        """The lead's own unsubscribe path."""
        return OFFICE.unsubscribe_url(self.world.lead_id(email)).removeprefix(OFFICE.base_url)


def signed(body: bytes, stamp: str, secret: str = SECRET) -> dict[str, str]:
    """The two headers that prove where a body comes from."""
    digest = hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    return {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={digest}"}


def raw(headers: dict[str, str]) -> Iterator[tuple[bytes, bytes]]:
    """Headers as bytes, so that a test may send what no good client would."""
    yield from ((name.encode(), value.encode("utf-8", "surrogateescape")) for name, value in headers.items())


@pytest.fixture
def bot() -> Bot:
    return Bot()


def open_site(url: str, bot, **gate: str) -> Iterator[Site]:
    """Serve a world with two leads."""
    world, faults = make(url, PLAIN, *LEADS, now=START), []
    app = create_app(
        db=world.db,
        office=OFFICE,
        clock=lambda: world.now,
        slack=SlackGate(bot, SECRET, **gate),
        ready=lambda: faults,
    )
    with serving(app) as address, httpx.Client(base_url=address, timeout=20, verify=False) as http:
        yield Site(world, bot, address, http, faults)
    world.db.close()


@pytest.fixture
def site(sqlite_url: str, bot: Bot) -> Iterator[Site]:
    """A site on SQLite, where the database does not matter."""
    yield from open_site(sqlite_url, bot)


@pytest.fixture
def both(database_url: str, bot: Bot) -> Iterator[Site]:
    """A site on each kind of database."""
    yield from open_site(database_url, bot)
