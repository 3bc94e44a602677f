"""The weekly report as one Slack message: the picture, the figures beside the week before, owners, the oldest. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from bot.answers import choice_buttons
from bot.blocks import BUTTONS_IN_ROW, actions, divider, fitting, header, image, message, rich
from bot.digest_cards import line
from bot.text import JSON, sentence, words
from core.answers import Compared, WeeklyCard

OWNER_CHARS = 150
FIELDS_AT_ONCE = 10


def weekly_card(view: WeeklyCard) -> JSON:
    """Give the report; without its picture the picture's numbers stand there in words."""
    figures = [f"{one.now:,} {one.name} ({one.before:,} the week before)" for one in view.figures]
    fallback = [f"📊 {view.title}", *figures, view.paused]
    drafts = (list(_blocks(view, owners, rows)) for owners, rows in ((11, 5), (6, 5), (3, 2), (0, 0)))
    return message("\n".join(filter(None, fallback)), fitting(drafts))


def _blocks(view: WeeklyCard, owners: int, rows: int) -> Iterator[JSON]:
    yield header(f"📊 {view.title}")
    if view.chart:
        yield image(view.file_id, view.chart.as_text)
    if view.figures:
        fields = [{"type": "mrkdwn", "text": _compared(one)} for one in view.figures]
        yield {"type": "section", "fields": fields[:FIELDS_AT_ONCE]}
    if view.paused:
        said = [sentence(one, OWNER_CHARS) for one in view.owners[:owners]]
        yield rich([words("⏸️ "), *sentence(view.paused, bold=True)], bullets=said)
    if view.oldest and rows:
        yield divider()
        yield rich([words("Paused for longest", bold=True)])
    for number, row in enumerate(view.oldest[:rows]):
        yield line(row)
        pressed = choice_buttons(row.choices[:BUTTONS_IN_ROW], f"row:{number}")
        yield from actions(*pressed) if not row.verdict else ()
    if view.note:
        yield rich(sentence(view.note, italic=True))


def _compared(one: Compared) -> str:
    """Give a figure as markup: nothing in it comes from outside."""
    change = one.now - one.before
    how = f"{abs(change):,} {'more' if change > 0 else 'fewer'} than" if change else "as"
    before = f"{how} {'' if change else 'in '}the week before"
    detail = f"\n{one.detail}" if one.detail else ""
    return f"*{one.now:,} {one.name}*\n{before}{detail}"
