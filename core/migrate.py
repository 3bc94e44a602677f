"""The schema's version: brought up to date, or refused when the database is newer than the code."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlmodel import Session

from core.db import Database
from core.errors import Refused
from core.models import WORKSPACE_ID, Workspace

FOLDER = Path(__file__).parent / "migrations"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    return config


@cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def migrate(db: Database) -> None:
    """Bring the schema to this code's version and make the workspace's row; safe to run again, and at once twice.

    Raises Refused when the database was written by a newer Fermata.
    """
    with (
        db.engine.connect() as connection
    ):  # one transaction: BEGIN IMMEDIATE on SQLite, a lock on PostgreSQL
        if not db.is_sqlite:
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7046029254386353131)")
        current = MigrationContext.configure(connection).get_current_revision()
        if current != _scripts().get_current_head():
            _refuse_newer(current)
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            if session.get(Workspace, WORKSPACE_ID) is None:
                session.add(Workspace())
            session.commit()
        connection.commit()


def _refuse_newer(current: str | None) -> None:
    known = {script.revision for script in _scripts().walk_revisions()}
    if current is not None and current not in known:
        msg = (
            "This database was written by a newer Fermata. Install that version, or restore an older backup."
        )
        raise Refused(msg)
