"""`/sequence …`, under whatever name the app was installed."""

from __future__ import annotations

import re

from slack_bolt import Ack, App

from bot import request, rights
from bot.front import Front
from bot.listeners.actions import say
from bot.text import JSON

ANY = re.compile(".*")


def register(app: App, front: Front) -> None:
    """Run every slash command as a line of the grammar."""

    @app.command(ANY)
    def typed(ack: Ack, body: JSON) -> None:
        ack()
        text = str(body.get("text") or "")
        asked = request.of_command(body)
        front.later(
            asked,
            lambda actor, now: say(front, text, asked, actor=actor, now=now),
            need=lambda: rights.of_command(text),
        )
