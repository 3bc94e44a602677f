"""The weekly report: with its picture, in a quiet week, in a very large workspace, and without the picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from core.answers import CardView, Chart, Choice, Compared, Row, WeeklyCard

WEEKS = ("19 Apr", "26 Apr", "3 May", "10 May", "17 May", "24 May", "31 May", "7 Jun")
AGES = ("up to 7 days", "8–14 days", "15–30 days", "over 30 days")
WHERE = "Spring outreach"


def reports() -> Iterator[tuple[str, CardView]]:
    """Give the report in every state."""
    yield "weekly report", USUAL
    yield (
        "weekly report: two of the oldest are done",
        replace(USUAL, oldest=(*map(_done, OLDEST[:2]), *OLDEST[2:])),
    )
    yield "weekly report: a quiet week", QUIET
    yield "weekly report: very many leads", HUGE
    yield "weekly report: Slack has no picture", replace(USUAL, file_id=None)
    yield "weekly report: gone", WeeklyCard("This report is no longer here.")


def _chart(paused: str, resumed: str, stopped: str, answered: str, ages: tuple[int, ...]) -> Chart:
    series = {"Paused": paused, "Resumed": resumed, "Stopped": stopped, "Answered": answered}
    bars = tuple((name, tuple(map(int, numbers.split()))) for name, numbers in series.items())
    return Chart(WEEKS, bars, tuple(zip(AGES, ages, strict=True)))


def _row(number: int, name: str, email: str, detail: str) -> Row:
    command = f"card paused {number} {{}} seen 3 from 9 0"
    choices = (
        Choice("Resume", command.format("resume"), "primary"),
        Choice("+1 week", command.format("one week later")),
        Choice("Stop", command.format("stop"), "danger", f"Stop {email} in {WHERE} for good?"),
    )
    return Row(f"{name} ({email}) · {WHERE}", detail, number, choices)


def _done(row: Row) -> Row:
    return replace(row, choices=(), verdict="Mira Lind stopped it at 09:12:40.")


OLDEST = (
    _row(
        31, "Tom Reh", "tom@talhof.example", "paused by Ana Ruiz (budget next year) 61 days ago · step 1 of 4"
    ),
    _row(32, "Eva Lang", "eva@seeblick.example", "answered 44 days ago · step 2 of 4"),
    _row(33, "Ben Kraft", "ben@werk.example", "paused by Ben Okafor 33 days ago · step 3 of 4"),
    _row(34, "Ada Winter", "ada@lindenhof.example", "answered 29 days ago · step 2 of 4"),
    _row(
        35,
        "Lea Sommer",
        "lea@uferweg.example",
        "out of office, paused 21 days ago, goes on 21 June · step 2 of 4",
    ),
)
USUAL = WeeklyCard(
    "The week from Monday 7 June to Sunday 13 June 2027",
    figures=(
        Compared("paused", 19, 16),
        Compared("resumed", 14, 9, "8 by people and 6 by their date"),
        Compared("stopped", 3, 3),
        Compared("answered", 11, 13),
        Compared("meetings booked", 4, 2),
        Compared("sent", 212, 240),
        Compared("bounced", 2, 5),
        Compared("unsubscribed", 1, 0),
    ),
    paused="40 leads paused now: 12 for up to 7 days, 9 for 8–14 days, 14 for 15–30 days and 5 for over 30 days.",
    owners=(
        "Ana Ruiz: 18 paused now (9 for more than 14 days); in the week 8 paused, 6 resumed, 2 stopped and 5 answered",
        "Ben Okafor: 14 paused now (8 for more than 14 days); in the week 7 paused, 5 resumed and 4 answered",
        "Mira Lind: 8 paused now (2 for more than 14 days); in the week 4 paused, 3 resumed, 1 stopped and 2 answered",
    ),
    oldest=OLDEST,
    chart=_chart("13 15 12 20 17 14 16 19", "11 14 12 11 13 15 9 14", "0 1 0 2 1 0 3 3", "8 9 7 10 14 9 13 11", (12, 9, 14, 5)),
    file_id="F0WEEKLYUSUAL",
    note="Comes every Monday at 09:00. `digest weekly off` ends it.",
)  # fmt: skip
QUIET = replace(
    USUAL,
    figures=tuple(replace(one, now=0, before=0, detail="") for one in USUAL.figures),
    paused="Nobody is paused now.",
    owners=(),
    oldest=(),
    chart=_chart("3 1 0 0 0 0 0 0", "0 2 2 0 0 0 0 0", "0 0 0 0 0 0 0 0", "1 0 0 0 0 0 0 0", (0, 0, 0, 0)),
    file_id="F0WEEKLYQUIET",
)
HUGE = replace(
    USUAL,
    figures=tuple(replace(one, now=one.now * 5_231, before=one.before * 4_870) for one in USUAL.figures),
    paused="1,337,654 leads paused now: 1,234,567 for up to 7 days, 98,765 for 8–14 days, 4,321 for 15–30 days and 1 for over 30 days.",
    owners=(*(USUAL.owners * 4)[:10], "and 312 more"),
    chart=_chart(
        "31000 52211 28932 12000 71234 104022 61000 98431", "12345 41000 22000 12000 31000 50100 22000 61234",
        "120 1000 5000 20 1100 0 3000 1000", "2200 2100 1500 900 4000 3100 5200 4100", (1_234_567, 98_765, 4_321, 1),
    ),
    file_id="F0WEEKLYHUGE",
)  # fmt: skip
PICTURES = {one.file_id: one.chart for one in (USUAL, QUIET, HUGE)}
