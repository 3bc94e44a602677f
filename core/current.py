"""Which run of a lead in a sequence is meant when somebody names the lead."""

from __future__ import annotations

from functools import cache

from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy.orm import aliased
from sqlmodel import col, func, select

from core.lifecycle import LIVE
from core.models import Enrollment


@cache  # building it costs more than asking it
def current_run() -> ColumnElement[bool]:
    """Give the condition that an enrollment is the live run of its lead in its sequence, or the latest where none is.

    They differ: undoing a restart wakes the run before, and whoever then says `pause` means that one.
    """
    other = aliased(Enrollment)
    same = (
        col(other.lead_id) == col(Enrollment.lead_id),
        col(other.sequence_id) == col(Enrollment.sequence_id),
    )
    is_live = col(Enrollment.status).in_(LIVE)
    any_live = select(col(other.id)).where(*same, col(other.status).in_(LIVE)).exists()
    latest = select(func.max(other.run)).where(*same).scalar_subquery()
    return or_(is_live, and_(~any_live, col(Enrollment.run) == latest))
