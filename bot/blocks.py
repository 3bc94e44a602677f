"""The pieces of Block Kit that the cards are made of, each within Slack's limits. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from bot import codec
from bot.text import JSON, clean, clipped, escaped, plain, unmarked, words
from core.answers import Table, in_columns

MESSAGE_BLOCKS = 50
MESSAGE_CHARS = 10_000  # not documented; refusals (`msg_blocks_too_long`) were seen from 11,300 on
VIEW_TITLE_CHARS = 24
HEADER_CHARS = 150
CONTEXT_CHARS = 200
LINE_CHARS = 160
ALT_CHARS = 2_000  # of an image block's alt_text
SECTION_CHARS = 600
QUOTE_CHARS = 900
QUOTE_LINES = 14
BUTTON_CHARS = 75
BUTTONS_IN_ROW = 5
OPTION_CHARS = 75
OVERFLOW_OPTIONS = 5
CONFIRM_TITLE_CHARS = 100
CONFIRM_TEXT_CHARS = 300
CONFIRM_BUTTON_CHARS = 30


def header(text: str) -> JSON:
    """Give a heading."""
    return {"type": "header", "text": plain(unmarked(text), HEADER_CHARS)}


def context(*texts: str) -> JSON:
    """Give a line in small print, its parts told apart by a dot."""
    return {
        "type": "context",
        "elements": [plain(" · ".join(clipped(unmarked(t), CONTEXT_CHARS) for t in texts), 1_000)],
    }


def section(text: str) -> JSON:
    """Give a paragraph."""
    return {"type": "section", "text": plain(unmarked(text), SECTION_CHARS)}


def divider() -> JSON:
    """Give a line across."""
    return {"type": "divider"}


def rich(*lines: Sequence[JSON], bullets: Iterable[Sequence[JSON]] = ()) -> JSON:
    """Give lines of rich text, each a sequence of pieces, then bullets."""
    groups: list[JSON] = []
    pieces: list[JSON] = []
    for line in lines:
        if pieces:
            pieces.append({"type": "text", "text": "\n"})
        pieces.extend(line)
    if pieces:
        groups.append({"type": "rich_text_section", "elements": pieces})
    listed = [{"type": "rich_text_section", "elements": list(bullet)} for bullet in bullets]
    if listed:
        groups.append({"type": "rich_text_list", "style": "bullet", "elements": listed})
    return {"type": "rich_text", "elements": groups}


def columns(table: Table, most: int) -> list[JSON]:
    """Give a table in type of equal width, none where it has no rows; what does not fit is counted."""
    lines = [clean(line, LINE_CHARS) for line in in_columns(table)]
    unseen = len(lines) - 1 - most
    lines = [*lines[: most + 1], f"… and {unseen:,} more"] if unseen > 0 else lines
    pieces = [{"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "\n".join(lines)}]}]
    return [{"type": "rich_text", "elements": pieces}] if lines else []


def image(file_id: str | None, numbers: str) -> JSON:
    """Give an uploaded picture; without it, its numbers in words."""
    if file_id is None:
        return context(numbers)
    return {"type": "image", "slack_file": {"id": file_id}, "alt_text": clean(numbers, ALT_CHARS)}


def quote(text: str, *, longest: int = QUOTE_CHARS, lines: int = QUOTE_LINES) -> JSON:
    """Give what somebody wrote, set apart; its lines stay lines, and what is too long is cut with an ellipsis."""
    written = [line.strip() for line in clipped(text.strip(), longest).splitlines()]
    kept = [line for at, line in enumerate(written) if line or (at and written[at - 1])]
    if len(kept) > lines:
        kept = [*kept[: lines if kept[lines - 1] else lines - 1], "…"]
    pieces: list[JSON] = []
    for line in kept or ["–"]:
        pieces += [{"type": "text", "text": "\n"}] if pieces else []
        pieces += [words(line, longest)] if line else []
    return {"type": "rich_text", "elements": [{"type": "rich_text_quote", "elements": pieces}]}


def person(user_id: str) -> JSON:
    """Give a piece of rich text that names a member and calls them."""
    return {"type": "user", "user_id": user_id}


def actions(*elements: JSON | None) -> list[JSON]:
    """Give rows of buttons, none where there is nothing to press."""
    present = [element for element in elements if element]
    return [
        {"type": "actions", "elements": present[at : at + BUTTONS_IN_ROW]}
        for at in range(0, len(present), BUTTONS_IN_ROW)
    ]


def button(
    label: str, intent: codec.Intent, name: str, *, style: str | None = None, confirm: JSON | None = None
) -> JSON | None:
    """Give a button; None if what it means does not fit. `name` tells it apart in its block."""
    value = codec.value(intent)
    if value is None:
        return None
    made: JSON = {
        "type": "button",
        "text": plain(label, BUTTON_CHARS) | {"emoji": True},
        "action_id": codec.action_id(name),
        "value": value,
    }
    if style in {"primary", "danger"}:
        made["style"] = style
    return made | ({"confirm": confirm} if confirm else {})


def overflow(options: Iterable[tuple[str, codec.Intent]], name: str) -> JSON | None:
    """Give the menu behind ⋯; options that do not fit are left out, and with none left the menu."""
    fitting = [(label, codec.value(intent, longest=codec.OPTION_VALUE_CHARS)) for label, intent in options]
    shown = [{"text": plain(label, OPTION_CHARS), "value": value} for label, value in fitting if value]
    if not shown:
        return None
    return {"type": "overflow", "action_id": codec.action_id(name), "options": shown[:OVERFLOW_OPTIONS]}


def confirmation(title: str, text: str, yes: str, *, no: str = "Not now", is_danger: bool = False) -> JSON:
    """Give the dialog that asks before a button acts."""
    made: JSON = {
        "title": plain(title, CONFIRM_TITLE_CHARS),
        "text": plain(text, CONFIRM_TEXT_CHARS),
        "confirm": plain(yes, CONFIRM_BUTTON_CHARS),
        "deny": plain(no, CONFIRM_BUTTON_CHARS),
    }
    return made | ({"style": "danger"} if is_danger else {})


def characters(node: Any) -> int:
    """Count the text that blocks carry."""
    if isinstance(node, list):
        return sum(map(characters, node))
    if isinstance(node, dict):
        return sum(
            len(v) if k in {"text", "fallback"} and isinstance(v, str) else characters(v)
            for k, v in node.items()
        )
    return 0


def fits(blocks: Sequence[JSON]) -> bool:
    """Say whether Slack takes these as one message."""
    return len(blocks) <= MESSAGE_BLOCKS and characters(list(blocks)) <= MESSAGE_CHARS


def fitting(drafts: Iterable[list[JSON]]) -> list[JSON]:
    """Give the first draft that Slack takes, else the last: a message with much to tell gives up detail."""
    blocks: list[JSON] = []
    for blocks in drafts:
        if fits(blocks):
            break
    return blocks


def message(fallback: str, blocks: Sequence[JSON]) -> JSON:
    """Give a whole message: blocks, and the text that notifications and screen readers use instead."""
    return {"text": escaped(fallback) or "Fermata", "blocks": list(blocks)}


def one_line(text: str, longest: int = 120) -> str:
    """Give text for a sentence of ours."""
    return clean(text, longest)
