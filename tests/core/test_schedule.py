"""Delays, windows, weekdays and holidays: one table per rule, then what must hold for every input."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import FermataError, Refused
from core.schedule import (
    Calendar,
    Delay,
    Unit,
    Window,
    at_local,
    backlog,
    closed_because,
    due_after,
    first_working_moment,
    is_open,
    lead_calendar,
    local,
    send_at,
    valid_window,
)

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"
OFFICE = valid_window(time(9), time(17), range(5))
OFFICE_BERLIN = Calendar(OFFICE, BERLIN, "DE")
ALWAYS_BERLIN = Calendar(None, BERLIN, None)


def at(text: str, zone: str = BERLIN) -> datetime:
    """Read "2027-06-15 09:00" in a zone."""
    wall = datetime.fromisoformat(text)
    return at_local(wall.date(), wall.time(), zone)


def wall(moment: datetime, zone: str = BERLIN) -> str:
    """Show an instant as the table writes it; the instant itself must be in UTC."""
    assert moment.tzinfo is UTC
    return f"{local(moment, zone):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("start", "amount", "unit", "end"),
    [
        ("2027-06-15 10:30", 0, Unit.DAYS, "2027-06-15 10:30"),
        (
            "2027-06-19 10:30",
            0,
            Unit.BUSINESS_DAYS,
            "2027-06-19 10:30",
        ),  # no delay is no delay, on a Saturday too
        ("2027-06-15 10:30", 45, Unit.MINUTES, "2027-06-15 11:15"),
        ("2027-06-15 10:30", 30, Unit.HOURS, "2027-06-16 16:30"),
        ("2027-06-15 10:30", 4, Unit.DAYS, "2027-06-19 10:30"),
        ("2027-03-27 10:00", 1, Unit.DAYS, "2027-03-28 10:00"),  # spring: 23 hours
        ("2027-03-27 10:00", 24, Unit.HOURS, "2027-03-28 11:00"),  # an hour is an hour
        ("2027-10-30 10:00", 1, Unit.DAYS, "2027-10-31 10:00"),  # autumn: 25 hours
        ("2027-10-30 10:00", 24, Unit.HOURS, "2027-10-31 09:00"),
        ("2027-03-27 02:30", 1, Unit.DAYS, "2027-03-28 03:30"),  # the gap moves it forward
        ("2027-06-17 10:30", 1, Unit.BUSINESS_DAYS, "2027-06-18 10:30"),
        ("2027-06-18 10:30", 1, Unit.BUSINESS_DAYS, "2027-06-21 10:30"),  # Friday → Monday
        ("2027-06-19 10:30", 1, Unit.BUSINESS_DAYS, "2027-06-21 10:30"),  # Saturday → Monday
        (
            "2027-03-25 10:30",
            1,
            Unit.BUSINESS_DAYS,
            "2027-03-30 10:30",
        ),  # Good Friday, weekend, Easter Monday
        ("2027-03-24 10:30", 3, Unit.BUSINESS_DAYS, "2027-03-31 10:30"),  # and summer time began on the way
    ],
)
def test_due_after(start, amount, unit, end):
    assert wall(due_after(at(start), Delay(amount, unit), OFFICE_BERLIN)) == end


def test_business_days_follow_the_windows_weekdays():
    calendar = Calendar(Window(time(9), time(17), frozenset({5, 6})), BERLIN, None)
    assert (
        wall(due_after(at("2027-06-18 08:00"), Delay(3, Unit.BUSINESS_DAYS), calendar)) == "2027-06-26 08:00"
    )


def test_business_days_without_window_are_monday_to_friday():
    assert (
        wall(due_after(at("2027-06-18 08:00"), Delay(1, Unit.BUSINESS_DAYS), ALWAYS_BERLIN))
        == "2027-06-21 08:00"
    )


@pytest.mark.parametrize(
    ("amount", "unit"), [(-1, Unit.DAYS), (3661, Unit.BUSINESS_DAYS), (10**12, Unit.MINUTES)]
)
def test_delay_out_of_range_refused(amount, unit):
    with pytest.raises(Refused, match=r"^A delay must be between 0 and 3660 days\.$"):
        Delay(amount, unit)


@pytest.mark.parametrize(
    ("due", "sent"),
    [
        ("2027-06-15 10:30", "2027-06-15 10:30"),  # inside: at once
        ("2027-06-15 09:00", "2027-06-15 09:00"),  # the opening belongs to the window
        ("2027-06-15 08:59", "2027-06-15 09:00"),
        ("2027-06-15 16:59", "2027-06-15 16:59"),
        ("2027-06-15 17:00", "2027-06-16 09:00"),  # the closing does not
        ("2027-06-18 17:00", "2027-06-21 09:00"),  # Friday evening → Monday
        ("2027-06-20 12:00", "2027-06-21 09:00"),  # Sunday → Monday
        ("2027-03-26 10:00", "2027-03-30 09:00"),  # Good Friday → Tuesday after Easter
        ("2027-12-31 17:30", "2028-01-03 09:00"),  # over New Year, whose holidays are another year's
        ("2027-03-28 12:00", "2027-03-30 09:00"),
    ],
)
def test_send_at(due, sent):
    assert wall(send_at(at(due), OFFICE_BERLIN)) == sent


def test_send_at_open_returns_due_to_the_microsecond():
    due = at("2027-06-15 10:30") + timedelta(microseconds=1)
    assert send_at(due, OFFICE_BERLIN) == due


@pytest.mark.parametrize(
    ("country", "due", "sent"),
    [
        (None, "2027-12-25 03:00", "2027-12-25 03:00"),  # no window, no country: due itself
        ("DE", "2027-12-25 03:00", "2027-12-27 00:00"),  # two holidays, then a Monday
        ("DE", "2027-06-20 03:00", "2027-06-20 03:00"),  # a Sunday is no holiday
    ],
)
def test_send_at_without_window(country, due, sent):
    assert wall(send_at(at(due), Calendar(None, BERLIN, country))) == sent


@pytest.mark.parametrize(
    ("zone", "due", "sent"),
    [
        (None, "2027-06-15 10:00", "2027-06-15 10:00"),
        (BERLIN, "2027-06-15 10:00", "2027-06-15 10:00"),
        (NEW_YORK, "2027-06-15 10:00", "2027-06-15 15:00"),
        ("Pacific/Kiritimati", "2027-06-15 10:00", "2027-06-15 21:00"),
        ("Asia/Kathmandu", "2027-06-15 14:00", "2027-06-16 05:15"),
    ],
)
def test_lead_calendar_reads_the_window_in_the_leads_zone(zone, due, sent):
    assert wall(send_at(at(due), lead_calendar(OFFICE_BERLIN, zone))) == sent


@pytest.mark.parametrize(
    ("moment", "reason"),
    [
        ("2027-06-15 10:00", None),
        ("2027-06-15 08:00", "window"),
        ("2027-06-15 17:00", "window"),
        ("2027-06-20 10:00", "window: Sunday"),
        ("2027-12-24 10:00", None),
        ("2027-12-25 10:00", "holiday: Christmas Day"),  # a Saturday as well: the holiday is named
        ("2027-03-26 03:00", "holiday: Good Friday"),
    ],
)
def test_closed_because(moment, reason):
    assert closed_because(at(moment), OFFICE_BERLIN) == reason


def test_holiday_is_the_local_day():
    calendar = Calendar(None, NEW_YORK, "US")
    last_of_it = at("2027-07-05 23:59", NEW_YORK)  # in UTC the 6th has come
    assert closed_because(last_of_it, calendar) == "holiday: Independence Day (observed)"
    assert closed_because(last_of_it + timedelta(minutes=1), calendar) is None


@pytest.mark.parametrize(
    ("day", "calendar", "opening"),
    [
        (date(2027, 6, 15), OFFICE_BERLIN, "2027-06-15 09:00"),
        (date(2027, 6, 19), OFFICE_BERLIN, "2027-06-21 09:00"),
        (date(2027, 3, 26), OFFICE_BERLIN, "2027-03-30 09:00"),
        (date(2027, 6, 19), ALWAYS_BERLIN, "2027-06-21 00:00"),
        (date(2027, 3, 26), Calendar(None, BERLIN, "DE"), "2027-03-30 00:00"),
    ],
)
def test_first_working_moment(day, calendar, opening):
    assert wall(first_working_moment(day, calendar)) == opening


@pytest.mark.row(207)
@pytest.mark.parametrize(
    ("opens", "closes", "weekdays", "sentence"),
    [
        # 207 of the table of bad inputs: 18:00–09:00, and no days
        (time(18), time(9), range(5), "The window closes at 09:00, which is not after it opens at 18:00"),
        (time(9), time(9), range(5), "The window closes at 09:00"),
        (time(9), time(17), [], "The window has no weekdays; name at least one."),
        (time(9), time(17), [7], "A weekday is a number from 0"),
    ],
)
def test_window_that_never_opens_refused(opens, closes, weekdays, sentence):
    with pytest.raises(Refused) as refusal:
        valid_window(opens, closes, weekdays)
    assert str(refusal.value).startswith(sentence)


def test_unchecked_window_without_weekdays_still_ends():
    calendar = Calendar(Window(time(9), time(17), frozenset()), BERLIN, None)
    for ask in (send_at, lambda due, cal: due_after(due, Delay(1, Unit.BUSINESS_DAYS), cal)):
        with pytest.raises(Refused):
            ask(at("2027-06-15 10:00"), calendar)


@pytest.mark.parametrize(
    "zone",
    [
        "",
        "Europe",
        "Europe/Berln",
        "../etc/passwd",
        "/etc/passwd",
        "a\0b",
        "x" * 5_000,
        "ü\ud800",
        "europe berlin",
    ],
)
def test_unknown_zone_refused(zone):
    for ask in (
        lambda: send_at(at("2027-06-15 10:00"), Calendar(OFFICE, zone, None)),
        lambda: lead_calendar(OFFICE_BERLIN, zone),
        lambda: local(at("2027-06-15 10:00"), zone),
        lambda: at_local(date(2027, 6, 15), time(9), zone),
    ):
        with pytest.raises(Refused, match=r"There is no time zone "):
            ask()


def test_unknown_zone_names_the_nearest():
    with pytest.raises(
        Refused, match=r'^There is no time zone "Europe/Berln"; use a name such as Europe/Berlin\.$'
    ):
        local(at("2027-06-15 10:00"), "Europe/Berln")


@pytest.mark.parametrize("country", ["XX", "de", "Germany", "country_holidays", "D", "X" * 5_000])
def test_unknown_country_refused(country):
    with pytest.raises(Refused, match=r"^There are no public holidays for the country "):
        send_at(at("2027-06-15 10:00"), Calendar(None, BERLIN, country))
    with pytest.raises(FermataError):
        due_after(at("2027-06-15 10:00"), Delay(1, Unit.BUSINESS_DAYS), Calendar(None, BERLIN, country))


def test_naive_instant_raises():
    naive = datetime(2027, 6, 15, 10)
    for ask in (
        lambda: send_at(naive, OFFICE_BERLIN),
        lambda: is_open(naive, ALWAYS_BERLIN),
        lambda: local(naive, BERLIN),
        lambda: due_after(naive, Delay(1, Unit.HOURS), OFFICE_BERLIN),
    ):
        with pytest.raises(ValueError, match="zone"):
            ask()


@pytest.mark.parametrize(("minutes", "overdue"), [(-5, False), (0, False), (60, False), (61, True)])
def test_backlog(minutes, overdue):
    due = at("2027-06-15 10:00")
    assert backlog(due, due + timedelta(minutes=minutes), timedelta(hours=1)) is overdue


# The worked examples of the design, as far as time goes.


def test_freeze_keeps_the_two_days_that_remained():
    """4-day delay, paused on day 2: on resume 2 days remain."""
    due = due_after(at("2027-06-14 10:00"), Delay(4, Unit.DAYS), OFFICE_BERLIN)
    remaining = due - at("2027-06-16 10:00")
    assert remaining == timedelta(days=2)
    assert wall(send_at(at("2027-06-28 10:00") + remaining, OFFICE_BERLIN)) == "2027-06-30 10:00"


@pytest.mark.parametrize(
    ("resumed", "sent"),
    [
        ("2027-06-18 10:00", "2027-06-21 10:00"),  # day 2: on the day first planned
        ("2027-06-23 20:00", "2027-06-24 09:00"),  # day 7, in the evening: the next open moment
        ("2027-06-23 11:15", "2027-06-23 11:15"),  # day 7, while open: at once
    ],
)
def test_keep_sends_on_the_planned_day_or_at_the_next_opening(resumed, sent):
    """5-day delay from a Wednesday, so that it ends on Monday."""
    due = due_after(at("2027-06-16 10:00"), Delay(5, Unit.DAYS), OFFICE_BERLIN)
    assert wall(send_at(max(due, at(resumed)), OFFICE_BERLIN)) == sent


def test_out_until_june_15_resumes_at_the_leads_first_working_moment():
    calendar = lead_calendar(OFFICE_BERLIN, NEW_YORK)
    assert wall(first_working_moment(date(2027, 6, 15), calendar), NEW_YORK) == "2027-06-15 09:00"
    assert wall(first_working_moment(date(2025, 6, 15), calendar), NEW_YORK) == "2025-06-16 09:00"  # a Sunday


# What holds for every input.

ZONES = [
    BERLIN,
    NEW_YORK,
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Africa/Casablanca",
    "Pacific/Apia",
    "UTC",
]
MOMENTS = st.datetimes(datetime(2009, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))


@st.composite
def windows(draw):
    opens, closes = sorted(draw(st.tuples(st.times(), st.times()).filter(lambda pair: pair[0] != pair[1])))
    return valid_window(opens, closes, draw(st.frozensets(st.integers(0, 6), min_size=1)))


CALENDARS = st.builds(
    Calendar,
    window=st.none() | windows(),
    zone=st.sampled_from(ZONES),
    country=st.sampled_from([None, "DE", "US", "JP", "IN"]),
)


@settings(max_examples=200, deadline=None)
@given(due=MOMENTS, calendar=CALENDARS)
def test_send_at_is_the_earliest_open_moment(due, calendar):
    sent = send_at(due, calendar)
    assert sent >= due
    assert is_open(sent, calendar)
    assert closed_because(sent, calendar) is None
    assert send_at(sent, calendar) == sent
    assert (sent == due) == is_open(due, calendar) == (closed_because(due, calendar) is None)
    if sent > due:
        just_before = sent - timedelta(microseconds=1)
        assert closed_because(just_before, calendar) is not None


@settings(max_examples=200, deadline=None)
@given(due=MOMENTS, wait=st.timedeltas(timedelta(0), timedelta(days=9)), calendar=CALENDARS)
def test_send_at_is_monotone(due, wait, calendar):
    assert send_at(due, calendar) <= send_at(due + wait, calendar)


@settings(max_examples=200, deadline=None)
@given(moment=MOMENTS, calendar=CALENDARS)
def test_open_is_what_the_clock_on_the_wall_says(moment, calendar):
    """The rule written a second time, naively, for a calendar without holidays."""
    here, window = local(moment, calendar.zone), calendar.window
    plain = Calendar(window, calendar.zone, None)
    says = window is None or (
        window.opens <= here.time().replace(fold=0) < window.closes and here.weekday() in window.weekdays
    )
    assert is_open(moment, plain) is says


@settings(max_examples=200, deadline=None)
@given(
    start=MOMENTS,
    amount=st.integers(0, 60),
    unit=st.sampled_from(Unit),
    calendar=CALENDARS,
)
def test_due_after_is_never_before_its_start(start, amount, unit, calendar):
    due = due_after(start, Delay(amount, unit), calendar)
    assert due >= start
    assert due.tzinfo is UTC
    if unit in {Unit.MINUTES, Unit.HOURS}:
        assert due - start == timedelta(**{unit.value: amount})


def test_instants_of_any_zone_are_taken_as_utc():
    elsewhere = datetime(2027, 6, 15, 10, tzinfo=timezone(timedelta(hours=9)))
    assert send_at(elsewhere, ALWAYS_BERLIN).tzinfo is UTC
    assert due_after(elsewhere, Delay(1, Unit.HOURS), OFFICE_BERLIN) == elsewhere + timedelta(hours=1)
