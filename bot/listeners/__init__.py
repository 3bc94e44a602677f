"""What Slack may ask of us, a module per surface: acknowledge, then hand over to the front desk."""

from __future__ import annotations

from slack_bolt import App

from bot.front import Front
from bot.listeners import actions, commands, events, functions, options, reactions, shortcuts, views


def register(app: App, front: Front) -> None:
    """Listen to everything the manifest names; `events` comes last, since it takes whatever nobody else does."""
    for surface in (commands, actions, options, shortcuts, views, reactions, functions, events):
        surface.register(app, front)
