"""A lead's stage, changed within a batch and put back when that is undone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col

from core import cards, goals, journal
from core.awaited import news
from core.goals import Kind
from core.models import Batch, Journal, Lead
from core.people import Actor
from core.words import counted

VERBS = ("qualify", "unqualify", "undo")


def move(
    session: Session,
    leads: Iterable[Lead],
    stage: str,
    *,
    verb: str,
    actor: Actor,
    now: datetime,
    batch_id: int,
) -> list[Lead]:
    """Set the stage of these leads, which are locked, and give those that had another one."""
    moved = [lead for lead in leads if lead.stage != stage]
    for lead in moved:
        journal.note(
            session, verb, actor=actor, now=now, lead_id=lead.id, batch_id=batch_id, was=lead.stage, became=stage
        )  # fmt: skip
        lead.stage = stage
        session.add(lead)
    size = Batch.size + len(moved)
    session.execute(update(Batch).where(col(Batch.id) == batch_id).values(size=size))
    session.flush()
    news(session, [lead.id for lead in moved if lead.id is not None])
    if verb != "undo":  # what is taken back starts nothing
        goals.meet_values(session, Kind.STAGE, ((lead.id or 0, stage) for lead in moved), now=now)
    cards.touch(session, lead_ids=[lead.id for lead in moved if lead.id is not None])
    return moved


def moved_by(lines: Iterable[Journal]) -> dict[int, tuple[str, str]]:
    """Give by lead the stage before a batch, whose lines about no enrollment these are, and the one it set."""
    return {
        line.lead_id: (line.was or "", line.became or "")
        for line in lines
        if line.lead_id and line.verb in VERBS
    }


def put_back(
    session: Session,
    moved: Mapping[int, tuple[str, str]],
    leads: Iterable[Lead],
    *,
    actor: Actor,
    now: datetime,
    batch_id: int,
) -> list[str]:
    """Give each of these leads, which are locked, its stage back, unless it has got another one since; say so."""
    back: list[Lead] = []
    for lead in leads:
        before, after = moved.get(lead.id or 0, (lead.stage, lead.stage))
        if lead.stage == after and before != after:
            back += move(session, [lead], before, verb="undo", actor=actor, now=now, batch_id=batch_id)
    if not back:
        return []
    if len(back) == 1:
        return [f"The stage of {back[0].email} is “{back[0].stage}” again." if back[0].stage
                else f"{back[0].email} has no stage again."]  # fmt: skip
    return [f"The stages of {counted(len(back), 'lead')} are as they were."]
