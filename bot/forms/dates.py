"""The dates side by side: what a pause or a resume would lead to, as forms show it before anybody confirms. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from bot.blocks import columns, context, rich
from bot.forms.fields import option
from bot.text import JSON, sentence, words
from core.answers import Table
from core.dates import say
from core.dates.words import MONTH_NAMES, WEEKDAY_NAMES
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


def side_by_side(look: Outlook, *, zone: str, is_named: bool = True) -> Iterator[JSON]:
    """Give the blocks of one sequence: its next step, and when that would leave; `zone` is the reader's.

    is_named: its name stands there; else it is said above.
    """
    step = look.step or "No step is left."
    lines = [[words(look.sequence, 100, bold=True), words(f"  ·  {step}")] if is_named else [words(step)]]
    ends = f"The pause ends {_moment(look.ends_at, zone, look.zone)}." if look.ends_at else ""
    if ends and look.dates is None:
        lines.append([words(ends)])
    if look.because:
        lines.append(sentence(look.because, italic=True))
    elif look.dates is None and look.planned:
        lines.append([words(f"As things stand it leaves {_moment(look.planned, zone, look.zone)}.")])
    yield rich(*lines)
    if look.dates is None:
        return
    ways = [(name, look.dates[POLICIES[word]]) for word, name in NAMES.items()]
    ways += [("On that day", look.on)] if look.on else []
    leads = _other_zone(look, zone)
    yield from columns(_table(ways, zone, leads), len(ways))
    own = next(name for word, name in NAMES.items() if POLICIES[word] is look.own)
    zones = f"Your time is {zone}, the lead's {leads}." if leads else f"Times are in {zone}."
    after = [f"{own} is this sequence's own way. {zones}"]
    if look.planned and not look.on:
        after.append(f"As things stand: {_moment(look.planned, zone, look.zone)}.")
    yield context(*filter(None, [ends, *after]))


def _other_zone(look: Outlook, zone: str) -> str:
    """Give the lead's zone where its clock shows another time than the reader's, else ""."""
    moments = [at for at in (*(look.dates or {}).values(), look.on) if at]
    leads = look.zone or zone
    is_other = any(local(at, zone).utcoffset() != local(at, leads).utcoffset() for at in moments)
    return leads if is_other else ""


def _table(ways: Sequence[tuple[str, datetime | None]], zone: str, leads: str) -> Table:
    """Give the ways to go on with their moments for the reader, and by the lead's clock where that is another.

    About 50 characters wide: Slack breaks the lines of a modal from 60 on.
    """
    if not leads:
        return tuple((name, _short(at, zone)) for name, at in ways)
    rows = ((name, _short(at, zone), _clock(at, leads)) for name, at in ways)
    return (("", "Your time", "Lead's time"), *rows)


def _short(moment: datetime | None, zone: str) -> str:
    """Give "Fri 18 Jun 2027, 15:00"; its zone stands below."""
    if moment is None:
        return "not by itself"
    here = local(moment, zone)
    return f"{WEEKDAY_NAMES[here.weekday()][:3]} {here.day} {MONTH_NAMES[here.month - 1][:3]} {here.year}, {here:%H:%M}"


def _clock(moment: datetime | None, zone: str) -> str:
    """Give "Fri 09:00": the day beside it is the reader's."""
    if moment is None:
        return ""
    there = local(moment, zone)
    return f"{WEEKDAY_NAMES[there.weekday()][:3]} {there:%H:%M}"


def _moment(moment: datetime, zone: str, leads: str) -> str:
    """Give a moment in the reader's zone, and in the lead's where the clock shows another time there."""
    here, there = local(moment, zone), local(moment, leads or zone)
    if here.utcoffset() == there.utcoffset():
        return say(moment, zone)
    is_same_day = here.date() == there.date()
    theirs = f"{there:%H:%M} ({leads})" if is_same_day else say(moment, leads)
    return f"{say(moment, zone)}, for the lead {theirs}"
