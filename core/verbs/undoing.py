"""Undo: put back what a batch changed, exactly, where nobody has changed it since."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from core import absences, owners, tagging, undoing
from core.acts import CHUNK, DELIVERIES, Change, apply, load, open_batch
from core.answers import Answer
from core.chunks import chunks
from core.collisions import asked_by, retold
from core.current import REDO, UNDO, current_run, never_was
from core.errors import Refused
from core.grammar import commands as orders
from core.lifecycle import LIVE, RUNNING, Enrollment, Restore, Status, Stop
from core.models import Batch, DeliveryState, Journal, Lead
from core.models import Enrollment as EnrollmentRow
from core.names import name_of, names
from core.people import Actor
from core.snapshots import from_snapshot
from core.sql import spelling
from core.verbs import collisions, editing, last_acts, meetings, proposals, reminders, stages, tasks
from core.verbs.acting import Performed, answered, says_next
from core.verbs.choosing import by_ids, lock_leads
from core.verbs.handovers import begun, has_left
from core.verbs.last_acts import BUTTONS, named
from core.verbs.outcome import Instead, Outcome
from core.verbs.whens import zone_of
from core.views.timeline import act_words
from core.words import clock, counted

ENROLLMENTS_WITHOUT_ASKING = 10
# What puts back the rows that `core.undoing` kept, and gives what to say of it; each raises Refused where one has changed.
_PUT_BACK: dict[str, Callable[..., list[str]]] = {
    "lead": editing.put_back,
    "meeting": meetings.put_back,
    "reminder": reminders.put_back,
    "task": tasks.put_back,
}


@dataclass(frozen=True)
class _Made:
    """What a batch did to one enrollment: the snapshot before it (None: it was made), the version it gave it."""

    before: dict[str, object] | None
    version: int
    label: str
    lead_id: int


def undo(
    session: Session, batch_id: int | None, *, actor: Actor, now: datetime, is_confirmed: bool = False
) -> Outcome:
    """Take a batch back; what somebody has changed since is left as it is, and named.

    The undo is a batch of its own. A run that the batch began is stopped. A large batch is shown first.
    """
    batch = _batch(session, batch_id, actor=actor, now=now)
    made, lines = _made(session, batch), undoing.lines_of(session, batch.id)
    moved, given = stages.moved_by(lines), owners.given_by(lines)
    absence, asked = absences.changed_by(session, lines), asked_by(session, batch, lines)
    kept = undoing.kept_by(lines)
    if not (made or moved or given or absence or asked or kept):
        raise Refused(f"There is nothing to undo in {named(batch)}.")
    places = [] if is_confirmed else by_ids(session, made, with_undone=batch.verb == UNDO)
    if len(places) > ENROLLMENTS_WITHOUT_ASKING:
        order = orders.Undo(str(batch.id))
        return proposals.propose(session, order, f"Undo {named(batch)} of", places, actor=actor, now=now)
    if batch.actor == actor.id:
        actor = replace(actor, is_bound=False)  # one's own act may be taken back, whosever lead it touched
    about = {lead_id for row in asked for lead_id in row.lead_ids} | {one.lead_id for one in kept}
    locked = lock_leads(session, {one.lead_id for one in made.values()} | {*moved, *given, *about})
    zone, _ = zone_of(session, actor)
    own = open_batch(session, REDO if batch.verb == UNDO else UNDO, actor=actor, now=now)
    current = {
        row.id: row for chunk in chunks(sorted(made), CHUNK) for row in load(session, chunk, lock=True)
    }
    begun_runs = [i for i, one in made.items() if one.before is None and current[i].state.status in LIVE]
    overtaken = _overtaken(
        session, batch, made, {i: row.version for i, row in current.items()}, zone=zone, now=now
    )
    stopping = [i for i in begun_runs if i not in overtaken]
    stopped = apply(
        session, stopping, lambda _: Stop(), verb=UNDO, actor=actor, now=now, reason="undone", batch_id=own
    )
    back = [i for i, one in made.items() if one.before is not None and i not in overtaken]
    ending = {i for i in back if _before(made[i]).status not in LIVE}
    back = _still_latest(session, back, overtaken, made, ending)
    restored: list[Change] = []
    refused: list[str] = []
    for is_ending in (True, False):  # first what makes room: a lead has one live run in a sequence
        ids = [i for i in back if (i in ending) is is_ending]
        done = apply(
            session, ids, lambda row: Restore(_before(made[row.id])), verb=UNDO, actor=actor, now=now,
            reason=f"{BUTTONS.get(batch.verb, batch.verb)} undone", batch_id=own,
        )  # fmt: skip
        restored += done.changes
        refused += done.refusals
    _mend_deliveries(session, restored, now=now)
    changes = (*stopped.changes, *restored)
    left = has_left(session, [change.row.id for change in stopped.changes], zone=zone, now=now)
    theirs = {change.row.lead_id for change in changes}
    tagging.put_back(session, tagging.moved_by(lines), theirs, actor=actor, now=now, batch_id=own)
    refusals = (*stopped.refusals, *refused, *overtaken.values())
    notes = stages.put_back(session, moved, locked, actor=actor, now=now, batch_id=own)
    notes += owners.put_back(session, given, locked, actor=actor, now=now, batch_id=own)
    if absence:
        notes += absences.put_back(session, absence, actor=actor, now=now, batch_id=own)
    for one in reversed(kept):
        notes += _PUT_BACK[one.what](session, one, actor=actor, now=now, batch_id=own)
    taken_back, let_in = collisions.take_back(session, asked, actor=actor, now=now, batch_id=own)
    notes, refusals = [*notes, *taken_back], (*refusals, *let_in)
    if not changes and not notes:
        raise Refused(" ".join(dict.fromkeys(refusals)) or "There is nothing left to undo.")
    notes += collisions.standing(session, batch, actor=actor, now=now)
    if batch.verb == UNDO and (again := {c.row.lead_id for c in changes if _starts(c)}):
        notes = [f"Mail leaves again for {counted(len(again), 'lead')}.", *notes]
    batch.undone_at, batch.undone_by = now, actor.id
    session.add(batch)
    retold(session, batch, now=now)
    if not changes:
        return Outcome(Answer(f"Undid {named(batch)}.", (*notes, *refusals), batch_id=own))
    leaving = begun(session, [change.row.id for change in changes])
    gone = _never_were(session, changes)
    back_in = {
        _place(change) for change in restored if change.row.id not in gone
    }  # which says where the lead stands
    told = tuple(one for one in changes if one.row.id not in gone or _place(one) not in back_in)
    return answered(
        session,
        Performed(told, refusals, own, leaving),
        f"Undid {named(batch)}:",
        lambda change, lead: (
            [gone[change.row.id]]
            if change.row.id in gone
            else [_now(change), says_next(change, lead, zone=zone, now=now)]
        ),
        notes=(*left, *notes),
    )


def _now(change: Change) -> str:
    return f"It is {change.after.status.value.replace('_', ' ')} now."


def _place(change: Change) -> tuple[int, int]:
    return change.row.lead_id, change.row.sequence.id


def _never_were(session: Session, changes: Sequence[Change]) -> dict[int, str]:
    """Give by enrollment, for each run of which nothing had left, how its lead stands in the sequence without it."""
    ended = [change.row.id for change in changes if change.after.status is Status.STOPPED]
    of_ended = spelling(session).among(EnrollmentRow.id, ended)
    gone = set(session.exec(select(EnrollmentRow.id).where(of_ended, never_was()))) if ended else ()
    if not gone:
        return {}
    mine = spelling(session).among(EnrollmentRow.lead_id, {change.row.lead_id for change in changes})
    query = select(EnrollmentRow.lead_id, EnrollmentRow.sequence_id, EnrollmentRow.status)
    stands = {
        (lead_id, sequence_id): status.replace("_", " ")
        for lead_id, sequence_id, status in session.exec(query.where(mine, current_run()))
    }
    return {
        change.row.id: f"As before, it is {stands.get(_place(change), f'not in {change.row.sequence.name}')}."
        for change in changes
        if change.row.id in gone
    }


def _starts(change: Change) -> bool:
    return change.after.status in RUNNING and change.before.status not in RUNNING


def _batch(session: Session, batch_id: int | None, *, actor: Actor, now: datetime) -> Batch:
    if batch_id is None:
        is_open = lambda batch: _is_open(session, batch, actor=actor, now=now)  # noqa: E731
        return last_acts.latest(session, is_open, actor=actor, now=now)
    query = select(Batch).with_for_update().execution_options(populate_existing=True)
    batch = session.exec(query.where(Batch.id == batch_id)).first()
    if batch is None:
        raise Refused("There is no such batch.")
    if batch.undone_at is not None:
        zone, _ = zone_of(session, actor)
        who = name_of(session, batch.undone_by or "")
        raise Refused(
            f"{who} undid this at {clock(batch.undone_at, zone, now)} already; nothing was changed."
        )
    return batch


def _is_open(session: Session, batch: Batch, *, actor: Actor, now: datetime) -> bool:
    """Say whether it could be undone now: it is tried, and the trial leaves nothing behind."""
    trial = session.begin_nested()
    try:
        undo(session, batch.id, actor=actor, now=now)
    except Instead:  # a large one asks first
        return True
    except Refused:
        return False
    finally:
        trial.rollback()
    return True


def _made(session: Session, batch: Batch) -> dict[int, _Made]:
    """Give by enrollment the state before the batch's first line and the version after its last."""
    lines = session.exec(
        select(Journal, Lead.email)
        .join(Lead, col(Lead.id) == Journal.lead_id)
        .where(
            Journal.batch_id == batch.id,
            col(Journal.enrollment_id).is_not(None),
            col(Journal.version).is_not(None),
        )
        .order_by(col(Journal.id))
    )
    made: dict[int, _Made] = {}
    for line, email in lines:
        first = made.get(line.enrollment_id or 0)
        before = first.before if first else line.before
        made[line.enrollment_id or 0] = _Made(before, line.version or 0, email, line.lead_id or 0)
    return made


def _before(made: _Made) -> Enrollment:
    assert made.before is not None
    return from_snapshot(made.label, made.before)


def _overtaken(
    session: Session,
    batch: Batch,
    made: dict[int, _Made],
    versions: dict[int, int],
    *,
    zone: str,
    now: datetime,
) -> dict[int, str]:
    """Give a sentence for each enrollment that changed after the batch.

    A run that the batch began is stopped however far it went, unless a person has acted on it since.
    """
    changed = [i for i, one in made.items() if versions.get(i) != one.version]
    sentences: dict[int, str] = {}
    for chunk in chunks(changed, CHUNK):
        lines = session.exec(
            select(Journal)
            .where(col(Journal.enrollment_id).in_(chunk), col(Journal.batch_id).is_distinct_from(batch.id))
            .order_by(col(Journal.id))
        ).all()
        called = names(session, [line.actor for line in lines])
        for i in chunk:
            later = [
                line for line in lines if line.enrollment_id == i and (line.version or 0) > made[i].version
            ]
            if made[i].before is None and not any(line.actor != "system" for line in later):
                continue
            last = later[-1] if later else None
            what = (
                f"{act_words(last, called[last.actor])} at {clock(last.at, zone, now)}"
                if last
                else "a step was handed over"
            )
            sentences[i] = f"{made[i].label} was left as it is: {what}, after that."
    return sentences


def _still_latest(
    session: Session,
    ids: Sequence[int],
    overtaken: dict[int, str],
    made: dict[int, _Made],
    ending: Collection[int],
) -> list[int]:
    """Give those that no live later run stands in the way of, but one that ends as well; the others are named in `overtaken`."""
    kept = list(ids)
    for chunk in chunks(ids, CHUNK):
        old = session.exec(
            select(EnrollmentRow).where(col(EnrollmentRow.id).in_(chunk), ~current_run())
        ).all()
        for row in old:
            live = session.exec(
                select(EnrollmentRow.id).where(
                    EnrollmentRow.lead_id == row.lead_id,
                    EnrollmentRow.sequence_id == row.sequence_id,
                    col(EnrollmentRow.status).in_(LIVE),
                )
            ).first()
            if live is not None and live != row.id and live not in ending:
                kept.remove(row.id or 0)
                overtaken[row.id or 0] = (
                    f"{made[row.id or 0].label} was left as it is: a new run has begun since."
                )
    return kept


def _mend_deliveries(session: Session, changes: Iterable[Change], *, now: datetime) -> None:
    """Open again the tasks that the batch closed, and drop what it had planned for another step."""
    for change in changes:
        steps, after = change.row.sequence.steps, change.after
        current = steps[after.position].id if after.position < len(steps) else None
        this_step = (DELIVERIES.c.enrollment_id == change.row.id) & (DELIVERIES.c.step_id == current)
        if after.has_open_task:
            session.execute(
                update(DELIVERIES)
                .where(this_step, DELIVERIES.c.attempt == after.attempt)
                .values(state=DeliveryState.OPEN.value, settled_at=None, reason=None)
            )
        if (change.before.position, change.before.attempt) != (after.position, after.attempt):
            session.execute(
                update(DELIVERIES)
                .where(
                    DELIVERIES.c.enrollment_id == change.row.id,
                    DELIVERIES.c.reply_id.is_(None),
                    DELIVERIES.c.state.in_([DeliveryState.READY.value, DeliveryState.CLAIMED.value]),
                    ~((DELIVERIES.c.step_id == current) & (DELIVERIES.c.attempt == after.attempt)),
                )
                .values(state=DeliveryState.SKIPPED.value, settled_at=now, reason="undone", lease_until=None)
            )
