"""Submitted forms: errors at their fields at once, the rest like a click."""

from __future__ import annotations

import re
from datetime import datetime

from slack_bolt import Ack, App
from sqlmodel import select

from bot import codec, modals, request, rights
from bot.forms import FORMS
from bot.front import Act, Front
from bot.rights import Need
from bot.text import JSON, clean
from core import commands, sequences
from core.answers import Answer
from core.dates import When
from core.errors import Refused
from core.grammar import to_text
from core.grammar.commands import Command, Pause
from core.models import Lead
from core.people import Actor
from core.verbs.whens import exact
from core.views.review import answer

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
    if kind := FORMS.get(form.form):
        return kind.read(front, form, state, user_id, read_at, zone)
    if form.form == codec.PAUSE_LEAD:
        return _typed(
            front, modals.order(state, known=lambda asked: _unknown(front, asked), now=read_at, zone=zone)
        )
    filled = modals.filled(form, state, now=read_at, zone=zone)
    if form.form == codec.AWAY and filled.when is not None:
        return _typed(front, _away(form, filled.when))
    need = rights.of_intent(codec.OpenForm(form.form, form.enrollment_id, form.version))
    return lambda actor, now: perform(front, form, filled, actor=actor, now=now), need


def _typed(front: Front, order: Command) -> tuple[Act, Need]:
    """Give the act of a form that means a command."""
    text = to_text(order)
    return lambda actor, now: commands.run(front.desk, text, actor=actor, now=now), rights.of_command(text)


def _away(form: codec.Form, until: When) -> Command:
    """Give the command of the form that asks until when somebody is out."""
    return answer(form.enrollment_id, "away", stamp=form.version, until=exact(until))


def _unknown(front: Front, asked: Pause) -> dict[str, str]:
    """Give a sentence for each field that names what there is not."""
    wrong = {}
    (email,) = asked.who.addresses
    with front.desk.db.read() as session:
        if session.exec(select(Lead.id).where(Lead.email == email)).first() is None:
            wrong[modals.LEAD] = clean(f"There is no lead {email}.", 300)
        try:
            if asked.sequence is not None:
                sequences.find(session, asked.sequence)
        except Refused as refused:
            wrong[modals.SEQUENCE] = clean(str(refused), 300)
    return wrong


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
