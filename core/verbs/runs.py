"""What people do to whole runs: skip and unskip before the first step, start, restart."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Table, update
from sqlmodel import Session, col, select

from core import bulk, collisions, permissions, sequences
from core import leads as enrolling
from core.acts import CHUNK, Change, Loaded, apply, load, open_batch
from core.answers import Answer
from core.chunks import chunks
from core.current import current_run
from core.enrolling import away_people, qualified
from core.errors import Refused
from core.grammar import commands as orders
from core.lifecycle import LIVE, Skip, Start, Status, Stop, Unskip, decide
from core.models import Batch, Enrollment
from core.people import Actor
from core.sql import spelling
from core.verbs import proposals
from core.verbs.acting import LINES_FOR_MANY, Performed, answered, perform, says_next
from core.verbs.choosing import asks_first, choose, describe, domains_of, lead_ids, lock_leads
from core.verbs.groups import away_groups, lines_of, qualified_groups
from core.verbs.handovers import begun
from core.verbs.outcome import Outcome
from core.verbs.whens import zone_of
from core.words import counted

Ids = Sequence[int] | None
BATCHES: Table = Batch.__table__  # type: ignore[attr-defined]
NOBODY_YET = "Nobody is enrolled before that; you get the answer in a message."
NEVER_STARTS = "It stays in the sequence but never starts, unless somebody unskips it."


def skip(session: Session, order: orders.Skip, *, actor: Actor, now: datetime, only: Ids = None) -> Outcome:
    """Keep leads from ever starting, before their first step."""
    chosen = choose(session, order.who, order.sequence, frozenset({Status.PENDING}), actor=actor, only=only)
    if chosen.is_many:
        return proposals.propose(session, order, "Skip", chosen.places, actor=actor, now=now)
    return skip_these(session, chosen.ids, actor=actor, now=now)


def skip_these(session: Session, ids: Sequence[int], *, actor: Actor, now: datetime) -> Outcome:
    """Skip these enrollments, whose leads are locked."""
    done = perform(session, ids, lambda _: Skip(), verb="skip", actor=actor, now=now)
    return answered(session, done, "Skipped", lambda _change, _lead: [NEVER_STARTS])


def unskip(
    session: Session, order: orders.Unskip, *, actor: Actor, now: datetime, only: Ids = None
) -> Outcome:
    """Let skipped leads start after all."""
    chosen = choose(session, order.who, order.sequence, frozenset({Status.SKIPPED}), actor=actor, only=only)
    if chosen.is_many:
        return proposals.propose(session, order, "Unskip", chosen.places, actor=actor, now=now)
    return unskip_these(session, chosen.ids, actor=actor, now=now)


def unskip_these(session: Session, ids: Sequence[int], *, actor: Actor, now: datetime) -> Outcome:
    """Unskip these enrollments, whose leads are locked."""
    zone, _ = zone_of(session, actor)
    done = perform(session, ids, lambda _: Unskip(), verb="unskip", actor=actor, now=now)
    return answered(
        session, done, "Unskipped", lambda change, lead: [says_next(change, lead, zone=zone, now=now)]
    )


def start(session: Session, order: orders.Start, *, actor: Actor, now: datetime, only: Ids = None) -> Outcome:
    """Begin a run at the very first step; whoever is in the sequence already is left as is, and named."""
    return _run_anew(session, order, actor=actor, now=now, only=only, is_restart=False)


def restart(
    session: Session, order: orders.Restart, *, actor: Actor, now: datetime, only: Ids = None
) -> Outcome:
    """Stop, then start, in one batch."""
    return _run_anew(session, order, actor=actor, now=now, only=only, is_restart=True)


def _run_anew(
    session: Session,
    order: orders.Start | orders.Restart,
    *,
    actor: Actor,
    now: datetime,
    only: Ids,
    is_restart: bool,
) -> Outcome:
    sequence = sequences.find(session, order.sequence)
    assert sequence.id is not None
    ids = list(only) if only is not None else lead_ids(session, order.who, actor=actor)
    if only is None and asks_first(order.who, len(ids)):
        verb = "Restart" if is_restart else "Start"
        title = (
            f"{verb} {counted(len(ids), 'lead')} {describe(order.who)} in {sequence.name}, at the first step?"
        )
        who = proposals.company(session, domains_of(order.who), ids)
        told = _startling(session, ids, actor=actor, now=now)
        lines = (*who, *collisions.foreseen(session, ids, actor=actor, now=now), *told)
        return proposals.ask(session, order, title, lines, ids, actor=actor, now=now)
    lock_leads(session, ids)
    return start_these(session, ids, sequence.id, actor=actor, now=now, is_restart=is_restart)


def start_these(
    session: Session,
    lead_ids: Sequence[int],
    sequence_id: int,
    *,
    actor: Actor,
    now: datetime,
    is_restart: bool,
    agreed: str = "",
    batch_id: int | None = None,
) -> Outcome:
    """Start or restart these leads, which are locked, in one sequence; a colleague whose leads they are is asked first.

    `agreed`: who has said yes. Raises Refused, so that nothing is kept, when not one of them could be started.
    """
    verb = "restart" if is_restart else "start"
    batch_id = batch_id or open_batch(session, verb, actor=actor, now=now)
    known = _latest(session, lead_ids, sequence_id)
    stopped: list[int] = []
    refusals: dict[int, str] = {}
    if is_restart:
        permissions.check(session, lead_ids, actor=actor, now=now)
        live = [row.id for row in known.values() if row.state.status in LIVE]
        ended = apply(
            session, live, lambda _: Stop(), verb=verb, actor=actor, now=now, reason=verb, batch_id=batch_id
        )
        stopped = [change.row.id for change in ended.changes]
    else:
        refusals = {lead_id: sentence for lead_id, row in known.items() if (sentence := _refusal(row, now))}
    wanted = [lead_id for lead_id in lead_ids if lead_id not in refusals]
    new = [i for i in wanted if i not in known or known[i].state.status not in LIVE]
    held = collisions.hold_back(
        session, new, sequence_id, actor=actor, now=now, batch_id=batch_id, agreed=agreed
    )
    wanted = [lead_id for lead_id in wanted if lead_id not in held.lead_ids]
    enrolled = enrolling.enrol(
        session, wanted, sequence_id, actor=actor, now=now, batch_id=batch_id, is_again=True
    )
    faults = (*refusals.values(), *enrolled.refusals)
    if held.lead_ids and not enrolled.enrollment_ids:
        return only_asked(session, held, faults, batch_id=batch_id)
    begun_anew = [lead_id for lead_id in wanted if lead_id not in enrolled.left_out]
    told = _startling(session, begun_anew, actor=actor, now=now)
    said = "Restarted" if is_restart else "Started"
    return began(
        session,
        enrolled.enrollment_ids,
        faults,
        said,
        batch_id=batch_id,
        actor=actor,
        now=now,
        stopped=stopped,
        notes=(*told, *held.lines),
    )


def only_asked(
    session: Session, held: collisions.HeldBack, notes: Sequence[str], *, batch_id: int
) -> Outcome:
    """Give the answer where nobody is enrolled before a colleague says yes; the question can be undone."""
    session.execute(update(BATCHES).where(BATCHES.c.id == batch_id).values(size=BATCHES.c.size + held.asked))
    title, *lines = held.lines
    return Outcome(Answer(title, (*lines, *notes, NOBODY_YET), batch_id=batch_id if held.asked else None))


def began(
    session: Session,
    enrollment_ids: Sequence[int],
    faults: Sequence[str],
    said: str,
    *,
    batch_id: int,
    actor: Actor,
    now: datetime,
    stopped: Sequence[int] = (),
    notes: Sequence[str] = (),
) -> Outcome:
    """Give the answer about runs that a batch began; raises Refused, so that nothing is kept, where there are none."""
    if not enrollment_ids:
        raise Refused(" ".join(faults[:LINES_FOR_MANY]) or "There is nobody to start.")
    changes: tuple[Change, ...] = ()
    in_bulk: dict[int, int] = {}
    if len(enrollment_ids) >= bulk.MANY:
        these = col(Enrollment.id).in_(spelling(session).these(enrollment_ids))
        in_bulk = {
            row_id: lead_id
            for row_id, lead_id in session.exec(select(Enrollment.id, Enrollment.lead_id).where(these))
            if row_id is not None
        }
    else:
        rows = (row for chunk in chunks(enrollment_ids, CHUNK) for row in load(session, chunk))
        changes = tuple(Change(row, row.state, row.send_at, ()) for row in rows)
    size = BATCHES.c.size + len(enrollment_ids)
    session.execute(update(BATCHES).where(BATCHES.c.id == batch_id).values(size=size))
    done = Performed(changes, tuple(faults), batch_id, begun(session, stopped), in_bulk)
    zone, _ = zone_of(session, actor)
    return answered(
        session,
        done,
        said,
        lambda change, lead: [
            f"Run {change.row.run}, from step 1.",
            says_next(change, lead, zone=zone, now=now),
        ],
        notes=notes,
    )


def _startling(session: Session, lead_ids: Sequence[int], *, actor: Actor, now: datetime) -> tuple[str, ...]:
    zone, _ = zone_of(session, actor)
    away = away_groups(away_people(session, lead_ids, zone, now=now))
    return lines_of((*away, *qualified_groups(qualified(session, lead_ids, zone))))


def _refusal(row: Loaded, now: datetime) -> str:
    """Give why this run does not allow a new one; "" where it does."""
    try:
        decide(row.state, Start(), now=now, plan=row.sequence.plan(row.zone))
    except Refused as refused:
        return str(refused)
    return ""


def _latest(session: Session, lead_ids: Sequence[int], sequence_id: int) -> dict[int, Loaded]:
    """Give by lead the latest run in the sequence, locked."""
    found: dict[int, Loaded] = {}
    for chunk in chunks(lead_ids, CHUNK):
        query = select(Enrollment.id).where(
            col(Enrollment.lead_id).in_(chunk), Enrollment.sequence_id == sequence_id
        )
        ids = [
            enrollment_id
            for enrollment_id in session.exec(query.where(current_run()))
            if enrollment_id is not None
        ]
        found |= {row.lead_id: row for row in load(session, ids, lock=True)}
    return found
