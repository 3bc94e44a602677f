"""The real bot in the emulated Slack, as in tests/bot."""

from tests.bot.conftest import client, clock, slack, world

__all__ = ["client", "clock", "slack", "world"]
