"""Whose leads they are: `owner lead@x.com @kim`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from core import owners, permissions
from core.acts import open_batch
from core.answers import Answer
from core.chunks import AT_ONCE, chunks
from core.errors import Refused
from core.grammar import commands as orders
from core.models import Lead, Member
from core.names import SLACK_ID, name_of, names
from core.people import Actor
from core.plain import shown
from core.verbs import proposals
from core.verbs.choosing import LEADS_WITHOUT_ASKING, describe, lead_ids, lock_leads
from core.verbs.outcome import Outcome
from core.words import counted, listed, some

ME, NOBODY = "me", "nobody"


def owner(
    session: Session, order: orders.Owner, *, actor: Actor, now: datetime, only: Sequence[int] | None = None
) -> Outcome:
    """Give leads to a person or to nobody; more than ten are shown first."""
    to = None if order.to == NOBODY else person(session, order.to, actor=actor)
    whose = f"{name_of(session, to)}'s" if to else "nobody's"
    ids = list(only) if only is not None else lead_ids(session, order.who, actor=actor)
    if only is None and (order.who.everyone or len(ids) > LEADS_WITHOUT_ASKING):
        exact = orders.Owner(order.who, f"@{to}" if to else NOBODY)
        title = f"Make {counted(len(ids), 'lead')} {describe(order.who)}".strip() + f" {whose}?"
        return proposals.ask(session, exact, title, _overview(session, ids), ids, actor=actor, now=now)
    lock_leads(session, ids)
    ids, notes = permissions.allowed(session, ids, actor=actor, now=now)
    before = _owners(session, ids)
    batch_id = open_batch(session, owners.VERB, actor=actor, now=now)
    moved = owners.give(session, ids, to, actor=actor, now=now, batch_id=batch_id)
    if not moved:
        them = order.who.addresses[0] if len(order.who.addresses) == 1 else "Every one of these leads"
        raise Refused(f"{them} is {whose} already; nothing was changed.")
    single = order.who.addresses[0] if len(order.who.addresses) == 1 else ""
    title = (
        f"{single} is {whose} now." if single else f"{counted(len(moved), 'lead')} {_are(moved)} {whose} now."
    )
    were = Counter(owner for owner, lead_ids_ in before.items() for i in lead_ids_ if i in set(moved))
    return Outcome(
        Answer(title, (f"Before: {_listed(session, were)}.", *notes), card_leads=tuple(moved) if single else (), batch_id=batch_id)
    )  # fmt: skip


def _are(moved: Sequence[int]) -> str:
    return "is" if len(moved) == 1 else "are"


def _owners(session: Session, ids: Sequence[int]) -> dict[str | None, list[int]]:
    found: dict[str | None, list[int]] = {}
    for chunk in chunks(ids):
        for lead_id, whose in session.exec(select(Lead.id, Lead.owner).where(col(Lead.id).in_(chunk))):
            found.setdefault(whose, []).append(lead_id or 0)
    return found


def _overview(session: Session, ids: Sequence[int]) -> tuple[str, ...]:
    whose = Counter({owner: len(theirs) for owner, theirs in _owners(session, ids).items()})
    emails = session.exec(select(Lead.email).where(col(Lead.id).in_(list(ids)[:AT_ONCE])))
    return (f"Owners now: {_listed(session, whose)}", f"Leads: {some(list(emails))}")


def _listed(session: Session, whose: Counter[str | None]) -> str:
    called = names(session, whose)
    counts = whose.most_common()
    if len(counts) == 1:
        return called[counts[0][0]] if counts[0][0] else NOBODY
    return some([f"{called[owner] if owner else NOBODY} ({count:,})" for owner, count in counts])


def person(session: Session, said: str, *, actor: Actor) -> str:
    """Give the Slack id of who is meant: "me", an id, or a name; raises Refused for nobody who can be written to.

    Slack sends an id for whoever is picked from its list of names; a name typed by hand may mean several people.
    """
    said = actor.id if said == ME else said.removeprefix("@")
    if SLACK_ID.fullmatch(said):
        found = list(session.exec(select(Member).where(Member.id == said)))
    else:
        named = session.exec(select(Member).order_by(col(Member.id)))
        found = [member for member in named if _is_called(member, said.casefold())]
    here = [member for member in found if not (member.is_guest or member.is_bot or member.is_deleted)]
    if len(here) > 1:
        raise Refused(
            f"{listed(member.name for member in here)} are both called so; pick one from Slack's list of names."
        )
    if not here and found:
        raise Refused(f"{found[0].name} is a guest, a bot or gone; name a full member of this workspace.")
    if not here:
        raise Refused(
            f"“{shown(said)}” is nobody that Fermata knows; type @ and pick them from Slack's list of names."
        )
    return here[0].id


def _is_called(member: Member, name: str) -> bool:
    words = member.name.casefold().split()
    return name in {" ".join(words), ".".join(words), "".join(words), *words[:1]}
