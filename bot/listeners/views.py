"""Submitted forms: errors at their fields at once, the rest like a click."""

from __future__ import annotations

import re

from slack_bolt import Ack, App

from bot import codec, modals, request
from bot.forms import FORMS
from bot.front import Act, Front
from bot.rights import Need
from bot.text import JSON
from core.errors import Refused

OURS = re.compile(f"^{re.escape(codec.PREFIX)}")


def register(app: App, front: Front) -> None:
    """Act on a form once it can be read."""

    @app.view(OURS)
    def submitted(ack: Ack, body: JSON, view: JSON) -> None:
        try:
            form = codec.read_metadata(view.get("private_metadata"))
            asked = request.of_form(body, form)
            act, need = _understood(front, form, view.get("state"), user_id=asked.user_id)
        except modals.Wrong as wrong:
            ack(response_action="errors", errors=wrong.errors)
            return
        except Refused as refused:
            ack(response_action="update", view=modals.refusal(str(refused)))
            return
        ack()
        front.later(asked, act, need=lambda: need)


def _understood(front: Front, form: codec.Form, state: object, *, user_id: str) -> tuple[Act, Need]:
    """Give what a form does and what it needs of the person; raises Wrong for what cannot be read."""
    zone, read_at = front.members.zone(user_id), front.clock()
    if form.form not in FORMS:
        raise Refused(codec.OLD_FORM)
    return FORMS[form.form].read(front, form, state, user_id, read_at, zone)
