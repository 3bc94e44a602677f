"""The form that resumes: on a day, or now in one of three ways, with the dates that each would lead to side by side."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.blocks import rich
from bot.codec import Form
from bot.forms.dates import RESUME_MEANS, policy_options, side_by_side
from bot.forms.fields import (
    CLOCK,
    WHEN,
    Wrong,
    chosen_in,
    halt_line,
    input_,
    modal,
    option,
    read_when,
    sentence,
    value_of,
)
from bot.forms.kinds import Kind, Opened
from bot.front import Act, Front
from bot.rights import Need
from bot.text import JSON, plain, unmarked, words
from core import commands
from core.answers import Answer
from core.dates import When
from core.errors import Refused
from core.people import Actor
from core.schedule import local
from core.verbs.whens import meant
from core.views import why
from core.views.outlook import resuming, standing

HOW, ON = "how", "on"


def _opened(front: Front, form: Form, actor: Actor, now: datetime) -> Opened:
    with front.desk.db.read() as session:
        known = standing(session, enrollment_id=form.enrollment_id)
        row = known.row(form.enrollment_id)
    instead = f'resume {known.lead.email} in "{row.sequence.name}" on June 15'
    return Opened(_drawn(front, form, None, actor, now), instead)


def _changed(front: Front, form: Form, view: JSON, actor: Actor, now: datetime) -> JSON | None:
    return _drawn(front, form, view.get("state"), actor, now)


def _drawn(front: Front, form: Form, state: object, actor: Actor, now: datetime) -> JSON:
    """Give the form; `state` None: as it is opened."""
    zone = actor.zone
    tomorrow = (local(now, zone) + timedelta(days=1)).date().isoformat()
    fault, when = "", None
    try:
        when = _when(state, now=now, zone=zone, day=tomorrow if state is None else "")
    except Refused as refused:
        fault = sentence(refused, zone)
    with front.desk.db.read() as session:
        known = standing(session, enrollment_id=form.enrollment_id)
        row = known.row(form.enrollment_id)
        on = meant(session, when, actor=actor) if when else None
        look = resuming(row, known.lead, on, now=now)
        halted = why.halt(session, zone)
    about = f"{known.lead.name or known.lead.email} in {row.sequence.name}"
    warning = [rich([words(f"⚠️ {unmarked(fault)}")])] if fault else []
    options = [option("On a day", ON, "The date that you name below counts"), *policy_options(RESUME_MEANS)]
    how: JSON = {"type": "radio_buttons", "options": options, "initial_option": options[0]}
    day: JSON = {"type": "datepicker", "initial_date": tomorrow}
    clock: JSON = {"type": "timepicker", "placeholder": plain("Any time", 150)}
    hint = f"In your time zone, {zone}. Without a time: the first sending hours of that day."
    return modal(
        form,
        "Resume",
        "Resume",
        [
            *halt_line(halted),
            rich([words(about, 300, bold=True)]),
            *warning,
            *side_by_side(look, zone=zone, is_named=False),
            input_(HOW, "How it goes on", how),
            input_(WHEN, "Day", day, is_optional=True, is_live=True),
            input_(CLOCK, "Time", clock, hint=hint, is_optional=True, is_live=True),
        ],
    )


def _when(state: object, *, now: datetime, zone: str, day: str = "") -> When | None:
    """Give the day chosen, `day` where none is yet; raises Refused for one that is past."""
    chosen = value_of(state, WHEN, "selected_date") or day
    clock = value_of(state, CLOCK, "selected_time")
    return read_when(f"{chosen} {clock}".strip(), "on", now=now, zone=zone) if chosen else None


def _read(
    front: Front, form: Form, state: object, _user_id: str, now: datetime, zone: str
) -> tuple[Act, Need]:
    how = chosen_in(state, HOW) or ON
    when = None
    if how == ON:
        try:
            when = _when(state, now=now, zone=zone)
        except Refused as refused:
            raise Wrong({WHEN: sentence(refused, zone)}) from None
        if when is None:
            raise Wrong({WHEN: "Choose the day on which it goes on."})

    def act(actor: Actor, now: datetime) -> Answer:
        return commands.click(
            front.desk,
            "resume",
            enrollment_id=form.enrollment_id,
            version=form.version,
            when=when,
            policy=None if how == ON else how,
            actor=actor,
            now=now,
        )

    return act, Need.ACTS


RESUME = Kind(_opened, _read, _changed)
