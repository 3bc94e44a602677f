"""Which run of a lead in a sequence is meant when somebody names the lead."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy.orm import aliased
from sqlmodel import col, func, select

from core.lifecycle import LIVE, Status
from core.models import Delivery, Enrollment, Journal

UNDO, REDO = "undo", "redo"  # of batches; a redo takes an undo back
# The reasons of a run that was stopped as what had begun it was taken back.
UNDONE = ("undone", "the redo undone")


@cache  # building it costs more than asking it
def current_run() -> ColumnElement[bool]:
    """Give the condition that an enrollment is the live run of its lead in its sequence, or the latest where none is.

    They differ: undoing a restart wakes the run before, and whoever then says `pause` means that one. A run that never was
    does not count; where there is no other, the lead is not in the sequence.
    """
    other = aliased(Enrollment)
    same = (
        col(other.lead_id) == col(Enrollment.lead_id),
        col(other.sequence_id) == col(Enrollment.sequence_id),
    )
    is_live = col(Enrollment.status).in_(LIVE)
    any_live = select(col(other.id)).where(*same, col(other.status).in_(LIVE)).exists()
    latest = select(func.max(other.run)).where(*same, ~never_was(other)).scalar_subquery()
    return or_(is_live, and_(~any_live, col(Enrollment.run) == latest))


@cache
def never_was(run: Any = Enrollment) -> ColumnElement[bool]:
    """Give the condition that a run's beginning was taken back before anything of it was handed over.

    The reason keeps all others from being looked up in the journal, whose line proves that it is no person's word.
    """
    line, delivery = aliased(Journal), aliased(Delivery)
    taken_back = select(col(line.id)).where(
        col(line.lead_id) == run.lead_id,  # by its index
        col(line.enrollment_id) == run.id,
        col(line.version) == run.version,
        col(line.verb) == UNDO,
    )
    left = select(col(delivery.id)).where(
        col(delivery.enrollment_id) == run.id, col(delivery.sending_at).is_not(None)
    )
    is_undone = and_(run.status == Status.STOPPED.value, run.end_reason.in_(UNDONE))
    # No EXISTS, which PostgreSQL may answer by putting the whole journal into a hash table first.
    looked_up = (one.limit(1).scalar_subquery() for one in (taken_back, left))
    was_taken_back, has_left = looked_up
    return and_(is_undone, was_taken_back.is_not(None), has_left.is_(None))
