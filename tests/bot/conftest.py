"""Our own bot against the emulated Slack: nothing of ours is replaced."""

from collections.abc import Iterator

import pytest
from slack_sdk import WebClient

from sandbox.slack import Workspace, running
from tests.bot.samples import NOW
from tests.bot.world import World, connected, furnish


class Clock:
    """The time as the test says."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def slack(clock: Clock) -> Iterator[Workspace]:
    """A running workspace."""
    workspace = Workspace(
        now=clock, trigger_seconds=60
    )  # Slack's three seconds are too few for a busy machine
    with running(workspace):
        yield workspace


@pytest.fixture
def client(slack: Workspace) -> WebClient:
    """The bot's own client of that workspace."""
    return WebClient(token=slack.bot_token, base_url=f"{slack.base_url}/api/", retry_handlers=[])


@pytest.fixture
def world(database, slack, clock, client):
    """The real bot, connected over Socket Mode, with leads in one sequence."""
    furnish(database)
    with connected(World(database, slack, clock, client)) as made:
        yield made
