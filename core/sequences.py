"""Sequences in the database: written from YAML, published, paused, archived, found by name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from core import homes, publishing
from core.errors import Refused
from core.journal import note
from core.models import Enrollment, Journal, Sequence, SequenceStatus, Step
from core.people import Actor
from core.plans import parsed
from core.sequence_diff import Diff
from core.sequence_file import dump
from core.sequence_file.spec import SequenceSpec

GONE = "That sequence is no longer here."


@dataclass(frozen=True)
class Saved:
    """What `save` did; no differences: the file says what is there already."""

    sequence_id: int
    is_new: bool
    differences: tuple[str, ...]


def find(session: Session, name: str) -> Sequence:
    """Give the sequence of this name, in any case; raises Refused with the nearest names."""
    row = session.exec(select(Sequence).where(Sequence.key == name.strip().casefold())).first()
    if row is not None:
        return row
    names = list(session.exec(select(Sequence.name).order_by(Sequence.name)))
    near = [one for one in names if one.casefold().startswith(name.strip().casefold())][:3]
    near = near or get_close_matches(name, names, n=3, cutoff=0.4) or names[:5]
    if not near:
        msg = f"There is no sequence called “{name}”, nor any other yet. Make one with `fermata apply FILE.yaml`."
        raise Refused(msg)
    msg = f"There is no sequence called “{name}”. Did you mean {' or '.join(near)}?"
    raise Refused(msg)


def lock(session: Session, sequence_id: int, version: int) -> Sequence:
    """Give a sequence to be changed, locked; raises Refused where it is gone or no longer the version that a form showed."""
    query = select(Sequence).where(Sequence.id == sequence_id).with_for_update(key_share=True)
    row = session.exec(query.execution_options(populate_existing=True)).first()
    if row is None:
        raise Refused(GONE)
    if row.version != version:
        msg = f"Somebody has changed {row.name} since this form was opened, so nothing was saved; open it again."
        raise Refused(msg)
    return row


def save(session: Session, spec: SequenceSpec, *, actor: Actor, now: datetime) -> Saved:
    """Write a sequence; a new one is a draft. Raises Refused for one that is protected from edits.

    What leads are in stays as it was published, until the edited one is published in its turn.
    """
    key = spec.name.casefold()
    row = session.exec(select(Sequence).where(Sequence.key == key).with_for_update(key_share=True)).first()
    if row is None:
        row = Sequence(
            name=spec.name, key=key, spec=dump(spec), created_at=now, changed_at=now, changed_by=actor.id
        )
        session.add(row)
        session.flush()
        assert row.id is not None
        _write_steps(session, row.id, spec)
        note(session, "apply", actor=actor, now=now, sequence_id=row.id, became=SequenceStatus.DRAFT)
        return Saved(row.id, is_new=True, differences=("new",))
    assert row.id is not None
    if row.spec == dump(spec):
        return Saved(row.id, is_new=False, differences=())
    if guarded := protection(row):
        raise Refused(guarded)
    before = parsed(row.spec)
    if row.published_spec is None and row.status != SequenceStatus.DRAFT:  # of before this was remembered
        row.published_spec = row.spec
    row.spec, row.name, row.version = dump(spec), spec.name, row.version + 1
    row.changed_at, row.changed_by = now, actor.id
    session.add(row)
    if row.published_spec is None:
        _write_steps(session, row.id, spec)
    differences = _differences(Diff(before, spec))
    note(session, "apply", actor=actor, now=now, sequence_id=row.id, reason="; ".join(differences))
    return Saved(row.id, is_new=False, differences=differences)


def protection(row: Sequence) -> str:
    """Say why a sequence cannot be edited as it stands, and what to do first; "" where it can be."""
    if row.status not in {SequenceStatus.PUBLISHED, SequenceStatus.ARCHIVED}:
        return ""
    way = (
        "Pause it first: `pause sequence"
        if row.status == SequenceStatus.PUBLISHED
        else "Restore it first: `restore sequence"
    )
    return f"{row.name} is {row.status} and protected from edits. {way} {row.name}`."


def _differences(diff: Diff) -> tuple[str, ...]:
    added = [f"step {key} added" for key in diff.after if key not in diff.before]
    removed = [f"step {key} removed" for key in diff.before if key not in diff.after]
    return (*added, *removed) or ("texts or settings changed",)


def _write_steps(session: Session, sequence_id: int, spec: SequenceSpec) -> None:
    known = {step.key: step for step in session.exec(select(Step).where(Step.sequence_id == sequence_id))}
    for step in known.values():
        step.position = None
    for position, wanted in enumerate(spec.steps):
        row = known.get(wanted.id) or Step(sequence_id=sequence_id, key=wanted.id, kind=wanted.kind)
        row.kind, row.position = wanted.kind, position
        versions = getattr(wanted, "variants", None)
        text = versions[0] if versions else wanted  # the first version stands for all where only one is shown
        row.subject = getattr(text, "subject", "") or getattr(text, "title", "")
        row.body = getattr(text, "body", "") or getattr(text, "note", "")
        row.variants = [version.model_dump(mode="json") for version in versions] if versions else None
        row.is_threaded = getattr(wanted, "thread", False)
        session.add(row)


def turn(session: Session, sequence_id: int, to: str, *, actor: Actor, now: datetime) -> str:
    """Publish, pause, resume, archive or restore a sequence and give the sentence that says so; raises Refused."""
    row = session.exec(
        select(Sequence).where(Sequence.id == sequence_id).with_for_update(key_share=True)
    ).one()
    was = SequenceStatus(row.status)
    target = _TURNS.get((was, to))
    if target is None and (was == _DONE[to] or (was, to) == (_PUBLISHED, "resume")):
        raise Refused(f"{row.name} is already {was}; nothing was changed.")
    if target is None:
        way = f" Bring it back first: `restore sequence {row.name}`." if was == _ARCHIVED else ""
        raise Refused(f"{row.name} is {was}, so it cannot be {_DONE[to]}.{way}")
    if target is SequenceStatus.PUBLISHED:
        _publish(session, row, now=now)
    row.status, row.changed_at, row.changed_by = target.value, now, actor.id
    session.add(row)
    homes.touch_all(session)
    note(session, f"{to} sequence", actor=actor, now=now, sequence_id=row.id, was=was, became=target)
    return _SAID[target].format(name=row.name)


def _publish(session: Session, row: Sequence, *, now: datetime) -> None:
    """Let it run as it was edited, every lead in its place of the new steps; raises Refused for one with faults."""
    spec = parsed(row.spec)
    if faults := publishing.faults(session, spec, now=now):
        raise Refused(f"{row.name} cannot be published yet: {' '.join(faults)}")
    diff = publishing.diff_of(row)
    row.published_spec = row.spec
    session.add(row)
    if diff is not None:
        _write_steps(session, row.id or 0, spec)
        session.flush()
        publishing.move_leads(session, row, diff, now=now)


def check_never_ran(session: Session, row: Sequence) -> None:
    """Raise Refused for a sequence that has a history, which is kept."""
    has_leads = session.exec(select(Enrollment.id).where(Enrollment.sequence_id == row.id).limit(1))
    if row.status != SequenceStatus.DRAFT or has_leads.first() is not None:
        raise Refused(
            f"{row.name} is {row.status} and has a history; only drafts that never ran are deleted. "
            f"Put it away instead: `archive sequence {row.name}`."
        )


def delete_draft(session: Session, sequence_id: int, *, actor: Actor, now: datetime) -> str:
    """Delete a draft that never ran and give the sentence that says so; raises Refused for any other."""
    row = session.exec(select(Sequence).where(Sequence.id == sequence_id).with_for_update()).one()
    check_never_ran(session, row)
    # The journal stays; of what is gone it keeps the name.
    session.execute(update(Journal).where(col(Journal.sequence_id) == sequence_id).values(sequence_id=None))
    session.execute(delete(Step).where(col(Step.sequence_id) == sequence_id))
    session.execute(delete(Sequence).where(col(Sequence.id) == sequence_id))
    homes.touch_all(session)
    note(session, "delete sequence", actor=actor, now=now, reason=row.name)
    return f"The draft {row.name} is deleted."


_DRAFT, _PUBLISHED, _PAUSED, _ARCHIVED = SequenceStatus
_TURNS = {
    (_DRAFT, "publish"): _PUBLISHED,
    (_PAUSED, "publish"): _PUBLISHED,
    (_PAUSED, "resume"): _PUBLISHED,
    (_PUBLISHED, "pause"): _PAUSED,
    (_DRAFT, "archive"): _ARCHIVED,
    (_PUBLISHED, "archive"): _ARCHIVED,
    (_PAUSED, "archive"): _ARCHIVED,
    (_ARCHIVED, "resume"): _PAUSED,
    (_ARCHIVED, "restore"): _PAUSED,  # a word of its own: said twice, it must not start mail
}
_DONE = {
    "publish": "published",
    "resume": "resumed",
    "pause": "paused",
    "archive": "archived",
    "restore": "restored",
}
_SAID = {
    _PUBLISHED: "{name} is published: it sends, and it accepts leads.",
    _PAUSED: "{name} is paused: nothing of it is sent, every lead keeps its place, and it can be edited.",
    _ARCHIVED: "{name} is archived: everything scheduled in it is paused. `restore sequence {name}` brings it back, paused.",
}
