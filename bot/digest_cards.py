"""The list of paused leads as one Slack message, within Slack's 50 blocks: lines with their buttons, done ones crossed out. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from bot.answers import choice_buttons
from bot.blocks import BUTTONS_IN_ROW, actions, context, divider, fitting, header, message, rich
from bot.text import JSON, clipped, sentence, unmarked, words
from core.answers import DigestCard, DigestGroup, Row

TITLE_CHARS = 120
DETAIL_CHARS = 200
OWNER_CHARS = (300, 160, 90)  # of a line; the fewer, the more lines there are
FALLBACK_LINES = 5


def digest_card(view: DigestCard) -> JSON:
    """Give the list; redrawn, each line says what became of it, and the last one that all is done."""
    fallback = [f"⏸️ {view.title}", *view.summary[:FALLBACK_LINES], view.verdict]
    drafts = (
        list(_blocks(view, longest, is_airy=is_airy)) for longest in OWNER_CHARS for is_airy in (True, False)
    )
    return message("\n".join(filter(None, fallback)), fitting(drafts))


def _blocks(view: DigestCard, longest: int, *, is_airy: bool) -> Iterator[JSON]:
    """Give its blocks; `longest`: of an owner's line; `is_airy` with a line across above each group."""
    yield header(f"⏸️ {view.title}")
    if view.summary or view.progress:
        yield context(*map(unmarked, view.summary), *filter(None, [view.progress]))
    if view.owners:
        owners = [[words(clipped(line, longest))] for line in view.owners]
        yield rich([words("Everybody's lists", bold=True)], bullets=owners)
    for number, group in enumerate(view.groups):
        yield from [divider()] if is_airy else ()
        yield from _group(group, number)
    yield from actions(*choice_buttons([view.more] if view.more else [], "more"))
    if view.verdict:
        yield from [divider()] if is_airy and view.groups else ()
        yield rich([words("🎉 " if view.is_done else "➡️ "), words(view.verdict, bold=True)])


def _group(group: DigestGroup, number: int) -> Iterator[JSON]:
    yield rich([words(group.title, bold=True)])
    for place, row in enumerate(group.rows):
        yield line(row)
        pressed = choice_buttons(row.choices[:BUTTONS_IN_ROW], f"row:{number}:{place}")
        yield from actions(*pressed) if not row.verdict else ()
    yield from actions(*choice_buttons(group.choices[:BUTTONS_IN_ROW], f"group:{number}"))


def line(row: Row) -> JSON:
    """Give one line: who and why; done, who did what."""
    if row.verdict:
        done = sentence(f"  {row.verdict}", DETAIL_CHARS)
        return rich([words("✅ "), words(row.title, TITLE_CHARS, strike=True), *done])
    return rich([words(row.title, TITLE_CHARS, bold=True)], sentence(row.detail, DETAIL_CHARS))
