"""How the parts are put together; together with the CLI the only place that reads clock and environment."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from core import place
from core.commands import Desk
from core.db import Database
from core.letters import Office
from core.migrate import migrate
from core.models import WORKSPACE_ID, Workspace
from core.outgoing import book
from core.secrets import Vault
from core.settings import Settings, old_keys, read_settings, secret_key

if TYPE_CHECKING:
    from jobs.engine import Engine
    from jobs.oauth import Tokens
    from jobs.reader import Reader

_KEPT = {"channel", "zone", "read_within_seconds", "bounce_limit", "complaint_limit", "guard_sends"}

Clock = Callable[[], datetime]


def now() -> datetime:
    """Give the real time."""
    return datetime.now(UTC)


def open_database(settings: Settings, *, only_given: bool = False) -> Database:
    """Give the database with its schema up to date; raises Refused where it cannot be.

    What rules need of the settings is kept in the workspace's row. `only_given`: of those alone that this process was given,
    since a command typed in a bare shell says nothing about the service beside it.
    """
    db = Database(settings.database)
    if db.is_sqlite and (path := db.engine.url.database):
        place.check(Path(path))
    migrate(db)
    with db.write() as session:
        workspace = session.get_one(Workspace, WORKSPACE_ID)
        # Before anything was sent there is no service to disturb.
        is_all = workspace.lineage is None or not only_given
        given = set(Settings.model_fields) if is_all else settings.model_fields_set
        for name in _KEPT & given:
            if value := getattr(settings, name):
                setattr(workspace, name, value)
        if "base_url" in given:
            workspace.has_links = bool(settings.base_url)
        session.add(workspace)
    return db


def make_desk(settings: Settings, db: Database) -> Desk:
    """Give what commands need; they wait for a hand-over under way as long as SMTP may take."""
    return Desk(db, wait_seconds=settings.smtp_timeout_seconds)


def make_office(settings: Settings) -> Office:
    """Give what letters and links need."""
    return Office(settings.base_url, secret_key(settings), old_keys(settings))


def make_vault(settings: Settings) -> Vault:
    """Give what encrypts the secrets that are stored."""
    return Vault(secret_key(settings), *old_keys(settings))


@contextmanager
def opened() -> Iterator[Database]:
    """Give the database of this process's settings for the length of the block."""
    db = open_database(read_settings(), only_given=True)
    try:
        yield db
    finally:
        db.close()


def make_tokens(settings: Settings, *, clock: Clock = now) -> Tokens:
    """Give the access tokens of mailboxes that log in with OAuth2."""
    from jobs.oauth import Tokens, google, microsoft

    return Tokens(
        {
            "google": google(settings.google_client_id, settings.google_client_secret.get_secret_value()),
            "microsoft": microsoft(
                settings.microsoft_client_id,
                settings.microsoft_client_secret.get_secret_value(),
                settings.microsoft_tenant,
            ),
        },
        clock=clock,
    )


def make_reader(settings: Settings, db: Database, *, clock: Clock = now) -> Reader:
    """Give the reading half of a process."""
    from jobs.reader import Desk as ReadingDesk
    from jobs.reader import Reader
    from jobs.servers import imap_server

    tokens = make_tokens(settings)
    return Reader(
        ReadingDesk(
            db,
            clock,
            lambda mailbox: imap_server(mailbox, os.environ.get, tokens, settings.smtp_timeout_seconds),
            # Often enough that follow-ups need not wait for a look at a mailbox in which nothing happens.
            poll_seconds=min(settings.poll_seconds, settings.read_within_seconds / 3),
        )
    )


def make_engine(
    settings: Settings,
    db: Database,
    *,
    clock: Clock = now,
    also: tuple[Callable[[], Awaitable[object]], ...] = (),
    look: Callable[[int], Awaitable[None]] | None = None,
) -> Engine:
    """Give the sending half of a process; `look` reads a mailbox once more before follow-ups leave it."""
    # Imported here: arq and its kin take longer to load than most commands take to run.
    from jobs.engine import Engine
    from jobs.sender import Desk as SendingDesk
    from jobs.sender import Post
    from jobs.telling import Teller
    from jobs.trials import Trials

    vault = make_vault(settings)
    with db.read() as session:
        book.check_key(session, vault)
    teller = Teller(db, vault, clock=clock, may_be_private=settings.hooks_private)
    desk = SendingDesk(
        db,
        make_office(settings),
        clock,
        os.environ.get,
        lease=timedelta(seconds=settings.lease_seconds),
        timeout_seconds=settings.smtp_timeout_seconds,
        tokens=make_tokens(settings),
        look=look,
    )
    post, tests = Post(desk), Trials(desk)
    return Engine(
        db,
        post,
        clock=clock,
        tick_seconds=settings.tick_seconds,
        redis_url=settings.redis_url,
        also=(*also, teller.look, tests.look),
    )
