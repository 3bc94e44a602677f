"""Figures and the log: of a sequence that tracks, of one that does not, of very many leads; every state of a line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from core.answers import Answer, CardView, Choice, FunnelChart, Row, StatsCard

WEEKS = ("19 Apr", "26 Apr", "3 May", "10 May", "17 May", "24 May", "31 May", "7 Jun")
WAYS = tuple(
    Choice(label, f'stats in "Spring outreach" {rest}')
    for label, rest in (("By step", "by step"), ("By sender", "by sender"), ("By week", "by week"),
                        ("By channel", "by channel"), ("CSV", "csv"))
)  # fmt: skip


def cards() -> Iterator[tuple[str, CardView]]:
    """Give the card of figures in every state."""
    yield "figures of a sequence", USUAL
    yield "figures: nothing is tracked", UNTRACKED
    yield "figures of very many leads", HUGE
    yield "figures: Slack has no picture", replace(USUAL, file_id=None)
    yield "figures: gone", StatsCard("These figures are no longer here; `stats` shows what they are now.")


def answers() -> Iterator[tuple[str, Answer]]:
    """Give what `stats` and `log` answer."""
    yield (
        "stats",
        Answer(
            f"{USUAL.title}:",
            (*USUAL.lines, "The picture comes in our direct messages."),
            WAYS,
            table=USUAL.table,
        ),
    )
    yield (
        "stats by sender",
        Answer("Figures of Spring outreach by sender:", (), WAYS[:1] + WAYS[2:], table=BY_SENDER),
    )
    yield "stats: nobody yet", Answer("Nobody has been in Spring outreach yet, so there are no figures.")
    yield "log", LOG
    yield "log: nothing", Answer("Nothing failed in Spring outreach.")


USUAL = StatsCard(
    "Figures of Spring outreach since Monday 19 April 2027",
    (
        "Contacted: 412. Opened: 231 (56 %). Clicked: 64 (16 %). Interactions: 97 (24 %). Answered: 58 (14 %).",
        "Interrupted: 49 (21 booked a meeting, 12 by a person, 9 bounced, 7 unsubscribed or suppressed). Completed: 166. Now: 171 active, 26 paused.",
        "Mails: 987 sent, 14 failed, 1 uncertain, 6 skipped, 3 open.",
    ),
    (
        ("step", "sent", "opened", "clicked", "answered", "failed", "uncertain", "skipped", "open"),
        ("1. intro", "412", "201", "40", "21", "9", "0", "0", "1"),
        ("2. nudge", "338", "122", "22", "24", "4", "1", "2", "2"),
        ("3. call-them", "204", "0", "0", "0", "0", "0", "4", "0"),
        ("4. close", "237", "64", "9", "13", "1", "0", "4", "0"),
    ),
    FunnelChart(
        (("contacted", 412), ("opened", 231), ("interactions", 97), ("answered", 58), ("interrupted", 49)),
        WEEKS, (4, 9, 6, 8, 11, 5, 9, 6),
    ),
    "F0STATSUSUAL",
    WAYS,
)  # fmt: skip
UNTRACKED = StatsCard(
    "Figures of Autumn",
    (
        "Contacted: 12. Opened: not tracked. Clicked: not tracked. Interactions: 0. Answered: 0.",
        "Interrupted: 0. Completed: 0. Now: 12 active.",
        "Mails: 12 sent.",
    ),
    (("step", "sent", "answered"), ("1. intro", "12", "0")),
    FunnelChart(
        (("contacted", 12), ("opened", None), ("interactions", 0), ("answered", 0), ("interrupted", 0)),
        ("31 May", "7 Jun"), (0, 0),
    ),
    "F0STATSUNTRACKED",
    WAYS,
)  # fmt: skip
HUGE = replace(
    USUAL,
    title="Figures of all sequences",
    table=(
        ("sequence", "contacted", "opened", "interactions", "answered", "interrupted", "sent", "failed"),
        *((f"Sequence {number} of a large team"[:26], "123,456", "98,765", "43,210", "12,345", "9,876", "654,321", "321")
          for number in range(1, 41)),
    ),
    chart=FunnelChart(
        (("contacted", 1_234_567), ("opened", 987_654), ("interactions", 432_100), ("answered", 123_450), ("interrupted", 98_760)),
        ("5 Apr", "12 Apr", *WEEKS), (12_000, 15_400, 9_100, 21_000, 16_000, 18_200, 22_400, 9_000, 17_500, 12_300),
    ),
    file_id="F0STATSHUGE",
)  # fmt: skip
BY_SENDER = (
    ("sender", "contacted", "opened", "interactions", "answered", "interrupted", "sent", "failed"),
    ("ana@northwind.example", "210", "121", "51", "33", "20", "501", "6"),
    ("ben@northwind.example", "202", "110", "46", "25", "29", "486", "8"),
)
LOG = Answer(
    "What was carried out, the newest first:",
    ("Now under way: 2 hand-overs: finn@seeblick.example since 10:04:12, rosa@old-mill.example since 10:04:12.",),
    rows=(
        Row("10:04 · finn@seeblick.example", "step 1 of Spring outreach, from ana@northwind.example: is being handed over."),
        Row(
            "10:02 · gwen@forum.example",
            "step 1 of Spring outreach, from ana@northwind.example: failed: 550 5.1.1 No such user here. That is: the address "
            "does not exist; stop the lead, or correct the address and try again.",
            choices=(
                Choice("Try again", "card paused 31 resume seen 3", "primary"),
                Choice("Leave out", "card paused 31 cancel seen 3", None, "gwen@forum.example goes on with the next step."),
                Choice("Stop", "card paused 31 stop seen 3", "danger", "Stop gwen@forum.example in Spring outreach for good?"),
            ),
        ),
        Row(
            "9:58 · hugo@kurhaus.example",
            "step 2 of Spring outreach, from ben@northwind.example: nobody knows whether it left: the line broke after the text.",
            choices=(
                Choice("It left", "settle 9 left", "primary"),
                Choice("Send again", "settle 9 again", None, "If it had left, the lead gets it twice."),
                Choice("Drop it", "settle 9 drop", "danger", "It is not sent again."),
            ),
        ),
        Row("9:57 · isa@lyceum.example", "step 3 of Spring outreach: done by Ana Ruiz."),
        Row("20 Jun 17:40 · jon@playhouse.example", "step 2 of Spring outreach, from ana@northwind.example: sent (version B)."),
        Row("20 Jun 17:38 · kaya@casa.example", "step 2 of Spring outreach: left out: cancelled by Ben Okafor."),
    ),
    more=Choice("More", "log before 1798:812"),
    choices=(Choice("CSV", "log csv"),),
)  # fmt: skip
PICTURES = {one.file_id: one.chart for one in (USUAL, UNTRACKED, HUGE)}
