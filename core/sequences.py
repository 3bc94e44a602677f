"""Sequences in the database: written from YAML, published, paused, archived, found by name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

from sqlalchemy import text
from sqlmodel import Session, col, select

from core import homes
from core.acts import apply
from core.current import current_run
from core.errors import Refused
from core.journal import note
from core.lifecycle import LIVE, Hold, Source, Status, StepsChanged
from core.models import WORKSPACE_ID, Enrollment, Mailbox, Sequence, SequenceStatus, Step, Workspace
from core.people import SYSTEM, Actor
from core.plans import parsed
from core.sequence_file import check, dump
from core.sequence_file.spec import SequenceSpec

NEW_STEP = "new step, not scheduled: choose a date to send it, or stop the lead"


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
    near = get_close_matches(name, names, n=3, cutoff=0.4) or names[:5]
    if not near:
        msg = f"There is no sequence called “{name}”, nor any other yet. Make one with `fermata apply FILE.yaml`."
        raise Refused(msg)
    msg = f"There is no sequence called “{name}”. Did you mean {' or '.join(near)}?"
    raise Refused(msg)


def save(session: Session, spec: SequenceSpec, *, actor: Actor, now: datetime) -> Saved:
    """Write a sequence and its steps; a new one is a draft. Raises Refused for one that is protected from edits.

    Leads keep their place: each stays before the step it was waiting for, or the next one that is still there.
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
    before = _keys(session, row.id)
    row.spec, row.name, row.version = dump(spec), spec.name, row.version + 1
    row.changed_at, row.changed_by = now, actor.id
    session.add(row)
    _write_steps(session, row.id, spec)
    session.flush()
    after = [step.id for step in spec.steps]
    _move_leads(session, row.id, before, after, now)
    differences = _differences(before, after)
    note(session, "apply", actor=actor, now=now, sequence_id=row.id, reason="; ".join(differences))
    return Saved(row.id, is_new=False, differences=differences)


def protection(row: Sequence) -> str:
    """Say why a sequence cannot be edited as it stands, and what to do first; "" where it can be."""
    if row.status not in {SequenceStatus.PUBLISHED, SequenceStatus.ARCHIVED}:
        return ""
    way = (
        "Pause it first: `pause sequence"
        if row.status == SequenceStatus.PUBLISHED
        else "Restore it first: `resume sequence"
    )
    return f"{row.name} is {row.status} and protected from edits. {way} {row.name}`."


def _keys(session: Session, sequence_id: int) -> list[str]:
    query = select(Step.key).where(Step.sequence_id == sequence_id, col(Step.position).is_not(None))
    return list(session.exec(query.order_by(col(Step.position))))


def _differences(before: list[str], after: list[str]) -> tuple[str, ...]:
    added = [f"step {key} added" for key in after if key not in before]
    removed = [f"step {key} removed" for key in before if key not in after]
    return (*added, *removed) or ("texts or settings changed",)


def _write_steps(session: Session, sequence_id: int, spec: SequenceSpec) -> None:
    known = {step.key: step for step in session.exec(select(Step).where(Step.sequence_id == sequence_id))}
    for step in known.values():
        step.position = None
    for position, wanted in enumerate(spec.steps):
        row = known.get(wanted.id) or Step(sequence_id=sequence_id, key=wanted.id, kind=wanted.kind)
        row.kind, row.position = wanted.kind, position
        row.subject = getattr(wanted, "subject", "") or getattr(wanted, "title", "")
        row.body = getattr(wanted, "body", "") or getattr(wanted, "note", "")
        row.is_threaded = getattr(wanted, "thread", False)
        session.add(row)


def _move_leads(
    session: Session, sequence_id: int, before: list[str], after: list[str], now: datetime
) -> None:
    """Keep every lead before the step it waits for; hold those that had finished at a new last step."""
    moved = {position: _new_position(position, before, after) for position in range(len(before) + 1)}
    finished = len(before)
    rows = session.execute(
        select(Enrollment.id, Enrollment.position, Enrollment.status).where(
            col(Enrollment.sequence_id) == sequence_id,
            col(Enrollment.status).in_([*LIVE, Status.COMPLETED]),
            current_run(),  # an older completed one stays the record it is
        )
    ).all()
    places = {row.id: moved[min(row.position, finished)] for row in rows}
    wanted = {
        row.id: places[row.id]
        for row in rows
        if places[row.id] != row.position
        # It stands where it stood, but that is the end now, or no longer the end.
        or (row.status == Status.COMPLETED) == (places[row.id] < len(after))
    }
    hold = Hold(Source.NEW_STEP, NEW_STEP, SYSTEM.id, now)
    apply(
        session,
        wanted,
        lambda loaded: StepsChanged(wanted[loaded.id], hold),
        verb="steps changed",
        actor=SYSTEM,
        now=now,
        is_undoable=False,
    )


def _new_position(position: int, before: list[str], after: list[str]) -> int:
    """Give where a lead stands that waited for `before[position]`; the steps it has had count as done."""
    for key in before[position:]:
        if key in after:
            return after.index(key)
    done = [after.index(key) for key in before[:position] if key in after]
    return max(done, default=-1) + 1


def turn(session: Session, sequence_id: int, to: str, *, actor: Actor, now: datetime) -> str:
    """Publish, pause, resume or archive a sequence and give the sentence that says so; raises Refused."""
    row = session.exec(
        select(Sequence).where(Sequence.id == sequence_id).with_for_update(key_share=True)
    ).one()
    was = SequenceStatus(row.status)
    target = _TURNS.get((was, to))
    if target is None:
        raise Refused(f"{row.name} is {was}, so it cannot be {_DONE[to]}.")
    if target is SequenceStatus.PUBLISHED and (faults := faults_of(session, row)):
        raise Refused(f"{row.name} cannot be published yet: {' '.join(faults)}")
    row.status, row.changed_at, row.changed_by = target.value, now, actor.id
    session.add(row)
    homes.touch_all(session)
    note(session, f"{to} sequence", actor=actor, now=now, sequence_id=row.id, was=was, became=target)
    return _SAID[target].format(name=row.name)


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
}
_DONE = {"publish": "published", "resume": "resumed", "pause": "paused", "archive": "archived"}
_SAID = {
    _PUBLISHED: "{name} is published: it sends, and it accepts leads.",
    _PAUSED: "{name} is paused: nothing of it is sent, every lead keeps its place, and it can be edited.",
    _ARCHIVED: "{name} is archived: everything scheduled in it is paused. `resume sequence {name}` brings it back, paused.",
}


def faults_of(session: Session, row: Sequence) -> list[str]:
    """Say what keeps a sequence from being published, one sentence each."""
    senders = set(session.exec(select(Mailbox.address)))
    has_links = session.get_one(Workspace, WORKSPACE_ID).has_links
    return check(
        parsed(row.spec), mailboxes=senders, fields=custom_fields(session), unsubscribe_link=has_links
    )


def custom_fields(session: Session) -> frozenset[str]:
    """Give the names of all custom fields that any lead has."""
    if session.get_bind().dialect.name == "sqlite":
        statement = "SELECT DISTINCT field.key FROM lead, json_each(lead.custom) AS field"
    else:
        statement = "SELECT DISTINCT json_object_keys(lead.custom) FROM lead"
    return frozenset(session.connection().execute(text(statement)).scalars())
