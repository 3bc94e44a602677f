"""Pictures: PNGs of the stated size that show the numbers they are given, and nothing of matplotlib before that."""

import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from bot import charts
from core.answers import Chart
from sandbox.specimens.weekly import PICTURES, USUAL
from tests.services import ROOT

ONE_WEEK = Chart(("7 Jun",), (("Paused", (3,)),), (("up to 7 days", 1),))
ODD_WORDS = Chart(
    ("$x$ <b>", "a very long name of a week"), (("*_~ $", (1, 2)),), (("<&> $\\frac$", 2), ("", 0))
)


def size_of(png):
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", png[16:24])


@pytest.mark.parametrize("chart", [*PICTURES.values(), ONE_WEEK, ODD_WORDS])
def test_every_state_is_wider_than_slack_shows_it_and_small(chart):
    png = charts.weekly(chart)
    assert size_of(png) == tuple(round(inches * charts.DPI) for inches in charts.WEEKLY_INCHES)
    assert len(png) < 200_000


def test_bars_are_as_high_as_the_numbers():
    bars, ages = charts.weekly_figure(USUAL.chart).axes
    drawn = {c.get_label(): tuple(round(bar.get_height()) for bar in c) for c in bars.containers}
    assert drawn == dict(USUAL.chart.bars)
    assert [label.get_text() for label in bars.get_xticklabels()] == [
        "19\nApr", "26", "3\nMay", "10", "17", "24", "31", "7\nJun",
    ]  # fmt: skip
    assert [round(bar.get_width()) for bar in ages.containers[0]] == [
        number for _, number in USUAL.chart.ages
    ]
    assert [label.get_text() for label in ages.get_yticklabels()] == [name for name, _ in USUAL.chart.ages]
    assert [text.get_text() for text in ages.texts] == [f"{number:,}" for _, number in USUAL.chart.ages]


def test_weeks_in_which_nothing_happened_say_so():
    nothing = Chart(("7 Jun",), (("Paused", (0,)),), (("up to 7 days", 0),))
    bars, _ = charts.weekly_figure(nothing).axes
    assert [text.get_text() for text in bars.texts] == ["nothing in these weeks"]


def test_same_numbers_same_picture_in_any_thread():
    with ThreadPoolExecutor(4) as pool:
        drawn = set(pool.map(charts.weekly, [USUAL.chart] * 6))
    assert len(drawn) == 1


@pytest.mark.parametrize(
    ("number", "shown"), [(0, "0"), (950, "950"), (1_500, "1.5k"), (20_000, "20k"), (3_000_000, "3M")]
)
def test_axis_is_short(number, shown):
    assert charts.short(number) == shown


def test_text_instead_of_the_picture_has_every_number():
    said = USUAL.chart.as_text
    assert "Paused by week: 13, 15, 12, 20, 17, 14, 16, 19." in said
    assert "Paused now: 12 for up to 7 days, 9 for 8–14 days, 14 for 15–30 days, 5 for over 30 days." in said


def test_matplotlib_comes_only_with_the_first_picture():
    program = "import sys, bot.app, jobs.engine, bot.charts; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0
