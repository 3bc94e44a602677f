"""Hand-overs that had begun when somebody stopped mail: waited for, then named with their time (DESIGN G1)."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlmodel import Session, col, select

from core.acts import load
from core.chunks import AT_ONCE, chunks
from core.db import Database
from core.models import Delivery, DeliveryState, Lead
from core.views.titles import title_of
from core.words import clock, counted

FIRST_SLEEP_SECONDS = 0.02
LONGEST_SLEEP_SECONDS = 0.2

_OUTCOMES = {
    DeliveryState.SENT: "had begun leaving at {time} and has left",
    DeliveryState.FAILED: "had begun leaving at {time} and was refused, so it did not arrive",
    DeliveryState.READY: "had begun leaving at {time} but did not leave, and is held now",
    DeliveryState.SKIPPED: "had begun leaving at {time} but did not leave",
}
_UNKNOWN = "had begun leaving at {time}; its outcome is still unknown; it may arrive"

_LEFT = {
    DeliveryState.SENT: "had left at {time}",
    DeliveryState.UNCERTAIN: "had begun leaving at {time}; nobody knows whether it left",
}
NAMED = 10


@dataclass(frozen=True)
class Begun:
    """A hand-over past the point of no return; `at` is when it passed it."""

    delivery_id: int
    what: str
    at: datetime


def begun(session: Session, enrollment_ids: Iterable[int] | None) -> tuple[Begun, ...]:
    """Give the hand-overs under way, of these enrollments or (None) of all.

    Called under the locks that the point of no return takes, it misses none and no other can begin.
    """
    rows: list[Delivery] = []
    query = select(Delivery).where(text("delivery.state = 'sending'")).order_by(col(Delivery.id))
    if enrollment_ids is None:
        rows = list(session.exec(query))
    elif len(wanted := set(enrollment_ids)) <= AT_ONCE:
        rows = list(session.exec(query.where(col(Delivery.enrollment_id).in_(wanted))))
    else:  # few are ever under way
        rows = [delivery for delivery in session.exec(query) if delivery.enrollment_id in wanted]
    return _named(session, rows)


def has_left(session: Session, enrollment_ids: Iterable[int], *, zone: str, now: datetime) -> tuple[str, ...]:
    """Give a sentence for each mail of these enrollments that left before; of many only their number."""
    settled = col(Delivery.state).in_([DeliveryState.SENT.value, DeliveryState.UNCERTAIN.value])
    mails = select(Delivery.id).where(
        settled, col(Delivery.sending_at).is_not(None), col(Delivery.reply_id).is_(None)
    )
    of = col(Delivery.enrollment_id)
    ids = [one for chunk in chunks(enrollment_ids) for one in session.exec(mails.where(of.in_(chunk)))]
    if not ids:
        return ()
    if len(ids) > NAMED:
        return (f"{counted(len(ids), 'mail')} had left before.",)
    rows = list(session.exec(select(Delivery).where(col(Delivery.id).in_(ids)).order_by(col(Delivery.id))))
    words = {row.id: _LEFT[DeliveryState(row.state)] for row in rows}
    return tuple(
        f"{hand.what} {words[hand.delivery_id].format(time=clock(hand.at, zone, now))}."
        for hand in _named(session, rows)
    )


def await_handovers(
    db: Database, hands: Iterable[Begun], *, zone: str, now: datetime, wait_seconds: float
) -> tuple[str, ...]:
    """Give one sentence for each hand-over, once all are settled or `wait_seconds` are over."""
    waiting = {hand.delivery_id: hand for hand in hands}
    if not waiting:
        return ()
    until = time.monotonic() + wait_seconds
    pause = FIRST_SLEEP_SECONDS
    states = _states(db, waiting)
    while DeliveryState.SENDING in states.values() and time.monotonic() < until:
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_SLEEP_SECONDS)
        states = _states(db, waiting)
    return tuple(
        f"{hand.what} {_OUTCOMES.get(states[hand.delivery_id], _UNKNOWN).format(time=clock(hand.at, zone, now))}."
        for hand in waiting.values()
    )


def _states(db: Database, ids: Iterable[int]) -> dict[int, DeliveryState]:
    found: dict[int, DeliveryState] = {}
    with db.read() as session:
        for chunk in chunks(ids):
            rows = session.exec(select(Delivery.id, Delivery.state).where(col(Delivery.id).in_(chunk)))
            found |= {
                delivery_id: DeliveryState(state) for delivery_id, state in rows if delivery_id is not None
            }
    return found


def _named(session: Session, deliveries: list[Delivery]) -> tuple[Begun, ...]:
    if not deliveries:
        return ()
    rows = {row.id: row for row in load(session, [delivery.enrollment_id for delivery in deliveries])}
    leads = {lead.id: lead for lead in session.exec(
        select(Lead).where(col(Lead.id).in_({row.lead_id for row in rows.values()})))}  # fmt: skip
    found = []
    for delivery in deliveries:
        row = rows[delivery.enrollment_id]
        position = next((n for n, step in enumerate(row.sequence.steps) if step.id == delivery.step_id), None)
        step = (
            f"Step {position + 1}" if position is not None else "A step" if delivery.step_id else "An answer"
        )
        subject = delivery.subject
        if not subject and position is not None:
            subject = title_of(row, position, leads[row.lead_id])
        what = f"{step} “{subject}” to {row.state.label}"
        found.append(Begun(delivery.id or 0, what, delivery.sending_at or delivery.created_at))
    return tuple(found)
