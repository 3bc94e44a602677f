"""The forms, a module each: what it shows, how it changes while it is filled in, and what it does.

A form is one line of `FORMS` and one `Kind` in its own module; opening, errors at their fields, redrawing and acting once
are the same for all (`bot/listeners`).
"""

from __future__ import annotations

from bot import codec
from bot.forms import (
    away,
    enrol,
    lead,
    pausing,
    reply,
    resuming,
    sequence,
    settings,
    stopping,
    tasks,
    test_mail,
)
from bot.forms.kinds import Kind, Opened, Shows

FORMS: dict[str, Kind] = {
    "task_done": tasks.DONE,
    "snooze": tasks.SNOOZE,
    "pause": pausing.PAUSE,
    codec.PAUSE_LEAD: pausing.PAUSE,
    "resume": resuming.RESUME,
    "stop": stopping.STOP,
    codec.AWAY: away.AWAY,
    "edit_lead": lead.EDIT_LEAD,
    "reply": reply.KIND,
    "enrol": enrol.KIND,
    "settings": settings.KIND,
    "new_sequence": sequence.KIND,
    "test_mail": test_mail.KIND,
}

__all__ = ["FORMS", "Kind", "Opened", "Shows"]
