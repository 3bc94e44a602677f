"""Who people are: the names behind the ids that journal, holds and batches keep."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from sqlalchemy import Select, union_all
from sqlmodel import Session, col, func, select

from core.goals import ACTOR
from core.models import Batch, Lead, Member, Sequence, Workspace
from core.people import SYSTEM

SLACK_ID = re.compile(r"[UW][A-Z0-9]{2,20}")
MOST_STRANGERS = 500


def names(session: Session, ids: Iterable[str | None]) -> dict[str, str]:
    """Give a name for every id: a member's, `cli:ana` as "ana", Fermata itself; else the id."""
    wanted = {actor for actor in ids if actor}
    known = dict(session.exec(select(Member.id, Member.name).where(col(Member.id).in_(wanted))).all())
    return {actor: known.get(actor) or _plain(actor) for actor in wanted}


def name_of(session: Session, actor_id: str) -> str:
    """Give the name behind one id."""
    return names(session, [actor_id])[actor_id]


def strangers(session: Session) -> list[str]:
    """Give Slack ids that cards and answers would show as they are, since their members have never spoken."""
    found = {user_id for (user_id,) in session.execute(_named()) if user_id and SLACK_ID.fullmatch(user_id)}
    known = set(session.exec(select(Member.id).where(col(Member.id).in_(found)))) if found else set()
    return sorted(found - known)


@cache  # asked at every answer; building it costs more than asking it
def _named() -> Select[Any]:
    """Give who is named anywhere."""
    named = [
        slack_ids_in(col(Lead.owner)),
        slack_ids_in(col(Batch.actor)),
        select(col(Sequence.changed_by)).distinct(),
        select(col(Workspace.halted_by)),
    ]
    some = union_all(*(select(ids.limit(MOST_STRANGERS).subquery()) for ids in named))
    return select(some.subquery())


def slack_ids_in(column: Any) -> Select[Any]:
    """Give the distinct values of an indexed column, by one look into the index for each instead of one per row."""
    walk = select(func.min(column).label("value")).where(column >= "U", column < "X").cte(recursive=True)
    following = select(func.min(column)).where(column > walk.c.value, column < "X").scalar_subquery()
    walk = walk.union_all(select(following).where(walk.c.value.is_not(None)))
    return select(walk.c.value)


def _plain(actor_id: str) -> str:
    if actor_id.startswith(ACTOR):
        return f"the goal {actor_id.removeprefix(ACTOR)}"
    return SYSTEM.name if actor_id == SYSTEM.id else actor_id.removeprefix("cli:")
