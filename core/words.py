"""Small pieces of the sentences that answers and cards are made of. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from core.dates import say
from core.schedule import local

MOST_NAMED = 5
MINUTE = timedelta(minutes=1)
_UNITS = (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", MINUTE))


def span(length: timedelta) -> str:
    """Give a length in its two largest units: "2 days 3 hours"; what is shorter than a minute is "no time"."""
    parts = []
    rest = max(length, timedelta(0)) + MINUTE / 2
    for name, unit in _UNITS:
        count, rest = divmod(rest, unit)
        if count:
            parts.append(counted(count, name))
    return " ".join(parts[:2]) or "no time"


def remains(length: timedelta) -> str:
    """Give how much is left, as a clause: "1 day remains", "1 day 2 hours remain"."""
    left = span(length)
    return f"{left} {'remains' if re.fullmatch('1 [a-z]+', left) else 'remain'}"


def counted(count: int, noun: str) -> str:
    """Give "1 lead", "2 leads"."""
    return f"{count:,} {noun if count == 1 else noun + 's'}"


def listed(words: Iterable[str], last: str = "and") -> str:
    """Give "a", "a and b", "a, b and c"."""
    items = list(words)
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}" if items else ""


def capital(text: str) -> str:
    """Give it as a sentence begins: its first letter large, the others as they are."""
    return text[:1].upper() + text[1:]


def ended(sentence: str) -> str:
    """Give a sentence with its full stop; what people wrote at its end, quoted or not, may have brought its own."""
    return sentence if sentence.removesuffix("”").endswith((".", "!", "?", "…")) else f"{sentence}."


def some(words: Sequence[str], most: int = MOST_NAMED) -> str:
    """Give the first words, and how many more there are."""
    more = len(words) - most
    return listed(words) if more <= 1 else f"{', '.join(words[:most])} and {more:,} more"


def clock(moment: datetime, zone: str, now: datetime, *, is_exact: bool = True) -> str:
    """Give the time of day, with its date where that is not today. `is_exact`: with seconds."""
    here = local(moment, zone)
    time = f"{here:%H:%M:%S}" if is_exact else f"{here:%H:%M}"
    is_today = here.date() == local(now, zone).date()
    return time if is_today else f"{time} on {say(moment, zone).partition(',')[0]}"


def short(text: str, longest: int) -> str:
    """Give the text cut to `longest` characters between two words, the cut shown by an ellipsis."""
    if len(text) <= longest:
        return text
    cut = text[: longest - 1]
    return f"{cut.rpartition(' ')[0] or cut}…"
