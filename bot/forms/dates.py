"""The dates side by side: what a pause or a resume would lead to, as forms show it before anybody confirms. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from bot.blocks import rich
from bot.forms.fields import option
from bot.text import JSON, escaped, sentence, words
from core.dates import say
from core.lifecycle import Policy
from core.schedule import local
from core.views.outlook import Outlook

MOST_SHOWN = 3  # sequences of one lead
# The words of the grammar, in the order in which forms offer them.
POLICIES: Mapping[str, Policy] = {"freeze": Policy.FREEZE, "keep": Policy.KEEP, "now": Policy.AT}
NAMES = {"freeze": "Freeze", "keep": "Keep", "now": "At once"}
PAUSE_MEANS = {
    "freeze": "The rest of the wait runs after the pause",
    "keep": "The date first planned stands; if it has passed, the end of the pause",
    "now": "As soon as the pause ends",
}
RESUME_MEANS = {
    "freeze": "The rest of the wait runs from now on",
    "keep": "The date first planned stands; if it has passed, now",
    "now": "As soon as the window allows",
}


def policy_options(means: Mapping[str, str]) -> list[JSON]:
    """Give the ways to go on as options, each with what it means."""
    return [option(name, word, means[word]) for word, name in NAMES.items()]


def side_by_side(look: Outlook, *, zone: str) -> Iterator[JSON]:
    """Give the blocks of one sequence: its next step, and when that would leave; `zone` is the reader's."""
    lines = [[words(look.sequence, 100, bold=True), words(f"  ·  {look.step or 'No step is left.'}")]]
    if look.ends_at:
        lines.append([words(f"The pause ends {_moment(look.ends_at, zone, look.zone)}.")])
    if look.because:
        lines.append(sentence(look.because, italic=True))
    elif look.dates is None and look.planned:
        lines.append([words(f"As things stand it leaves {_moment(look.planned, zone, look.zone)}.")])
    yield rich(*lines)
    if look.dates is None:
        return
    fields = [
        _field(name, look.dates[POLICIES[word]], zone, look.zone, is_own=POLICIES[word] is look.own)
        for word, name in NAMES.items()
    ]
    if look.on:
        fields.append(_field("On that day", look.on, zone, look.zone))
    elif look.planned:
        fields.append(_field("Without the pause", look.planned, zone, look.zone))
    yield {"type": "section", "fields": fields}


def _field(label: str, moment: datetime | None, zone: str, leads: str, *, is_own: bool = False) -> JSON:
    """Give a field with its name in bold; nothing in it comes from outside."""
    name = f"*{label}*" + (", this sequence's own way" if is_own else "")
    lines = [name, *(escaped(line) for line in _moments(moment, zone, leads))]
    return {"type": "mrkdwn", "text": "\n".join(lines)}


def _moment(moment: datetime, zone: str, leads: str) -> str:
    return ", ".join(_moments(moment, zone, leads))


def _moments(moment: datetime | None, zone: str, leads: str) -> list[str]:
    """Give a moment in the reader's zone, and in the lead's where the clock shows another time there."""
    if moment is None:
        return ["not by itself"]
    here, there = local(moment, zone), local(moment, leads or zone)
    if here.utcoffset() == there.utcoffset():
        return [say(moment, zone)]
    is_same_day = here.date() == there.date()
    return [
        say(moment, zone),
        f"for the lead {f'{there:%H:%M} ({leads})' if is_same_day else say(moment, leads)}",
    ]
