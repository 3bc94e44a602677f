"""The small forms of a task's card: done, with what came of it; and put off until a day."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.blocks import rich
from bot.codec import Form
from bot.forms.fields import REASON, WHEN, Wrong, input_, modal, read_when, sentence, value_of
from bot.forms.kinds import Kind, Opened
from bot.front import Act, Front
from bot.rights import Need
from bot.text import JSON, words
from core import commands
from core.errors import Refused
from core.people import Actor
from core.schedule import local
from core.verbs.tasks import LONGEST_NOTE_CHARS
from core.views.outlook import standing


def _about(front: Front, form: Form) -> JSON:
    with front.desk.db.read() as session:
        known = standing(session, enrollment_id=form.enrollment_id)
        sequence = known.row(form.enrollment_id).sequence.name
    return rich([words(f"{known.lead.name or known.lead.email} in {sequence}", 300, bold=True)])


def _done_opened(front: Front, form: Form, _actor: Actor, _now: datetime) -> Opened:
    element: JSON = {"type": "plain_text_input", "multiline": True, "max_length": LONGEST_NOTE_CHARS}
    hint = "It is kept in the lead's history; the sequence goes on from now."
    blocks = [_about(front, form), input_(REASON, "What came of it?", element, hint=hint, is_optional=True)]
    return Opened(modal(form, "Task done", "Done", blocks), "tasks")


def _done_read(
    front: Front, form: Form, state: object, _user_id: str, _now: datetime, _zone: str
) -> tuple[Act, Need]:
    note = value_of(state, REASON, "value")
    return lambda actor, now: commands.click(
        front.desk, "task_done", enrollment_id=form.enrollment_id, version=form.version, actor=actor, now=now,
        reason=note,
    ), Need.ACTS  # fmt: skip


def _snooze_opened(front: Front, form: Form, actor: Actor, now: datetime) -> Opened:
    day = (local(now, actor.zone) + timedelta(days=3)).date()
    element: JSON = {"type": "datepicker", "initial_date": day.isoformat()}
    hint = "Its card comes again on that morning; the sequence waits for it."
    blocks = [_about(front, form), input_(WHEN, "Put off until", element, hint=hint)]
    return Opened(modal(form, "Snooze the task", "Snooze", blocks), "tasks")


def _snooze_read(
    front: Front, form: Form, state: object, _user_id: str, now: datetime, zone: str
) -> tuple[Act, Need]:
    day = value_of(state, WHEN, "selected_date")
    if not day:
        raise Wrong({WHEN: "Choose the day on which it comes back."})
    try:
        when = read_when(day, "on", now=now, zone=zone)
    except Refused as refused:
        raise Wrong({WHEN: sentence(refused, zone)}) from None
    return lambda actor, now: commands.click(
        front.desk, "task_snooze", enrollment_id=form.enrollment_id, version=form.version, actor=actor, now=now,
        when=when,
    ), Need.ACTS  # fmt: skip


DONE = Kind(_done_opened, _done_read)
SNOOZE = Kind(_snooze_opened, _snooze_read)
