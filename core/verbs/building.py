"""A sequence made, and its steps edited, in a form: checked and saved as a file would be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Sequence as Many
from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from core import publishing, sequences
from core.answers import Answer, Choice
from core.errors import Refused
from core.grammar import to_text
from core.grammar.commands import New, SequenceVerb
from core.models import Sequence, SequenceStatus, Step
from core.people import Actor
from core.plans import parsed
from core.sequence_diff import Diff
from core.sequence_file import dump
from core.sequence_file.revising import built, revised
from core.verbs.outcome import Outcome
from core.verbs.settings import FORM as SETTINGS
from core.words import counted

FORM = "new_sequence"
HOW = (
    "In Slack a form opens here. Elsewhere write a file and `fermata apply FILE.yaml`; docs/sequences.md has a short one "
    "to begin with."
)  # fmt: skip


def new(session: Session, order: New, *, actor: Actor, now: datetime) -> Outcome:
    """Open the form of a new sequence; raises Refused for a name that is taken."""
    del actor, now
    if order.name:
        free(session, order.name)
    return Outcome(Answer(HOW, opens=(FORM, 0, 0), opens_about=order.name or ""))


def create(session: Session, data: Mapping[str, Any], *, actor: Actor, now: datetime) -> Answer:
    """Save a new draft."""
    spec = built({**data, "steps": numbered(data["steps"])})
    free(session, spec.name)
    saved = sequences.save(session, spec, actor=actor, now=now)
    row = session.get_one(Sequence, saved.sequence_id)
    return _saved(session, row, f"{row.name} is saved as a draft with {counted(len(spec.steps), 'step')}.", now=now)  # fmt: skip


def change(
    session: Session,
    sequence_id: int,
    version: int,
    steps: Many[Mapping[str, Any]],
    *,
    actor: Actor,
    now: datetime,
) -> Answer:
    """Save edited steps; `version` is what the form showed, and a later change is never overwritten."""
    row = sequences.lock(session, sequence_id, version)
    taken = session.exec(select(Step.key).where(Step.sequence_id == sequence_id))
    spec = revised(parsed(row.spec), {"steps": numbered(steps, taken)})
    if dump(spec) == row.spec:
        return Answer(f"The steps of {row.name} stay as they are.")
    sequences.save(session, spec, actor=actor, now=now)
    return _saved(session, row, f"The steps of {row.name} are saved; it is {row.status} until it is published.", now=now)  # fmt: skip


def numbered(steps: Iterable[Mapping[str, Any]], taken: Iterable[str] = ()) -> list[dict[str, Any]]:
    """Give the steps, each with an id: a new one gets one that no step of the sequence ever had."""
    made = [dict(step) for step in steps]
    used = {str(step["id"]) for step in made if "id" in step} | set(taken)
    for place, step in enumerate(made):
        number = place + 1
        while "id" not in step:
            if (free := f"step-{number}") not in used:
                used.add(free)
                step["id"] = free
            number += 1
    return made


def free(session: Session, name: str) -> None:
    """Raise Refused for a name that a sequence has already: saving would overwrite it."""
    row = session.exec(select(Sequence).where(Sequence.key == name.strip().casefold())).first()
    if row is not None:
        raise Refused(
            f"There is a sequence called {row.name} already, {row.status}. Choose another name, or change it: "
            f"`edit sequence {row.name}`."
        )


def _saved(session: Session, row: Sequence, title: str, *, now: datetime) -> Answer:
    """Say that it is saved, what keeps it from being published, and what publishing it would change."""
    spec = parsed(row.spec)
    faults = publishing.faults(session, spec, now=now)
    lines = tuple(f"Before it is published: {fault}" for fault in faults) or publishing.changes(session, row)
    preview = Choice("Preview", to_text(SequenceVerb("preview", row.name)))
    publish = Choice("Publish", to_text(SequenceVerb("publish", row.name)), "primary")
    edit = Choice("Edit", form=(FORM, row.id or 0, row.version))
    rules = Choice("Settings", form=(SETTINGS, row.id or 0, row.version))
    return Answer(title, lines, (edit, preview, rules) if faults else (publish, preview, edit, rules))


def choices_of(row: Sequence) -> tuple[Choice, ...]:
    """Give the buttons of a sequence in a list: what can be done with it as it stands."""

    def say(verb: Any, label: str, style: str | None = None, confirm: str | None = None) -> Choice:
        return Choice(label, to_text(SequenceVerb(verb, row.name)), style, confirm)

    name, numbers = row.name[:100], (row.id or 0, row.version)
    edit, rules = Choice("Edit", form=(FORM, *numbers)), Choice("Settings", form=(SETTINGS, *numbers))
    preview = say("preview", "Preview")
    archive = say("archive", "Archive")  # which asks by itself where leads are in it
    match row.status:
        case SequenceStatus.DRAFT:
            delete = say("delete", "Delete", "danger")  # which asks
            return (say("publish", "Publish", "primary"), edit, rules, preview, delete)
        case SequenceStatus.PUBLISHED:
            return (say("pause", "Pause"), edit, rules, preview, archive)
        case SequenceStatus.PAUSED:
            mail = f"Mail of {name} leaves again, within its windows and caps."
            resume = say("resume", "Resume", "primary", None if has_edits(row) else mail)
            return (resume, edit, rules, preview, archive)
        case _:
            return (say("restore", "Restore"), preview)


def has_edits(row: Sequence) -> bool:
    """Say whether it was edited since it was published last."""
    if row.published_spec is None:
        return False
    return not Diff(parsed(row.published_spec), parsed(row.spec)).is_nothing
