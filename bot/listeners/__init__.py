"""What Slack may ask of us, a module per surface: acknowledge, then hand over to the front desk."""

from __future__ import annotations

from slack_bolt import App

from bot.front import Front
from bot.listeners import actions, commands, events, shortcuts, views


def register(app: App, front: Front) -> None:
    """Listen to everything the manifest names."""
    for surface in (commands, actions, shortcuts, views, events):
        surface.register(app, front)
