"""Is this the database that was sent from last, or a copy of it that somebody restored? A copy waits for a person (DESIGN G9).

A restored copy does not know what left after it was made, so it would send that again. Two witnesses tell: the database
keeps when a sender was last at work on it, and each sender keeps outside of the database, in FERMATA_HOME, what it
saw there last. A copy is a database that is behind what its sender saw, or one that nobody sent from lately and that this
sender has never seen. A new sender that joins others at work, and one that was away itself, are neither.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlmodel import Session

from core import halts
from core.db import Database
from core.journal import note
from core.models import WORKSPACE_ID, Workspace
from core.people import SYSTEM

BEAT = timedelta(seconds=5)  # how often a sender leaves its mark
ALIVE = timedelta(minutes=10)  # so long after its last mark others may still be at work on it


def check(db: Database, seen: str, *, now: datetime) -> str:
    """Give "" for the database that was sent from last; else halt all sending, and give why.

    `seen`: what `beat` gave to this sender last, "" if it never had one.
    """
    with db.write() as session:
        workspace = _locked(session)
        because = _suspicion(workspace, seen, now)
        if because:
            by_hand = workspace.halted_because if workspace.halted_at else None
            if workspace.halted_at is None:
                workspace.halted_at, workspace.halted_by = now, SYSTEM.id
            workspace.halted_because = f"{by_hand}; {because}" if by_hand else because
            session.add(workspace)
            note(session, halts.HALT, actor=SYSTEM, now=now, reason=because)
            halts.tell(session, now=now)
        return because


def _suspicion(workspace: Workspace, seen: str, now: datetime) -> str:
    lineage, _, beat = seen.partition(" ")
    last = datetime.fromtimestamp(workspace.beat, UTC)
    if workspace.lineage is None:  # nobody ever sent from it
        return ""
    if lineage == workspace.lineage and beat.isdecimal():
        if workspace.beat >= int(beat):
            return ""
        return (
            f"This database is a copy from {last:%Y-%m-%d %H:%M} UTC, older than what was sent from here last"
        )
    if now - last <= ALIVE:
        return ""
    return f"This database is new here, and was last sent from on {last:%Y-%m-%d %H:%M} UTC: it may be a restored copy"


def beat(db: Database, *, now: datetime) -> str:
    """Leave a mark that a sender is at work, and give what it must keep outside of the database."""
    with db.write() as session:
        workspace = _locked(session)
        workspace.lineage = workspace.lineage or uuid4().hex
        workspace.beat = max(workspace.beat, int(now.timestamp()))
        session.add(workspace)
        return f"{workspace.lineage} {workspace.beat}"


def _locked(session: Session) -> Workspace:
    return session.get_one(Workspace, WORKSPACE_ID, with_for_update={"key_share": True})
