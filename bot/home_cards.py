"""A person's App Home as one Slack view, within Slack's 100 blocks: the lines and buttons of the daily digest. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from bot.answers import choice_buttons
from bot.blocks import BUTTONS_IN_ROW, actions, context, divider, header, rich, section
from bot.digest_cards import line
from bot.text import JSON, sentence, words
from core.answers import HomeSection, HomeView, Row

VIEW_BLOCKS = 100
NOTE_CHARS = 600
MOST_ROWS = 4  # of a group; fewer where the whole would not fit


def home(view: HomeView) -> JSON:
    """Give the view; with very much to tell each group has fewer lines, and its button for all of them stays."""
    drafts = (list(_blocks(view, most)) for most in range(MOST_ROWS, 0, -1))
    fits = next((blocks for blocks in drafts if len(blocks) <= VIEW_BLOCKS), list(_blocks(view, 0)))
    return {"type": "home", "blocks": fits[:VIEW_BLOCKS]}


def _blocks(view: HomeView, most: int) -> Iterator[JSON]:
    yield header(view.title)
    if view.summary:
        yield context(*view.summary)
    for notice in view.notices:
        yield rich([words("⛔ "), *sentence(notice, NOTE_CHARS, bold=True)])
    if view.done:
        pressed = [one for one in choice_buttons([view.undo] if view.undo else [], "done") if one]
        yield section(f"✅ {view.done}") | ({"accessory": pressed[0]} if pressed else {})
    yield from actions(*choice_buttons(view.choices, "home"))
    for number, part in enumerate(view.sections):
        yield divider()
        yield from _section(part, number, most)


def _section(part: HomeSection, number: int, most: int) -> Iterator[JSON]:
    yield header(part.title)
    if part.note:
        yield rich(sentence(part.note, NOTE_CHARS))
    if part.facts:
        yield rich(bullets=[[words(fact, NOTE_CHARS)] for fact in part.facts])
    for at, group in enumerate(part.groups):
        if group.title:
            yield rich([words(group.title, bold=True)])
        rows = group.rows[:most] if group.title else group.rows
        for place, row in enumerate(rows):
            yield from _row(row, f"{number}:{at}:{place}")
    yield from actions(*choice_buttons(part.choices, f"more:{number}"))


def _row(row: Row, name: str) -> Iterator[JSON]:
    """Give a line with its buttons; a single one stands beside it."""
    pressed = [one for one in choice_buttons(row.choices[:BUTTONS_IN_ROW], f"row:{name}") if one]
    if len(pressed) == 1:
        yield section(f"{row.title}  ·  {row.detail}") | {"accessory": pressed[0]}
        return
    yield line(row)
    yield from actions(*pressed) if not row.verdict else ()
