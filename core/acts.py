"""The one writer: load, decide, write the change with its journal, its holds and its deliveries, in one transaction.

Every verb, every automatic rule and every report of the sender goes through `apply`. It works on many enrollments at
once, with a handful of statements per thousand rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Select, Table, insert, select, update
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col

from core import cards, journal, permissions
from core.chunks import chunks
from core.db import Database
from core.errors import FermataError, Refused
from core.lifecycle import (
    LIVE,
    Effect,
    Enrollment,
    Event,
    Hold,
    Policy,
    Source,
    Status,
    decide,
)
from core.many import IsOne, update_rows
from core.models import Batch, Delivery, DeliveryState, Journal, Lead
from core.models import Enrollment as EnrollmentRow
from core.models import Hold as HoldRow
from core.people import Actor
from core.plans import PlannedSequence, planned
from core.schedule import morning_before, send_at
from core.snapshots import to_snapshot

CHUNK = 1000
MOST_ANNOUNCED = 10  # holds of one act; what a larger one holds ends without a heads-up for each lead
ASKED_ON_A_CARD = frozenset({Source.BACKLOG, Source.NEW_STEP})
TRIES = 5
# PostgreSQL: deadlock detected, serialization failure. The transaction was rolled back whole, so it may run again.
PASSING = frozenset({"40P01", "40001"})
Ids = list[int] | Select[tuple[int]]
T = TypeVar("T")
ENROLLMENTS: Table = EnrollmentRow.__table__  # type: ignore[attr-defined]
DELIVERIES: Table = Delivery.__table__  # type: ignore[attr-defined]
HOLDS: Table = HoldRow.__table__  # type: ignore[attr-defined]
LEADS: Table = Lead.__table__  # type: ignore[attr-defined]
JOURNAL: Table = Journal.__table__  # type: ignore[attr-defined]


# Where a task can be open: it stays open, and hidden, while its lead is paused.
WITH_STEP_UNDER_WAY = frozenset({Status.IN_PROGRESS, Status.PAUSED, Status.STOPPED})


class Overtaken(FermataError):
    """Another transaction changed the same enrollment first; nothing was written, and trying again is safe."""


def tried(db: Database, act: Callable[[Session], T]) -> T:
    """Give what `act` gives in a transaction of its own; one that another overtook is begun anew."""
    for attempt in range(1, TRIES + 1):
        try:
            with db.write() as session:
                return act(session)
        except Overtaken:
            if attempt == TRIES:
                raise
        except OperationalError as error:
            if attempt == TRIES or getattr(error.orig, "sqlstate", None) not in PASSING:
                raise
    raise AssertionError


@dataclass(frozen=True)
class Loaded:
    """An enrollment with what is needed to decide about it."""

    id: int
    lead_id: int
    zone: str | None
    sequence: PlannedSequence
    run: int
    version: int
    mailbox_id: int | None
    send_at: datetime | None
    state: Enrollment


@dataclass(frozen=True)
class Change:
    """One enrollment before and after."""

    row: Loaded
    after: Enrollment
    send_at: datetime | None
    effects: tuple[Effect, ...]

    @property
    def before(self) -> Enrollment:
        """Give the state it had."""
        return self.row.state

    @property
    def is_stop(self) -> bool:
        """Say whether it ends what people have written as well."""
        return self.after.status is Status.STOPPED is not self.before.status


@dataclass(frozen=True)
class Changed:
    """What `apply` did: the changes, and a sentence for each enrollment that could not be changed."""

    changes: tuple[Change, ...]
    refusals: tuple[str, ...]
    batch_id: int | None = None
    are_theirs: bool = False  # some of them were left alone because they are a colleague's


def open_batch(session: Session, verb: str, *, actor: Actor, now: datetime) -> int:
    """Give the id of a new batch: one act, which `undo` can undo."""
    batch = Batch(verb=verb, actor=actor.id, at=now)
    session.add(batch)
    session.flush()
    assert batch.id is not None
    return batch.id


def apply(
    session: Session,
    enrollment_ids: Iterable[int],
    event: Callable[[Loaded], Event],
    *,
    verb: str,
    actor: Actor,
    now: datetime,
    reason: str = "",
    batch_id: int | None = None,
    is_undoable: bool = True,
) -> Changed:
    """Give what became of these enrollments under the event; refusals are collected, not raised.

    The rows stay locked until the caller's transaction ends. Raises Overtaken where a row changed in between, which
    only a missing lock could cause.
    """
    changes: list[Change] = []
    refusals: list[str] = []
    kept_off: list[permissions.Theirs] = []
    for chunk in chunks(sorted(set(enrollment_ids)), CHUNK):  # sorted: two bulk acts then never deadlock
        done: list[Change] = []
        theirs = permissions.theirs(session, chunk, actor=actor, now=now)
        for row in load(session, chunk, lock=True):
            try:
                asked = event(row)
                if row.id in theirs and not permissions.only_stops(asked):
                    kept_off.append(theirs[row.id])
                    continue
                done.append(_decided(row, asked, now))
            except Refused as refused:
                refusals.append(str(refused))
        _write(
            session,
            done,
            verb=verb,
            actor=actor,
            now=now,
            reason=reason,
            batch_id=batch_id,
            is_undoable=is_undoable,
        )
        changes += done
    if batch_id is not None and changes:
        size = Batch.size + len(changes)
        session.execute(update(Batch).where(col(Batch.id) == batch_id).values(size=size))
    # Last, since many acts share these rows: whoever locks them waits for nothing else any more.
    if held := [change.row.lead_id for change in changes if change.before.holds != change.after.holds]:
        cards.touch_digests(session, lead_ids=held)
    if kept_off:
        refusals.insert(0, permissions.sentence(session, kept_off, now=now))
    return Changed(tuple(changes), tuple(refusals), batch_id, are_theirs=bool(kept_off))


# Written once: building a statement anew costs several times what running it does, and these run for each mail.
_LOAD = (
    select(
        *(ENROLLMENTS.c[name] for name in (
            "id", "lead_id", "sequence_id", "run", "status", "position", "attempt", "due_at", "send_at", "remaining",
            "mailbox_id", "has_started", "version", "awaits_since",
        )),
        LEADS.c.email,
        LEADS.c.zone,
    )
    .join(LEADS, LEADS.c.id == ENROLLMENTS.c.lead_id)
    .where(IsOne(ENROLLMENTS.c.id))
    .order_by(ENROLLMENTS.c.id)
)  # fmt: skip
_LOAD_LOCKED = _LOAD.with_for_update(of=ENROLLMENTS)
_UNDER_WAY = select(DELIVERIES.c.enrollment_id, DELIVERIES.c.state).where(
    IsOne(DELIVERIES.c.enrollment_id),
    DELIVERIES.c.state.in_([DeliveryState.OPEN.value, DeliveryState.SENDING.value]),
    DELIVERIES.c.reply_id.is_(None),  # a person's answer is no step of it
)


def load(session: Session, enrollment_ids: Iterable[int], *, lock: bool = False) -> Iterator[Loaded]:
    """Give enrollments ready to decide about, in the order of their ids; `lock` holds them until the commit."""
    rows = session.connection().execute(_LOAD_LOCKED if lock else _LOAD, {"ids": list(enrollment_ids)}).all()
    sequences = planned(session, {row.sequence_id for row in rows})
    holds = open_holds(session, [row.id for row in rows if row.status == Status.PAUSED])
    under_way = _under_way(session, [row.id for row in rows if row.status in WITH_STEP_UNDER_WAY])
    for row in rows:
        sequence = sequences[row.sequence_id]
        state = Enrollment(
            label=f"{row.email} in {sequence.name}",
            status=Status(row.status),
            position=row.position,
            attempt=row.attempt,
            due_at=row.due_at,
            remaining=row.remaining,
            has_started=row.has_started,
            has_open_task=(row.id, DeliveryState.OPEN) in under_way,
            is_sending=(row.id, DeliveryState.SENDING) in under_way,
            holds=tuple(holds.get(row.id, ())),
            awaits_since=row.awaits_since,
        )
        yield Loaded(
            row.id, row.lead_id, row.zone, sequence, row.run, row.version, row.mailbox_id, row.send_at, state
        )


def _under_way(session: Session, enrollment_ids: list[int]) -> set[tuple[int, str]]:
    """Give (enrollment, state) of the tasks that are open and the hand-overs that have begun."""
    if not enrollment_ids:
        return set()
    found = session.connection().execute(_UNDER_WAY, {"ids": enrollment_ids})
    return {(enrollment_id, state) for enrollment_id, state in found}


def open_holds(session: Session, enrollment_ids: Iterable[int]) -> dict[int, list[Hold]]:
    """Give the open holds by enrollment, oldest first."""
    found: dict[int, list[Hold]] = {}
    ids = list(enrollment_ids)
    if not ids:
        return found
    rows = session.execute(
        select(HOLDS)
        .where(HOLDS.c.enrollment_id.in_(ids), HOLDS.c.released_at.is_(None))
        .order_by(HOLDS.c.id)
    )
    for row in rows:
        hold = Hold(
            Source(row.source), row.reason, row.author, row.placed_at, row.until, row.batch_id, row.id,
            Policy(row.policy) if row.policy else None,
        )  # fmt: skip
        found.setdefault(row.enrollment_id, []).append(hold)
    return found


def _decided(row: Loaded, event: Event, now: datetime) -> Change:
    plan = row.sequence.plan(row.zone)
    after, effects = decide(row.state, event, now=now, plan=plan)
    if after.due_at is None or after.remaining is not None:
        moment = None
    else:  # a wait for a condition ends outside of the window as well
        moment = after.due_at if after.awaits_since else send_at(after.due_at, plan.calendar)
    return Change(row, after, moment, effects)


def _write(session: Session, changes: list[Change], *, verb: str, actor: Actor, now: datetime, reason: str,
           batch_id: int | None, is_undoable: bool) -> None:  # fmt: skip
    if not changes:
        return
    _save(session, changes, now=now, reason=reason)
    _save_holds(session, changes, actor=actor, now=now)
    _save_deliveries(session, changes, actor=actor, now=now, reason=reason)
    journal.write(
        session,
        [
            {
                "at": now,
                "actor": actor.id,
                "verb": verb,
                "lead_id": change.row.lead_id,
                "sequence_id": change.row.sequence.id,
                "enrollment_id": change.row.id,
                "batch_id": batch_id,
                "was": change.before.status.value,
                "became": change.after.status.value,
                "reason": reason,
                "before": to_snapshot(change.before) if is_undoable else None,
                "version": change.row.version + 1,
            }
            for change in changes
        ],
    )
    cards.touch(session, lead_ids=[change.row.lead_id for change in changes])


def _save(session: Session, changes: list[Change], *, now: datetime, reason: str) -> None:
    if update_rows(session, ENROLLMENTS, [_saved(change, now, reason) for change in changes]) != len(changes):
        msg = "An enrollment changed in the middle of an act; nothing was written."
        raise Overtaken(msg)


def _saved(change: Change, now: datetime, reason: str) -> dict[str, Any]:
    after = change.after
    has_ended = after.status not in LIVE
    return {
        "at_id": change.row.id,
        "at_version": change.row.version,
        "status": after.status.value,
        "position": after.position,
        "attempt": after.attempt,
        "due_at": after.due_at,
        "send_at": change.send_at,
        # A condition is looked at at once, then at its end or when there is something new (core/conditions.py).
        "wake_at": now if change.send_at and after.awaits_since else change.send_at,
        "awaits_since": after.awaits_since,
        "remaining": after.remaining,
        "has_started": after.has_started,
        "version": change.row.version + 1,
        "ended_at": now if has_ended else None,
        "end_reason": (reason or after.status.value) if has_ended else None,
    }


def _save_holds(session: Session, changes: list[Change], *, actor: Actor, now: datetime) -> None:
    placed: list[dict[str, Any]] = []
    released: list[int] = []
    asked: set[tuple[Source, int | None]] = set()  # the card of such holds says how many wait
    is_many = len(changes) > MOST_ANNOUNCED
    for change in changes:
        kept = {hold.id for hold in change.after.holds}
        known = {hold.id for hold in change.before.holds}
        ended = [hold for hold in change.before.holds if hold.id is not None and hold.id not in kept]
        begun = [hold for hold in change.after.holds if hold.id is None or hold.id not in known]
        released += [hold.id for hold in ended if hold.id is not None]
        placed += [_hold_row(change.row, hold, now=now, is_many=is_many) for hold in begun]
        asked |= {(hold.source, hold.batch_id) for hold in (*ended, *begun) if hold.source in ASKED_ON_A_CARD}
    if released:
        session.execute(
            update(HOLDS)
            .where(HOLDS.c.id.in_(released))
            .values(released_at=now, released_by=actor.id, announce_at=None)
        )
    if placed:
        session.execute(insert(HOLDS), placed)
    for source, batch_id in asked:
        cards.touch_about(session, source, [batch_id])


def _hold_row(row: Loaded, hold: Hold, *, now: datetime, is_many: bool) -> dict[str, Any]:
    return {
        "enrollment_id": row.id,
        "source": hold.source.value,
        "reason": hold.reason,
        "author": hold.author,
        "placed_at": hold.placed_at,
        "until": hold.until,
        "policy": hold.policy,
        "announce_at": None if is_many else _announce_at(row, hold, now=now),
        "batch_id": hold.batch_id,
    }


def _announce_at(row: Loaded, hold: Hold, *, now: datetime) -> datetime | None:
    """Give when the owner is told that a hold will end: the team's working morning before; None for a short one."""
    if hold.until is None or hold.source is Source.AWAY:  # whoever is away gets one card on their return
        return None
    moment = morning_before(hold.until, row.sequence.spec.calendar)
    known_since = now if hold.id is None else hold.placed_at  # one that an undo puts back was known before
    return moment if moment > known_since else None


def _save_deliveries(
    session: Session, changes: list[Change], *, actor: Actor, now: datetime, reason: str
) -> None:
    def having(effect: Effect) -> list[int]:
        return [change.row.id for change in changes if effect in change.effects]

    if withdrawn := having(Effect.WITHDRAW):
        withdraw(session, withdrawn)
    if dropped := having(Effect.DROP):
        drop(session, dropped, actor=actor, now=now, reason=reason, with_answers=False)
    if stopped := [change.row.id for change in changes if change.is_stop]:
        drop(session, stopped, actor=actor, now=now, reason=reason)
    for change in changes:
        if Effect.SKIP_STEP in change.effects:
            _record_skipped_step(session, change, actor=actor, now=now, reason=reason)


def withdraw(session: Session, enrollment_ids: Ids) -> None:
    """Take back what is claimed, under a new fence: a worker that still holds the claim finds it void at the gate.

    A person's answer leaves all the same: whoever pauses a lead still wants to talk to them.
    """
    session.execute(
        update(DELIVERIES)
        .where(
            DELIVERIES.c.enrollment_id.in_(enrollment_ids),
            DELIVERIES.c.state == DeliveryState.CLAIMED.value,
            DELIVERIES.c.reply_id.is_(None),
        )
        .values(state=DeliveryState.READY.value, fence=DELIVERIES.c.fence + 1, lease_until=None)
    )


def drop(
    session: Session,
    enrollment_ids: Ids,
    *,
    actor: Actor,
    now: datetime,
    reason: str,
    with_answers: bool = True,
) -> None:
    """Let nothing that is planned, claimed or open ever be done; `with_answers`: nor what people have written."""
    open_states = [DeliveryState.READY.value, DeliveryState.CLAIMED.value, DeliveryState.OPEN.value]
    steps = () if with_answers else (DELIVERIES.c.reply_id.is_(None),)
    session.execute(
        update(DELIVERIES)
        .where(DELIVERIES.c.enrollment_id.in_(enrollment_ids), DELIVERIES.c.state.in_(open_states), *steps)
        .values(
            state=DeliveryState.SKIPPED.value,
            fence=DELIVERIES.c.fence + 1,
            lease_until=None,
            settled_at=now,
            reason=reason or f"by {actor.name}",
        )
    )


def _record_skipped_step(
    session: Session, change: Change, *, actor: Actor, now: datetime, reason: str
) -> None:
    step = change.row.sequence.steps[change.before.position]
    key = {"enrollment_id": change.row.id, "step_id": step.id, "attempt": change.before.attempt}
    exists = session.execute(
        select(DELIVERIES.c.id).where(*(DELIVERIES.c[name] == value for name, value in key.items()))
    ).first()
    if exists is None:
        session.execute(
            insert(DELIVERIES).values(
                **key,
                kind=step.kind,
                state=DeliveryState.SKIPPED.value,
                reason=reason or f"cancelled by {actor.name}",
                created_at=now,
                settled_at=now,
                subject=step.subject,
                fence=0,
                tries=0,
            )
        )
