"""Whose lead it is: given to a person, put back by an undo, and who stands for a person who is away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import groupby

from sqlalchemy import ColumnElement, update
from sqlmodel import Session, col, select

from core import cards, homes, journal
from core.chunks import chunks
from core.models import Absence, Batch, Journal, Lead
from core.people import Actor
from core.words import counted

VERB = "owner"


def give(
    session: Session,
    lead_ids: Iterable[int],
    owner: str | None,
    *,
    actor: Actor,
    now: datetime,
    batch_id: int | None = None,
) -> list[int]:
    """Give these leads to a person, None: to nobody, and give back those that had another owner, in order.

    Journals from → to for each, and redraws their cards and the lists of both owners.
    """
    return _move(session, dict.fromkeys(lead_ids, owner), actor=actor, now=now, batch_id=batch_id)


def _move(
    session: Session,
    owners: Mapping[int, str | None],
    *,
    actor: Actor,
    now: datetime,
    batch_id: int | None,
) -> list[int]:
    moved: list[tuple[int, str | None]] = []
    for chunk in chunks(sorted(owners)):
        query = select(Lead.id, Lead.owner).where(col(Lead.id).in_(chunk)).order_by(col(Lead.id))
        rows = session.exec(query.with_for_update(key_share=True)).all()
        moved += [(i, was) for i, was in rows if i is not None and (was or None) != owners[i]]
    ids = [lead_id for lead_id, _ in moved]
    if not ids:
        return []
    cards.touch_digests(session, lead_ids=ids)
    for owner, same in groupby(sorted(ids, key=lambda i: owners[i] or ""), key=lambda i: owners[i]):
        for chunk in chunks(same):
            session.execute(update(Lead).where(col(Lead.id).in_(chunk)).values(owner=owner))
    common = {"at": now, "actor": actor.id, "verb": VERB, "batch_id": batch_id, "reason": ""}
    lines = [{**common, "lead_id": i, "was": was or "", "became": owners[i] or ""} for i, was in moved]
    journal.write(session, lines)
    if batch_id is not None:
        size = Batch.size + len(ids)
        session.execute(update(Batch).where(col(Batch.id) == batch_id).values(size=size))
    cards.touch(session, lead_ids=ids)
    homes.touch_all(session)  # whoever had them no longer does
    cards.touch_digests(session, lead_ids=ids)
    return ids


def given_by(lines: Iterable[Journal]) -> dict[int, tuple[str, str]]:
    """Give by lead the owner before a batch, whose lines these are, and the one it set, "" for nobody."""
    return {
        line.lead_id: (line.was or "", line.became or "")
        for line in lines
        if line.lead_id and line.verb == VERB
    }


def put_back(
    session: Session,
    given: Mapping[int, tuple[str, str]],
    leads: Iterable[Lead],
    *,
    actor: Actor,
    now: datetime,
    batch_id: int,
) -> list[str]:
    """Give each of these leads, which are locked, its owner back, unless it has got another one since; say so."""
    back: dict[int, str | None] = {}
    for lead in leads:
        lead_id = lead.id or 0
        if lead_id in given and (lead.owner or "") == given[lead_id][1]:
            back[lead_id] = given[lead_id][0] or None
    done = _move(session, back, actor=actor, now=now, batch_id=batch_id)
    return [f"{counted(len(done), 'lead')} went back to who had them before."] if done else []


def stands_for(session: Session, owner: str | None, *, now: datetime) -> str | None:
    """Give who gets what is meant for this owner: whoever covers for them while they are away, else themselves."""
    return standing_in(session, now=now).get(owner, owner) if owner else owner


def standing_in(session: Session, *, now: datetime) -> dict[str, str]:
    """Give by person who covered for them at that moment; covers that are away themselves are followed to the end."""
    away = select(Absence.person, Absence.cover).where(col(Absence.cover).is_not(None), *_lasts(now))
    covers = {person: cover for person, cover in session.exec(away).all() if cover}
    return {person: last for person in covers if (last := _last(covers, person)) != person}


def away(session: Session, *, now: datetime) -> set[str]:
    """Give who was away at that moment."""
    return set(session.exec(select(Absence.person).where(*_lasts(now))))


def _lasts(now: datetime) -> tuple[ColumnElement[bool], ...]:
    is_on = (col(Absence.ended_at).is_(None)) | (col(Absence.ended_at) > now)
    return col(Absence.created_at) <= now, col(Absence.until) > now, is_on


def _last(covers: Mapping[str, str], person: str) -> str:
    """Give the end of the chain; of two who cover for each other, each gets their own."""
    passed = [person]
    while (following := covers.get(passed[-1])) is not None:
        if following in passed:
            return person
        passed.append(following)
    return passed[-1]
