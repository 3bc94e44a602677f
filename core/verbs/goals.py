"""Goals as people see them: listed, turned on and off; and notes on leads, which can meet them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, select

from core import cards, goal_file, goals, journal, permissions
from core.answers import Answer, Choice, Row
from core.goals import GoalEvent, Kind, Settled, library
from core.grammar import commands as orders
from core.grammar import to_text
from core.models import Goal
from core.people import Actor
from core.verbs import proposals
from core.verbs.choosing import asks_first, describe, domains_of, lead_ids, lock_leads
from core.verbs.handovers import begun
from core.verbs.outcome import Outcome
from core.words import counted

MOST_SHOWN = 30


def listing(session: Session, order: orders.Goals, *, actor: Actor, now: datetime) -> Answer:
    """Give every goal: what it waits for and does, and how many leads met it lately."""
    del order, actor
    found = session.exec(select(Goal).order_by(Goal.name)).all()
    if not found:
        return Answer(library.NONE_YET)
    met = library.counts(session, now=now)
    rows = tuple(_row(session, row, met.get(row.id or 0, 0)) for row in found[:MOST_SHOWN])
    cut = f" The first {MOST_SHOWN} are shown." if len(found) > MOST_SHOWN else ""
    return Answer(f"{counted(len(found), 'goal')}.{cut}", rows=rows)


def _row(session: Session, row: Goal, met: int) -> Row:
    spec = goal_file.parsed(row.spec)
    fault = library.fault(session, spec)
    did = f"Met by {counted(met, 'lead')} in the last {library.COUNTED_OVER.days} days."
    is_off = "Off. " if row.is_off else ""
    return Row(
        row.name,
        f"{is_off}{goal_file.describe(spec)} {did}{f' {fault}' if fault else ''}",
        choices=(_other(row),),
    )


def turn(session: Session, order: orders.GoalVerb, *, actor: Actor, now: datetime) -> Outcome:
    """Turn a goal on or off."""
    row = library.turn(session, order.name, is_on=order.verb == "on", actor=actor, now=now)
    said = (
        "is on: it acts on what happens from now on"
        if order.verb == "on"
        else "is off: it starts and stops nobody any more"
    )
    return Outcome(Answer(f"The goal {row.name} {said}.", choices=(_other(row),)))


def _other(row: Goal) -> Choice:
    """Give the button that turns a goal the other way."""
    order = orders.GoalVerb("on" if row.is_off else "off", row.name)
    return Choice(f"Turn {order.verb}", to_text(order))


def note(
    session: Session, order: orders.Note, *, actor: Actor, now: datetime, only: Sequence[int] | None = None
) -> Outcome:
    """Write a note on leads, which their history shows and which goals may wait for."""
    ids = list(only) if only is not None else lead_ids(session, order.who, actor=actor)
    if only is None and asks_first(order.who, len(ids)):
        title = f"Write this note on {counted(len(ids), 'lead')} {describe(order.who)}?"
        lines = (f"“{order.text}”", *proposals.company(session, domains_of(order.who), ids))
        return proposals.ask(session, order, title, lines, ids, actor=actor, now=now)
    lock_leads(session, ids)
    ids, notes = permissions.allowed(session, ids, actor=actor, now=now)
    for lead_id in ids:
        journal.note(session, "note", actor=actor, now=now, lead_id=lead_id, reason=order.text)
    goals.meet(session, GoalEvent(Kind.NOTE, order.text, tuple(ids)), now=now)
    met = goals.settle(session, now=now)
    cards.touch(session, lead_ids=ids)
    single = order.who.addresses[0] if len(order.who.addresses) == 1 else ""
    title = f"Noted on {single or counted(len(ids), 'lead')}."
    answer = Answer(title, (*met.lines, *notes), undo_choices(met))
    return Outcome(answer, begun(session, met.stopped))


def undo_choices(met: Settled) -> tuple[Choice, ...]:
    """Give the button that takes back what a goal did, where it was one."""
    if len(met.batch_ids) != 1:
        return ()
    return (Choice("Undo the goal", to_text(orders.Undo(str(met.batch_ids[0])))),)
