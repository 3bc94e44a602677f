"""An enrollment's state as JSON in the journal, and back: what an undo needs to be exact."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from core.lifecycle import Enrollment, Hold, Source, Status


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
        "holds": [
            {
                "id": hold.id,
                "source": hold.source.value,
                "reason": hold.reason,
                "author": hold.author,
                "placed_at": _text(hold.placed_at),
                "until": _text(hold.until),
                "batch_id": hold.batch_id,
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
    )


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
