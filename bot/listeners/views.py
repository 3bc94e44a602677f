"""Submitted forms: errors at their fields at once, the rest like a click."""

from __future__ import annotations

import re
from datetime import datetime

from slack_bolt import Ack, App

from bot import codec, modals, request, rights
from bot.front import Front
from bot.text import JSON
from core import commands
from core.answers import Answer
from core.errors import Refused
from core.people import Actor

OURS = re.compile(f"^{re.escape(codec.PREFIX)}")


def register(app: App, front: Front) -> None:
    """Act on a form once it can be read."""

    @app.view(OURS)
    def submitted(ack: Ack, body: JSON, view: JSON) -> None:
        try:
            form = codec.read_metadata(view.get("private_metadata"))
            asked = request.of_form(body, form)
            zone = front.members.zone(asked.user_id)
            filled = modals.filled(form, view.get("state"), now=front.clock(), zone=zone)
        except modals.Wrong as wrong:
            ack(response_action="errors", errors=wrong.errors)
            return
        except Refused as refused:
            ack(response_action="update", view=modals.refusal(str(refused)))
            return
        ack()
        front.later(
            asked,
            lambda actor, now: perform(front, form, filled, actor=actor, now=now),
            need=lambda: rights.of_intent(codec.OpenForm(form.form, form.enrollment_id, form.version)),
        )


def perform(front: Front, form: codec.Form, filled: modals.Filled, *, actor: Actor, now: datetime) -> Answer:
    """Do what the form says."""
    return commands.click(
        front.desk,
        form.form,
        enrollment_id=form.enrollment_id,
        version=form.version,
        when=filled.when,
        policy="at" if form.form == "resume" else None,
        reason=filled.reason,
        actor=actor,
        now=now,
    )
