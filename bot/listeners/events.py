"""What Slack tells us unasked."""

from __future__ import annotations

import re

from slack_bolt import App

from bot import home
from bot.front import Front
from bot.request import HOME
from bot.text import JSON

ANY = re.compile(".*")


def register(app: App, front: Front) -> None:
    """Keep what is known of members up to date; Bolt acknowledges events before it calls us."""

    @app.event("user_change")
    def changed(event: JSON) -> None:
        user = event.get("user")
        if isinstance(user, dict):
            front.members.changed(user)
            home.changed(front, str(user.get("id")))

    @app.event("subteam_members_changed")
    def regrouped(event: JSON) -> None:
        front.members.regrouped(str(event.get("subteam_id")))

    @app.event("app_home_opened")
    def opened(event: JSON) -> None:
        if event.get("tab") == HOME:
            front.pool.submit(home.opened, front, str(event.get("user")))

    @app.event(ANY)
    def ignored() -> None:
        """Acknowledge what an older manifest may still subscribe to, so that Slack does not send it again."""
