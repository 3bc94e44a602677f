"""The record for checks from outside: one line per delivery, one per journal entry, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, text
from sqlmodel import Session, col

from core.models import Delivery, Enrollment, Journal, Lead, Mailbox, Sequence, Step

ROWS_AT_ONCE = 1000
LONG_AGO_ROWS = 1_000_000


def ledger(session: Session, *, after: int = 0, limit: int | None = None) -> Iterator[dict[str, Any]]:
    """Give every delivery after an id, oldest first; instants in ISO 8601, UTC. Of kind "reply", a person's answer, `step` is None."""
    query = (
        select(
            Delivery, col(Lead.email), col(Sequence.name), col(Step.key), col(Step.position), col(Enrollment.run),
            col(Mailbox.address),
        )
        .join(Enrollment, col(Enrollment.id) == col(Delivery.enrollment_id))
        .join(Lead, col(Lead.id) == col(Enrollment.lead_id))
        .join(Sequence, col(Sequence.id) == col(Enrollment.sequence_id))
        .outerjoin(Step, col(Step.id) == col(Delivery.step_id))
        .outerjoin(Mailbox, col(Mailbox.id) == col(Delivery.mailbox_id))
        .where(*_after(session, Delivery, after, limit))
        .order_by(col(Delivery.id))
        .limit(limit)
        .execution_options(yield_per=ROWS_AT_ONCE)
    )  # fmt: skip
    for delivery, email, sequence, key, position, run, mailbox in session.execute(query):
        yield {
            "id": delivery.id,
            "kind": delivery.kind,
            "message_id": delivery.message_id,
            "state": delivery.state,
            "reason": delivery.reason,
            "lead": email,
            "sequence": sequence,
            "step": key,
            "position": position,
            "run": run,
            "attempt": delivery.attempt,
            "variant": delivery.variant,
            "mailbox": mailbox,
            "subject": delivery.subject,
            "code": delivery.code,
            "answer": delivery.answer,
            "created_at": iso(delivery.created_at),
            "claimed_at": iso(delivery.claimed_at),
            "sending_at": iso(delivery.sending_at),
            "settled_at": iso(delivery.settled_at),
        }


def audit(session: Session, *, after: int = 0, limit: int | None = None) -> Iterator[dict[str, Any]]:
    """Give every line of the journal after an id, oldest first: who did what, to whom, from what to what, why, when."""
    query = (
        select(Journal, col(Lead.email), col(Sequence.name), col(Enrollment.run))
        .outerjoin(Lead, col(Lead.id) == col(Journal.lead_id))
        .outerjoin(Sequence, col(Sequence.id) == col(Journal.sequence_id))
        .outerjoin(Enrollment, col(Enrollment.id) == col(Journal.enrollment_id))
        .where(*_after(session, Journal, after, limit))
        .order_by(col(Journal.id))
        .limit(limit)
        .execution_options(yield_per=ROWS_AT_ONCE)
    )
    for line, email, sequence, run in session.execute(query):
        yield {
            "id": line.id,
            "at": iso(line.at),
            "actor": line.actor,
            "verb": line.verb,
            "lead": email,
            "sequence": sequence,
            "run": run,
            "enrollment": line.enrollment_id,
            "delivery": line.delivery_id,
            "batch": line.batch_id,
            "was": line.was,
            "became": line.became,
            "reason": line.reason,
            "version": line.version,
        }


def _after(
    session: Session, model: type[Delivery | Journal], after: int, limit: int | None
) -> list[ColumnElement[bool]]:
    """Give which rows are shown; of a page only those before which no other can still appear.

    PostgreSQL gives ids before the commit: whoever asks after the last id would miss what commits later. So a row is on
    a page once every transaction older than its own has ended. Of rows long past that number means nothing any more.
    """
    found = [col(model.id) > after]
    if limit is None or session.get_bind().dialect.name == "sqlite":
        return found
    newest = select(func.max(col(model.id))).scalar_subquery()
    is_settled = text(f"age({model.__tablename__}.xmin) > age(pg_snapshot_xmin(pg_current_snapshot())::xid)")
    return [*found, or_(col(model.id) < newest - LONG_AGO_ROWS, is_settled)]


def iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
