"""Telling other systems what happens: an event is a row beside the journal's line, in the same transaction.

`tell` is called where lines are written; with no hook turned on it costs one look at an empty table. Names and addresses
are put in when it is told (core/outgoing/delivering.py), so that what is erased meanwhile is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Table, insert, select
from sqlmodel import Session, col

from core.lifecycle.words import RUNNING, Status
from core.models import Delivery, DeliveryState, Enrollment, Hook, HookEvent
from core.models.leads import NOT_QUALIFIED, QUALIFIED
from core.people import SYSTEM

HOOKS: Table = Hook.__table__  # type: ignore[attr-defined]
HOOK_EVENTS: Table = HookEvent.__table__  # type: ignore[attr-defined]
KEPT = ("actor", "reason", "was", "became", "sequence_id", "enrollment_id", "batch_id")

_BY_VERB = {
    "suppress": "suppressed", "tag": "tagged", "untag": "untagged", "qualify": "qualified", "unqualify": "unqualified",
    "lead new": "lead_created", "lead changed": "lead_changed", "edit lead": "lead_changed", "halt": "halted",
    "unhalt": "unhalted", "owner": "owner_changed",
}  # fmt: skip
# What an answer that came back is told as, by its kind.
CAME_BACK = {
    "reply": "replied", "bounce": "bounced", "out_of_office": "out_of_office", "unsubscribe": "unsubscribed",
    "complaint": "complained",
}  # fmt: skip
# What became of a meeting, by the words of core.meetings.State.
MEETINGS = {
    "booked": "meeting_booked", "declined": "meeting_declined", "cancelled": "meeting_cancelled",
    "happened": "meeting_happened", "no_show": "meeting_missed",
}  # fmt: skip
VISITS = {"click": "clicked", "open": "opened"}
_HANDED = (DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.UNCERTAIN)
EVENTS = (
    "started", "sent", "failed", "uncertain", "paused", "resumed", "stopped", "completed", "skipped",
    *CAME_BACK.values(), *VISITS.values(), *MEETINGS.values(), *dict.fromkeys(_BY_VERB.values()),
)  # fmt: skip

_ON = select(HOOKS.c.id, HOOKS.c.events).where(HOOKS.c.off_at.is_(None))


def hooks_for(session: Session, event: str) -> list[int]:
    """Give the hooks that want an event; looked up once in a transaction."""
    wanted: dict[str, list[int]] | None = session.info.get("hooks")
    if wanted is None:
        wanted = session.info["hooks"] = {}
        for hook_id, events in session.connection().execute(_ON):
            for one in events:
                wanted.setdefault(one, []).append(hook_id)
    return wanted.get(event, [])


def tell(session: Session, lines: Iterable[Mapping[str, Any]]) -> None:
    """Have the hooks told of lines of the journal."""
    _keep(session, ((event, line) for line in lines if (event := event_of(line))))


def event_of(line: Mapping[str, Any]) -> str | None:
    """Give what a line of the journal is told as; None: nothing."""
    was, became = line.get("was"), line.get("became")
    if line.get("enrollment_id") is None:
        return _stage_back(was, became) if line["verb"] == "undo" else _BY_VERB.get(line["verb"])
    if was == became:
        return None
    if became in {Status.PAUSED, Status.STOPPED, Status.COMPLETED, Status.SKIPPED}:
        return str(became)
    # After a pause, or put back by an undo, `unskip`, a new step.
    if became in RUNNING and was not in RUNNING:
        return "started" if was is None else "resumed"
    return None


def _stage_back(was: str | None, became: str | None) -> str:
    """Give what a stage that an undo put back is told as."""
    if became == QUALIFIED:
        return "qualified"
    return "unqualified" if was == QUALIFIED or became == NOT_QUALIFIED else "lead_changed"


def tell_one(session: Session, event: str | None, *, lead_id: int, now: datetime, **kept: Any) -> None:
    """Have the hooks told of something that is no line of the journal; None: nothing."""
    if event:
        _keep(session, [(event, {"at": now, "lead_id": lead_id, **kept})])


def tell_handed(session: Session, ended: Mapping[int, tuple[str, str | None]], *, now: datetime) -> None:
    """Have the hooks told how deliveries ended: their states and reasons, by their ids."""
    wanted = {
        i: str(state)
        for i, (state, _) in ended.items()
        if state in _HANDED and hooks_for(session, str(state))
    }
    if not wanted:
        return
    query = (
        select(col(Delivery.id), col(Enrollment.id), col(Enrollment.lead_id), col(Enrollment.sequence_id))
        .join(Enrollment, col(Enrollment.id) == col(Delivery.enrollment_id))
        .where(col(Delivery.id).in_(wanted))
        .order_by(col(Delivery.id))
    )
    for delivery_id, enrollment_id, lead_id, sequence_id in session.execute(query).all():
        kept = {"actor": SYSTEM.id, "reason": ended[delivery_id][1], "enrollment_id": enrollment_id,
                "sequence_id": sequence_id}  # fmt: skip
        tell_one(session, wanted[delivery_id], lead_id=lead_id, now=now, **kept)


def _keep(session: Session, told: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
    rows = [
        {
            "hook_id": hook_id,
            "lead_id": line.get("lead_id"),
            "event": event,
            "payload": {name: line.get(name) for name in KEPT},
            "created_at": line["at"],
            "tries": 0,
        }
        for event, line in told
        for hook_id in hooks_for(session, event)
    ]
    if rows:
        session.connection().execute(insert(HOOK_EVENTS), rows)
