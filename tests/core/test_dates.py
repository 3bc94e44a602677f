"""What people write for a moment, and what it becomes: one table per outcome, seen from one frozen noon."""

import time as stopwatch
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dates import LONGEST_PHRASE_CHARS, Ambiguous, When, read, say, say_day
from core.errors import Refused
from core.schedule import local

BERLIN = "Europe/Berlin"
NEW_YORK = "America/New_York"
NOW = datetime(2027, 6, 9, 10, 0, tzinfo=UTC)  # Wednesday, noon in Berlin


def reading(phrase, kind="until", *, now=NOW, zone=BERLIN, **more) -> When:
    return read(phrase, now=now, zone=zone, kind=kind, **more)


def plainly(when: When) -> str:
    """Give "2027-06-15" for a day and "2027-06-15 14:30" for a moment, in the person's own zone."""
    return f"{local(when.at, when.zone):%Y-%m-%d %H:%M}" if when.has_time else f"{when.day}"


# Held through these days, or until these moments.
UNTIL = [
    ("June 15", "2027-06-15"),
    ("until June 15", "2027-06-15"),
    ("till june 15", "2027-06-15"),
    ("through June 15", "2027-06-15"),
    ("JUNE 15TH", "2027-06-15"),
    ("June the 15th", "2027-06-15"),
    ("Jun. 15", "2027-06-15"),
    ("15 June", "2027-06-15"),
    ("15june", "2027-06-15"),
    ("the 15th of June", "2027-06-15"),
    ("15-Jun-2027", "2027-06-15"),
    ("June 15, 2027", "2027-06-15"),
    ("15 June 2027", "2027-06-15"),
    ("Tuesday June 15", "2027-06-15"),
    ("Tue, 15 June 2027", "2027-06-15"),
    ("June 15.", "2027-06-15"),
    ("15.06.", "2027-06-15"),
    ("15.6.", "2027-06-15"),
    ("15.06", "2027-06-15"),
    ("15.06.2027", "2027-06-15"),
    ("15.6.27", "2027-06-15"),
    ("6/15", "2027-06-15"),
    ("15/6", "2027-06-15"),
    ("15/06/2027", "2027-06-15"),
    ("15-06-2027", "2027-06-15"),
    ("7/7", "2027-07-07"),
    ("2027-06-15", "2027-06-15"),
    ("2027/6/15", "2027-06-15"),
    ("2028-12-01", "2028-12-01"),
    ("2027-06-15 14:30", "2027-06-15 14:30"),
    ("2027-06-15T14:30", "2027-06-15 14:30"),
    ("2027-06-15T14:30:00Z", "2027-06-15 16:30"),
    ("2027-06-15 14:30+05:30", "2027-06-15 11:00"),
    ("٢٠٢٧-٠٦-١٥", "2027-06-15"),
    ("२०२७-०६-१५", "2027-06-15"),
    ("２０２７-０６-１５", "2027-06-15"),
    ("June\u00a015", "2027-06-15"),
    ("Ju\u200bne 15", "2027-06-15"),
    ("the 15th", "2027-06-15"),
    ("5th", "2027-07-05"),
    ("9th", "2027-06-09"),
    ("today", "2027-06-09"),
    ("tomorrow", "2027-06-10"),
    ("day after tomorrow", "2027-06-11"),
    ("Monday", "2027-06-14"),
    ("mon", "2027-06-14"),
    ("Friday", "2027-06-11"),
    ("this Friday", "2027-06-11"),
    ("next Monday", "2027-06-14"),
    ("next Tuesday", "2027-06-15"),
    ("Friday next week", "2027-06-18"),
    ("next week Friday", "2027-06-18"),
    ("eod", "2027-06-09"),
    ("end of day", "2027-06-09"),
    ("end of week", "2027-06-13"),
    ("end of the week", "2027-06-13"),
    ("end of next week", "2027-06-20"),
    ("end of month", "2027-06-30"),
    ("end of next month", "2027-07-31"),
    ("end of quarter", "2027-06-30"),
    ("end of June", "2027-06-30"),
    ("eom", "2027-06-30"),
    ("the rest of the month", "2027-06-30"),
    # Held up to the period that is named, not through its first day.
    ("next week", "2027-06-13"),
    ("next month", "2027-06-30"),
    ("next quarter", "2027-06-30"),
    ("2 weeks from Monday", "2027-06-28"),
    # Clock times.
    ("9am", "2027-06-10 09:00"),
    ("9 am", "2027-06-10 09:00"),
    ("9 a.m.", "2027-06-10 09:00"),
    ("5pm", "2027-06-09 17:00"),
    ("12am", "2027-06-10 00:00"),
    ("12pm", "2027-06-10 12:00"),
    ("noon", "2027-06-10 12:00"),
    ("midnight", "2027-06-10 00:00"),
    ("at 14:30", "2027-06-09 14:30"),
    ("at 14", "2027-06-09 14:00"),
    ("14:30", "2027-06-09 14:30"),
    ("tomorrow 9am", "2027-06-10 09:00"),
    ("9am tomorrow", "2027-06-10 09:00"),
    ("9:30 on June 15", "2027-06-15 09:30"),
    ("June 15 at 9:30 am", "2027-06-15 09:30"),
    ("June 15, 2027 at 9.30pm", "2027-06-15 21:30"),
    ("noon tomorrow", "2027-06-10 12:00"),
    ("next Monday at 8:00", "2027-06-14 08:00"),
    # Zones.
    ("10:00 CET", "2027-06-10 11:00"),
    ("10:00 CEST", "2027-06-10 10:00"),
    ("13:00 ET", "2027-06-09 19:00"),
    ("June 15 10:00 Europe/London", "2027-06-15 11:00"),
    ("June 15 at 10:00 (UTC)", "2027-06-15 12:00"),
    ("June 15 10:00 utc-3", "2027-06-15 15:00"),
    ("9am PT tomorrow", "2027-06-10 18:00"),
    # Spans keep the local clock.
    ("in 3 days", "2027-06-12 12:00"),
    ("3 days", "2027-06-12 12:00"),
    ("2 weeks", "2027-06-23 12:00"),
]


@pytest.mark.parametrize(("phrase", "expected"), UNTIL)
def test_until_phrase_is_read(phrase, expected):
    when = reading(phrase)
    assert plainly(when) == expected
    if not when.has_time:  # a hold covers the named day whole
        assert f"{local(when.at, BERLIN):%Y-%m-%d %H:%M}" == f"{when.day + timedelta(days=1)} 00:00"


FOR = [
    ("3 days", "2027-06-12 12:00"),
    ("for 3 days", "2027-06-12 12:00"),
    ("3d", "2027-06-12 12:00"),
    ("the next 3 days", "2027-06-12 12:00"),
    ("a week", "2027-06-16 12:00"),
    ("two weeks", "2027-06-23 12:00"),
    ("a couple of weeks", "2027-06-23 12:00"),
    ("a fortnight", "2027-06-23 12:00"),
    ("1 week and 2 days", "2027-06-18 12:00"),
    ("1 month", "2027-07-09 12:00"),
    ("3 business days", "2027-06-14 12:00"),
    ("one working day", "2027-06-10 12:00"),
    ("48h", "2027-06-11 12:00"),
    ("90 min", "2027-06-09 13:30"),
    ("1.5 hours", "2027-06-09 13:30"),
    ("half an hour", "2027-06-09 12:30"),
    ("the rest of the week", "2027-06-13"),
]


@pytest.mark.parametrize(("phrase", "expected"), FOR)
def test_span_is_counted_from_now(phrase, expected):
    assert plainly(reading(phrase, "for")) == expected


ON = [
    ("June 15", "2027-06-15"),
    ("on Monday", "2027-06-14"),
    ("today", "2027-06-09"),
    ("now", "2027-06-09 12:00"),
    ("12:00", "2027-06-09 12:00"),
    ("2027-06-09 12:00", "2027-06-09 12:00"),
    ("in 3 days", "2027-06-12"),
    ("3 business days", "2027-06-14"),
    ("in 3 days at 9am", "2027-06-12 09:00"),
    ("in 2 hours", "2027-06-09 14:00"),
    ("next week", "2027-06-14"),
    ("next month", "2027-07-01"),
    ("end of month", "2027-06-30"),
]


@pytest.mark.parametrize(("phrase", "expected"), ON)
def test_on_phrase_is_read(phrase, expected):
    when = reading(phrase, "on")
    assert plainly(when) == expected
    if not when.has_time:
        begins = datetime.combine(when.day, datetime.min.time())
        assert when.at == NOW or local(when.at, BERLIN).replace(tzinfo=None) == begins


ASKED = [
    ("06/07", "until", ["2027-07-06", "2028-06-07"]),
    ("06/07/2027", "until", ["2027-07-06"]),
    ("9/8", "until", ["2027-08-09", "2027-09-08"]),
    ("8-9-2027", "until", ["2027-08-09", "2027-09-08"]),
    ("June", "until", ["2027-06-30"]),
    ("July", "until", ["2027-06-30", "2027-07-31"]),
    ("July", "on", ["2027-07-01", "2027-07-31"]),
    ("may", "until", ["2028-04-30", "2028-05-31"]),
    ("August 2027", "until", ["2027-07-31", "2027-08-31"]),
    ("Wednesday", "until", ["2027-06-09", "2027-06-16"]),
    ("next Friday", "until", ["2027-06-11", "2027-06-18"]),
    ("end of week", "on", ["2027-06-11", "2027-06-13"]),
    ("at 9", "until", ["2027-06-10 09:00", "2027-06-09 21:00"]),
    ("tomorrow at 9", "until", ["2027-06-10 09:00", "2027-06-10 21:00"]),
    ("10:00 IST", "until", ["2027-06-10 06:30", "2027-06-10 09:00", "2027-06-10 11:00"]),
    ("June 15 10:00 BST", "until", ["2027-06-15 11:00", "2027-06-15 06:00"]),
    ("20:00 CST", "until", ["2027-06-10 03:00", "2027-06-09 14:00", "2027-06-10 02:00"]),
    ("06/07 9am", "until", ["2027-07-06 09:00", "2028-06-07 09:00"]),
    ("9/8 at 9", "on", ["2027-08-09 09:00", "2027-08-09 21:00", "2027-09-08 09:00", "2027-09-08 21:00"]),
    # More than 90 days off: one option, to be agreed to.
    ("Jun 2", "until", ["2028-06-02"]),
    ("September 8", "until", ["2027-09-08"]),
    ("15 December 2027", "until", ["2027-12-15"]),
    ("6 months", "for", ["2027-12-09 12:00"]),
    ("eoy", "until", ["2027-12-31"]),
]


@pytest.mark.parametrize(("phrase", "kind", "options"), ASKED)
def test_ambiguous_phrase_is_asked_about(phrase, kind, options):
    with pytest.raises(Ambiguous) as asked:
        reading(phrase, kind)
    assert [plainly(option) for option in asked.value.options] == options
    for option in asked.value.options:
        assert say_day(option.day) in asked.value.question
    assert asked.value.question.endswith(("?", "."))


REFUSED = [
    ("yesterday", "until", "Tuesday 8 June 2027 has passed; today is Wednesday 9 June 2027"),
    ("last Monday", "until", "has passed"),
    ("this Monday", "until", "has passed"),
    ("2027-06-08", "on", "has passed"),
    ("June 1 2027", "until", "has passed"),
    ("today 9am", "until", "has passed"),
    ("2027-06-09 12:00", "until", "has passed"),
    ("0001-01-01", "until", "has passed"),
    ("3 days ago", "until", "cannot be read"),
    ("2026", "until", "cannot be read"),
    ("1", "until", "cannot be read"),
    ("-1", "until", "cannot be read"),
    ("1e9", "until", "cannot be read"),
    ("1 2 3", "until", "cannot be read"),
    ("de", "until", "cannot be read"),
    ("never", "until", "cannot be read"),
    ("soon", "until", "cannot be read"),
    ("asap", "until", "cannot be read"),
    ("weekend", "until", "cannot be read"),
    ("after June 15", "until", "cannot be read"),
    ("June 15 or 16", "until", "cannot be read"),
    ("June 15-20", "until", "cannot be read"),
    ("15 June 16", "until", "cannot be read"),
    ("10:00 XYZ", "until", "cannot be read"),
    # A zone without a clock time: dateparser would drop it in silence.
    ("June 15 PST", "until", "cannot be read"),
    ("June 15 (UTC)", "until", "cannot be read"),
    ("June 15 +02:00", "until", "cannot be read"),
    ("a day PST", "until", "cannot be read"),
    ("30m", "for", "no length of time"),  # minutes or months
    ("3", "for", "no length of time"),
    ("June 15", "for", "no length of time"),
    ("a while", "for", "no length of time"),
    ("0 days", "for", "no time at all"),
    ("1.5 days", "for", "whole numbers"),
    ("9999 years", "for", "more than two years"),
    ("2029-06-30", "until", "more than two years"),
    ("9999-12-31", "until", "more than two years"),
    ("29 Feb", "until", "no 29 February in 2027"),
    ("June 31", "until", "no 31 June"),
    ("31st", "until", "no 31 June"),
    ("13/13", "until", "no day 13/13"),
    ("2027-13-01", "until", "no month 13"),
    ("25:00", "until", "no 25:00"),
    ("13pm", "until", "no 13 pm"),
    ("Monday June 15", "until", "is a Tuesday, not a Monday"),
    ("June 15 midnight", "until", "00:00 or 23:59"),
    ("eod", "on", "clock time"),
    ("now", "until", "has passed"),
    ("tomorrow\x00", "until", "control characters"),
    ("tomorrow\n", "until", "control characters"),
    ("tomorrow\ud800", "until", "control characters"),
    ("", "until", "Say when"),
    (" \u200b ", "until", "Say when"),
    ("x" * (LONGEST_PHRASE_CHARS + 1), "until", "too long"),
]


@pytest.mark.row(24, 26, 27, 35, 36, 38, 44, 48)
@pytest.mark.parametrize(("phrase", "kind", "sentence"), REFUSED)
def test_unreadable_phrase_is_refused(phrase, kind, sentence):
    with pytest.raises(Refused) as refused:
        reading(phrase, kind)
    assert not isinstance(refused.value, Ambiguous)
    assert sentence in str(refused.value)


# zone, now, phrase, kind, the moment in UTC, a piece of the note
CLOCK_CHANGES = [
    (NEW_YORK, "2027-03-01", "2027-03-14 02:30", "on", "2027-03-14 07:00", "02:30 does not exist"),
    (NEW_YORK, "2027-03-01", "2027-03-14 01:59", "on", "2027-03-14 06:59", None),
    (NEW_YORK, "2027-03-01", "2027-03-14 03:00", "on", "2027-03-14 07:00", None),
    (NEW_YORK, "2026-10-01", "2026-11-01 01:30", "on", "2026-11-01 05:30", "01:30 comes twice"),
    (NEW_YORK, "2026-10-01", "2026-11-01 02:00", "on", "2026-11-01 07:00", None),
    (BERLIN, "2027-03-01", "2027-03-28 02:30", "on", "2027-03-28 01:00", "03:00 is used"),
    (BERLIN, "2027-10-01", "2027-10-31 02:30", "on", "2027-10-31 00:30", "first is used"),
    ("Australia/Lord_Howe", "2027-09-01", "2027-10-03 02:15", "on", "2027-10-02 15:30", "02:30 is used"),
    # Midnight itself is missing: the day begins at one o'clock.
    ("America/Santiago", "2027-08-01", "2027-09-05", "on", "2027-09-05 04:00", None),
    ("Africa/Cairo", "2027-04-01", "2027-04-29", "until", "2027-04-29 22:00", None),
    # Days keep the local clock over a change, hours do not.
    (BERLIN, "2027-03-27 11:00", "1 day", "for", "2027-03-28 10:00", None),
    (BERLIN, "2027-03-27 11:00", "24 hours", "for", "2027-03-28 11:00", None),
    (BERLIN, "2027-03-27 01:30", "1 day", "for", "2027-03-28 01:00", "does not exist"),
    (NEW_YORK, "2026-10-31 16:00", "1 day", "for", "2026-11-01 17:00", None),
    # Zones without changes, with odd offsets, and at both ends of the day.
    ("Asia/Kathmandu", "2027-06-09", "June 15", "until", "2027-06-15 18:15", None),
    ("Pacific/Kiritimati", "2027-06-09", "June 15", "on", "2027-06-14 10:00", None),
    ("Pacific/Pago_Pago", "2027-06-09", "June 15", "on", "2027-06-15 11:00", None),
    ("Pacific/Pago_Pago", "2027-06-09 05:00", "today", "until", "2027-06-09 11:00", None),
    (BERLIN, "2027-01-09", "10:00 CET", "on", "2027-01-09 09:00", None),
    (BERLIN, "2027-06-09", "10:00 CET", "on", "2027-06-09 09:00", "CET is winter time"),
]


@pytest.mark.row(30, 31)
@pytest.mark.parametrize(("zone", "now", "phrase", "kind", "at", "note"), CLOCK_CHANGES)
def test_clock_change_is_kept_to_and_said(zone, now, phrase, kind, at, note):
    when = reading(phrase, kind, now=datetime.fromisoformat(now).replace(tzinfo=UTC), zone=zone)
    assert f"{when.at:%Y-%m-%d %H:%M}" == at
    assert (note in when.note) if note else when.note is None


def test_gap_is_said_in_full():
    when = reading("2027-03-14 02:30", "on", now=datetime(2027, 3, 1, tzinfo=UTC), zone=NEW_YORK)
    assert when.note == "02:30 does not exist that day in New York; 03:00 is used."


@pytest.mark.parametrize(
    ("phrase", "kind", "note"),
    [
        ("9am", "until", "09:00 has passed today, so it is tomorrow."),
        ("next week", "until", "Next week begins on Monday 14 June 2027."),
        ("end of week", "until", "The week ends on Sunday."),
        ("3 business days", "for", "Business days are counted from Monday to Friday."),
    ],
)
def test_reading_that_is_not_plain_is_said(phrase, kind, note):
    assert reading(phrase, kind).note == note


@pytest.mark.row(32)
def test_shared_zone_names_its_countries():
    with pytest.raises(Ambiguous) as asked:
        reading("10:00 IST")
    assert all(country in asked.value.question for country in ("India", "Israel", "Ireland"))


def test_far_day_once_confirmed_is_taken():
    assert reading("Jun 2", confirmed=True).day == date(2028, 6, 2)


def test_day_that_is_two_ways_still_asks_when_confirmed():
    with pytest.raises(Ambiguous):
        reading("06/07", confirmed=True)


@pytest.mark.parametrize(
    ("phrase", "languages", "expected"),
    [
        ("15. Juni", ("en", "de"), "2027-06-15"),
        ("morgen", ("en", "de"), "2027-06-10"),
        ("in 2 Wochen", ("de",), "2027-06-23"),
        ("15. Juni 14:30", ("en", "de"), "2027-06-15 14:30"),
        ("demain", ("fr",), "2027-06-10"),
        ("15 juin", ("fr",), "2027-06-15"),
        ("mañana", ("es",), "2027-06-10"),
    ],
)
def test_other_languages_are_read_when_asked_for(phrase, languages, expected):
    assert plainly(reading(phrase, languages=languages)) == expected
    with pytest.raises(Refused):
        reading(phrase)


def test_unknown_zone_of_a_person_is_refused():
    with pytest.raises(Refused, match="no time zone"):
        reading("June 15", zone="Mars/Phobos")


def test_say_reads_back_weekday_date_and_zone():
    assert (
        say(datetime(2027, 6, 15, 7, 0, tzinfo=UTC), BERLIN) == "Tuesday 15 June 2027, 09:00 (Europe/Berlin)"
    )
    assert say_day(date(2027, 6, 15)) == "Tuesday 15 June 2027"


def test_long_junk_is_refused_at_once():
    began = stopwatch.perf_counter()
    with pytest.raises(Refused, match="too long"):
        reading("1 " * 3_000)
    assert stopwatch.perf_counter() - began < 0.1


def test_every_table_row_is_read_fast():
    phrases = [row[0] for row in UNTIL + ASKED + REFUSED]
    reading("June 15")
    with pytest.raises(Refused):
        reading("soon")  # loads dateparser's English once
    began = stopwatch.perf_counter()
    for phrase in phrases:
        try:
            reading(phrase)
        except Refused:
            continue
    assert (stopwatch.perf_counter() - began) / len(phrases) < 0.005


PIECES = st.sampled_from(
    [
        "until",
        "for",
        "on",
        "at",
        "next",
        "this",
        "last",
        "end",
        "of",
        "week",
        "month",
        "day",
        "monday",
        "fri",
        "june",
        "may",
        "15",
        "15th",
        "06/07",
        "2027",
        "2027-06-15",
        "9am",
        "14:30",
        "noon",
        "midnight",
        "ist",
        "cet",
        "utc+2",
        "europe/berlin",
        "3",
        "business",
        "days",
        "hours",
        "in",
        "a",
        "couple",
        "from",
        "tomorrow",
        "yesterday",
        "now",
        ":",
        ".",
        ",",
        "-",
        "/",
        "@",
        "+",
        "٣",
        "never",
        "rest",
        "the",
        "year",
        "quarter",
        "99",
        "0",
        "0/0",
        "31.",
        "29",
        "feb",
    ]
)
PHRASES = st.one_of(
    st.lists(PIECES, max_size=7).map(" ".join),
    st.lists(PIECES, max_size=7).map("".join),
    st.text(max_size=70),
)
ZONES = st.sampled_from([BERLIN, NEW_YORK, "UTC", "Australia/Lord_Howe", "America/Santiago", "Pacific/Apia"])
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC))


@given(
    phrase=PHRASES, kind=st.sampled_from(["until", "for", "on"]), zone=ZONES, now=MOMENTS, sure=st.booleans()
)
def test_any_text_is_read_refused_or_asked(phrase, kind, zone, now, sure):
    try:
        options = (reading(phrase, kind, now=now, zone=zone, confirmed=sure),)
    except Ambiguous as asked:
        options = asked.options
        assert options
    except Refused:
        return
    for when in options:
        assert when.at.tzinfo is UTC
        assert when.at >= now
        assert when.day >= local(now, zone).date()
        assert when.at - now < timedelta(days=800)
