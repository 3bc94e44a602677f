"""One act on very many enrollments, in a handful of statements whatever their number (DESIGN §2).

`rule` says in SQL what `core.lifecycle.decide` says of the plain cases, `statements` writes it. Every other row, and
every refusal, goes through `core.acts.apply`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlmodel import Session, col

from core import cards, permissions
from core.acts import ENROLLMENTS, LEADS, Changed, apply
from core.bulk.rule import Act, E, rule_of
from core.bulk.statements import COUNTDOWNS, LISTED, Countdown, fill, fill_countdowns, listing, write
from core.errors import Refused
from core.garbage import uncollected
from core.lifecycle import Event, Plan, Resume, due_on_waking
from core.models import Batch
from core.plans import planned
from core.schedule import send_at
from core.sql import Spelling, spelling

__all__ = ["MANY", "Act", "Acted", "apply_alike"]

MANY = 500  # fewer are decided one by one: that is fast enough, and the answer can tell of each
Group = tuple[Plan, dict[int, int]]  # the leads of one plan, by enrollment


@dataclass(frozen=True)
class Acted:
    """The lead of each enrollment that statements changed, by enrollment; and what was decided one by one."""

    lead_ids: dict[int, int]
    others: Changed


@uncollected()
def apply_alike(session: Session, ids: Iterable[int], event: Callable[[Plan], Event], act: Act) -> Acted:
    """Do what `apply` does, for an event that depends on the plan alone; the leads are locked already."""
    ids = sorted(set(ids))
    sql = spelling(session)
    groups: dict[tuple[int, str | None], dict[int, int]] = {}
    theirs = permissions.theirs(session, ids, actor=act.actor, now=act.now)
    mine = [i for i in ids if i not in theirs]
    these = sql.listed(mine)
    locked = session.connection().execute(_LOCKED.join(these, these.c.value == E.id)).all()
    for row_id, lead_id, sequence_id, zone in locked:
        groups.setdefault((sequence_id, zone), {})[row_id] = lead_id
    sequences = planned(session, {sequence_id for sequence_id, _ in groups})
    alike: dict[Event | None, list[Group]] = {}
    for (sequence_id, zone), lead_ids in groups.items():
        plan = sequences[sequence_id].plan(zone)
        alike.setdefault(_asked(event, plan), []).append((plan, lead_ids))
    done: dict[int, int] = {}
    with listing(session.connection()):
        for same, of_plans in alike.items():
            done |= _act(session, same, of_plans, act, sql)
    cards.touch(session, lead_ids=done.values())
    size = Batch.size + len(done)
    session.execute(update(Batch).where(col(Batch.id) == act.batch_id).values(size=size))
    others = apply(
        session, [i for i in ids if i not in done], lambda row: event(row.sequence.plan(row.zone)), verb=act.verb,
        actor=act.actor, now=act.now, reason=act.reason, batch_id=act.batch_id,
    )  # fmt: skip
    if done:
        cards.touch_digests(session, lead_ids=done.values())
    return Acted(done, others)


# The order of the ids is that of `apply`. What else decides is looked at only after the locks are taken.
_LOCKED = (
    select(E.id, E.lead_id, E.sequence_id, LEADS.c.zone)
    .join(LEADS, LEADS.c.id == E.lead_id)
    .order_by(E.id)
    .with_for_update(of=ENROLLMENTS, key_share=True)
)


def _act(
    session: Session, event: Event | None, groups: list[Group], act: Act, sql: Spelling
) -> dict[int, int]:
    """Do one event to all of these for which the rule says all; give their leads, by enrollment."""
    rule = rule_of(event, act, sql)
    if rule is None:
        return {}
    connection = session.connection()
    lead_ids = {row_id: lead_id for _, leads in groups for row_id, lead_id in leads.items()}
    fill(connection, lead_ids, rule, sql)
    listed = set(connection.execute(LISTED).scalars().all())
    if isinstance(event, Resume):
        rest = {row_id: (due, left) for row_id, due, left in connection.execute(COUNTDOWNS).all()}
        awake = [
            one
            for plan, leads in groups
            for row_id in leads.keys() & rest.keys()
            if (one := _awake(row_id, *rest[row_id], event, plan, act.now))
        ]
        fill_countdowns(connection, awake, sql)
        listed = {row_id for row_id, _, _ in awake}
    if listed:
        write(session, rule, act, sql, count=len(listed))
    return {row_id: lead_ids[row_id] for row_id in listed}


def _asked(event: Callable[[Plan], Event], plan: Plan) -> Event | None:
    """Give the event; None where this plan refuses it, which `apply` then says of each row."""
    try:
        return event(plan)
    except Refused:
        return None


def _awake(
    row_id: int,
    due_at: datetime | None,
    remaining: timedelta | None,
    event: Resume,
    plan: Plan,
    now: datetime,
) -> Countdown | None:
    """Give when the countdown of an enrollment now ends, and when that lets its step leave; None: refused."""
    due = due_on_waking(due_at, remaining, event.policy or plan.resume, event.at, now)
    try:
        return row_id, due, None if due is None else send_at(due, plan.calendar)
    except Refused:
        return None
