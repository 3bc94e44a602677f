"""Whose leads a person may let mail go on to, where only owners may (FERMATA_WHO_MAY_ACT=owner).

Only people in Slack are bound (`Actor.is_bound`), never an admin, the command line or Fermata itself. What only keeps mail
from leaving is everybody's. A lead that is nobody's, or whose owner is nobody in Slack, is everybody's too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from core import owners
from core.errors import Refused
from core.lifecycle import Event, Pause, Skip, Stop
from core.models import Enrollment, Lead
from core.names import SLACK_ID, names
from core.people import Actor
from core.sql import spelling
from core.words import counted, listed


class NotYours(Refused):
    """Every lead that was meant is a colleague's; whoever asked is told whom to ask, and the journal that they tried."""


class Theirs(NamedTuple):
    """A lead that is a colleague's."""

    lead_id: int
    email: str
    owner: str


def only_stops(event: Event) -> bool:
    """Say whether an event can only keep mail from leaving, so that it is everybody's."""
    return isinstance(event, Stop | Skip) or (isinstance(event, Pause) and not event.replaces)


def theirs(
    session: Session, enrollment_ids: Iterable[int], *, actor: Actor, now: datetime
) -> dict[int, Theirs]:
    """Give by enrollment those that are a colleague's; empty for whoever is not bound."""
    if not actor.is_bound:
        return {}
    of_these = col(Enrollment.id).in_(spelling(session).these(enrollment_ids))
    query = select(Enrollment.id, Lead.id, Lead.email, Lead.owner).join(
        Lead, col(Lead.id) == Enrollment.lead_id
    )
    rows = session.exec(query.where(of_these, _is_owned(session, actor, now))).all()
    return {i: found for i, *lead in rows if i is not None and (found := _found(*lead))}


def leads_of_others(
    session: Session, lead_ids: Iterable[int], *, actor: Actor, now: datetime
) -> list[Theirs]:
    """Give those of these leads that are a colleague's; none for whoever is not bound."""
    if not actor.is_bound:
        return []
    these = col(Lead.id).in_(spelling(session).these(lead_ids))
    query = select(Lead.id, Lead.email, Lead.owner).where(these, _is_owned(session, actor, now))
    return [found for row in session.exec(query.order_by(col(Lead.id))) if (found := _found(*row))]


def check(session: Session, lead_ids: Iterable[int], *, actor: Actor, now: datetime) -> None:
    """Raise NotYours, which names whom to ask, where one of these leads is a colleague's."""
    if found := leads_of_others(session, lead_ids, actor=actor, now=now):
        raise NotYours(f"{sentence(session, found, now=now)} Nothing was changed.")


def allowed(
    session: Session, lead_ids: Iterable[int], *, actor: Actor, now: datetime
) -> tuple[list[int], list[str]]:
    """Give the leads this person may act on, and a sentence about the others; raises NotYours where none is left."""
    ids = list(lead_ids)
    found = leads_of_others(session, ids, actor=actor, now=now)
    if not found:
        return ids, []
    kept = {one.lead_id for one in found}
    mine = [lead_id for lead_id in ids if lead_id not in kept]
    if not mine:
        check(session, ids, actor=actor, now=now)
    return mine, [sentence(session, found, now=now)]


def sentence(session: Session, found: Iterable[Theirs], *, now: datetime) -> str:
    """Give whose these leads are and whom to ask: "3 leads belong to Ben (2) and Cleo (1); ask them, or an admin."."""
    of_lead = {one.lead_id: one for one in found}
    count = Counter(one.owner for one in of_lead.values())
    whose = sorted(count.items(), key=lambda one: (-one[1], one[0]))
    covers = owners.standing_in(session, now=now)
    called = names(session, [*(owner for owner, _ in whose), *covers.values()])
    asked = [_asked(owner, called, covers) for owner, _ in whose]
    if len(of_lead) == 1:
        [one] = of_lead.values()
        return f"{one.email} belongs to {called[one.owner]}; ask {asked[0]}, or an admin."
    parts = [f"{called[owner]} ({number:,})" if len(whose) > 1 else called[owner] for owner, number in whose]
    return (
        f"{counted(len(of_lead), 'lead')} belong to {listed(parts)}; ask {listed(asked, 'or')}, or an admin."
    )


def _asked(owner: str, called: dict[str, str], covers: dict[str, str]) -> str:
    cover = covers.get(owner)
    return f"{called[cover]}, who covers for {called[owner]}" if cover else called[owner]


def _is_owned(session: Session, actor: Actor, now: datetime) -> ColumnElement[bool]:
    """Give the condition that a lead is neither this person's, nor of somebody they cover for, nor nobody's."""
    covered = [person for person, cover in owners.standing_in(session, now=now).items() if cover == actor.id]
    return col(Lead.owner).is_not(None) & col(Lead.owner).not_in(["", actor.id, *covered])


def _found(lead_id: int | None, email: str, owner: str | None) -> Theirs | None:
    return Theirs(lead_id or 0, email, owner) if owner and SLACK_ID.fullmatch(owner) else None
