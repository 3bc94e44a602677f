"""The real bot in the emulated Slack, as in tests/bot; of modules whose rows change nothing, one for all of them."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from slack_sdk import WebClient

from core.db import Database
from sandbox.slack import Workspace, running
from tests.bot.conftest import Clock, client, clock, slack, world
from tests.bot.world import World, connected, furnish

__all__ = ["client", "clock", "slack", "world"]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, _sqlite_template: Path) -> Iterator[World]:
    """Ada and Grace in Spring, and Ana the only admin, on SQLite."""
    path = tmp_path_factory.mktemp("office") / "fermata.db"
    shutil.copy(_sqlite_template, path)
    clock = Clock()
    workspace = Workspace(now=clock, trigger_seconds=60)
    with running(workspace) as url, closing(Database(f"sqlite:///{path}")) as database:
        furnish(database)
        client = WebClient(token=workspace.bot_token, base_url=f"{url}/api/", retry_handlers=[])
        with connected(World(database, workspace, clock, client, admins=["U0ANA"])) as made:
            yield made


@pytest.fixture
def sqlite_world(sqlite_url: str, slack: Workspace, clock: Clock, client: WebClient) -> Iterator[World]:
    """The same as `world`, for what does not depend on the kind of database."""
    with closing(Database(sqlite_url)) as database:
        furnish(database)
        with connected(World(database, slack, clock, client)) as made:
            yield made
