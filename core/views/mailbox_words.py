"""What a list says of a mailbox: how it is, today's use against the ramp-up, and what came back. The same everywhere."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from core.guard import Rates, in_words
from core.mailboxes import day_of
from core.models import Mailbox
from core.words import clock, ended


def state(
    box: Mailbox, handed: int, cap: int, *, zone: str, now: datetime, rates: Rates | None = None
) -> str:
    """Give one line: "works · 37 of 60 today (ramp-up day 4, 200 from June 20) · last read at 10:12:00"."""
    gap = f"a gap of {box.min_gap_seconds:g} seconds" if box.min_gap_seconds else ""
    sent = f"last sent at {clock(rates.last_at, zone, now)}" if rates and rates.last_at else ""
    came_back = in_words(rates) if rates else ""
    parts = [_health(box, zone, now), f"{handed:,} of {cap:,} today{_ramp(box, now)}", gap, sent]
    return " · ".join(filter(None, [*parts, _reading(box, zone, now), came_back]))


def _health(box: Mailbox, zone: str, now: datetime) -> str:
    if box.guarded_at:
        return f"held since {clock(box.guarded_at, zone, now)}: {box.guarded_because}"
    if box.down_at:
        said = ended(
            f"cannot send since {clock(box.down_at, zone, now)}: {box.down_because or 'nobody knows why'}"
        )
        return said[:-1]
    return "works" if box.first_day or box.read_at else "not used yet"  # so nobody knows whether it works


def _ramp(box: Mailbox, now: datetime) -> str:
    """Say which day of its ramp-up it is, and from when on it may send its whole cap."""
    if box.ramp_from is None or box.ramp_from >= box.cap_per_day:
        return ""
    today = day_of(box, now)
    first = date.fromisoformat(box.first_day) if box.first_day else today
    days = max((today - first).days, 0)
    if box.ramp_from + box.ramp_step * days >= box.cap_per_day:
        return ""
    if not box.ramp_step:
        return f" (held to {box.ramp_from:,} of {box.cap_per_day:,} for warming up)"
    full = first + timedelta(days=-(-(box.cap_per_day - box.ramp_from) // box.ramp_step))
    return f" (ramp-up day {days + 1:,}, {box.cap_per_day:,} from {full:%B} {full.day})"


def _reading(box: Mailbox, zone: str, now: datetime) -> str:
    if box.imap_host is None:
        return "answers are not read"
    read = f"last read at {clock(box.read_at, zone, now)}" if box.read_at else "not read yet"
    return f"{read}, unread: {box.unread_because}" if box.unread_because else read
