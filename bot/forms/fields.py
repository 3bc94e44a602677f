"""The pieces that forms are made of, and how what was filled in is read. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from bot import codec
from bot.blocks import OPTION_CHARS, VIEW_TITLE_CHARS, rich
from bot.codec import Form
from bot.modals import Wrong
from bot.text import JSON, clean, plain, words
from bot.text import sentence as as_sentence
from core.dates import LONGEST_PHRASE_CHARS, Ambiguous, When, read
from core.dates.words import Kind
from core.errors import Refused
from core.plain import is_forbidden
from core.schedule import local

__all__ = [
    "Wrong",
    "all_chosen_in",
    "chosen_in",
    "files_in",
    "halt_line",
    "input_",
    "modal",
    "one_line",
    "option",
    "read_when",
    "reason_input",
    "said_why",
    "value_of",
]

REASON_CHARS = 500
LABEL_CHARS = 100
HINT_CHARS = 300
ERROR_CHARS = 300
FULL_DATE = re.compile(r"\s*\d{4}-\d{2}-\d{2}\b.*")
LEADS, SEQUENCES = "leads", "sequences"  # fields that search (bot/listeners/options.py)
WHEN, CLOCK, REASON, LEAD, SEQUENCE = "when", "clock", "reason", "lead", "sequence"


def modal(form: Form, title: str, submit: str, blocks: Iterable[JSON]) -> JSON:
    """Give the modal of a form, which remembers it."""
    return {
        "type": "modal",
        "callback_id": codec.callback_id(form.form),
        "private_metadata": codec.metadata(form),
        "title": plain(title, VIEW_TITLE_CHARS),
        "submit": plain(submit, VIEW_TITLE_CHARS),
        "close": plain("Cancel", VIEW_TITLE_CHARS),
        "blocks": list(blocks),
    }


def halt_line(halted: str | None) -> list[JSON]:
    """Give what stands above dates while nothing leaves at all; `halted`: who halted it and since when, None: nobody."""
    return [rich([words("⛔ "), *as_sentence(halted, bold=True)])] if halted else []


def input_(
    name: str, label: str, element: JSON, *, hint: str = "", is_optional: bool = False, is_live: bool = False
) -> JSON:
    """Give a field. Its block is called `name`, and its element has the action id that `value_of` looks for.

    is_live: the form is drawn anew once it changes (`Kind.changed`): a text on Enter, a choice at once.
    """
    element = element | {"action_id": field_id(name, is_live=is_live)}
    if is_live and element["type"].endswith("text_input"):
        element["dispatch_action_config"] = {"trigger_actions_on": ["on_enter_pressed"]}
    made: JSON = {"type": "input", "block_id": name, "label": plain(label, LABEL_CHARS), "element": element}
    return (
        made
        | ({"optional": True} if is_optional else {})
        | ({"dispatch_action": True} if is_live else {})
        | ({"hint": plain(hint, HINT_CHARS)} if hint else {})
    )


def field_id(name: str, *, is_live: bool = False) -> str:
    """Give the action id of the element of a field."""
    return f"{codec.FIELD}{name}" if is_live else codec.action_id(name)


def option(label: str, value: str, description: str = "") -> JSON:
    """Give an option of a select, of radio buttons or of checkboxes."""
    made: JSON = {"text": plain(label, OPTION_CHARS), "value": value}
    return made | ({"description": plain(description, OPTION_CHARS)} if description else {})


def reason_input(label: str = "Why? (shown on the card)", *, initial: str = "") -> JSON:
    """Give the field for a reason."""
    element: JSON = {"type": "plain_text_input", "max_length": REASON_CHARS}
    return input_(REASON, label, element | _initially(initial), is_optional=True)


def until_input(zone: str, *, initial: str = "", is_live: bool = False) -> JSON:
    """Give the field for a date in words; `zone` is the reader's."""
    element: JSON = {
        "type": "plain_text_input",
        "max_length": LONGEST_PHRASE_CHARS,
        "placeholder": plain("June 15, next Monday, 3 weeks", 150),
    }
    hint = f"In your time zone, {zone}. Empty: until somebody resumes it."
    return input_(WHEN, "Until", element | _initially(initial), hint=hint, is_optional=True, is_live=is_live)


def _initially(text: str) -> JSON:
    return {"initial_value": text} if text else {}


def value_of(state: object, name: str, *keys: str) -> str:
    """Give the value of a field, "" when it is missing or not as this version made it.

    keys: where the value stands: "value", "selected_date", "selected_user", …; `chosen_in` for options.
    """
    at = _element(state, name)
    for key in keys or ("value",):
        at = at.get(key) if isinstance(at, dict) else None
    return at if isinstance(at, str) else ""


def chosen_in(state: object, name: str) -> str:
    """Give the value of the chosen option of a field, "" where nothing is."""
    return value_of(state, name, "selected_option", "value")


def all_chosen_in(state: object, name: str) -> list[str]:
    """Give the values of all chosen options of a field, in order."""
    return [
        value for one in _list(state, name, "selected_options") if isinstance(value := one.get("value"), str)
    ]


def files_in(state: object, name: str) -> list[JSON]:
    """Give the files that were chosen in a field, as Slack tells of them."""
    return _list(state, name, "files")


def _list(state: object, name: str, key: str) -> list[JSON]:
    at = _element(state, name)
    found = at.get(key) if isinstance(at, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _element(state: object, name: str) -> object:
    values = state.get("values") if isinstance(state, dict) else None
    block = values.get(name) if isinstance(values, dict) else None
    if not isinstance(block, dict):
        return None
    return block.get(field_id(name, is_live=True), block.get(field_id(name)))


def one_line(state: object, name: str, *, longest: int, what: str) -> str:
    """Give a text of one line; raises Refused, fit for its field, where it is too long or has control characters."""
    text = " ".join(value_of(state, name).split())
    if len(text) > longest:
        raise Refused(f"That is {len(text):,} characters long; a {what} may have {longest}.")
    if is_forbidden(text):
        raise Refused(f"There are control characters in that {what}; type it anew.")
    return text


def said_why(state: object) -> str:
    """Give the reason; raises Refused."""
    return one_line(state, REASON, longest=REASON_CHARS, what="reason")


def read_when(phrase: str, kind: Kind, *, now: datetime, zone: str) -> When:
    """Give what a date means, in words or from a picker; raises Refused, said by `sentence` at its field."""
    # A day written out in full is no slip of the pen, however far off it is.
    return read(phrase, now=now, zone=zone, kind=kind, confirmed=bool(FULL_DATE.fullmatch(phrase)))


def sentence(refused: Refused, zone: str) -> str:
    """Give a refusal as it stands at a field, an ambiguous date with its readings."""
    if not isinstance(refused, Ambiguous) or not refused.options:
        return clean(str(refused), ERROR_CHARS)
    written = " or ".join(
        f"{local(option.at, zone):%Y-%m-%d %H:%M}" if option.has_time else option.day.isoformat()
        for option in refused.options
    )
    return clean(f"{refused.question} Write {written}.", ERROR_CHARS)
