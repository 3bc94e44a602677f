"""An enrollment's state as JSON in the journal, and back: what an undo needs to be exact."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Table, case, exists, select

from core.lifecycle import Enrollment, Hold, Policy, Source, Status
from core.models import Delivery, DeliveryState
from core.models import Enrollment as EnrollmentRow
from core.models import Hold as HoldRow
from core.sql import NONE, Spelling

ENROLLMENTS: Table = EnrollmentRow.__table__  # type: ignore[attr-defined]
HOLDS: Table = HoldRow.__table__  # type: ignore[attr-defined]
DELIVERIES: Table = Delivery.__table__  # type: ignore[attr-defined]


def to_snapshot(state: Enrollment) -> dict[str, Any]:
    """Give the state as JSON; instants in ISO 8601, durations in whole microseconds."""
    return {
        "status": state.status.value,
        "position": state.position,
        "attempt": state.attempt,
        "due_at": _text(state.due_at),
        "remaining": None if state.remaining is None else state.remaining // timedelta(microseconds=1),
        "has_started": state.has_started,
        "has_open_task": state.has_open_task,
        "awaits_since": _text(state.awaits_since),
        "holds": [
            {
                "id": hold.id,
                "source": hold.source.value,
                "reason": hold.reason,
                "author": hold.author,
                "placed_at": _text(hold.placed_at),
                "until": _text(hold.until),
                "batch_id": hold.batch_id,
                "policy": hold.policy,
            }
            for hold in state.holds
        ],
    }


def from_snapshot(label: str, snapshot: dict[str, Any]) -> Enrollment:
    """Give the state that `to_snapshot` wrote."""
    holds = tuple(
        Hold(
            source=Source(hold["source"]),
            reason=hold["reason"],
            author=hold["author"],
            placed_at=datetime.fromisoformat(hold["placed_at"]),
            until=_instant(hold["until"]),
            batch_id=hold["batch_id"],
            id=hold["id"],
            # not there in lines that were written before a hold could have one
            policy=Policy(hold["policy"]) if hold.get("policy") else None,
        )
        for hold in snapshot["holds"]
    )
    remaining = snapshot["remaining"]
    return Enrollment(
        label=label,
        status=Status(snapshot["status"]),
        position=snapshot["position"],
        attempt=snapshot["attempt"],
        due_at=_instant(snapshot["due_at"]),
        remaining=None if remaining is None else timedelta(microseconds=remaining),
        has_started=snapshot["has_started"],
        has_open_task=snapshot["has_open_task"],
        holds=holds,
        awaits_since=_instant(snapshot.get("awaits_since")),  # not there in lines from before conditions
    )


def snapshot_sql(sql: Spelling) -> ColumnElement[Any]:
    """Give what `to_snapshot` would, as SQL, of an enrollment as it stands."""
    e, h = ENROLLMENTS.c, HOLDS.c
    may_wait = e.status.in_([Status.IN_PROGRESS.value, Status.PAUSED.value])  # as in core.acts.load
    is_open = (DELIVERIES.c.enrollment_id == e.id) & (DELIVERIES.c.state == DeliveryState.OPEN.value)
    hold = sql.json_object(
        id=h.id, source=h.source, reason=h.reason, author=h.author, placed_at=sql.iso(h.placed_at),
        until=sql.iso(h.until), batch_id=h.batch_id, policy=h.policy,
    )  # fmt: skip
    holds = select(sql.json_list(hold, order=h.id)).where(h.enrollment_id == e.id, h.released_at.is_(None))
    return sql.json_object(
        status=e.status,
        position=e.position,
        attempt=e.attempt,
        due_at=sql.iso(e.due_at),
        remaining=e.remaining,
        has_started=sql.truth(e.has_started),
        has_open_task=sql.truth(may_wait & exists().where(is_open).correlate(ENROLLMENTS)),
        awaits_since=sql.iso(e.awaits_since),
        holds=case(
            (e.status == Status.PAUSED.value, sql.json(holds.correlate(ENROLLMENTS).scalar_subquery())),
            else_=sql.json(NONE),
        ),
    )


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
