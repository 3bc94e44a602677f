"""How the parts are put together; together with the CLI the only place that reads clock and environment."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from core.commands import Desk
from core.db import Database
from core.letters import Office
from core.migrate import migrate
from core.models import WORKSPACE_ID, Workspace
from core.settings import Settings, secret_key

if TYPE_CHECKING:
    from jobs.engine import Engine

Clock = Callable[[], datetime]


def now() -> datetime:
    """Give the real time."""
    return datetime.now(UTC)


def open_database(settings: Settings) -> Database:
    """Give the database with its schema up to date and the workspace's row in it."""
    db = Database(settings.database)
    migrate(db)
    with db.write() as session:
        workspace = session.get_one(Workspace, WORKSPACE_ID)
        workspace.channel = settings.channel or workspace.channel
        workspace.zone = settings.zone or workspace.zone
        workspace.read_within_seconds = settings.read_within_seconds
        session.add(workspace)
    return db


def make_desk(settings: Settings, db: Database) -> Desk:
    """Give what commands need; they wait for a hand-over under way as long as SMTP may take."""
    return Desk(db, wait_seconds=settings.smtp_timeout_seconds)


def make_office(settings: Settings) -> Office:
    """Give what letters and links need."""
    return Office(settings.base_url, secret_key(settings))


def make_engine(
    settings: Settings,
    db: Database,
    *,
    clock: Clock = now,
    also: tuple[Callable[[], Awaitable[object]], ...] = (),
) -> Engine:
    """Give the sending half of a process."""
    # Imported here: arq and its kin take longer to load than most commands take to run.
    from jobs.engine import Engine
    from jobs.sender import Desk as SendingDesk
    from jobs.sender import Post

    post = Post(
        SendingDesk(
            db,
            make_office(settings),
            clock,
            os.environ.get,
            lease=timedelta(seconds=settings.lease_seconds),
            timeout_seconds=settings.smtp_timeout_seconds,
        )
    )
    return Engine(
        db, post, clock=clock, tick_seconds=settings.tick_seconds, redis_url=settings.redis_url, also=also
    )
