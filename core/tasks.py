"""Tasks: a step that a person does. Its card stands in their direct messages; put off, it comes back on its date."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Table, text, update
from sqlmodel import Session, col, func, select

from core import cards, owners
from core.acts import Loaded
from core.db import Database
from core.lifecycle import Status, StepKind
from core.merging import ANYBODY, subject_of
from core.models import Delivery, DeliveryState, Enrollment, Lead
from core.models import Sequence as SequenceRow
from core.names import SLACK_ID

KIND = "task"
SNOOZED = "snoozed"  # the journal's word for what an undo puts back; what a person did is "snooze"
DELIVERIES: Table = Delivery.__table__  # type: ignore[attr-defined]
# Of a lead that is paused meanwhile the task stays away until somebody resumes it.
_SNOOZED = (
    text("delivery.snoozed_until IS NOT NULL"),
    Delivery.state == DeliveryState.OPEN.value,
    Enrollment.status == Status.IN_PROGRESS.value,
)


def open_one(session: Session, row: Loaded, *, now: datetime) -> None:
    """Open the task at which a lead has come, and show it to its person."""
    step = row.sequence.steps[row.state.position]
    lead = session.get_one(Lead, row.lead_id)
    delivery = Delivery(
        enrollment_id=row.id,
        step_id=step.id or 0,
        attempt=row.state.attempt,
        kind=StepKind.TASK.value,
        state=DeliveryState.OPEN.value,
        subject=subject_of(step, lead, ANYBODY, row.sequence.name),
        created_at=now,
    )
    session.add(delivery)
    session.flush()
    place = place_of(session, row.lead_id, row.sequence.spec.channel, now=now)
    cards.show_delivery(
        session, KIND, delivery_id=delivery.id or 0, lead_id=row.lead_id, channel=place, now=now
    )


def place_of(session: Session, lead_id: int, channel: str | None, *, now: datetime) -> str:
    """Give where a task goes: to the lead's owner, or who covers for them; of nobody's lead to the sequence's channel."""
    owner = session.exec(select(Lead.owner).where(Lead.id == lead_id)).first()
    person = owners.stands_for(session, owner, now=now)
    return person if person and SLACK_ID.fullmatch(person) else cards.channel_of(session, channel)


def tasks_due(db: Database, *, now: datetime, limit: int = 200) -> int:
    """Give how many tasks came back that were put off until now; each comes once."""
    with db.read() as session:
        due = select(Delivery.id, Enrollment.lead_id).join(
            Enrollment, col(Enrollment.id) == Delivery.enrollment_id
        )
        due = due.where(*_SNOOZED, col(Delivery.snoozed_until) <= now)
        found = session.exec(due.order_by(col(Delivery.snoozed_until)).limit(limit)).all()
    came = 0
    for delivery_id, lead_id in found:
        with db.write() as session:
            came += _come_back(session, delivery_id or 0, lead_id, now=now)
    return came


def _come_back(session: Session, delivery_id: int, lead_id: int, *, now: datetime) -> bool:
    # Its lead first, in the order that verbs take them.
    session.exec(select(Lead.id).where(Lead.id == lead_id).with_for_update(key_share=True)).one()
    ready = (DELIVERIES.c.id == delivery_id, DELIVERIES.c.snoozed_until <= now)
    if not session.connection().execute(update(DELIVERIES).where(*ready).values(snoozed_until=None)).rowcount:
        return False
    delivery = session.get_one(Delivery, delivery_id)
    place = place_of(session, lead_id, None, now=now)
    card = cards.show(
        session, f"{KIND}:{delivery_id}:{now.isoformat()}", channel=place, lead_id=lead_id, now=now
    )
    card.delivery_id = delivery.id
    cards.touch(session, lead_ids=[lead_id])
    return True


def next_task(session: Session) -> datetime | None:
    """Give when the next task comes back that somebody put off."""
    query = select(func.min(Delivery.snoozed_until)).join(
        Enrollment, col(Enrollment.id) == Delivery.enrollment_id
    )
    return session.exec(query.where(*_SNOOZED)).one()


def of_person(session: Session, person: str, *, now: datetime, limit: int) -> Sequence[tuple[Delivery, Lead]]:
    """Give the tasks that wait for a person, as the owner or who covers for them, those put off last; hidden ones not."""
    query = select(Delivery, Lead).join(Enrollment, col(Enrollment.id) == Delivery.enrollment_id)
    query = query.join(Lead, col(Lead.id) == Enrollment.lead_id)
    order = (func.coalesce(Delivery.snoozed_until, Delivery.created_at), col(Delivery.id))
    theirs = _of(session, person, Status.IN_PROGRESS, now=now)
    return session.exec(query.where(*theirs).order_by(*order).limit(limit)).all()


def waiting(session: Session, person: str, *, now: datetime) -> int:
    """Give how many tasks wait for a person."""
    return _count(session, person, Status.IN_PROGRESS, now=now)


def to_do(session: Session, person: str, *, now: datetime) -> int:
    """Give how many of them are to be done now: the others are put off."""
    return _count(session, person, Status.IN_PROGRESS, col(Delivery.snoozed_until).is_(None), now=now)


def hidden(session: Session, person: str, *, now: datetime) -> int:
    """Give how many tasks of a person are away while their leads are paused."""
    return _count(session, person, Status.PAUSED, now=now)


def _count(session: Session, person: str, status: Status, *more: ColumnElement[bool], now: datetime) -> int:
    query = select(func.count()).select_from(Delivery).join(
        Enrollment, col(Enrollment.id) == Delivery.enrollment_id
    )  # fmt: skip
    query = query.join(Lead, col(Lead.id) == Enrollment.lead_id)
    return session.exec(query.where(*_of(session, person, status, now=now), *more)).one()


def _of(session: Session, person: str, status: Status, *, now: datetime) -> tuple[ColumnElement[bool], ...]:
    covered = [absent for absent, cover in owners.standing_in(session, now=now).items() if cover == person]
    # By sequence, for the index that finds the few of a status, whoever owns very many leads.
    of_status = select(Enrollment.id).where(
        col(Enrollment.sequence_id).in_(select(SequenceRow.id)), Enrollment.status == status.value
    )
    return (
        col(Delivery.kind) == StepKind.TASK.value,
        col(Delivery.state) == DeliveryState.OPEN.value,
        col(Enrollment.id).in_(of_status),
        col(Lead.owner).in_([person, *covered]),
    )
