"""The form that stops for good: it says what will never be sent, here or everywhere, and asks why."""

from __future__ import annotations

from datetime import datetime

from bot.blocks import rich, section
from bot.codec import Form
from bot.forms.fields import REASON, Wrong, chosen_in, input_, modal, option, reason_input, said_why
from bot.forms.kinds import Kind, Opened
from bot.front import Act, Front
from bot.rights import Need
from bot.text import JSON, clean, words
from core import commands
from core.acts import Loaded
from core.answers import Answer
from core.errors import Refused
from core.grammar import to_text
from core.grammar.commands import Stop, Who
from core.lifecycle import LIVE, Status
from core.people import Actor
from core.views.outlook import Standing, standing, steps_left
from core.words import counted

SCOPE, HERE, EVERYWHERE = "scope", "here", "everywhere"
MOST_NAMED = 10


def _known(front: Front, form: Form) -> tuple[Standing, Loaded]:
    with front.desk.db.read() as session:
        known = standing(session, enrollment_id=form.enrollment_id)
        return known, known.row(form.enrollment_id)


def _opened(front: Front, form: Form, _actor: Actor, _now: datetime) -> Opened:
    known, row = _known(front, form)
    rows = known.within(LIVE)
    here = row.sequence.name
    element: JSON = {
        "type": "radio_buttons",
        "options": [option(f"Only in {here}", HERE), option("Everywhere", EVERYWHERE)],
    }
    element["initial_option"] = element["options"][0]
    scope = [input_(SCOPE, "Where", element)] if len(rows) > 1 else []
    view = modal(
        form,
        "Stop for good",
        "Stop",
        [
            rich([words(f"{known.lead.name or known.lead.email} in {here}", 300, bold=True)]),
            rich(
                [words("What will never be sent:")],
                bullets=[[words(_left(row), 200)] for row in rows[:MOST_NAMED]],
            ),
            section("It cannot be resumed; starting again begins at step 1."),
            *scope,
            reason_input(),
        ],
    )
    return Opened(view, f'stop {known.lead.email} in "{here}" because …')


def _left(row: Loaded) -> str:
    count = steps_left(row)
    paused = ", paused now" if row.state.status is Status.PAUSED else ""
    return f"{row.sequence.name}: {counted(count, 'step')}, from step {row.state.position + 1} on{paused}"


def _read(
    front: Front, form: Form, state: object, _user_id: str, _now: datetime, _zone: str
) -> tuple[Act, Need]:
    try:
        reason = said_why(state)
    except Refused as refused:
        raise Wrong({REASON: clean(str(refused), 300)}) from None
    if chosen_in(state, SCOPE) == EVERYWHERE:
        known, _ = _known(front, form)
        text = to_text(Stop(Who(addresses=(known.lead.email,)), because=reason or None))
        return lambda actor, now: commands.run(front.desk, text, actor=actor, now=now), Need.STOPS_MAIL

    def act(actor: Actor, now: datetime) -> Answer:
        return commands.click(
            front.desk,
            "stop",
            enrollment_id=form.enrollment_id,
            version=form.version,
            reason=reason,
            actor=actor,
            now=now,
        )

    return act, Need.STOPS_MAIL


STOP = Kind(_opened, _read, need=Need.STOPS_MAIL)
