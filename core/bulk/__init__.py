"""One act on very many enrollments, in a handful of statements whatever their number (DESIGN §2).

`rule` says in SQL what `core.lifecycle.decide` says of the plain cases, `statements` writes it. Every other row, and
every refusal, goes through `core.acts.apply`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlmodel import Session, col

from core import cards
from core.acts import ENROLLMENTS, LEADS, Changed, apply
from core.bulk.rule import Act, E, rule_of
from core.bulk.statements import Listed, fill, left_out, listing, write
from core.errors import Refused
from core.lifecycle import Event, Plan, Resume, due_on_waking
from core.models import Batch
from core.plans import planned
from core.schedule import send_at
from core.sql import Spelling, spelling

__all__ = ["MANY", "Act", "Acted", "apply_alike"]

MANY = 500  # fewer are decided one by one: that is fast enough, and the answer can tell of each
Key = tuple[int, str | None]  # a sequence and a lead's zone: they make the plan


@dataclass(frozen=True)
class Acted:
    """The lead of each enrollment that statements changed, by enrollment; and what was decided one by one."""

    lead_ids: dict[int, int]
    others: Changed


def apply_alike(session: Session, ids: Iterable[int], event: Callable[[Plan], Event], act: Act) -> Acted:
    """Do what `apply` does, for an event that depends on the plan alone; the leads are locked already."""
    ids = sorted(set(ids))
    sql = spelling(session)
    rows: list[Any] = list(session.connection().execute(_LOCKED.where(E.id.in_(sql.these(ids)))))
    sequences = planned(session, {row.sequence_id for row in rows})
    plans = {key: sequences[key[0]].plan(key[1]) for key in {_key(row) for row in rows}}
    events = {key: _asked(event, plan) for key, plan in plans.items()}
    done: dict[int, int] = {}
    with listing(session.connection()):
        for same in dict.fromkeys(events.values()):
            group = [row for row in rows if events[_key(row)] == same] if len(events) > 1 else rows
            done |= _act(session, group, plans, same, act, sql)
    cards.touch(session, lead_ids=done.values())
    size = Batch.size + len(done)
    session.execute(update(Batch).where(col(Batch.id) == act.batch_id).values(size=size))
    others = apply(
        session, [i for i in ids if i not in done], lambda row: event(row.sequence.plan(row.zone)), verb=act.verb,
        actor=act.actor, now=act.now, reason=act.reason, batch_id=act.batch_id,
    )  # fmt: skip
    return Acted(done, others)


# The order of the ids is that of `apply`. What else decides is looked at only after the locks are taken.
_LOCKED = (
    select(E.id, E.lead_id, E.sequence_id, E.due_at, E.remaining, LEADS.c.zone)
    .join(LEADS, LEADS.c.id == E.lead_id)
    .order_by(E.id)
    .with_for_update(of=ENROLLMENTS, key_share=True)
)


def _key(row: Any) -> Key:
    return row.sequence_id, row.zone


def _act(
    session: Session, rows: list[Any], plans: Mapping[Key, Plan], event: Event | None, act: Act, sql: Spelling
) -> dict[int, int]:
    """Do one event to all of these rows for which the rule says all; give their leads, by enrollment."""
    rule = rule_of(event, act, sql)
    if rule is None:
        return {}
    awake = [one for one in (_awake(row, event, plans[_key(row)], act.now) for row in rows) if one]
    fill(session.connection(), awake, sql)
    listed = {one[0] for one in awake} - left_out(session.connection(), rule)
    if listed:
        write(session, rule, act, sql, count=len(listed))
    return {row.id: row.lead_id for row in rows if row.id in listed}


def _asked(event: Callable[[Plan], Event], plan: Plan) -> Event | None:
    """Give the event; None where this plan refuses it, which `apply` then says of each row."""
    try:
        return event(plan)
    except Refused:
        return None


def _awake(row: Any, event: Event | None, plan: Plan, now: datetime) -> Listed | None:
    """Give the id, and for a resume when the countdown ends and when that lets the step leave; None: refused."""
    if not isinstance(event, Resume):
        return row.id, None, None
    due = due_on_waking(row.due_at, row.remaining, event.policy or plan.resume, event.at, now)
    try:
        return row.id, due, None if due is None else send_at(due, plan.calendar)
    except Refused:
        return None
