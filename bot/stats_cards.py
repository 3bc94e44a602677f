"""Figures as one Slack message: the picture, the funnel in words, a table, and the other ways to look at them. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from bot.answers import choice_buttons
from bot.blocks import actions, columns, fitting, header, image, message, rich
from bot.text import JSON, sentence
from core.answers import StatsCard

LINE_CHARS = 600
SIGN = "📈"


def stats_card(view: StatsCard) -> JSON:
    """Give the figures; without its picture the picture's numbers stand there in words."""
    drafts = (list(_blocks(view, rows)) for rows in (60, 25, 8))
    return message("\n".join([f"{SIGN} {view.title}", *view.lines]), fitting(drafts))


def _blocks(view: StatsCard, rows: int) -> Iterator[JSON]:
    yield header(f"{SIGN} {view.title}")
    if view.chart:
        yield image(view.file_id, view.chart.as_text)
    if view.lines:
        yield rich(*(sentence(line, LINE_CHARS) for line in view.lines))
    yield from columns(view.table, rows)
    yield from actions(*choice_buttons(view.choices, "stats"))
