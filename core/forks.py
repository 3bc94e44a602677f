"""What a lead comes to that is neither a mail nor a task: a condition, the end, or a jump to another sequence.

The sender finds it when the step's delay has passed, and hands it over to `go_on`, whose transactions take their locks in
DESIGN's order: leads first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from sqlmodel import Session, col, select

from core import conditions
from core.acts import Loaded, apply, load, tried
from core.current import never_was
from core.db import Database
from core.errors import Refused
from core.leads import enrol
from core.lifecycle import Finished, Hold, Pause, Source, Status, StepKind
from core.models import Enrollment, Lead, Mailbox
from core.models import Sequence as SequenceRow
from core.people import SYSTEM
from core.plans import planned
from core.sequence_file.spec import JumpStep, StopStep

KINDS = frozenset({StepKind.CONDITION.value, StepKind.STOP.value, StepKind.JUMP.value})
AGAIN_AFTER = timedelta(hours=24)  # a circle of sequences goes round once in this time at most


def go_on(db: Database, ids: Sequence[int], *, now: datetime) -> int:
    """Give for how many of these enrollments something was done; 0: another process has done it."""
    return tried(db, partial(_go_on, ids=ids, now=now))


def _go_on(session: Session, *, ids: Sequence[int], now: datetime) -> int:
    of_leads = select(Enrollment.lead_id).where(col(Enrollment.id).in_(ids))
    locked = select(Lead.id).where(col(Lead.id).in_(of_leads)).order_by(col(Lead.id))
    session.exec(locked.with_for_update(key_share=True)).all()
    due: dict[StepKind, list[Loaded]] = {}
    for row in load(session, ids, lock=True):
        steps, state = row.sequence.steps, row.state
        if (
            state.status is Status.PENDING
            and state.position < len(steps)
            and state.due_at
            and state.due_at <= now
        ):
            due.setdefault(StepKind(steps[state.position].kind), []).append(row)
    if waiting := due.get(StepKind.CONDITION):
        conditions.await_these(session, [row.id for row in waiting], now=now)
    for row in due.get(StepKind.STOP, ()):
        step = row.sequence.spec.steps[row.state.position]
        assert isinstance(step, StopStep)
        _finish(session, [row.id], step.because or "its last step is reached", now)
    jumps: dict[str, list[Loaded]] = {}
    for row in due.get(StepKind.JUMP, ()):
        step = row.sequence.spec.steps[row.state.position]
        assert isinstance(step, JumpStep)
        jumps.setdefault(step.to, []).append(row)
    for to, rows in jumps.items():
        _jump(session, rows, to, now)
    return sum(len(due.get(StepKind(kind), ())) for kind in KINDS)


def _finish(session: Session, ids: Sequence[int], reason: str, now: datetime) -> None:
    apply(
        session,
        ids,
        lambda _: Finished(),
        verb="finish",
        actor=SYSTEM,
        now=now,
        reason=reason,
        is_undoable=False,
    )


def _jump(session: Session, rows: Sequence[Loaded], to: str, now: datetime) -> None:
    """End these runs and begin those in the other sequence; who cannot go there is held here, with the reason."""
    found = session.exec(select(SequenceRow).where(SequenceRow.key == to.strip().casefold())).first()
    name = found.name if found else to
    refused: dict[int, str] = {}
    if found is None or found.id is None:
        refused = {row.id: f"It leads to {to}, and there is no such sequence" for row in rows}
    else:
        refused = _kept_out(session, rows, found.id, name, now)
        going = [row for row in rows if row.id not in refused]
        refused |= _enter(session, going, found.id, now)
    _finish(session, [row.id for row in rows if row.id not in refused], f"went on to {name}", now)
    for row in rows:
        if why := refused.get(row.id):
            _hold(session, row, why.rstrip("."), now)


def _hold(session: Session, row: Loaded, why: str, now: datetime) -> None:
    hold = Hold(Source.FAILED, why, SYSTEM.id, now)
    event = Pause(hold, is_wide=True)
    apply(session, [row.id], lambda _: event, verb="hold", actor=SYSTEM, now=now, reason=why)


def _kept_out(
    session: Session, rows: Sequence[Loaded], sequence_id: int, name: str, now: datetime
) -> dict[int, str]:
    """Say by enrollment whom nothing may start there by itself: who was stopped there, and who began there just now."""
    leads = {row.lead_id: row.id for row in rows}
    query = select(Enrollment.lead_id, Enrollment.status, Enrollment.enrolled_at).where(
        col(Enrollment.lead_id).in_(leads), Enrollment.sequence_id == sequence_id, ~never_was()
    )
    found = {}
    for lead_id, status, enrolled_at in session.exec(query.order_by(col(Enrollment.run))):
        if status == Status.STOPPED:
            found[leads[lead_id]] = (
                f"It leads to {name}, where this lead was stopped; `start` begins there anew"
            )
        elif now - enrolled_at < AGAIN_AFTER:
            found[leads[lead_id]] = f"It leads to {name}, where this lead began less than a day ago"
        else:
            found.pop(leads[lead_id], None)
    return found


def _enter(session: Session, rows: Sequence[Loaded], sequence_id: int, now: datetime) -> dict[int, str]:
    """Enrol these leads there, and say by enrollment why one is not; each keeps its mailbox where that may be."""
    if not rows:
        return {}
    lead_ids = [row.lead_id for row in rows]
    try:
        left = {row.sequence.id for row in rows}
        done = enrol(session, lead_ids, sequence_id, actor=SYSTEM, now=now, is_again=True, leaving=left)
    except Refused as refusal:  # of the whole sequence, before anything was written
        return {row.id: str(refusal) for row in rows}
    entered = {
        row.lead_id: row
        for row in session.exec(select(Enrollment).where(col(Enrollment.id).in_(done.enrollment_ids)))
    }
    _keep_senders(session, rows, entered, sequence_id)
    emails = dict(session.exec(select(Lead.id, Lead.email).where(col(Lead.id).in_(lead_ids))).all())
    why = {said.partition(" ")[0]: said for said in done.refusals}
    return {
        row.id: why.get(emails[row.lead_id], "The other sequence does not take it")
        for row in rows
        if row.lead_id not in entered
    }


def _keep_senders(
    session: Session, rows: Sequence[Loaded], entered: Mapping[int, Enrollment], sequence_id: int
) -> None:
    allowed = planned(session, [sequence_id])[sequence_id].spec.mailboxes
    boxes = (
        select(Mailbox.id) if allowed is None else select(Mailbox.id).where(col(Mailbox.address).in_(allowed))
    )
    may_send = set(session.exec(boxes))
    for row in rows:
        if row.lead_id in entered and row.mailbox_id in may_send:
            entered[row.lead_id].mailbox_id = row.mailbox_id
            session.add(entered[row.lead_id])
    session.flush()
