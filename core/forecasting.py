"""The forecast of the whole database: who stands where, read at once, and worked through without writing anything."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from collections.abc import Sequence as Many
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, text
from sqlmodel import Session, col, func, select

from core.acts import load
from core.awaited import AWAITS
from core.current import never_was
from core.forecast import DAYS, Outlook, Standing, Way, outlook
from core.lifecycle import LIVE, Status
from core.mailboxes import day_of, handed_on
from core.models import Enrollment, Lead, Mailbox, Sequence, SequenceStatus, Suppression
from core.plans import PlannedSequence, planned
from core.sequence_file.graph import target
from core.sequence_file.spec import ConditionStep, JumpStep
from core.sql import spelling
from core.views.forecast import awake, hold_ends_at

MOST = 50_000  # leads that are worked through, those that are due first; behind them caps are full for long


@dataclass(frozen=True)
class Forecast:
    """What would leave, by mailbox. `held`: mailboxes from which nothing leaves. `left_out`: leads that were too many."""

    boxes: tuple[Outlook, ...]
    held: tuple[str, ...] = ()
    left_out: int = 0


def forecast(
    session: Session, *, now: datetime, sequence_id: int | None = None, days: int = DAYS, most: int = MOST
) -> Forecast:
    """Give what would leave in so many days; of one sequence the mails alone that it sends, as if it were alone."""
    boxes = session.exec(select(Mailbox).order_by(Mailbox.address)).all()
    leads, left_out = _standing(session, sequence_id, boxes, now, most)
    handed = {box.id: handed_on(session, box, day_of(box, now)) for box in boxes}
    held = {box.id: box.address for box in boxes if box.guarded_at or box.down_at}
    arrived: dict[int | None, list[Standing]] = {}
    found: list[Outlook] = []
    # Until nobody else comes from another mailbox; a jump leads there once a day at most.
    for _ in range(days):
        found = [
            outlook(
                box,
                [] if box.id in held else [*leads[box.id or 0], *arrived.get(box.id, ())],
                handed=handed[box.id],
                now=now,
                days=days,
            )
            for box in boxes
        ]
        before, arrived = arrived, _by_mailbox(lead for one in found for lead in one.gone)
        if arrived == before:
            break
    return Forecast(tuple(found), tuple(held.values()), left_out)


def _by_mailbox(leads: Iterable[Standing]) -> dict[int | None, list[Standing]]:
    found: dict[int | None, list[Standing]] = {}
    for lead in leads:
        found.setdefault(lead.way.mailbox_id, []).append(lead)
    return found


def _standing(
    session: Session, sequence_id: int | None, boxes: Many[Mailbox], now: datetime, most: int
) -> tuple[defaultdict[int, list[Standing]], int]:
    is_wanted: list[Any] = [
        Sequence.status == SequenceStatus.PUBLISHED.value,
        col(Enrollment.mailbox_id).is_not(None),
        *([Enrollment.sequence_id == sequence_id] if sequence_id else []),
    ]
    suppressed = select(Suppression.email).where(Suppression.email == Lead.email).exists()
    running: list[Any] = [
        or_(text("enrollment.status = 'pending'"), text(AWAITS)),
        col(Enrollment.due_at).is_not(None),
        ~suppressed,
    ]
    columns = (
        Enrollment.id, Enrollment.lead_id, Enrollment.sequence_id, Enrollment.mailbox_id, Enrollment.position, Enrollment.due_at,
        Enrollment.wake_at, Enrollment.status, Lead.zone,
    )  # fmt: skip
    query = (
        select(*columns)  # type: ignore[call-overload]  # SQLModel has types for four columns at most
        .join(Lead, col(Lead.id) == Enrollment.lead_id)
        .join(Sequence, col(Sequence.id) == Enrollment.sequence_id)
        .where(*is_wanted, *running)
    )
    rows = session.execute(query.order_by(Enrollment.wake_at, Enrollment.id).limit(most)).all()
    left_out = 0
    if len(rows) == most:
        all_ = session.execute(query.with_only_columns(func.count(), maintain_column_froms=True)).scalar_one()
        left_out = all_ - most
    held = select(Enrollment.id).join(Sequence, col(Sequence.id) == Enrollment.sequence_id)
    held = (
        held.where(*is_wanted, Enrollment.status == Status.PAUSED.value)
        .order_by(col(Enrollment.id))
        .limit(most)
    )
    paused = load(session, [number for number in session.exec(held) if number])
    waking = [(row, ends_at) for row in paused if (ends_at := hold_ends_at(row.state))]
    places = {(row.lead_id, row.sequence_id) for row in rows}
    places |= {(row.lead_id, row.sequence.id) for row, _ in waking}
    ways = _Ways(session, places, boxes, is_alone=sequence_id is not None)
    found: defaultdict[int, list[Standing]] = defaultdict(list)
    for row in rows:
        awaits = row.status != Status.PENDING
        wake_at = None if awaits else row.wake_at
        way = ways.of(row.sequence_id, row.zone, row.mailbox_id)
        begun = ways.begun(row.lead_id, row.sequence_id)
        lead = Standing(row.id, row.position, row.due_at, way, awaits, wake_at, begun)
        found[row.mailbox_id].append(lead)
    for held_, ends_at in waking:
        way = ways.of(held_.sequence.id, held_.zone, held_.mailbox_id or 0)
        state = awake(held_.state, way.plan, max(now, ends_at))
        awaits = state.awaits_since is not None
        if state.due_at and (awaits or state.status is Status.PENDING):
            begun = ways.begun(held_.lead_id, held_.sequence.id)
            lead = Standing(held_.id, state.position, state.due_at, way, awaits, begun=begun)
            found[held_.mailbox_id or 0].append(lead)
    return found, left_out


class _Ways:
    """Sequences as leads go through them, and those that jumps lead to: one way for a calendar and a mailbox, made once."""

    def __init__(
        self, session: Session, places: Collection[tuple[int, int]], boxes: Many[Mailbox], *, is_alone: bool
    ) -> None:
        self._boxes = {box.address: box.id or 0 for box in boxes}
        self._made: dict[tuple[int, str | None, int], Way] = {}
        self._sequences = planned(session, {number for _, number in places})
        self._ids: dict[str, int] = {}  # of what jumps name
        new = {} if is_alone else self._sequences
        while names := {name for sequence in new.values() for _, name in _jumps(sequence)} - self._ids.keys():
            named = select(Sequence.key, Sequence.id).where(col(Sequence.key).in_(names))
            self._ids |= dict.fromkeys(names, 0) | {key: number or 0 for key, number in session.exec(named)}
            new = planned(session, {self._ids[name] for name in names} - self._sequences.keys())
            self._sequences |= new
        self._runs: dict[int, dict[int, tuple[str, datetime]]] = {}
        for lead_id, number, status, at in self._read_runs(session, {lead_id for lead_id, _ in places}):
            self._runs.setdefault(lead_id, {})[number] = (status, at)

    def begun(self, lead_id: int, sequence_id: int) -> dict[int, datetime | None]:
        """Give when a lead that is in a sequence began last in those that jumps lead to; None: it is kept out.

        As in core.forks; and whoever is in the other one now is taken to be there still.
        """
        return {
            number: None if status == Status.STOPPED or (status in LIVE and number != sequence_id) else at
            for number, (status, at) in self._runs.get(lead_id, {}).items()
        }

    def _read_runs(
        self, session: Session, lead_ids: Iterable[int]
    ) -> Iterator[tuple[int, int, str, datetime]]:
        if not self._ids:
            return iter(())
        query = select(
            Enrollment.lead_id, Enrollment.sequence_id, Enrollment.status, Enrollment.enrolled_at
        ).where(
            spelling(session).among(Enrollment.lead_id, lead_ids),
            spelling(session).among(Enrollment.sequence_id, set(self._ids.values())),
            ~never_was(),
        )
        return iter(session.exec(query.order_by(col(Enrollment.run))).all())

    def of(self, sequence_id: int, zone: str | None, mailbox_id: int) -> Way:
        """Give the way of a lead of this zone."""
        sequence = self._sequences[sequence_id]
        key = (sequence_id, zone if sequence.spec.lead_zone else None, mailbox_id)
        if key not in self._made:
            self._made[key] = way = Way(sequence.plan(zone), otherwise(sequence), sequence_id, mailbox_id)
            for position, name in _jumps(sequence):
                way.jumps[position] = self._there(self._ids.get(name, 0), zone, mailbox_id)
        return self._made[key]

    def _there(self, sequence_id: int, zone: str | None, mailbox_id: int) -> tuple[Way, ...]:
        """Give the ways through another sequence: from the same mailbox, where that may send there."""
        sequence = self._sequences.get(sequence_id)
        if sequence is None or sequence.status != SequenceStatus.PUBLISHED or not sequence.steps:
            return ()
        named = sequence.spec.mailboxes
        allowed = [number for box, number in self._boxes.items() if named is None or box in named]
        senders = [mailbox_id] if mailbox_id in allowed else allowed
        return tuple(self.of(sequence_id, zone, number) for number in senders)


def _jumps(sequence: PlannedSequence) -> Iterator[tuple[int, str]]:
    """Give by position the keys of the sequences that jumps name."""
    for position, step in enumerate(sequence.spec.steps):
        if isinstance(step, JumpStep):
            yield position, step.to.strip().casefold()


def otherwise(sequence: PlannedSequence) -> dict[int, int]:
    """Give by position where a condition leads that does not come true."""
    steps, end = sequence.spec.steps, len(sequence.spec.steps)
    return {
        position: end if (to := target(steps, position, step.otherwise)) is None else to
        for position, step in enumerate(steps)
        if isinstance(step, ConditionStep)
    }
