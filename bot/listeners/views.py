"""Submitted forms: errors at their fields at once, the rest like a click."""

from __future__ import annotations

import logging
import re
import secrets

from slack_bolt import Ack, App

from bot import codec, modals, request
from bot.forms import FORMS
from bot.forms.kinds import Anew, Shows
from bot.front import Act, Front, broken
from bot.members import UNREACHABLE
from bot.request import Request
from bot.rights import Need
from bot.text import JSON
from core.errors import Refused

log = logging.getLogger("fermata.bot")

PATIENCE_SECONDS = 1.5  # Slack waits three
OURS = re.compile(f"^{re.escape(codec.PREFIX)}")


def register(app: App, front: Front) -> None:
    """Act on a form once it can be read."""

    @app.view(OURS)
    def submitted(ack: Ack, body: JSON, view: JSON) -> None:
        try:
            form = codec.read_metadata(view.get("private_metadata"))
            asked = request.of_form(body, form)
            meant = _understood(front, form, view.get("state"), user_id=asked.user_id)
        except modals.Wrong as wrong:
            ack(**wrong.said_in(view))
            return
        except Anew as anew:
            ack(response_action="update", view=anew.view)
            return
        except Refused as refused:
            ack(response_action="update", view=modals.refusal(str(refused)))
            return
        if isinstance(meant, Shows):
            _show(front, ack, asked, meant)
            return
        act, need = meant
        ack(response_action="clear")  # the form, and what it was opened from
        front.later(asked, act, need=lambda: need)


def _show(front: Front, ack: Ack, asked: Request, shows: Shows) -> None:
    """Put the next view on top, at once or, where it takes longer than Slack waits, in place of one that says so."""
    making = front.pool.submit(_made, front, asked, shows)
    try:
        ack(**making.result(PATIENCE_SECONDS))
    except TimeoutError:
        name = secrets.token_hex(16)
        ack(response_action="push", view=modals.refusal(shows.waiting) | {"external_id": name})
        making.add_done_callback(lambda done: _replace(front, name, done.result()))


def _made(front: Front, asked: Request, shows: Shows) -> JSON:
    """Give what Slack is told of the next view: itself, the errors at the fields, or why there is none."""
    now = front.clock()
    try:
        actor = front.members.admit(asked.user_id, shows.need, now=now)
        return {"response_action": "push", "view": shows.make(actor, now)}
    except modals.Wrong as wrong:
        return {"response_action": "errors", "errors": wrong.errors}
    except Refused as refused:
        return {"response_action": "push", "view": modals.refusal(str(refused))}
    except Exception as error:  # noqa: BLE001 - as at the front desk: the unexpected becomes an answer
        return {"response_action": "push", "view": modals.refusal(broken(asked, error).title)}


def _replace(front: Front, name: str, made: JSON) -> None:
    """Put what was made where the view stands that asked for patience; it may have been closed meanwhile."""
    shown = made["view"] if "view" in made else modals.refusal(" ".join(made["errors"].values()))
    try:
        front.client.views_update(external_id=name, view=shown)
    except UNREACHABLE as fault:
        log.info("view_not_replaced error=%s", type(fault).__name__)


def _understood(front: Front, form: codec.Form, state: object, *, user_id: str) -> tuple[Act, Need] | Shows:
    """Give what a form does and what it needs of the person, or what it shows before; raises Wrong for what cannot be read."""
    zone, read_at = front.members.zone(user_id), front.clock()
    if form.form not in FORMS:
        raise Refused(codec.OLD_FORM)
    return FORMS[form.form].read(front, form, state, user_id, read_at, zone)
