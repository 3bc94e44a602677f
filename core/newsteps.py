"""Leads that had finished a sequence when a step was added behind its end: who of them still waits for an answer."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from core.backlogs import answered
from core.lifecycle import Source
from core.models import Batch, Enrollment, Hold, Sequence
from core.plans import planned
from core.sql import spelling

VERB = Source.NEW_STEP.value


@dataclass(frozen=True)
class Waiting:
    """What waits. `step`: the number, from 1, of the step that was added."""

    batch_id: int
    sequence_id: int
    sequence: str
    step: int
    ids: tuple[int, ...]
    lead_ids: tuple[int, ...]


def get(session: Session, batch: Batch) -> Waiting | None:
    """Give who still waits; None for a batch that held nobody at a new step."""
    query = (
        select(Enrollment.id, Enrollment.lead_id, Enrollment.position, Hold.released_at)
        .join(Hold, col(Hold.enrollment_id) == Enrollment.id)
        .where(Hold.batch_id == batch.id, Hold.source == VERB)
        .order_by(col(Enrollment.id))
    )
    rows = session.exec(query).all()
    first = session.get(Enrollment, rows[0][0]) if rows else None
    if first is None:
        return None
    name = session.get_one(Sequence, first.sequence_id).name
    open_ = [row for row in rows if row[3] is None]
    step = open_[0][2] if open_ else len(planned(session, [first.sequence_id])[first.sequence_id].steps) - 1
    ids, lead_ids = tuple(row[0] or 0 for row in open_), tuple(row[1] for row in open_)
    return Waiting(batch.id or 0, first.sequence_id, name, step + 1, ids, lead_ids)


def waiting(session: Session, *conditions: ColumnElement[bool]) -> list[Waiting]:
    """Give what waits for an answer, the oldest first, among the enrollments of these conditions."""
    query = (
        select(Hold.batch_id)
        .join(Enrollment, col(Enrollment.id) == Hold.enrollment_id)
        .where(Hold.source == VERB, col(Hold.released_at).is_(None), *conditions)
        .distinct()
    )
    batches = session.exec(select(Batch).where(col(Batch.id).in_(query)).order_by(col(Batch.id)))
    return [found for batch in batches if (found := get(session, batch))]


def among(session: Session, ids: Collection[int]) -> list[Waiting]:
    """Give what waits for an answer, and of whom that is only these enrollments."""
    wanted, found = set(ids), []
    for one in waiting(session, spelling(session).among(Enrollment.id, ids)):
        kept = [(i, lead_id) for i, lead_id in zip(one.ids, one.lead_ids, strict=True) if i in wanted]
        found.append(replace(one, ids=tuple(i for i, _ in kept), lead_ids=tuple(lead for _, lead in kept)))
    return found


def settled_words(session: Session, batch_id: int, *, zone: str) -> str:
    """Give who answered and what, once nobody waits any more."""
    words = answered(session, batch_id, VERB, "chose", zone=zone)
    return words or "Nobody waits any more: all were sent on or left one by one."
