"""The forms behind "…" in the card's menu and behind the shortcuts: made here, and read here, with the errors at their fields. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot import codec
from bot.blocks import OPTION_CHARS, VIEW_TITLE_CHARS, rich, section
from bot.codec import Form
from bot.text import JSON, clean, plain, words
from core.address import normalise
from core.dates import LONGEST_PHRASE_CHARS, Ambiguous, When, read, say
from core.dates.words import Kind
from core.errors import Refused
from core.grammar.commands import Pause, Who
from core.plain import is_forbidden
from core.schedule import local
from core.sequence_file.words import LONGEST_NAME_CHARS
from core.verbs.whens import exact

REASON_CHARS = 500
LABEL_CHARS = 100
FULL_DATE = re.compile(r"\s*\d{4}-\d{2}-\d{2}\b.*")
WHEN, CLOCK, REASON, LEAD, SEQUENCE = "when", "clock", "reason", "lead", "sequence"


class Wrong(Refused):
    """Some fields cannot be read; `errors` has a sentence for each."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = errors


@dataclass(frozen=True)
class Filled:
    """What a person filled in. `when` None: no date was given."""

    when: When | None
    reason: str


def view(form: Form, *, about: str, now: datetime, zone: str) -> JSON:
    """Give the modal; `about` names the lead and the sequence, `zone` is the reader's."""
    fields = {
        "pause": _pause_fields,
        "resume": _resume_fields,
        "stop": _stop_fields,
        codec.AWAY: _away_fields,
    }[form.form]
    title, submit = {
        "pause": ("Pause until…", "Pause"),
        "resume": ("Resume on a date", "Resume then"),
        "stop": ("Stop for good", "Stop"),
        codec.AWAY: ("Out of office until…", "Hold until then"),
    }[form.form]
    return {
        "type": "modal",
        "callback_id": codec.callback_id(form.form),
        "private_metadata": codec.metadata(form),
        "title": plain(title, VIEW_TITLE_CHARS),
        "submit": plain(submit, VIEW_TITLE_CHARS),
        "close": plain("Cancel", VIEW_TITLE_CHARS),
        "blocks": [rich([words(about, 300, bold=True)]), *fields(now, zone)],
    }


def pause_view(form: Form, addresses: Sequence[str], *, now: datetime, zone: str) -> JSON:
    """Give the modal that pauses whoever is named in it; of several addresses one is chosen."""
    lead: JSON = {"type": "email_text_input", "placeholder": plain("lead@example.com", 150)}
    if len(addresses) == 1:
        lead["initial_value"] = addresses[0]
    if len(addresses) > 1:
        options = [
            {"text": plain(address, OPTION_CHARS), "value": address}
            for address in addresses
            if len(address) <= codec.OPTION_VALUE_CHARS
        ]
        lead = {"type": "static_select", "options": options}
    sequence = {
        "type": "plain_text_input",
        "action_id": codec.action_id(SEQUENCE),
        "max_length": LONGEST_NAME_CHARS,
    }
    hint = "Leave it empty for the one in which the lead is running; of several you are asked which."
    return {
        "type": "modal",
        "callback_id": codec.callback_id(form.form),
        "private_metadata": codec.metadata(form),
        "title": plain("Pause a lead", VIEW_TITLE_CHARS),
        "submit": plain("Pause", VIEW_TITLE_CHARS),
        "close": plain("Cancel", VIEW_TITLE_CHARS),
        "blocks": [
            _input(LEAD, "Lead", lead | {"action_id": codec.action_id(LEAD)}),
            _input(SEQUENCE, "Sequence", sequence, hint=hint, is_optional=True),
            *_pause_fields(now, zone),
        ],
    }


def _pause_fields(_now: datetime, zone: str) -> list[JSON]:
    element = {
        "type": "plain_text_input",
        "action_id": codec.action_id(WHEN),
        "max_length": LONGEST_PHRASE_CHARS,
        "placeholder": plain("June 15, next Monday, 3 weeks", 150),
    }
    hint = f"Read in your time zone, {zone}. Leave it empty to pause until somebody resumes it."
    return [_input(WHEN, "Until", element, hint=hint, is_optional=True), _reason("Why? (shown on the card)")]


def _resume_fields(now: datetime, zone: str) -> list[JSON]:
    tomorrow = (local(now, zone) + timedelta(days=1)).date()
    day = {"type": "datepicker", "action_id": codec.action_id(WHEN), "initial_date": tomorrow.isoformat()}
    clock = {"type": "timepicker", "action_id": codec.action_id(CLOCK), "placeholder": plain("Any time", 150)}
    hint = f"In your time zone, {zone}. Without a time: the first sending hours of that day."
    return [_input(WHEN, "Day", day), _input(CLOCK, "Time", clock, hint=hint, is_optional=True)]


def _away_fields(now: datetime, zone: str) -> list[JSON]:
    week = (local(now, zone) + timedelta(days=7)).date()
    day = {"type": "datepicker", "action_id": codec.action_id(WHEN), "initial_date": week.isoformat()}
    hint = "Every sequence of this lead waits until the first working day after it, and the grace that its sequence gives."
    return [_input(WHEN, "Last day away", day, hint=hint)]


def _stop_fields(_now: datetime, _zone: str) -> list[JSON]:
    warning = section("It cannot be resumed; starting again begins at step 1.")
    return [warning, _reason("Why? (shown on the card)")]


def _reason(label: str) -> JSON:
    element = {"type": "plain_text_input", "action_id": codec.action_id(REASON), "max_length": REASON_CHARS}
    return _input(REASON, label, element, is_optional=True)


def _input(name: str, label: str, element: JSON, *, hint: str = "", is_optional: bool = False) -> JSON:
    made: JSON = {"type": "input", "block_id": name, "label": plain(label, LABEL_CHARS), "element": element}
    if is_optional:
        made["optional"] = True
    return made | ({"hint": plain(hint, 300)} if hint else {})


def refusal(sentence: str) -> JSON:
    """Give a modal that says why a form cannot be used."""
    return {
        "type": "modal",
        "title": plain("Fermata", VIEW_TITLE_CHARS),
        "close": plain("Close", VIEW_TITLE_CHARS),
        "blocks": [section(sentence)],
    }


def filled(form: Form, state: object, *, now: datetime, zone: str) -> Filled:
    """Give what was filled in; raises Wrong with a sentence for every field that cannot be read."""
    errors: dict[str, str] = {}
    when, reason = None, ""
    try:
        when = _when(form, state, now=now, zone=zone)
    except Refused as refused:
        errors[WHEN] = _sentence(refused, zone)
    try:
        reason = _said_why(state) if form.form in {"pause", "stop"} else ""
    except Refused as refused:
        errors[REASON] = str(refused)
    if errors:
        raise Wrong(errors)
    return Filled(when, reason)


def order(state: object, *, known: Callable[[Pause], dict[str, str]], now: datetime, zone: str) -> Pause:
    """Give the command that the form behind the shortcuts means; raises Wrong with a sentence for every wrong field.

    known: gives such sentences for a lead or a sequence that there is not.
    """
    errors: dict[str, str] = {}
    typed = _value(state, LEAD, "value") or _value(state, LEAD, "selected_option", "value")
    try:
        lead = normalise(typed)
    except Refused as refused:
        lead, errors[LEAD] = "", clean(str(refused), 300)
    sequence = _value(state, SEQUENCE, "value").strip() or None
    if sequence is not None and is_forbidden(sequence):
        sequence, errors[SEQUENCE] = None, "There are control characters in that name; type it anew."
    try:
        given = filled(Form("pause"), state, now=now, zone=zone)
    except Wrong as wrong:
        given, errors = Filled(None, ""), errors | wrong.errors
    asked = Pause(
        Who(addresses=(lead,)),
        sequence,
        until=exact(given.when) if given.when else None,
        because=given.reason or None,
    )
    errors = known(asked) | errors
    if errors:
        raise Wrong(errors)
    return asked


def _when(form: Form, state: object, *, now: datetime, zone: str) -> When | None:
    match form.form:
        case "pause":
            phrase = _value(state, WHEN, "value")
            return _read(phrase, "until", now=now, zone=zone) if phrase.strip() else None
        case "resume":
            day, clock = _value(state, WHEN, "selected_date"), _value(state, CLOCK, "selected_time")
            if not day:
                raise Refused("Choose the day on which it goes on.")
            return _read(f"{day} {clock}".strip(), "on", now=now, zone=zone)
        case codec.AWAY:
            day = _value(state, WHEN, "selected_date")
            if not day:
                raise Refused("Choose the last day on which they are away.")
            return _read(day, "until", now=now, zone=zone)
        case _:
            return None


def _read(phrase: str, kind: Kind, *, now: datetime, zone: str) -> When:
    # A day written out in full is no slip of the pen, however far off it is.
    return read(phrase, now=now, zone=zone, kind=kind, confirmed=bool(FULL_DATE.fullmatch(phrase)))


def _sentence(refused: Refused, zone: str) -> str:
    if not isinstance(refused, Ambiguous) or not refused.options:
        return clean(str(refused), 300)
    asked = " or ".join(say(option.at, zone) for option in refused.options)
    example = refused.options[0].day.isoformat()
    return clean(f"{refused.question} It may mean {asked}. Write the day in full, such as {example}.", 300)


def _said_why(state: object) -> str:
    reason = _value(state, REASON, "value").strip()
    if len(reason) > REASON_CHARS:
        raise Refused(f"That is {len(reason):,} characters long; a reason may have {REASON_CHARS}.")
    if is_forbidden(" ".join(reason.split())):
        raise Refused("There are control characters in that reason; type it anew.")
    return " ".join(reason.split())


def _value(state: object, name: str, *keys: str) -> str:
    """Give the value of a field, "" when it is missing or not as this version made it."""
    at: object = state
    for part in ("values", name, codec.action_id(name), *keys):
        at = at.get(part) if isinstance(at, dict) else None
    return at if isinstance(at, str) else ""
