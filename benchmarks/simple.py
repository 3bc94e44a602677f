"""A step as the plain designs send it: one lead loaded, one MIME tree built, one commit."""

from __future__ import annotations

from sqlmodel import Session, select

from benchmarks.bench_mime import SENDER, by_email_message
from benchmarks.terms import NOW, OFFICE
from core.db import Database
from core.merging import compiled, values_of
from core.models import Delivery, Enrollment, Journal, Lead, Step
from core.template import render


def load(db: Database, enrollment_id: int) -> tuple[Lead, Step, bytes] | None:
    """Give the lead, the step and the message; None: it is not to be sent."""
    with Session(db.engine) as session:
        enrollment = session.get_one(Enrollment, enrollment_id)
        if enrollment.status != "pending":
            return None
        steps = select(Step).where(Step.sequence_id == enrollment.sequence_id, Step.position == 0)
        lead, step = session.get_one(Lead, enrollment.lead_id), session.exec(steps).one()
        values = values_of(lead, SENDER, "Measured", OFFICE.unsubscribe_url(lead.id or 0))
        return (
            lead,
            step,
            by_email_message(render(compiled(step.subject, step.body), values), lead.first_name),
        )


def commit(db: Database, enrollment_id: int, step_id: int) -> None:
    """Write down that it was sent."""
    with Session(db.engine) as session:
        enrollment = session.get_one(Enrollment, enrollment_id)
        enrollment.position, enrollment.version = 1, enrollment.version + 1
        session.add_all(
            [
                enrollment,
                Delivery(enrollment_id=enrollment_id, step_id=step_id, state="sent", created_at=NOW),
                Journal(at=NOW, actor="system", verb="send", enrollment_id=enrollment_id),
            ]
        )
        session.commit()
