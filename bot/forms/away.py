"""The form behind a review card that asks until when somebody is out of office; its numbers are a message's."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import col, select

from bot.blocks import rich
from bot.codec import Form
from bot.forms.fields import WHEN, Wrong, input_, modal, read_when, sentence, value_of
from bot.forms.kinds import Kind, Opened
from bot.front import Act, Front
from bot.rights import Need, of_command
from bot.text import JSON, words
from core import commands
from core.errors import Refused
from core.grammar import to_text
from core.models import LARGEST_ID, Lead, Message
from core.people import Actor
from core.schedule import local
from core.verbs.whens import exact
from core.views.outlook import GONE
from core.views.review import answer


def _opened(front: Front, form: Form, actor: Actor, now: datetime) -> Opened:
    with front.desk.db.read() as session:
        found = session.exec(
            select(Lead.name, Lead.email)
            .join(Message, col(Message.lead_id) == col(Lead.id))
            .where(Message.id == min(form.enrollment_id, LARGEST_ID))
        ).first()
    if found is None:
        raise Refused(GONE)
    about = f"{found[0] or found[1]} is out of office"
    week = (local(now, actor.zone) + timedelta(days=7)).date()
    element: JSON = {"type": "datepicker", "initial_date": week.isoformat()}
    hint = (
        "Every sequence of this lead waits until the first working day after it, "
        "and the grace that its sequence gives."
    )
    blocks = [rich([words(about, 300, bold=True)]), input_(WHEN, "Last day away", element, hint=hint)]
    view = modal(form, "Out of office until…", "Hold until then", blocks)
    return Opened(view, f"card review {form.enrollment_id} away until June 15")


def _read(
    front: Front, form: Form, state: object, _user_id: str, now: datetime, zone: str
) -> tuple[Act, Need]:
    day = value_of(state, WHEN, "selected_date")
    if not day:
        raise Wrong({WHEN: "Choose the last day on which they are away."})
    try:
        when = read_when(day, "until", now=now, zone=zone)
    except Refused as refused:
        raise Wrong({WHEN: sentence(refused, zone)}) from None
    text = to_text(answer(form.enrollment_id, "away", stamp=form.version, until=exact(when)))
    return lambda actor, now: commands.run(front.desk, text, actor=actor, now=now), of_command(text)


AWAY = Kind(_opened, _read)
