"""What Slack tells us unasked."""

from __future__ import annotations

import re

from slack_bolt import App

from bot.front import Front
from bot.text import JSON

ANY = re.compile(".*")


def register(app: App, front: Front) -> None:
    """Keep what is known of members up to date; Bolt acknowledges events before it calls us."""

    @app.event("user_change")
    def changed(event: JSON) -> None:
        user = event.get("user")
        if isinstance(user, dict):
            front.members.changed(user)

    @app.event(ANY)
    def ignored() -> None:
        """Acknowledge what an older manifest may still subscribe to, so that Slack does not send it again."""
