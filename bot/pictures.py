"""Brings the picture of a card to Slack: uploaded once, stored with the card, then shown by its id.

A card is never lost for want of its picture. What passes (Slack is away, a new file "may take a moment") the outbox
tries again; after a few tries, or where Slack will not have it, the card is drawn with the picture's numbers in words.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot import charts
from core import cards
from core.answers import CardView, Chart, ForecastChart, FunnelChart, PathChart, StatsCard, WeeklyCard
from core.commands import Desk
from core.models import Card

log = logging.getLogger("fermata.bot")

MOST_TRIES = 5  # with growing waits: half a minute
ALT_CHARS = 1_000  # of a file's own text
FILE_NAME = "fermata.png"
PASSING = frozenset(
    {"ratelimited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"}
)


def with_picture(desk: Desk, client: WebClient, card: Card, view: CardView) -> CardView:
    """Give the view with the picture that it is drawn with; raises what slack_sdk raises where waiting may help."""
    if not isinstance(view, WeeklyCard | StatsCard) or view.chart is None:
        return view
    if card.tries >= MOST_TRIES:
        return replace(view, file_id=None)
    if view.file_id is not None:
        return view
    try:
        file_id = _uploaded(client, view.title, view.chart)
    except SlackApiError as refused:
        if refused.response.get("error") in PASSING:
            raise
        log.warning("picture_refused card=%s fault=%s", card.id, refused.response.get("error"))
        return view
    if file_id is None:
        return view
    with desk.db.write() as session:
        cards.keep_file(session, card, file_id)
    return replace(view, file_id=file_id)


def _uploaded(
    client: WebClient, title: str, chart: Chart | FunnelChart | ForecastChart | PathChart
) -> str | None:
    """Give the id of the file, shared with nobody until a message shows it; None where it cannot be drawn."""
    try:
        picture = charts.drawn(chart)
    except Exception:  # of another's library, such as a home without room for its fonts
        log.exception("picture_not_drawn")
        return None
    done = client.files_upload_v2(
        file=picture, filename=FILE_NAME, title=title, alt_txt=chart.as_text[:ALT_CHARS],
        highlight_type="png",
    )  # fmt: skip
    return str(done["files"][0]["id"])
