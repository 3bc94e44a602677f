"""The form that changes what is known about a lead; its first number is the lead's."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from bot.blocks import context, rich
from bot.codec import OLD_FORM, Form
from bot.forms.fields import LABEL_CHARS, Wrong, input_, modal, value_of
from bot.forms.kinds import Kind, Opened
from bot.front import Act, Front
from bot.rights import Need
from bot.text import JSON, clean, plain, words
from core import commands
from core.errors import Refused
from core.lead_file.row import LONGEST_CELL_CHARS
from core.people import Actor
from core.verbs import editing
from core.verbs.editing import CUSTOM, LONGEST_CUSTOM_CHARS, Sheet
from core.words import some

PLACEHOLDERS = {"zone": "Europe/Berlin", "tags": "spring; venue"}
HINTS = {
    "zone": "Where the lead's working hours are counted. Empty: the sequence's own zone.",
    "tags": "Set apart by semicolons.",
}
NO_ADDRESS = "The address cannot be changed: it says who the lead is. Import another address as another lead."
IN_LINES = 100  # characters from which a field gets several lines


def _opened(front: Front, form: Form, _actor: Actor, _now: datetime) -> Opened:
    with front.desk.db.read() as session:
        known = editing.sheet(session, form.enrollment_id)
    form = replace(form, about=json.dumps(known.marks, separators=(",", ":")))
    about = rich([words(known.lead.email, 254, bold=True)], [words(NO_ADDRESS, italic=True)])
    blocks = [about, *_inputs(known)]
    if known.unseen:
        more = f"Not shown here: {some(known.unseen)}. `fermata leads import` changes them from a CSV file."
        blocks.append(context(more))
    return Opened(modal(form, "Edit lead", "Save", blocks), f"edit {known.lead.email}")


def _inputs(known: Sheet) -> Iterator[JSON]:
    for name, text in known.values.items():
        if name == "owner":
            element: JSON = {"type": "users_select", "placeholder": plain("Nobody", 150)}
            element |= {"initial_user": text} if text else {}
        else:
            is_custom = name.startswith(CUSTOM)
            element = {
                "type": "plain_text_input",
                "max_length": LONGEST_CUSTOM_CHARS if is_custom else LONGEST_CELL_CHARS,
            }
            element |= {"initial_value": text} if text else {}
            element |= {"multiline": True} if "\n" in text or len(text) > IN_LINES else {}
            if hint := PLACEHOLDERS.get(name):
                element["placeholder"] = plain(hint, 150)
        label = clean(known.label(name), LABEL_CHARS)
        yield input_(name, label, element, hint=HINTS.get(name, ""), is_optional=True)


def _read(
    front: Front, form: Form, state: object, _user_id: str, now: datetime, _zone: str
) -> tuple[Act, Need]:
    seen = _marks(form.about)
    typed = {
        name: value_of(state, name, "selected_user" if name == "owner" else "value")
        for name in seen
        if has_field(state, name)
    }
    if owner := typed.get("owner"):  # a guest who never spoke would pass for a colleague
        front.members.meet(now=now, named=[owner])
    with front.desk.db.read() as session:
        wrong = editing.faults(session, editing.sheet(session, form.enrollment_id), typed, seen)
    if wrong:
        raise Wrong({name: clean(sentence, 300) for name, sentence in wrong.items()})
    return (
        lambda actor, now: commands.edit_lead(
            front.desk, form.enrollment_id, typed, seen, actor=actor, now=now
        ),
        Need.ACTS,
    )


def has_field(state: object, name: str) -> bool:
    """Say whether the form that was sent has this field at all; one that is not there is no emptied one."""
    values = state.get("values") if isinstance(state, dict) else None
    return isinstance(values, dict) and isinstance(values.get(name), dict)


def _marks(about: str) -> Mapping[str, str]:
    try:
        marks = json.loads(about)
    except ValueError:
        marks = None
    if not isinstance(marks, dict) or not all(isinstance(text, str) for text in marks.values()):
        raise Refused(OLD_FORM)
    return marks


EDIT_LEAD = Kind(_opened, _read)
