"""Text from outside, shown plain: it can neither mention, link, format nor hide anything (DESIGN G10).

Slack reads markup only in `mrkdwn` objects and in a message's own `text`. Cards use `plain_text` and `rich_text`,
in which every character stands for itself, so nothing has to be escaped there; `escaped` is for the fallback text.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from core.dates import say
from core.grammar import COMMANDS
from core.plain import shown

JSON = dict[str, Any]

FALLBACK_CHARS = 3_900  # chat.update takes 4,000
READER_FORMAT = "{date_short_pretty} {time}"
READER_FORMAT_WITH_WEEKDAY = "{date_long} {time}"
_COMMAND = re.compile(
    rf"`((?:{'|'.join(sorted({entry.words[0] for entry in COMMANDS} | {'fermata'}))})\b[^`]*)`"
)
# A word joiner in front keeps `*bold*` and the like from beginning.
_AS_TEXT = {"&": "&amp;", "<": "&lt;", ">": "&gt;"} | {char: f"\u2060{char}" for char in "*_~`"}


def clean(text: str, longest: int) -> str:
    """Give one line of at most `longest` characters, everything unseen written out as its code."""
    return clipped(shown(text.replace("\n", " "), longest=longest), longest)


def clipped(text: str, longest: int) -> str:
    """Give the text cut to `longest` characters, the cut shown by an ellipsis."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def escaped(text: str) -> str:
    """Give text for a place that Slack reads as markup: no mention, link or format survives."""
    lines = [clean(line, FALLBACK_CHARS) for line in text[:FALLBACK_CHARS].split("\n")]
    pieces, length = [], 0
    for char in "\n".join(lines):
        piece = _AS_TEXT.get(char, char)
        length += len(piece)
        if length > FALLBACK_CHARS:
            break
        pieces.append(piece)
    return "".join(pieces)


def plain(text: str, longest: int) -> JSON:
    """Give a plain_text object; `:smile:` in it stays as it is."""
    return {"type": "plain_text", "text": clean(text, longest) or "–", "emoji": False}


def words(text: str, longest: int = 300, **style: bool) -> JSON:
    """Give a piece of rich text; `style` is bold, italic or strike."""
    piece: JSON = {"type": "text", "text": clean(text, longest) or " "}
    return piece | ({"style": style} if style else {})


def sentence(text: str, longest: int = 300, *, channel: str = "", **style: bool) -> list[JSON]:
    """Give a sentence of ours as rich text, the commands in it set apart; nothing else between backticks is.

    `channel`: the id of the one channel that it may name, as "#C…"; Slack shows its name there.
    """
    pieces: list[JSON] = []
    for number, part in enumerate(_COMMAND.split(clean(text, longest) or " ")):
        if number % 2:
            pieces.append(words(part, longest, **style | {"code": True}))
            continue
        for place, plain in enumerate(part.split(f"#{channel}") if channel else [part]):
            if place:
                pieces.append({"type": "channel", "channel_id": channel})
            if plain:
                pieces.append(words(plain, longest, **style))
    return pieces


def unmarked(text: str) -> str:
    """Give a sentence of ours for a place that shows backticks as they are, such as an error at a field.

    Of one that was cut within a command the end is closed too.
    """
    return re.sub(r"`([^`]*)(?:`|(?<=…)$)", r"“\1”", text)


def instant(moment: datetime, zone: str | None, *, with_weekday: bool = False) -> JSON:
    """Give a moment that Slack shows in the reader's own zone; without Slack it reads in `zone`, else in UTC."""
    return {
        "type": "date",
        "timestamp": int(moment.timestamp()),
        "format": READER_FORMAT_WITH_WEEKDAY if with_weekday else READER_FORMAT,
        "fallback": say(moment, zone or "UTC"),
    }
