"""The journal's lines. `note` writes one for what is not a change of an enrollment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Table
from sqlmodel import Session

from core import outgoing
from core.many import insert_rows
from core.models import Journal
from core.people import Actor

LINES: Table = Journal.__table__  # type: ignore[attr-defined]


def write(session: Session, lines: Sequence[Mapping[str, Any]]) -> None:
    """Write lines, each with the same columns, and have other systems told."""
    insert_rows(session, LINES, lines)
    outgoing.tell(session, lines)


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
    before: dict[str, Any] | None = None,
) -> None:
    """Write one line: who did what, to what, from what to what, why, when. `before`: what an undo needs to know."""
    line: dict[str, Any] = {"at": now, "actor": actor.id, "verb": verb, "lead_id": lead_id, "sequence_id": sequence_id,
            "batch_id": batch_id, "was": was, "became": became, "reason": reason}  # fmt: skip
    session.add(Journal(**line | ({"before": before} if before else {})))  # None would be JSON's null
    outgoing.tell(session, [line])
