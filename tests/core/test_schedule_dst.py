"""Daylight saving time: every change of every zone of tzdata in 2026 and 2027, and the odd ones of history."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import pytest

from core.schedule import (
    Calendar,
    Delay,
    Unit,
    Window,
    at_local,
    due_after,
    first_working_moment,
    is_open,
    local,
    send_at,
    valid_window,
)

EVERY_DAY = range(7)
FIVE_MINUTES = timedelta(minutes=5)


@cache
def changes() -> list[tuple[str, datetime, timedelta, timedelta]]:
    """Every change of offset in 2026–2027: (zone, first moment of the new offset, old, new)."""
    found = []
    for name in sorted(available_timezones()):
        zone, moment = ZoneInfo(name), datetime(2026, 1, 1, tzinfo=UTC)
        offset = moment.astimezone(zone).utcoffset()
        while moment.year < 2028:
            later = moment + timedelta(days=5)  # shorter than the shortest season, Morocco's Ramadan
            if (new := later.astimezone(zone).utcoffset()) != offset:
                while moment.astimezone(zone).utcoffset() == offset:
                    moment += timedelta(hours=6)
                while moment.astimezone(zone).utcoffset() != offset:
                    moment -= FIVE_MINUTES
                found.append((name, moment + FIVE_MINUTES, offset, new))
            moment, offset = later, new
    return found


def windows_around(change: datetime, old: timedelta, new: timedelta) -> list[Window]:
    """Windows that lie before, over, wholly inside and after the hour that is missing or comes twice."""
    walls = sorted([(change + old).replace(tzinfo=None), (change + new).replace(tzinfo=None)])
    ticks = [timedelta(minutes=n) for n in (-40, 10, 20, 40, 100)]
    edges = sorted({(w + tick).time() for w in walls for tick in ticks} | {w.time() for w in walls})
    near = [valid_window(a, b, EVERY_DAY) for a, b in zip(edges, edges[2:], strict=False)]
    inside = [valid_window(a, b, EVERY_DAY) for a, b in [[w.time() for w in walls]] if a < b]
    return [*near[::3], *inside, valid_window(time(9), time(17), range(5))]


def test_tzdata_is_whole():
    assert len(available_timezones()) > 500
    assert len({name for name, *_ in changes()}) > 150


def test_send_at_around_every_change_is_the_first_open_moment():
    """Against a clock that is simply looked at every five minutes."""
    for name, change, old, new in changes():
        zone = ZoneInfo(name)
        grid = [change + n * FIVE_MINUTES for n in range(-30, 31)]
        clocks = [moment.astimezone(zone) for moment in grid]
        for window in windows_around(change, old, new):
            calendar, following = Calendar(window, name, None), None
            for due, here in zip(reversed(grid), reversed(clocks), strict=True):
                is_open_here = (
                    window.opens <= here.time().replace(fold=0) < window.closes
                    and here.weekday() in window.weekdays
                )
                sent = send_at(due, calendar)
                if is_open_here:
                    following = due
                if following is None:  # opens after the grid's end: judged by the wall alone
                    wall = sent.astimezone(zone)
                    assert sent > grid[-1], (name, due, window)
                    assert window.opens <= wall.time() < window.closes, (name, due, window)
                else:
                    assert sent == following, (name, due, window)


@pytest.mark.parametrize("unit", [Unit.DAYS, Unit.BUSINESS_DAYS])
def test_day_delays_keep_the_local_clock_over_every_change(unit):
    everyday = Window(time(9), time(17), frozenset(EVERY_DAY))
    for name, change, old, new in changes():
        calendar, zone = Calendar(everyday, name, None), ZoneInfo(name)
        for minutes in range(-180, 181, 20):
            for amount in (1, 3):
                start = change + timedelta(minutes=minutes) - timedelta(days=amount)
                here = start.astimezone(zone).replace(tzinfo=None)
                due = due_after(start, Delay(amount, unit), calendar)
                there = due.astimezone(zone)
                wanted = here + timedelta(days=amount)
                missing = (change + old).replace(tzinfo=None) <= wanted < (change + new).replace(tzinfo=None)
                shift = new - old if missing else timedelta(0)
                assert there.replace(tzinfo=None) == wanted + shift, (name, start)
                assert there.fold == 0, (name, start)
                assert due > start


def test_send_at_is_monotone_over_every_change():
    for name, change, old, new in changes():
        for window in windows_around(change, old, new)[::2]:
            calendar = Calendar(window, name, None)
            sent = [send_at(change + timedelta(minutes=7 * n), calendar) for n in range(-12, 13)]
            assert sent == sorted(sent), (name, window)


def test_office_hours_open_at_nine_in_every_zone_all_through_march_and_autumn():
    office = valid_window(time(9), time(17), range(5))
    for name in available_timezones():
        calendar = Calendar(office, name, None)
        for day in (date(2026, 3, 8), date(2026, 3, 29), date(2026, 10, 4), date(2027, 11, 7)):  # Sundays
            opening = local(first_working_moment(day, calendar), name)
            assert (opening.date(), opening.time()) == (day + timedelta(days=1), time(9)), name


@pytest.mark.parametrize(
    ("zone", "opens", "closes", "due", "sent"),
    [
        # wholly inside the gap of 14 March 2027: the next real opening is a day later
        ("America/New_York", time(2), time(3), "2027-03-14T06:30", "2027-03-15T06:00"),
        ("America/New_York", time(2, 10), time(2, 40), "2027-03-14T07:00", "2027-03-15T06:10"),
        # opens inside the gap: the first real moment after it
        ("America/New_York", time(2, 30), time(4), "2027-03-14T06:30", "2027-03-14T07:00"),
        # closes inside the gap: shut at the change
        ("America/New_York", time(1), time(2, 30), "2027-03-14T07:00", "2027-03-15T05:00"),
        # 01:00 to 01:30 comes twice on 7 November 2027
        ("America/New_York", time(1), time(1, 30), "2027-11-07T04:00", "2027-11-07T05:00"),
        ("America/New_York", time(1), time(1, 30), "2027-11-07T05:30", "2027-11-07T06:00"),
        ("America/New_York", time(1), time(1, 30), "2027-11-07T06:30", "2027-11-08T06:00"),
        # half an hour of daylight saving
        ("Australia/Lord_Howe", time(2), time(2, 30), "2027-10-02T15:00", "2027-10-03T15:00"),
        # 30 December 2011 did not exist in Samoa
        ("Pacific/Apia", time(9), time(17), "2011-12-30T04:00", "2011-12-30T19:00"),
        # clocks went back over midnight, at 00:01, so that the evening came twice
        ("America/St_Johns", time(23, 30), time(23, 50), "2010-11-07T02:20", "2010-11-07T03:00"),
    ],
)
def test_windows_in_gaps_and_folds(zone, opens, closes, due, sent):
    calendar = Calendar(valid_window(opens, closes, EVERY_DAY), zone, None)
    answer = send_at(datetime.fromisoformat(due).replace(tzinfo=UTC), calendar)
    assert answer == datetime.fromisoformat(sent).replace(tzinfo=UTC)
    assert is_open(answer, calendar)


@pytest.mark.parametrize(
    ("zone", "day", "clock", "instant"),
    [
        ("America/New_York", date(2027, 3, 14), time(2, 30), "2027-03-14T07:30"),  # gap: 03:30
        ("America/New_York", date(2026, 11, 1), time(1, 30), "2026-11-01T05:30"),  # fold: the first
        ("America/New_York", date(2026, 11, 1), time(1, 30, fold=1), "2026-11-01T05:30"),
        ("Africa/Cairo", date(2027, 4, 30), time(0), "2027-04-29T22:00"),  # no midnight: 01:00
        ("Pacific/Apia", date(2011, 12, 30), time(12), "2011-12-30T22:00"),  # no such day: the next
    ],
)
def test_at_local(zone, day, clock, instant):
    assert at_local(day, clock, zone) == datetime.fromisoformat(instant).replace(tzinfo=UTC)


def test_day_that_does_not_exist_is_skipped():
    samoa = Calendar(valid_window(time(9), time(17), EVERY_DAY), "Pacific/Apia", None)
    assert local(first_working_moment(date(2011, 12, 30), samoa), "Pacific/Apia").date() == date(2011, 12, 31)
