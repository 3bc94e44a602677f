"""The form for a sequence's settings and rules: what the file says, changed by the same rules, and saved as a file would.

Its numbers are the sequence and the version it showed. A sequence that is protected from edits is paused first, by a button
of the form itself; its texts stay in the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlmodel import col, select

from bot.blocks import header, rich, section
from bot.codec import Form
from bot.forms.fields import Wrong, all_chosen_in, chosen_in, field_id, input_, modal, option, value_of
from bot.forms.kinds import Kind, Opened
from bot.front import Act, Front
from bot.rights import Need
from bot.text import JSON, clean, plain, sentence, words
from core import commands, sequences
from core.answers import Answer
from core.errors import Refused
from core.grammar import to_text
from core.grammar.commands import SequenceVerb
from core.models import Mailbox, Sequence, SequenceStatus
from core.people import Actor
from core.plans import parsed
from core.sequence_file.revising import Faulty, revised, settings_of
from core.sequence_file.spec import Act as Do
from core.sequence_file.spec import Reactions, Scope, SequenceSpec
from core.sequence_file.words import LONGEST_NAME_CHARS, WEEKDAYS
from core.verbs import settings

DAYS, HOURS, ZONE, HOLIDAYS, LEAD_ZONE = "days", "hours", "zone", "holidays", "lead_zone"
MAILBOXES, RESUME, GRACE, CHANNEL, TAG = "mailboxes", "resume", "grace", "channel", "tag"
TEXTS = (ZONE, HOLIDAYS, GRACE, CHANNEL, TAG)
# What people may decide; unsubscribes and complaints always stop.
EVENTS = {
    "reply": "A reply",
    "out_of_office": "An out-of-office notice",
    "bounce": "A bounce",
    "meeting": "A booked meeting",
    "click": "A click",
}
SCOPES = {
    Scope.SEQUENCE: "this sequence",
    Scope.LEAD: "the lead everywhere",
    Scope.COMPANY: "the whole company",
}
MAILBOXES_SHOWN = 100
ERROR_CHARS = 300
LOCKED = "locked"
PAUSE = "pause"
YES, NO = "yes", "no"


def _opened(front: Front, form: Form, _actor: Actor, _now: datetime) -> Opened:
    with front.desk.db.read() as session:
        row = session.get(Sequence, form.enrollment_id)
        if row is None:
            raise Refused(sequences.GONE)
        senders = session.exec(select(Mailbox.address).order_by(col(Mailbox.address))).all()
        view = locked_view(form, row) if sequences.protection(row) else open_view(form, row, senders)
        return Opened(view, to_text(SequenceVerb("edit", row.name)))


def _changed(front: Front, form: Form, _view: JSON, actor: Actor, now: datetime) -> JSON | None:
    """Pause the sequence, since that is the only thing a locked form offers, and show its settings."""
    if form.about != LOCKED:
        return None
    with front.desk.db.read() as session:
        row = session.get(Sequence, form.enrollment_id)
    if row is not None and row.status == SequenceStatus.PUBLISHED:
        commands.run(front.desk, to_text(SequenceVerb("pause", row.name)), actor=actor, now=now)
    return _opened(front, form, actor, now).view


def locked_view(form: Form, row: Sequence) -> JSON:
    """Give the view of a sequence that is protected from edits, with the way to change that."""
    blocks = [rich(sentence(sequences.protection(row), 300))]
    if row.status == SequenceStatus.PUBLISHED:
        blocks.append(
            section("Paused, it sends nothing and every lead keeps its place; publish it again afterwards.")
        )
        button = {
            "type": "button",
            "text": plain(f"Pause {row.name} and edit it", 75),
            "style": "primary",
            "action_id": field_id(PAUSE, is_live=True),
            "value": PAUSE,
        }
        blocks.append({"type": "actions", "block_id": PAUSE, "elements": [button]})
    view = modal(replace(form, about=LOCKED), "Settings", "Save", blocks)
    del view["submit"]
    return view


def open_view(form: Form, row: Sequence, senders: Iterable[str]) -> JSON:
    """Give the view with everything as it stands."""
    spec = parsed(row.spec)
    heading = rich(
        [
            words(f"{row.name} ({row.status})", 200, bold=True),
            words("  Its steps and texts are changed behind Edit, or in its file.", 100),
        ]
    )
    blocks = [heading, *_when(spec), *_how(spec, list(senders)), *_rules(spec)]
    return modal(replace(form, version=row.version, about=""), "Settings", "Save", blocks)


def _when(spec: SequenceSpec) -> Iterator[JSON]:
    window = spec.window
    chosen = [WEEKDAYS[day] for day in sorted(window.days)] if window else []
    yield from window_fields(chosen, f"{window.opens:%H:%M}-{window.closes:%H:%M}" if window else "")
    yield input_(ZONE, "Time zone", text_field(spec.zone, "Europe/Berlin"))
    zones = [option("The lead's own zone, where it is known", YES), option("Always this zone", NO)]
    yield input_(LEAD_ZONE, "Which zone counts", _radio(zones, YES if spec.lead_zone else NO))
    yield input_(
        HOLIDAYS,
        "Public holidays",
        text_field(spec.holidays or "", "DE"),
        hint="A country's two letters; nothing leaves on its holidays.",
        is_optional=True,
    )


def window_fields(chosen: Iterable[str], hours: str) -> Iterator[JSON]:
    """Give the fields for the days and the hours in which it sends."""
    days = [option(day, day) for day in WEEKDAYS]
    ticked = [days[WEEKDAYS.index(day)] for day in chosen if day in WEEKDAYS]
    boxes: JSON = {"type": "checkboxes", "options": days} | ({"initial_options": ticked} if ticked else {})
    yield input_(
        DAYS,
        "Sending days",
        boxes,
        hint="With no days and no hours it sends around the clock.",
        is_optional=True,
    )
    yield input_(HOURS, "Sending hours", text_field(hours, "09:00-17:00"), is_optional=True)


def senders_field(named: Iterable[str], senders: Iterable[str]) -> JSON:
    """Give the field for the mailboxes that it sends from."""
    chosen = list(named)
    offered = list(dict.fromkeys([*chosen, *senders]))[:MAILBOXES_SHOWN]
    options = [option(address, address) for address in offered]
    boxes: JSON = {
        "type": "multi_static_select",
        "options": options,
        "placeholder": plain("All of them", 150),
    }
    boxes |= {"initial_options": options[: len(chosen)]} if chosen else {}
    return input_(MAILBOXES, "Sent from", boxes, hint="Leave it empty for all mailboxes.", is_optional=True)


def _how(spec: SequenceSpec, senders: list[str]) -> Iterator[JSON]:
    named = list(spec.mailboxes or ())
    if named or senders:
        yield senders_field(named, senders)
    policies = [
        option("The countdown goes on where it stood", "freeze"),
        option("The original date stands", "keep"),
    ]
    yield input_(RESUME, "When a pause ends", _radio(policies, spec.resume.value))
    data = settings_of(spec)
    yield input_(GRACE, "After an absence, wait", text_field(data[GRACE], "1 business day"))
    yield input_(
        CHANNEL,
        "Channel of its cards",
        text_field(spec.channel or "", "#outbound"),
        hint="Leave it empty for the usual channel.",
        is_optional=True,
    )
    yield input_(TAG, "Tag for its leads", text_field(spec.tag or "", "spring"), is_optional=True)


def _rules(spec: SequenceSpec) -> Iterator[JSON]:
    data = settings_of(spec)["on"]
    yield header("What happens by itself")
    for event, title in EVENTS.items():
        reaction = getattr(spec.on, event)
        does = [
            option(f"{verb} {where}", f"{do} {scope}")
            for do, verb in _VERBS
            for scope, where in SCOPES.items()
        ]
        # Going on reaches nobody else: one choice, with the scope that the file says.
        scope = reaction.scope if reaction.do is Do.CONTINUE else Reactions.model_fields[event].default.scope
        does.append(option("goes on as if nothing had come", f"{Do.CONTINUE} {scope}"))
        first = next(one for one in does if one["value"] == f"{reaction.do} {reaction.scope}")
        yield input_(
            f"on_{event}", title, {"type": "static_select", "options": does, "initial_option": first}
        )
        until = data[event]["until"] or ""
        hint = "Such as 14 days; empty waits for a person." + (
            " “return”: the day they name." if event == "out_of_office" else ""
        )
        yield input_(
            f"until_{event}",
            f"Paused by {title[0].lower()}{title[1:]} for",
            text_field(until, "14 days"),
            hint=hint,
            is_optional=True,
        )


_VERBS = ((Do.PAUSE, "pauses"), (Do.STOP, "stops"))


def text_field(value: str, example: str) -> JSON:
    """Give the element for a short text."""
    element: JSON = {
        "type": "plain_text_input",
        "max_length": LONGEST_NAME_CHARS,
        "placeholder": plain(example, 150),
    }
    return element | ({"initial_value": value} if value else {})


def _radio(options: list[JSON], value: str) -> JSON:
    first = next(one for one in options if one["value"] == value)
    return {"type": "radio_buttons", "options": options, "initial_option": first}


def _read(
    front: Front, form: Form, state: object, _user_id: str, _now: datetime, _zone: str
) -> tuple[Act, Need]:
    with front.desk.db.read() as session:
        row = session.get(Sequence, form.enrollment_id)
        if row is None:
            raise Refused(sequences.GONE)
        has_senders = session.exec(select(Mailbox.id).limit(1)).first() is not None
    spec = parsed(row.spec)
    changes = changes_in(spec, state, has_senders=has_senders or spec.mailboxes is not None)
    try:
        revised(spec, changes)
    except Faulty as faulty:
        faults = {
            _field(place, spec, changes): clean(sentence, ERROR_CHARS)
            for place, sentence in faulty.faults.items()
        }
        raise Wrong(faults) from None

    def act(actor: Actor, now: datetime) -> Answer:
        with front.desk.db.write() as session:
            return settings.change(session, form.enrollment_id, form.version, changes, actor=actor, now=now)

    return act, Need.IS_FOR_ADMINS


def changes_in(spec: SequenceSpec, state: object, *, has_senders: bool) -> dict[str, Any]:
    """Give every setting as the form says it, as a file would; raises Wrong for hours that are none."""
    texts: dict[str, Any] = {name: value_of(state, name).strip() or None for name in TEXTS}
    texts[ZONE], texts[GRACE] = (
        texts[ZONE] or "",
        texts[GRACE] or "",
    )  # needed: an empty one is said, not taken out
    reactions = settings_of(spec)["on"]
    for event in EVENTS:
        do, _, scope = chosen_in(state, f"on_{event}").partition(" ")
        until = value_of(state, f"until_{event}").strip() or None
        if do != Do.PAUSE and until == reactions[event]["until"]:
            until = None  # left over from the pause that this was
        if do:
            reactions[event] = {"do": do, "scope": scope, "until": until}
    found = texts | {
        "window": window_in(state),
        LEAD_ZONE: chosen_in(state, LEAD_ZONE) != NO,
        RESUME: chosen_in(state, RESUME) or spec.resume.value,
        "on": reactions,
    }
    return found | ({MAILBOXES: all_chosen_in(state, MAILBOXES) or None} if has_senders else {})


def window_in(state: object) -> Mapping[str, Any] | None:
    """Give the window as a file says it, None for always; raises Wrong for half of one."""
    days, hours = all_chosen_in(state, DAYS), value_of(state, HOURS).strip()
    if not days and not hours:
        return None
    if not hours:
        raise Wrong(
            {
                HOURS: "Say the hours too, such as 09:00-17:00; without days and hours it sends around the clock."
            }
        )
    if not days:
        raise Wrong({DAYS: "Choose the days too; without days and hours it sends around the clock."})
    ends = [part.strip() for part in re.split(r"[-–—]|\bto\b", hours)]
    if len(ends) != 2:
        raise Wrong({HOURS: "Write both ends, such as 09:00-17:00."})
    return {"days": list(days), "from": ends[0], "to": ends[1]}


def _field(place: tuple[str | int, ...], spec: SequenceSpec, changes: Mapping[str, Any]) -> str:
    """Give the field that a setting stands in."""
    match place:
        case ("window", "days"):
            return DAYS
        case ("window", *_):
            return HOURS
        case ("on", str(event), *_) if event in EVENTS:
            return f"until_{event}" if changes["on"][event]["until"] else f"on_{event}"
        case (str(name), *_) if name in {*TEXTS, MAILBOXES, RESUME, LEAD_ZONE}:
            return name
    raise Refused(f"{spec.name} cannot be changed here; its file is: `fermata export {spec.name}`.")


KIND = Kind(opened=_opened, read=_read, changed=_changed, need=Need.IS_FOR_ADMINS)
