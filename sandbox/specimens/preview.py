"""What is still to come: a lead's way through a sequence, and the forecast of all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.codec import Form
from bot.forms import test_mail
from core.answers import (
    Answer,
    CardView,
    Choice,
    ForecastChart,
    NoticeCard,
    PathChart,
    PathDot,
    Row,
    StatsCard,
)
from core.trials import Shown
from sandbox.specimens.enrol import Specimen

DAYS = ("Tue 1", "Wed 2", "Thu 3", "Fri 4", "Sat 5", "Sun 6", "Mon 7", "Tue 8", "Wed 9", "Thu 10", "Fri 11", "Sat 12",
        "Sun 13", "Mon 14")  # fmt: skip
CHART = ForecastChart(
    DAYS,
    (
        ("ana@northwind.example", (42, 60, 60, 38, 0, 0, 60, 12, 30, 22, 9, 0, 0, 14), (60,) * 14,
         (0, 12, 40, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0)),
        ("ben@northwind.example", (20, 25, 30, 35, 0, 0, 50, 22, 14, 6, 0, 0, 0, 0), tuple(range(20, 90, 5)),
         (9, 14, 22, 8, 8, 8, 0, 0, 0, 0, 0, 0, 0, 0)),
    ),
)  # fmt: skip
FILE = "F0FORECAST"
PICTURES: dict[str, ForecastChart | PathChart] = {FILE: CHART}
SUMS = tuple(
    (day, *(f"{sum(numbers):,}" for numbers in counts))
    for day, *counts in zip(
        DAYS,
        *(zip(*(box[at] for box in CHART.boxes), strict=True) for at in (1, 2, 3)),
        strict=True,
    )
)
FORECAST = StatsCard(
    "The next 14 days: 549 mails",
    (
        "Wednesday 2 June is over the cap or gap of ana@northwind.example: 12 mails wait until Thursday.",
        "Tuesday 1 June is over the cap or gap of ben@northwind.example: 9 mails wait until Wednesday.",
        "As if nobody answered, no task were done and no condition came true.",
    ),
    (("day", "mails", "cap", "wait over night"), *SUMS),
    CHART,
    FILE,
    (Choice("Mailboxes", "mailboxes"),),
)


def forecasts() -> Iterator[tuple[str, CardView]]:
    """Give the forecast with its picture, without it, and of nothing."""
    yield "forecast", FORECAST
    yield "forecast: without its picture", replace(FORECAST, file_id=None)
    yield (
        "forecast: nothing leaves",
        StatsCard(
            "The next 14 days: 0 mails",
            (
                "Nothing has to wait for a cap or a gap.",
                "Nothing leaves ana@northwind.example, which cannot send now.",
                FORECAST.lines[-1],
            ),
        ),
    )


def answers() -> Iterator[tuple[str, Answer]]:
    """Give the preview for a lead, one step of it, and the forecast as it is answered."""
    full = (Choice("Show in full", "preview sequence Spring outreach for ada@lindenhof.example step 2"),)
    at = "Monday 7 June 2027, 09:00 (Europe/Berlin)"
    yield (
        "preview for a lead",
        Answer(
            "Spring outreach (published) for ada@lindenhof.example, from step 2 on, where it stands, sent by "
            "ana@northwind.example: 5 steps.",
            rows=(
                Row(
                    "2. Re: Ada, a question about Lindenhof",
                    f"{at}, for you Monday 7 June 2027, 03:00 (America/New_York) · moved from Saturday 5 June, 10:00 by the "
                    "window (Saturday) · version short of 2 · Hi Ada, did my note reach you?",
                    choices=full,
                ),
                Row(
                    "3. Wait 2 days for a click",
                    "Tuesday 8 June 2027, 09:00 (Europe/Berlin) · waits until Thursday 10 June 2027, 09:00 (Europe/Berlin) · "
                    "if so step 6 (call), else step 4 (close)",
                ),
                Row(
                    "4. A last word",
                    "Thursday 10 June 2027, 09:00 (Europe/Berlin) · cannot be written: lead.custom.seats is missing",
                ),
                Row(
                    "5. On to Summer",
                    "Thursday 10 June 2027, 09:00 (Europe/Berlin) · this sequence ends, and Summer begins at its first step",
                    choices=(Choice("Preview Summer", "preview sequence Summer for ada@lindenhof.example"),),
                ),
                Row(
                    "6. Short or Long",
                    "only if step 3 comes true, then by Thursday 10 June 2027, 09:00 (Europe/Berlin) · one of 2 versions, by "
                    "lot: this is short · Hi Ada, let us talk.",
                    choices=full,
                ),
            ),
        ),
    )
    yield (
        "preview for a lead that gets nothing",
        Answer(
            "Nothing will be sent. It was stopped by Ana on Tuesday 1 June 2027, 10:00 (Europe/Berlin): they asked; `start` "
            "would begin a new run.",
            (
                "What would be: Spring outreach (published) for ada@lindenhof.example, as if it started now: 1 step.",
            ),
            rows=(Row("1. Ada, a question about Lindenhof", f"{at} · Hi Ada, a question.", choices=full),),
        ),
    )
    yield (
        "preview: one step in full",
        Answer(
            "Step 2: Re: Ada, a question about Lindenhof",
            (at, "Hi Ada,", "did my note reach you?", "Ana"),
            choices=(
                Choice(
                    "Back to the preview",
                    "preview sequence Spring outreach for ada@lindenhof.example steps",
                ),
            ),
        ),
    )
    yield (
        "forecast",
        Answer(
            f"{FORECAST.title}.",
            (*FORECAST.lines, "The picture comes in our direct messages."),
            table=FORECAST.table,
            choices=FORECAST.choices,
        ),
    )


ZONE = ZoneInfo("Europe/Berlin")


def _moment(month: int, day: int, hour: int = 9) -> datetime:
    return datetime(2027, month, day, hour, tzinfo=ZONE)


_SHUT = tuple(
    (day, "Whit Monday" if day == date(2027, 5, 17) else "")
    for day in (date(2027, 5, 1) + timedelta(days=number) for number in range(90))
    if day.weekday() >= 5 or day == date(2027, 5, 17)
)
_SUBJECT = "Ada, a question about the Lindenhof season"
ON_THE_WAY = PathChart(
    _moment(5, 12, 11),
    (
        PathDot(1, _SUBJECT, _moment(5, 10, 10), was=True),
        PathDot(2, f"Re: {_SUBJECT}", _moment(5, 14)),
        PathDot(3, "Did a link get clicked?", _moment(5, 18), False, _moment(5, 20), ("step 5 (call)", "step 4 (close)")),
        PathDot(4, "A last word", _moment(5, 21)),
        PathDot(5, "Call Ada", _moment(5, 25), only_if=3),
    ),
    _SHUT,
)  # fmt: skip
HELD = PathChart(
    _moment(5, 12, 11),
    (PathDot(1, _SUBJECT, _moment(5, 10, 10), was=True), PathDot(2, f"Re: {_SUBJECT}", _moment(6, 15)),
     PathDot(3, "A last word", _moment(6, 22))),
    _SHUT,
    "Held until Tue 15 Jun",
    _moment(6, 15),
)  # fmt: skip
WAITS = replace(HELD, held="Held until somebody resumes it; shown as if that were now", held_until=None)
NOTHING = replace(HELD, held="Nothing will be sent; shown as if it were", held_until=None)
LONG = PathChart(
    _moment(5, 12, 11),
    tuple(PathDot(n, f"Letter {n} of a long correspondence", _moment(5, 12) + timedelta(days=7 * n)) for n in range(1, 13)),
    _SHUT,
)  # fmt: skip
PATHS = {
    "F0PATHWAY": ON_THE_WAY,
    "F0PATHHELD": HELD,
    "F0PATHWAITS": WAITS,
    "F0PATHNOTHING": NOTHING,
    "F0PATHLONG": LONG,
}
PICTURES |= PATHS


def paths() -> Iterator[tuple[str, CardView]]:
    """Give the picture of a lead's path in every state, and without the picture."""
    lines = ("From step 2 on, where it stands; times of Europe/Berlin.",)
    for name, file_id in (
        ("on its way", "F0PATHWAY"),
        ("held until a day", "F0PATHHELD"),
        ("held until a person", "F0PATHWAITS"),
        ("nothing comes", "F0PATHNOTHING"),
        ("many steps", "F0PATHLONG"),
    ):
        yield (
            f"path: {name}",
            StatsCard(
                "Spring outreach for ada@lindenhof.example", lines, chart=PICTURES[file_id], file_id=file_id
            ),
        )
    yield (
        "path: without its picture",
        StatsCard("Spring outreach for ada@lindenhof.example", lines, chart=ON_THE_WAY),
    )
    yield "path: of whom is gone", StatsCard("What this was about is no longer here.")
    yield (
        "trial: it has left",
        NoticeCard("The test of step 2 of Spring outreach has left for ana@northwind.example.", icon="✉️"),
    )
    yield (
        "trial: it has not",
        NoticeCard(
            "The test of step 2 of Spring outreach has not left for ana@northwind.example.",
            ("550 5.1.1 No such user here", "Nothing tries it again; ask for another from the preview."),
            icon="✉️",
        ),
    )


def forms() -> Iterator[Specimen]:
    """Give the form for a test to oneself, as it opens and with a wrong address."""
    found = Shown(
        "Spring outreach",
        "Ada Lovelace",
        (
            (1, "short", "1. A question (short)"),
            (1, "long", "1. A question (long)"),
            (2, "", "2. Re: A question"),
        ),
        "ana@northwind.example",
    )
    shown = test_mail.view(Form("test_mail", 3, 4, about="x"), found)
    yield "test to oneself", shown, {}
    wrong = "A test goes to ourselves alone: write an address at northwind.example."
    yield "test to oneself: another's address", shown, {test_mail.ADDRESS: wrong}
