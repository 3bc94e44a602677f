"""Tasks as lines of a list: what is to be done for whom, since when, with the buttons that say what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session

from core import tasks
from core.acts import load
from core.answers import Choice, Row
from core.dates import say
from core.models import Delivery, Lead
from core.views.titles import title_of


def rows(session: Session, found: Sequence[tuple[Delivery, Lead]], *, zone: str) -> tuple[Row, ...]:
    """Give a line for each open task, in the same order."""
    runs = {row.id: row for row in load(session, [delivery.enrollment_id for delivery, _ in found])}
    lines = []
    for delivery, lead in found:
        row = runs[delivery.enrollment_id]
        when = (
            f"put off until {say(delivery.snoozed_until, zone)}"
            if delivery.snoozed_until
            else f"since {say(delivery.created_at, zone)}"
        )
        what = title_of(row, row.state.position, lead)
        lines.append(Row(what, f"{lead.email}, {row.sequence.name}, {when}", choices=_choices(delivery)))
    return tuple(lines)


def _choices(delivery: Delivery) -> tuple[Choice, ...]:
    press = f"card {tasks.KIND} {delivery.id}"
    return (
        Choice("Done", f"{press} done", "primary"),
        Choice("Skip", f"{press} skip"),
        Choice("Tomorrow", f"{press} tomorrow"),
    )
