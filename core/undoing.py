"""What an act changed besides where leads stand in sequences: kept on the lines of the journal, and put back by `undo`.

Such a line bears its batch and no enrollment; in `before` it keeps of which row which values went from what to what. Only
what still stands as the act left it is put back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, SQLModel, col, select

from core.journal import note
from core.models import Batch, Journal
from core.people import Actor

Values = dict[str, Any]


@dataclass(frozen=True)
class Kept:
    """One row that an act changed: `what` it is a row of, and its values before and after, as JSON."""

    verb: str
    what: str
    number: int
    lead_id: int
    was: Values
    became: Values

    @property
    def turned(self) -> Kept:
        """Give what taking it back changes."""
        return replace(self, was=self.became, became=self.was)


def keep(
    session: Session,
    kept: Kept,
    *,
    actor: Actor,
    now: datetime,
    batch_id: int,
    reason: str = "",
    said: tuple[str | None, str | None] = (None, None),
) -> None:
    """Journal a change so that its batch can be undone. `said`: from what to what, for people."""
    before = {"what": kept.what, "id": kept.number, "was": kept.was, "became": kept.became}
    note(
        session, kept.verb, actor=actor, now=now, lead_id=kept.lead_id, batch_id=batch_id, was=said[0], became=said[1],
        reason=reason, before=before,
    )  # fmt: skip
    session.execute(update(Batch).where(col(Batch.id) == batch_id).values(size=Batch.size + 1))


def lines_of(session: Session, batch_id: int | None) -> list[Journal]:
    """Give the lines of a batch that are about no enrollment, in order."""
    of_batch = Journal.batch_id == batch_id, col(Journal.enrollment_id).is_(None)
    return list(session.exec(select(Journal).where(*of_batch).order_by(col(Journal.id))))


def kept_by(lines: Iterable[Journal]) -> list[Kept]:
    """Give what a batch, whose lines these are, changed, in order."""
    return [
        Kept(line.verb, kept["what"], kept["id"], line.lead_id or 0, kept["was"], kept["became"])
        for line in lines
        if (kept := line.before)
    ]


def values(row: SQLModel, names: Iterable[str]) -> Values:
    """Give some values of a row as JSON."""
    return {name: _plain(getattr(row, name)) for name in names}


def put_back(
    session: Session, row: SQLModel, kept: Kept, *, actor: Actor, now: datetime, batch_id: int
) -> bool:
    """Give a row the values that it had, kept in its turn; where one of them has changed since, False and no change."""
    if values(row, kept.became) != kept.became:
        return False
    for name, value in kept.was.items():
        setattr(
            row, name, datetime.fromisoformat(value) if value and name.endswith(("_at", "_until")) else value
        )
    session.add(row)
    keep(session, kept.turned, actor=actor, now=now, batch_id=batch_id, reason="taken back")
    return True


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return dict(value) if isinstance(value, Mapping) else value
