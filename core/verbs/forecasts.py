"""What people ask of the days to come: `forecast`."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

from sqlmodel import Session

from core.answers import Answer
from core.grammar import commands as orders
from core.names import SLACK_ID
from core.people import Actor
from core.views import outlooks


def forecast(session: Session, order: orders.Forecast, *, actor: Actor, now: datetime) -> Answer:
    """Give how much leaves on each of the next 14 days; the picture comes to whoever asks in Slack."""
    found = outlooks.shown(session, order, now=now)
    is_drawn = found.chart is not None and bool(SLACK_ID.fullmatch(actor.id))
    return Answer(
        f"{found.title}.",
        (*found.lines, *(["The picture comes in our direct messages."] if is_drawn else [])),
        table=found.table,
        choices=found.choices,
        cards=(outlooks.key_of(order, actor.id, uuid4().hex),) if is_drawn else (),
    )
