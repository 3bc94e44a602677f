"""The card of a backlog, and its line on lists: how much waits since when, and what each answer would do."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, func, select

from core import backlogs
from core.answers import Choice, NoticeCard, Row
from core.backlogs import Backlog
from core.dates import say
from core.models import WORKSPACE_ID, Batch, Card, Enrollment, Hold, Sequence, Workspace
from core.words import counted, some, span


def card(session: Session, card: Card, *, now: datetime) -> NoticeCard:
    """Give the question, or who answered it."""
    batch = session.get(Batch, card.about_id) if card.about_id else None
    if batch is None or batch.id is None:
        return NoticeCard("This backlog is no longer here.")
    zone = session.get_one(Workspace, WORKSPACE_ID).zone
    found = backlogs.get(session, batch, now=now)
    if not found.shares:
        words = backlogs.settled_words(session, batch.id, zone=zone)
        return NoticeCard("A backlog of overdue mail", icon="⏳", verdict=words)
    steps = counted(found.count, "step")
    return NoticeCard(
        f"A backlog of overdue mail: {steps} wait for an answer",
        icon="⏳",
        lines=(
            f"None of them has left since {say(found.since, zone)}; sent now, they would leave in a burst.",
            f"Spread: evenly over {counted(found.days, 'working day')}, with half the cap of each mailbox.",
            f"Shift all: every date moves by {span(now - found.since)}, so the distances stay.",
            "Drop: this step is left out for all, and the next one follows at its usual delay.",
        ),
        facts=(
            _sequences(session, batch.id),
            some([_share(share.address, share.count) for share in found.shares]),
        ),
        choices=_choices(found, steps),
    )


def lines(session: Session, *, zone: str, now: datetime) -> list[Row]:
    """Give a line for each backlog that waits for an answer, with the buttons of its card."""
    return [
        Row(
            f"{(steps := counted(found.count, 'step'))} wait for one answer",
            f"None has left since {say(found.since, zone)}; they are let go together, not one by one.",
            choices=_choices(found, steps),
        )
        for found in backlogs.open_ones(session, now=now)
    ]


def _choices(found: Backlog, steps: str) -> tuple[Choice, ...]:
    command = f"card backlog {found.batch_id}"
    days = counted(found.days, "working day")
    return (
        Choice("Spread", f"{command} spread", "primary", confirm=f"Spread {steps} over {days}?"),
        Choice("Shift all", f"{command} shift all", confirm=f"Move the dates of all {steps}?"),
        Choice("Drop", f"{command} drop", "danger", confirm=f"Leave {steps} out for good?"),
    )


def _sequences(session: Session, batch_id: int) -> str:
    query = (
        select(Sequence.name, func.count(col(Enrollment.id)))
        .select_from(Hold)
        .join(Enrollment, col(Enrollment.id) == Hold.enrollment_id)
        .join(Sequence, col(Sequence.id) == Enrollment.sequence_id)
        .where(Hold.batch_id == batch_id, col(Hold.released_at).is_(None))
        .group_by(Sequence.name)
        .order_by(Sequence.name)
    )
    return some([_share(name, count) for name, count in session.exec(query)])


def _share(name: str, count: int) -> str:
    return f"{name}: {count:,}"
