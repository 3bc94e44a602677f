"""The forecast as people see it: sentences, a table, and a picture, by mailbox and day."""

from __future__ import annotations

from datetime import date, datetime

from sqlmodel import Session

from core import forecasting, grammar
from core import sequences as library
from core.answers import Choice, ForecastChart, StatsCard, Table
from core.errors import Refused
from core.forecast import sentences
from core.grammar import commands as orders
from core.grammar import to_text
from core.models import WORKSPACE_ID, Card, Workspace
from core.views.why import halted_words
from core.words import counted, listed

KIND = "forecast"
GONE = "What this was about is no longer here; `forecast` shows what it is now."
DRAWN = 6  # mailboxes in the picture, those that send most
ASSUMED = "As if nobody answered, no task were done and no condition came true."


def key_of(order: orders.Forecast, person: str, unique: str) -> str:
    """Give the key of a new card: it keeps what was asked by whom."""
    return f"{KIND}:{unique}:{person}:{to_text(order)}"


def card(session: Session, card: Card, *, now: datetime) -> StatsCard:
    """Give the forecast as of when it was asked for."""
    del now
    try:
        order = grammar.parse(card.key.split(":", 3)[3])
        assert isinstance(order, orders.Forecast)
        return shown(session, order, now=card.created_at, file_id=card.file_id)
    except Refused:
        return StatsCard(GONE)


def shown(
    session: Session, order: orders.Forecast, *, now: datetime, file_id: str | None = None
) -> StatsCard:
    """Give it; raises Refused for a sequence that is not there."""
    row = library.find(session, order.sequence) if order.sequence else None
    found = forecasting.forecast(session, now=now, sequence_id=row.id if row else None)
    total = sum(sum(box.sent) for box in found.boxes)
    of = f" of {row.name}" if row else ""
    return StatsCard(
        f"The next 14 days: {counted(total, 'mail')}{of}",
        tuple(_lines(session, found)),
        _table(found),
        _chart(found),
        file_id,
        (Choice("Mailboxes", "mailboxes"),),
    )


def _lines(session: Session, found: forecasting.Forecast) -> list[str]:
    workspace = session.get_one(Workspace, WORKSPACE_ID)
    said = sentences(found.boxes) or ["Nothing has to wait for a cap or a gap."]
    if words := halted_words(session, workspace, workspace.zone):
        said.insert(0, f"{words} This is what would leave without it.")
    if found.held:
        said.append(f"Nothing leaves {listed(found.held)}, which cannot send now.")
    if found.left_out:
        said.append(f"{found.left_out:,} leads that are due last are left out.")
    return [*said, ASSUMED]


def _table(found: forecasting.Forecast) -> Table:
    """Give the sums of all mailboxes by day; the picture has each."""
    if not found.boxes:
        return ()
    by_day = zip(
        found.boxes[0].days,
        *(
            [sum(column) for column in zip(*rows, strict=True)]
            for rows in (
                [box.sent for box in found.boxes],
                [box.caps for box in found.boxes],
                [box.waiting for box in found.boxes],
            )
        ),
        strict=True,
    )
    lines = ((_day(day), *(f"{count:,}" for count in counts)) for day, *counts in by_day)
    return (("day", "mails", "cap", "wait over night"), *lines)


def _chart(found: forecasting.Forecast) -> ForecastChart | None:
    boxes = sorted(found.boxes, key=lambda box: -sum(box.sent))[:DRAWN]
    if not any(any(box.sent) for box in boxes):
        return None
    return ForecastChart(
        tuple(_day(day) for day in boxes[0].days),
        tuple((box.address, box.sent, box.caps, box.waiting) for box in boxes),
    )


def _day(day: date) -> str:
    return f"{day:%a} {day.day}"
