"""Who people are: the names behind the ids that journal, holds and batches keep."""

from __future__ import annotations

from collections.abc import Iterable

from sqlmodel import Session, col, select

from core.models import Member
from core.people import SYSTEM


def names(session: Session, ids: Iterable[str | None]) -> dict[str, str]:
    """Give a name for every id: a member's, `cli:ana` as "ana", Fermata itself; else the id."""
    wanted = {actor for actor in ids if actor}
    known = dict(session.exec(select(Member.id, Member.name).where(col(Member.id).in_(wanted))).all())
    return {actor: known.get(actor) or _plain(actor) for actor in wanted}


def name_of(session: Session, actor_id: str) -> str:
    """Give the name behind one id."""
    return names(session, [actor_id])[actor_id]


def _plain(actor_id: str) -> str:
    return SYSTEM.name if actor_id == SYSTEM.id else actor_id.removeprefix("cli:")
