"""That something happened to a lead which may be what a condition waits for (core/conditions.py)."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import text, update
from sqlmodel import Session

from core.acts import CHUNK, ENROLLMENTS
from core.chunks import chunks
from core.sql import spelling

# As literals, for the partial index.
AWAITS = "enrollment.awaits_since IS NOT NULL AND enrollment.status = 'in_progress'"
_E = ENROLLMENTS.c


def look_anew(session: Session, sequence_id: int) -> None:
    """Have everybody looked at who waits in a sequence: its conditions may have changed."""
    those = (_E.sequence_id == sequence_id, text(AWAITS))
    session.connection().execute(update(ENROLLMENTS).where(*those).values(wake_at=_E.awaits_since))


def news(session: Session, lead_ids: Iterable[int]) -> None:
    """Have the conditions looked at that these leads wait for: something has happened that may be what is waited for."""
    for chunk in chunks(lead_ids, CHUNK):
        those = (_E.lead_id.in_(spelling(session).these(chunk)), text(AWAITS))
        session.connection().execute(update(ENROLLMENTS).where(*those).values(wake_at=_E.awaits_since))
