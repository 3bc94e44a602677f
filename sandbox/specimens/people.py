"""Owners, absences and reminders: the cards they make, and what people are told who may not do something."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core.answers import Answer, CardView, Choice, NoticeCard, Row

_DAY = "Tuesday 15 June 2027, 09:00 (Europe/Berlin)"
_BACK = "Monday 7 June 2027, 09:00 (Europe/Berlin)"
_LAST = "Friday 11 June 2027, 16:12 (Europe/Berlin)"
_PRESS = "card reminder 3"
_LATER = (
    Choice("Tomorrow", f"{_PRESS} tomorrow"),
    Choice("+1 week", f"{_PRESS} one week later"),
)
_STOP = Choice(
    "Stop", "stop ada@lindenhof.example", "danger", "Stop ada@lindenhof.example everywhere for good?"
)


def cards() -> Iterator[tuple[str, CardView]]:
    """Give the reminder in its states, and what an absence tells to whom."""
    facts = ("ada@lindenhof.example", "Ana Ruiz asked for it on Tuesday 1 June 2027, 10:04 (Europe/Berlin)")
    reminder: dict[str, Any] = {"icon": "🔔", "quote": "Ask about the budget for autumn.", "facts": facts}
    yield (
        "reminder: the lead is paused",
        NoticeCard(
            "Reminder: Ada Winter",
            (
                "Spring outreach, step 2 of 3: Paused by Ana Ruiz since Tuesday 1 June 2027, 10:00 (Europe/Berlin).",
            ),
            choices=(
                Choice("Resume", "card paused 5 resume seen 3", "primary"),
                Choice("Resume on a date…", form=("resume", 5, 3)),
                Choice("Done", f"{_PRESS} done"),
                *_LATER,
                _STOP,
            ),
            **reminder,
        ),
    )
    late = f"It was due on {_DAY} and comes late: Fermata was not running then"
    yield (
        "reminder: late, for somebody who is away",
        NoticeCard(
            "Reminder: Ada Winter",
            (f"Spring outreach, step 2 of 3: pending, next “Re: Ada, a question” on {_DAY}.",),
            choices=(Choice("Done", f"{_PRESS} done", "primary"), *_LATER, _STOP),
            **{**reminder, "facts": (*facts, "for Ana Ruiz, who is away", late)},
        ),
    )
    yield (
        "reminder: it comes again",
        NoticeCard(
            "Reminder: Ada Winter",
            ("No sequence of this lead is running.",),
            verdict=f"Ana Ruiz asked at 09:12:00 to be reminded again on {_DAY}.",
            **reminder,
        ),
    )
    yield (
        "absence: to whoever covers",
        NoticeCard(
            f"You cover for Ana Ruiz until {_BACK}",
            (
                "The cards, questions and reminders of Ana Ruiz's leads come to you; they stay Ana Ruiz's.",
                "Your list of paused leads has theirs too.",
            ),
            "🏖️",
            choices=(Choice("Show the list", "digest now", "primary"),),
        ),
    )
    yield (
        "absence: it is over",
        NoticeCard(
            f"You cover for Ana Ruiz until {_BACK}",
            icon="🏖️",
            verdict=f"Since {_BACK} Ana Ruiz's leads are no longer with you.",
        ),
    )
    yield (
        "absence: the morning of the return",
        NoticeCard(
            "Welcome back, Ana",
            (
                "4 leads of yours answered while you were away.",
                "6 leads wait for you: paused without an end date.",
                f"42 enrollments paused for your absence: they go on one after the other until {_LAST}.",
            ),
            "👋",
            facts=("You were away from Tuesday 1 June 2027, 10:00 (Europe/Berlin)",),
            choices=(Choice("Show my list", "digest now", "primary"),),
        ),
    )


def answers() -> Iterator[tuple[str, Answer]]:
    """Give what the commands say."""
    yield (
        "away, without a cover",
        Answer(
            f"You are away until Friday 4 June 2027 (Europe/Berlin), and back on {_BACK}.",
            (
                f"Paused 8 leads (9 enrollments). They go on one after the other, in each lead's own open hours: the first on {_BACK}, the last on {_BACK.replace('09:00', '16:20')}.",
                "What was paused before stays paused.",
            ),
            (Choice("I am back", "back"),),
            batch_id=41,
        ),
    )
    yield (
        "reminders",
        Answer(
            "1 reminder, the next first.",
            rows=(
                Row(
                    "ada@lindenhof.example",
                    f"on {_DAY}: budget",
                    choices=(Choice("Cancel", f"{_PRESS} cancel"),),
                ),
            ),
        ),
    )
    for name, sentence in (
        ("a viewer", "You may look at everything here and change nothing (FERMATA_VIEWERS). Ask Ben Cole or Mira Lind."),
        ("an admin's matter", "That needs an admin of Fermata (FERMATA_ADMINS). Ask Mira Lind."),
        ("a colleague's lead", "ada@lindenhof.example belongs to Ben Cole; ask Ben Cole, or an admin."),
        ("several colleagues'", "3 leads belong to Ben Cole (2) and Cleo Roth (1); ask Ben Cole or Cleo Roth, or an admin. Nothing was changed."),
    ):  # fmt: skip
        yield f"refused: {name}", Answer(sentence, is_refusal=True)
