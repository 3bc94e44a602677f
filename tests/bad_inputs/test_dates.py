"""What people type for a date (rows 23 to 48), in Slack: read and said in full, asked about, or refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core.dates import LONGEST_PHRASE_CHARS, read
from core.errors import Refused
from core.lifecycle import Status
from tests.bad_inputs.rows import assert_refusal, typed, untouched
from tests.bot.samples import NOW
from tests.measure import cpu

ADA = "ada@engines.example"
NEW_YORK = "America/New_York"


@pytest.mark.row(24, 26, 27, 34, 35, 36, 38, 40, 44, 48)
@pytest.mark.parametrize(
    ("phrase", "words"),
    [
        ("yesterday", "Monday 31 May 2027 has passed; today is Tuesday 1 June 2027"),
        ("3 days ago", "cannot be read"),
        ("2026", "cannot be read"),
        ("1", "cannot be read"),
        ("de", "cannot be read"),
        ("never", "cannot be read"),
        ("tomorrow\x00", "control characters"),
        ("1 " * 1_400, "too long"),
        ("29 Feb", "no 29 February in 2027"),
    ],
)
def test_what_is_no_day_to_come_is_refused(office, caplog, phrase, words):
    with untouched(office.database, caplog):
        said = typed(office, f"pause {ADA} until {phrase}")
        assert_refusal(said)
        assert words in said


@pytest.mark.row(40)
@pytest.mark.parametrize("phrase", ["1 " * 1_500, "June " * 600, "9" * 3_000, "١" * 3_000])
def test_long_phrase_is_refused_at_once(phrase):
    assert LONGEST_PHRASE_CHARS == 64
    with cpu() as spent:
        with pytest.raises(Refused, match="too long"):
            read(phrase, now=NOW, zone="Europe/Berlin", kind="until")
        assert spent() < 0.1


@pytest.mark.row(28, 32)
@pytest.mark.parametrize(
    ("phrase", "words"),
    [
        ("06/07", ("Tuesday 6 July 2027", "Monday 7 June 2027")),
        ("10:00 IST", ("India", "Israel", "Ireland")),
    ],
)
def test_what_may_be_two_days_is_asked_about(office, caplog, phrase, words):
    with untouched(office.database, caplog):
        said = typed(office, f"pause {ADA} until {phrase}")
        assert all(word in said for word in words)
        assert "?" in said


@pytest.mark.row(23, 34, 39)
@pytest.mark.parametrize(
    ("phrase", "words"),
    [
        (
            "9am",
            ("Wednesday 2 June 2027, 09:00 (Europe/Berlin)", "09:00 has passed today, so it is tomorrow."),
        ),
        ("end of month", ("Wednesday 30 June 2027 (Europe/Berlin)",)),
        ("eod", ("Tuesday 1 June 2027 (Europe/Berlin)",)),
        ("٢٠٢٧-٠٦-١٥", ("Tuesday 15 June 2027 (Europe/Berlin)",)),
        ("2027-06-15", ("Tuesday 15 June 2027 (Europe/Berlin)",)),
    ],
)
def test_what_can_be_read_is_said_in_full_with_its_zone(sqlite_world, phrase, words):
    said = typed(sqlite_world, f"pause {ADA} until {phrase}")
    assert all(word in said for word in words), said
    assert sqlite_world.enrollment().status == Status.PAUSED


@pytest.mark.row(30, 31)
@pytest.mark.parametrize(
    ("now", "phrase", "words"),
    [
        (
            "2027-03-01",
            "2027-03-14 02:30",
            ("03:00 (America/New_York)", "02:30 does not exist", "03:00 is used"),
        ),
        (
            "2026-10-20",
            "2026-11-01 01:30",
            ("01:30 (America/New_York)", "01:30 comes twice", "first is used"),
        ),
    ],
)
def test_clock_that_is_changed_is_kept_to_and_said(sqlite_world, now, phrase, words):
    sqlite_world.slack.state.users["U0ANA"].tz = NEW_YORK
    sqlite_world.clock.now = datetime.fromisoformat(now).replace(tzinfo=UTC)
    said = typed(sqlite_world, f"pause {ADA} until {phrase}")
    assert all(word in said for word in words), said


@pytest.mark.row(42, 46)
@pytest.mark.parametrize("phrase", ["now", "on today", "on 14:00", "on 2027-06-05 14:00", "on June 6"])
def test_resume_outside_the_window_waits_for_the_next_one_and_says_so(sqlite_world, phrase):
    sqlite_world.clock.now = datetime(2027, 6, 5, 12, tzinfo=UTC)  # a Saturday, 14:00 in Berlin
    typed(sqlite_world, f"pause {ADA}")
    said = typed(sqlite_world, f"resume {ADA} {phrase}")
    assert "Monday 7 June 2027, 09:00 (Europe/Berlin)" in said
    assert sqlite_world.enrollment().send_at == datetime(2027, 6, 7, 7, tzinfo=UTC)
    if phrase != "now":
        assert "outside the window" in said


@pytest.mark.row(47)
def test_person_without_a_zone_is_told_whose_was_used(sqlite_world):
    sqlite_world.slack.state.users["U0ANA"].as_json = lambda _now: {
        "id": "U0ANA",
        "team_id": "T0FERMATA",
        "name": "ana",
    }
    said = typed(sqlite_world, f"pause {ADA} until June 15")
    assert "Tuesday 15 June 2027 (Europe/Berlin)" in said
    assert "Your profile has no time zone, so the date was read in Europe/Berlin, the workspace's." in said
