"""Publishing a sequence: what keeps it from it, what it changes and for whom, and the leads' move to the new steps."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlmodel import Session, col, func, select

from core import cards
from core.acts import apply, open_batch
from core.awaited import look_anew
from core.current import current_run
from core.errors import Refused
from core.lifecycle import LIVE, Hold, Source, Status, StepsChanged
from core.models import WORKSPACE_ID, Enrollment, Mailbox, Sequence, Workspace
from core.people import SYSTEM
from core.plans import parsed
from core.schedule import send_at
from core.sequence_diff import Crowd, Diff, sentences
from core.sequence_file import check, label, step_faults
from core.sequence_file.spec import JumpStep, SequenceSpec
from core.template import compile_step

NEW_STEP = "new step, not scheduled: choose a date to send it, or stop the lead"
CARD = Source.NEW_STEP.value
LONGEST_CLOSED = timedelta(days=60)


def faults(session: Session, spec: SequenceSpec, *, now: datetime) -> list[str]:
    """Say what keeps a sequence from being published, one sentence each, with its step; an empty list is a go."""
    boxes = {box.address: box for box in session.exec(select(Mailbox))}
    has_links = session.get_one(Workspace, WORKSPACE_ID).has_links
    said = check(spec, mailboxes=set(boxes), fields=custom_fields(session), unsubscribe_link=has_links)
    lost = (f"{label(step_id).capitalize()}: {fault}" for step_id, fault in _lost(session, spec))
    return [*_sick(spec, boxes), *_closed(spec, now), *said, *lost]


def faults_by_step(session: Session, spec: SequenceSpec) -> dict[str, str]:
    """Give by the step's id what is wrong with it and keeps the sequence from being published, in sentences."""
    has_links = session.get_one(Workspace, WORKSPACE_ID).has_links
    found = step_faults(spec, fields=custom_fields(session), unsubscribe_link=has_links)
    said: dict[str, str] = {}
    for step_id, fault in (*found, *_lost(session, spec)):
        said[step_id] = f"{said[step_id]} {fault}" if step_id in said else fault
    return said


def _lost(session: Session, spec: SequenceSpec) -> Iterator[tuple[str, str]]:
    """Say which jumps lead to a sequence that is not there; it may still be a draft, so that two can lead to each other."""
    jumps = [step for step in spec.steps if isinstance(step, JumpStep)]
    known = set(session.exec(select(Sequence.key))) if jumps else set()
    for step in jumps:
        if step.to.casefold() not in known:
            yield step.id, f"There is no sequence called “{step.to}”; write it first, or take the jump out."


def _sick(spec: SequenceSpec, boxes: dict[str, Mailbox]) -> Iterator[str]:
    """Say which senders cannot send; of a sequence that names none it is enough that one can."""
    wanted = [boxes[name] for name in (spec.mailboxes or sorted(boxes)) if name in boxes]
    sick = [box for box in wanted if box.down_at or box.guarded_at]
    if spec.mailboxes is None and len(sick) < len(wanted):
        return
    for box in sick:
        if box.guarded_at:
            because, way = box.guarded_because, "a person releases it on its card"
        else:
            because, way = box.down_because, "mend it, `fermata mailbox test` tells more"
        why = f" ({because.rstrip('.')})" if because else ""
        yield f"The mailbox {box.address} cannot send now{why}; {way}, or take it out."


def _closed(spec: SequenceSpec, now: datetime) -> Iterator[str]:
    try:
        opens = send_at(now, spec.calendar)
    except Refused:
        opens = None
    if opens is None or opens - now > LONGEST_CLOSED:
        yield (
            f"Its window does not open within {LONGEST_CLOSED.days} days, holidays included; "
            "give it other days, hours or holidays."
        )


def text_fault(what: str, text: str, fields: frozenset[str]) -> str:
    """Say what is wrong with one text of a step, its "subject" or "body"; "" for one that is fine."""
    fine = "A text without fault"
    try:
        compile_step(text if what == "subject" else fine, text if what == "body" else fine, fields=fields)
    except Refused as refused:
        return str(refused)
    return ""


def custom_fields(session: Session) -> frozenset[str]:
    """Give the names of all custom fields that any lead has."""
    if session.get_bind().dialect.name == "sqlite":
        statement = "SELECT DISTINCT field.key FROM lead, json_each(lead.custom) AS field"
    else:
        statement = "SELECT DISTINCT json_object_keys(lead.custom) FROM lead"
    return frozenset(session.connection().execute(text(statement)).scalars())


def diff_of(row: Sequence) -> Diff | None:
    """Give what was edited since it was published last; None for one that never was, or that is as it was."""
    if row.published_spec is None or row.published_spec == row.spec:
        return None
    return Diff(parsed(row.published_spec), parsed(row.spec))


def changes(session: Session, row: Sequence) -> tuple[str, ...]:
    """Give what publishing an edited sequence would change and whom it affects, a sentence each."""
    diff = diff_of(row)
    return sentences(diff, crowd_of(session, row.id or 0, len(diff.before))) if diff else ()


def crowd_of(session: Session, sequence_id: int, steps: int) -> Crowd:
    """Count the leads by where they stand."""
    query = (
        select(Enrollment.position, Enrollment.status, func.count())
        .where(Enrollment.sequence_id == sequence_id, current_run())
        .where(col(Enrollment.status).in_([*LIVE, Status.COMPLETED]))
        .group_by(col(Enrollment.position), col(Enrollment.status))
    )
    live: dict[int, int] = {}
    finished = 0
    for position, status, count in session.exec(query):
        if status == Status.COMPLETED:
            finished += count if position >= steps else 0
        else:
            live[position] = live.get(position, 0) + count
    return Crowd(live, finished)


def move_leads(session: Session, row: Sequence, diff: Diff, *, now: datetime) -> None:
    """Keep every lead before the step it waits for; hold those that had finished at a new last step, all in one batch."""
    end = len(diff.before)
    moved = {position: diff.position(position) for position in range(end + 1)}
    holds_at_end = moved[end] < len(diff.after)
    rows = session.execute(
        select(Enrollment.id, Enrollment.position, Enrollment.status).where(
            col(Enrollment.sequence_id) == row.id,
            col(Enrollment.status).in_([*LIVE, Status.COMPLETED]),
            current_run(),  # an older completed one stays the record it is
        )
    ).all()
    live = {one.id: min(one.position, end) for one in rows if one.status != Status.COMPLETED}
    live = {
        i: place
        for i, place in live.items()
        if diff.moves_dates or moved[place] != place or not diff.keeps_step(place)
    }
    done = [one.id for one in rows if one.status == Status.COMPLETED and one.position >= end]
    _tell(session, live, moved, diff, batch_id=None, now=now)
    look_anew(session, row.id or 0)
    if not done or (moved[end] == end and not holds_at_end):
        return
    batch_id = open_batch(session, "steps changed", actor=SYSTEM, now=now) if holds_at_end else None
    _tell(session, dict.fromkeys(done, end), moved, diff, batch_id=batch_id, now=now)
    if batch_id is not None:
        channel = cards.channel_of(session, diff.becomes.channel)
        cards.show(session, f"{CARD}:{batch_id}", channel=channel, about_id=batch_id, now=now)


def _tell(
    session: Session,
    places: dict[int, int],
    moved: dict[int, int],
    diff: Diff,
    *,
    batch_id: int | None,
    now: datetime,
) -> None:
    hold = Hold(Source.NEW_STEP, NEW_STEP, SYSTEM.id, now, batch_id=batch_id)
    apply(
        session,
        places,
        lambda loaded: StepsChanged(
            moved[places[loaded.id]], hold, keeps_step=diff.keeps_step(places[loaded.id])
        ),
        verb="steps changed",
        actor=SYSTEM,
        now=now,
        reason="the sequence was edited",
        batch_id=batch_id,
        is_undoable=batch_id is not None,
    )
