"""The form that makes a sequence, and the one that edits its steps: emails and tasks, the common case of a file.

Its numbers are the sequence (0: a new one) and the version it showed; `about` says which step each block is about. What the
form has no fields for (conditions, variants, what else a file can say of a step) is shown, and kept exactly as it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from bot.blocks import actions, confirmation, context, divider, rich
from bot.codec import OLD_FORM, Form
from bot.forms import settings
from bot.forms.fields import Wrong, all_chosen_in, field_id, input_, modal, option, value_of
from bot.forms.kinds import Kind, Opened
from bot.front import Act, Front
from bot.rights import Need
from bot.text import JSON, clean, plain, words
from core import commands, publishing, sequences
from core.answers import Answer
from core.errors import Refused
from core.grammar import to_text
from core.grammar.commands import SequenceVerb
from core.models import WORKSPACE_ID, Mailbox, SequenceStatus, Workspace
from core.models import Sequence as SequenceRow
from core.people import Actor
from core.plans import parsed
from core.sequence_file.revising import Faulty, built
from core.sequence_file.spec import EmailStep, SequenceSpec, Step, TaskStep
from core.sequence_file.words import say_delay
from core.verbs import building

NAME, DAYS, HOURS, ZONE, MAILBOXES = "name", settings.DAYS, settings.HOURS, settings.ZONE, settings.MAILBOXES
DELAY, THREAD, SUBJECT, BODY = "delay", "thread", "subject", "body"
MOST_STEPS = 8  # that can be edited: each takes five of the hundred blocks of a view
BODY_CHARS = 3_000  # the most that Slack takes in a field
SUBJECT_CHARS = 200
ERROR_CHARS = 300
EMAIL, TASK, LOCKED = "email", "task", "locked"
ADD, SETTINGS, YES = "add", "settings", "yes"
TAGS = "{{ first_name }}, {{ company | default: 'your venue' }}, {{ sender.name }} are filled in for each lead. **Bold** and [links](https://…) work."
USUAL_DAYS, USUAL_HOURS, USUAL_DELAY = "Mon Tue Wed Thu Fri", "09:00-17:00", "3 days"
AS_FILE = "{name} has more steps than a form can show; edit it as a file: `fermata export {name}`, then `fermata apply`."


@dataclass(frozen=True)
class Slot:
    """One step in the form. `index`: its place in what was saved, -1 for a new one; `lines`: of one that is not edited here."""

    number: int
    index: int
    kind: str
    delay: str = USUAL_DELAY
    has_thread: bool = False
    subject: str = ""
    body: str = ""
    line: str = ""


@dataclass(frozen=True)
class Frame:
    """What is asked of a new sequence before its steps."""

    name: str = ""
    zone: str = "UTC"
    days: Sequence[str] = tuple(USUAL_DAYS.split())
    hours: str = USUAL_HOURS
    senders: Sequence[str] = field(default=())
    chosen: Sequence[str] = field(default=())


def _opened(front: Front, form: Form, _actor: Actor, _now: datetime) -> Opened:
    with front.desk.db.read() as session:
        if not form.enrollment_id:
            zone = session.get_one(Workspace, WORKSPACE_ID).zone
            frame = Frame(form.about, zone, senders=_senders(session))
            return Opened(new_view(form, frame, [Slot(1, -1, EMAIL, delay="0 days")]), "new")
        row = session.get(SequenceRow, form.enrollment_id)
    if row is None:
        raise Refused(sequences.GONE)
    return Opened(edit_view(form, row), to_text(SequenceVerb("edit", row.name)))


def edit_view(form: Form, row: SequenceRow) -> JSON:
    """Give the form of a sequence as it stands; of one that is protected from edits, the way to change that."""
    if sequences.protection(row):
        return settings.locked_view(form, row) | {"title": plain("Edit a sequence", 24)}
    slots = slots_of(parsed(row.spec))
    if len(slots) > 99:
        raise Refused(AS_FILE.format(name=row.name))
    return steps_view(replace(form, version=row.version), row.name, row.status, slots)


def slots_of(spec: SequenceSpec) -> list[Slot]:
    """Give the steps as the form shows them."""
    slots: list[Slot] = []
    for index, step in enumerate(spec.steps):
        is_shown = _is_simple(step) and sum(slot.kind != LOCKED for slot in slots) < MOST_STEPS
        slots.append(_slot(index, step) if is_shown else _locked(index, step))
    return slots


def _is_simple(step: Step) -> bool:
    """Say whether the form has a field for all that a step says."""
    said = set(step.model_dump(exclude_defaults=True)) - {"id", "delay", "kind"}
    if isinstance(step, EmailStep):
        return said <= {"thread", "subject", "body"} and len(step.body) <= BODY_CHARS
    return isinstance(step, TaskStep) and said <= {"title", "note"} and len(step.note) <= BODY_CHARS


def _slot(index: int, step: Step) -> Slot:
    is_task = isinstance(step, TaskStep)
    return Slot(
        index + 1,
        index,
        TASK if is_task else EMAIL,
        say_delay(step.delay),
        getattr(step, "thread", False),
        getattr(step, "title" if is_task else "subject", ""),
        getattr(step, "note" if is_task else "body", "").rstrip("\n"),
    )


def _locked(index: int, step: Step) -> Slot:
    text = getattr(step, "subject", "") or getattr(step, "title", "")
    line = f"{step.id}: {step.kind}{f' “{text}”' if text else ''}, after {say_delay(step.delay)}"
    return Slot(index + 1, index, LOCKED, line=line)


def new_view(form: Form, frame: Frame, slots: Sequence[Slot]) -> JSON:
    """Give the form of a new sequence."""
    return modal(_remembering(form, slots), "New sequence", "Save draft", [*_frame(frame), *_steps(slots)])


def steps_view(form: Form, name: str, status: str, slots: Sequence[Slot]) -> JSON:
    """Give the form of the steps of a known one."""
    heading = rich(
        [words(f"{name} ({status})", 200, bold=True)],
        [words("Saved, it stays as it is for its leads until it is published; you then see whom it affects.", 200)]
        if status == SequenceStatus.PAUSED
        else [words("A draft: nothing is sent before it is published.", 200)],
    )  # fmt: skip
    ask = confirmation(
        "Open the settings?", "What you typed here and have not saved is lost.", "Open", no="Stay here"
    )
    button = _live("Settings and rules", SETTINGS) | {"confirm": ask}
    blocks = [heading, *actions(button), *_steps(slots)]
    return modal(_remembering(form, slots), "Edit a sequence", "Save", blocks)


def _remembering(form: Form, slots: Sequence[Slot]) -> Form:
    about = json.dumps([[slot.number, slot.index, slot.kind[0]] for slot in slots], separators=(",", ":"))
    return replace(form, about=about)


def _frame(frame: Frame) -> Iterator[JSON]:
    name = settings.text_field(frame.name, "Spring outreach")
    yield input_(NAME, "Name", name)
    yield from settings.window_fields(frame.days, frame.hours)
    yield input_(ZONE, "Time zone", settings.text_field(frame.zone, "Europe/Berlin"))
    if frame.senders:
        yield settings.senders_field(frame.chosen, frame.senders)


def _steps(slots: Sequence[Slot]) -> Iterator[JSON]:
    can_remove = sum(slot.kind != LOCKED for slot in slots) > 1
    can_add = sum(slot.kind != LOCKED for slot in slots) < MOST_STEPS
    kept: list[str] = []
    for place, slot in enumerate(slots):
        if slot.kind == LOCKED:
            kept.append(f"Step {place + 1}, {slot.line}")
            if place + 1 == len(slots) or slots[place + 1].kind != LOCKED:
                yield from _kept(kept)
                kept = []
        else:
            yield from _step(place, slot, can_remove=can_remove, can_add=can_add)
    if can_add:
        yield divider()
        yield from actions(
            _live("Add an email", f"{ADD}_{EMAIL}", f"{EMAIL} 0"), _live("Add a task", f"{ADD}_{TASK}", f"{TASK} 0")
        )  # fmt: skip
    else:
        yield context(f"{MOST_STEPS} steps are the most in a form; a file may have 100.")


def _kept(lines: Iterable[str]) -> Iterator[JSON]:
    yield rich(bullets=[[words(clean(line, 150), 150)] for line in lines])
    yield context("Kept as they are; change them as a file: fermata export, then fermata apply.")


def _step(place: int, slot: Slot, *, can_remove: bool, can_add: bool) -> Iterator[JSON]:
    is_task = slot.kind == TASK
    title: JSON = {
        "type": "section",
        "block_id": f"step_{slot.number}",
        "text": {"type": "mrkdwn", "text": f"*Step {place + 1}: {'a task' if is_task else 'an email'}*"},
    }
    menu = [("Remove it", f"remove {slot.number}")] if can_remove else []
    if can_add:
        menu += [
            ("Add an email before it", f"{EMAIL} {slot.number}"),
            ("Add a task before it", f"{TASK} {slot.number}"),
        ]
    if menu:
        options = [option(label, value) for label, value in menu]
        title["accessory"] = {
            "type": "overflow",
            "action_id": field_id(f"step_{slot.number}", is_live=True),
            "options": options,
        }
    yield divider()
    yield title
    after = "Wait before it" if place else "Wait after the start"
    delay = settings.text_field(slot.delay, USUAL_DELAY)
    yield input_(
        _name(DELAY, slot), after, delay, hint="Such as 30 minutes, 4 hours, 3 days or 2 business days."
    )
    if is_task:
        yield input_(_name(SUBJECT, slot), "What is to be done", _line(slot.subject, "Call {{ first_name }}"))
        yield input_(_name(BODY, slot), "Note", _text(slot.body), is_optional=True)
        return
    if place:
        same = [option("Continue the conversation of the email before (Re:)", YES)]
        boxes: JSON = {"type": "checkboxes", "options": same}
        boxes |= {"initial_options": same} if slot.has_thread else {}
        yield input_(_name(THREAD, slot), "Conversation", boxes, is_optional=True)
    hint = "It may stay empty where the conversation goes on." if place else ""
    yield input_(_name(SUBJECT, slot), "Subject", _line(slot.subject, "{{ first_name }}, a question"), hint=hint,
                 is_optional=True)  # fmt: skip
    yield input_(_name(BODY, slot), "Text", _text(slot.body), hint="" if place else TAGS, is_optional=True)


def _name(what: str, slot: Slot) -> str:
    return f"{what}_{slot.number}"


def _line(value: str, example: str) -> JSON:
    return settings.text_field(value, example) | {"max_length": SUBJECT_CHARS}


def _text(value: str) -> JSON:
    element: JSON = {"type": "plain_text_input", "multiline": True, "max_length": BODY_CHARS}
    return element | ({"initial_value": value} if value else {})


def _live(label: str, name: str, value: str = "") -> JSON:
    return {
        "type": "button",
        "text": plain(label, 75),
        "action_id": field_id(name, is_live=True),
        "value": value or name,
    }


# While it is filled in -------------------------------------------------------------------------------------------


def _changed(front: Front, form: Form, view: JSON, actor: Actor, now: datetime) -> JSON | None:
    """Give the form with a step more or less; or paused, so that it can be edited; or the settings instead."""
    pressed = str(view.get("pressed") or "")
    with front.desk.db.read() as session:
        row = session.get(SequenceRow, form.enrollment_id) if form.enrollment_id else None
        senders = _senders(session)
    if form.about == settings.LOCKED:
        if row is not None and row.status == SequenceStatus.PUBLISHED:
            commands.run(front.desk, to_text(SequenceVerb("pause", row.name)), actor=actor, now=now)
        return _opened(front, form, actor, now).view
    if pressed == SETTINGS and row is not None:
        return settings.KIND.opened(front, replace(form, form=SETTINGS, about=""), actor, now).view
    state = view.get("state")
    slots = moved(_typed(form, row, state), pressed)
    if row is None:
        return new_view(form, _typed_frame(state, senders), slots)
    return steps_view(form, row.name, row.status, slots)


def moved(slots: list[Slot], pressed: str) -> list[Slot]:
    """Give the steps with one more or one less, as a button says: "email 0" at the end, "task 3" before, "remove 3"."""
    verb, _, number = pressed.partition(" ")
    if not number.isdecimal() or verb not in {EMAIL, TASK, "remove"}:
        return slots
    at = next((place for place, slot in enumerate(slots) if slot.number == int(number)), len(slots))
    if verb == "remove":
        return slots[:at] + slots[at + 1 :]
    next_number = max(slot.number for slot in slots) + 1 if slots else 1
    return [*slots[:at], Slot(next_number, -1, verb), *slots[at:]]


def _typed(form: Form, row: SequenceRow | None, state: object) -> list[Slot]:
    """Give the steps as they stand in the form."""
    steps = parsed(row.spec).steps if row else ()
    try:
        known = [(int(number), int(index), _KINDS[kind]) for number, index, kind in json.loads(form.about)]
        return [
            _locked(index, steps[index]) if kind == LOCKED else _typed_slot(number, index, kind, state)
            for number, index, kind in known
        ]
    except (ValueError, TypeError, KeyError, IndexError):
        raise Refused(OLD_FORM) from None


_KINDS = {kind[0]: kind for kind in (EMAIL, TASK, LOCKED)}


def _typed_slot(number: int, index: int, kind: str, state: object) -> Slot:
    def typed(what: str) -> str:
        return value_of(state, f"{what}_{number}")

    has_thread = bool(all_chosen_in(state, f"{THREAD}_{number}"))
    return Slot(
        number, index, kind, typed(DELAY).strip(), has_thread, " ".join(typed(SUBJECT).split()), typed(BODY)
    )


def _typed_frame(state: object, senders: Sequence[str]) -> Frame:
    return Frame(
        value_of(state, NAME).strip(),
        value_of(state, ZONE).strip(),
        all_chosen_in(state, DAYS),
        value_of(state, HOURS).strip(),
        senders,
        all_chosen_in(state, MAILBOXES),
    )


def _senders(session: Session) -> list[str]:
    return list(session.exec(select(Mailbox.address).order_by(col(Mailbox.address))))


# What it says -----------------------------------------------------------------------------------------------------


def _read(
    front: Front, form: Form, state: object, _user_id: str, _now: datetime, _zone: str
) -> tuple[Act, Need]:
    with front.desk.db.read() as session:
        row = session.get(SequenceRow, form.enrollment_id) if form.enrollment_id else None
        fields = publishing.custom_fields(session)
    if form.enrollment_id and row is None:
        raise Refused(sequences.GONE)
    slots = _typed(form, row, state)
    spec = parsed(row.spec) if row else None
    steps = [_said(slot, place, spec) for place, slot in enumerate(slots)]
    if spec is None:
        data = _new_data(state)
    else:
        data = spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    errors = dict(_text_errors(slots, fields)) | (
        _name_errors(front, str(data["sequence"])) if spec is None else {}
    )
    try:
        built(data | {"steps": building.numbered(steps)})
    except Faulty as faulty:
        errors |= {_field(place, slots): clean(why, ERROR_CHARS) for place, why in faulty.faults.items()}
    if errors:
        raise Wrong(errors)

    def act(actor: Actor, now: datetime) -> Answer:
        with front.desk.db.write() as session:
            if row is None:
                return building.create(session, data | {"steps": steps}, actor=actor, now=now)
            return building.change(session, row.id or 0, form.version, steps, actor=actor, now=now)

    return act, Need.IS_FOR_ADMINS


def _new_data(state: object) -> dict[str, Any]:
    chosen = all_chosen_in(state, MAILBOXES)
    data = {
        "sequence": value_of(state, NAME).strip(),
        "zone": value_of(state, ZONE).strip(),
        "window": settings.window_in(state),
        "mailboxes": chosen or None,
    }
    return {key: value for key, value in data.items() if value is not None}


def _said(slot: Slot, place: int, spec: SequenceSpec | None) -> dict[str, Any]:
    """Give a step as a file would say it; what the form has no field for stays as it was."""
    was = spec.steps[slot.index] if spec and slot.index >= 0 else None
    before = was.model_dump(mode="json", by_alias=True, exclude_none=True) if was else {"kind": slot.kind}
    if slot.kind == LOCKED:
        return before
    subject, body = ("title", "note") if slot.kind == TASK else ("subject", "body")
    said = before | {"delay": slot.delay, subject: slot.subject}
    # A field loses the line breaks at the end of a text; where nothing else differs, the text is as it was.
    if slot.body.rstrip("\n") != str(before.get(body, "")).rstrip("\n"):
        said[body] = slot.body
    return said | ({} if slot.kind == TASK else {"thread": slot.has_thread and place > 0})


def _name_errors(front: Front, name: str) -> dict[str, str]:
    try:
        with front.desk.db.read() as session:
            building.free(session, name)
    except Refused as refused:
        return {NAME: clean(str(refused), ERROR_CHARS)}
    return {}


def _text_errors(slots: Iterable[Slot], fields: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Say at the fields what is wrong with the texts; an empty one may stay empty in a draft."""
    for slot in slots:
        if slot.kind != LOCKED:
            for what, text in ((SUBJECT, slot.subject), (BODY, slot.body)):
                if text.strip() and (why := publishing.text_fault(what, text, fields)):
                    yield _name(what, slot), clean(why, ERROR_CHARS)


def _field(place: tuple[str | int, ...], slots: Sequence[Slot]) -> str:
    """Give the field that a fault belongs to."""
    match place:
        case ("sequence", *_):
            return NAME
        case ("window", "days"):
            return DAYS
        case ("window", *_):
            return HOURS
        case ("zone" | "mailboxes" as name, *_):
            return str(name)
        case ("steps", int(number), *_) if slots[number].kind != LOCKED:
            what = {"title": SUBJECT, "note": BODY}.get(str(place[-1]), str(place[-1]))
            return _name(what if what in {DELAY, THREAD, SUBJECT, BODY} else DELAY, slots[number])
    first = next((slot for slot in slots if slot.kind != LOCKED), None)
    return _name(DELAY, first) if first else NAME


KIND = Kind(opened=_opened, read=_read, changed=_changed, need=Need.IS_FOR_ADMINS)
