"""Buttons and menus, of cards and of answers."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from datetime import datetime

from slack_bolt import Ack, App
from slack_sdk.errors import SlackApiError

from bot import codec, exports, request, rights
from bot.codec import Form
from bot.forms import FORMS
from bot.front import Front
from bot.request import Request
from bot.rights import Need
from bot.text import JSON
from core import commands
from core.answers import Answer
from core.errors import Refused
from core.models import LARGEST_ID
from core.people import Actor

log = logging.getLogger("fermata.bot")

ANY = re.compile(".*")
NAMED = re.compile(r"@([UW][A-Z0-9]{2,20})\b")  # people in a command, as Slack writes them
OVERTAKEN = frozenset({"hash_conflict", "not_found"})
CLOSED_TRIGGERS = frozenset({"expired_trigger_id", "exchanged_trigger_id"})
GONE = "That lead is no longer here."
TOO_LATE = "That took too long for Slack to open the form. Click again, or type it: {example}"


def register(app: App, front: Front) -> None:
    """Do what a click means, once."""

    @app.action(ANY)
    def clicked(ack: Ack, body: JSON, action: JSON) -> None:
        ack()
        if not str(action.get("action_id")).startswith(codec.PREFIX):
            log.info("click_unknown action=%.60r", action.get("action_id"))
            return
        asked = request.of_click(body, action)
        if str(action.get("action_id")).startswith(codec.FIELD):
            front.later(
                asked,
                lambda actor, now: _changed(front, body.get("view"), _pressed(action), actor=actor, now=now),
                need=lambda: Need.STOPS_MAIL,
            )
            return
        front.later(
            asked,
            lambda actor, now: perform(front, codec.read_action(action), asked, actor=actor, now=now),
            need=lambda: rights.of_intent(codec.read_action(action)),
        )


def perform(
    front: Front, intent: codec.Intent, asked: Request, *, actor: Actor, now: datetime
) -> Answer | None:
    """Call the one verb that a click means; None where a form was opened instead."""
    desk = front.desk
    match intent:
        case codec.Click(verb, enrollment_id, version):
            return commands.click(
                desk, verb, enrollment_id=enrollment_id, version=version, actor=actor, now=now
            )
        case codec.Keep(enrollment_id, version):
            return commands.click(
                desk,
                "resume",
                enrollment_id=enrollment_id,
                version=version,
                policy="keep",
                actor=actor,
                now=now,
            )
        case codec.Say(command):
            return say(front, command, asked, actor=actor, now=now)
        case codec.Confirm(proposal):
            return commands.confirm(desk, proposal, actor=actor, now=now)
        case codec.Undo(batch_id):
            undone = commands.undo(desk, batch_id, actor=actor, now=now)
            return replace(undone, card_leads=())  # the act had posted them; they are redrawn
        case codec.Settle("left" | "again" | "drop" as verdict, delivery_id):
            return commands.settle(desk, delivery_id=delivery_id, verdict=verdict, actor=actor, now=now)
        case codec.OpenForm(form, enrollment_id, version):
            if enrollment_id > LARGEST_ID:
                raise Refused(codec.OLD_BUTTON)
            remembered = Form(form, enrollment_id, version, asked.place, asked.response_url)
            return open_form(front, remembered, asked, actor=actor, now=now)
    raise Refused(codec.OLD_BUTTON)


def say(front: Front, command: str, asked: Request, *, actor: Actor, now: datetime) -> Answer | None:
    """Run slash grammar; gives None where its answer is a form that was opened."""
    if named := NAMED.findall(command):
        front.members.meet(now=now, named=named)
    answer = commands.run(front.desk, command, actor=actor, now=now)
    if answer.file:
        return exports.sent(front, answer, asked.user_id, actor=actor, now=now)
    if answer.opens is None or not asked.trigger_id:
        return answer
    form = Form(*answer.opens, asked.place, asked.response_url, answer.opens_about)
    return open_form(front, form, asked, actor=actor, now=now)


def open_form(front: Front, form: Form, asked: Request, *, actor: Actor, now: datetime) -> Answer | None:
    """Open a modal; gives an answer instead where Slack's three seconds for it are over."""
    if form.form not in FORMS:
        raise Refused(codec.OLD_BUTTON)
    opened = FORMS[form.form].opened(front, form, actor, now)
    try:
        front.client.views_open(trigger_id=asked.trigger_id, view=opened.view)
    except SlackApiError as refused:
        if refused.response.get("error") not in CLOSED_TRIGGERS:
            raise
        return Answer(TOO_LATE.format(example=f"/sequence {opened.instead}"), is_refusal=True)
    return None


def _pressed(action: JSON) -> str:
    """Give the value of the button or menu that was pressed, "" for another input."""
    chosen = action.get("selected_option")
    return str((chosen or {}).get("value") or action.get("value") or "")


def _changed(front: Front, view: object, pressed: str, *, actor: Actor, now: datetime) -> None:
    """Draw a form anew after one of its inputs changed, unless another change was faster."""
    view = view | {"pressed": pressed} if isinstance(view, dict) else {}
    form = codec.read_metadata(view.get("private_metadata"))
    kind = FORMS.get(form.form)
    drawn = kind.changed(front, form, view, actor, now) if kind and kind.changed else None
    if drawn is None:
        return
    try:
        front.client.views_update(view_id=view.get("id"), hash=view.get("hash"), view=drawn)
    except SlackApiError as refused:
        if refused.response.get("error") not in OVERTAKEN:
            raise
