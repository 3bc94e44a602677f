"""Journal lines for what is not a change of an enrollment."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from core.models import Journal
from core.people import Actor


def note(
    session: Session,
    verb: str,
    *,
    actor: Actor,
    now: datetime,
    lead_id: int | None = None,
    sequence_id: int | None = None,
    batch_id: int | None = None,
    was: str | None = None,
    became: str | None = None,
    reason: str = "",
) -> None:
    """Write one line: who did what, to what, from what to what, why, when."""
    session.add(
        Journal(
            at=now,
            actor=actor.id,
            verb=verb,
            lead_id=lead_id,
            sequence_id=sequence_id,
            batch_id=batch_id,
            was=was,
            became=became,
            reason=reason,
        )
    )
