"""Tags on leads: put on, taken off."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, delete, select

from core import cards, goals, journal, permissions
from core import leads as saving
from core.answers import Answer, Choice
from core.chunks import chunks
from core.errors import Refused
from core.grammar import commands as orders
from core.grammar import to_text
from core.models import LeadTag
from core.people import Actor
from core.verbs import proposals
from core.verbs.choosing import asks_first, describe, domains_of, lead_ids, lock_leads
from core.verbs.goals import undo_choices
from core.verbs.handovers import begun
from core.verbs.outcome import Outcome
from core.words import counted


def tag(
    session: Session, order: orders.Tag, *, actor: Actor, now: datetime, only: Sequence[int] | None = None
) -> Outcome:
    """Put a tag on leads, or take it off; leads that have it (or not) already are left as they are."""
    ids = list(only) if only is not None else lead_ids(session, order.who, actor=actor)
    is_on = order.verb == "tag"
    if only is None and asks_first(order.who, len(ids)):
        title = f"{'Tag' if is_on else 'Untag'} {counted(len(ids), 'lead')} {describe(order.who)} as “{order.tag}”?"
        lines = proposals.company(session, domains_of(order.who), ids)
        return proposals.ask(session, order, title, lines, ids, actor=actor, now=now)
    lock_leads(session, ids)
    ids, notes = permissions.allowed(session, ids, actor=actor, now=now)
    bearing = _bearing(session, ids, order.tag)
    changed = [lead_id for lead_id in ids if (lead_id in bearing) is not is_on]
    if not changed:
        raise Refused(_nothing_to_do(order))
    if is_on:
        saving.add_tags(session, [(lead_id, order.tag) for lead_id in changed], now=now)
    else:
        for chunk in chunks(changed):
            session.exec(
                delete(LeadTag).where(col(LeadTag.lead_id).in_(chunk), col(LeadTag.tag) == order.tag)
            )
    for lead_id in changed:
        journal.note(session, order.verb, actor=actor, now=now, lead_id=lead_id, reason=order.tag)
    met = goals.settle(session, now=now)
    cards.touch(session, lead_ids=changed)
    back = orders.Tag("untag" if is_on else "tag", order.who, order.tag)
    done = "Tagged" if is_on else "Took the tag off"
    single = order.who.addresses[0] if len(order.who.addresses) == 1 else ""
    title = f"{done} {single or counted(len(changed), 'lead')}: “{order.tag}”."
    choices = (Choice(back.verb.capitalize(), to_text(back)),) if only is None else ()
    answer = Answer(title, (*met.lines, *notes), choices=(*choices, *undo_choices(met)))
    return Outcome(answer, begun(session, met.stopped))


def _nothing_to_do(order: orders.Tag) -> str:
    who = describe(order.who)
    if len(order.who.addresses) == 1:
        return f"{who} {'has' if order.verb == 'tag' else 'does not have'} the tag “{order.tag}”; nothing was changed."
    none = "Every" if order.verb == "tag" else "No"
    return f"{f'{none} lead {who}'.strip()} has the tag “{order.tag}”; nothing was changed."


def _bearing(session: Session, ids: Sequence[int], tag: str) -> set[int]:
    found: set[int] = set()
    for chunk in chunks(ids):
        found |= set(
            session.exec(select(LeadTag.lead_id).where(col(LeadTag.lead_id).in_(chunk), LeadTag.tag == tag))
        )
    return found
