"""Goals: the list of them, what a met one did, and the notice that it could start nobody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from core.answers import Answer, CardView, Choice, NoticeCard, Row


def cards() -> Iterator[tuple[str, CardView]]:
    """Give the notice in its states."""
    paused = NoticeCard(
        "ada@lindenhof.example met the goal Customer, but was not started in Onboarding",
        ("Onboarding is paused, so nobody can be enrolled. Resume it first: `resume sequence Onboarding`.",),
        "🎯",
        facts=("ada@lindenhof.example", "Stopped in Spring outreach all the same."),
        choices=(Choice("Start now", 'start ada@lindenhof.example in "Onboarding"', "primary"),),
    )
    yield "not started: the sequence is paused", paused
    yield (
        "not started: in doubt, many leads",
        NoticeCard(
            "14 leads met the goal Answered, but were not started in Onboarding",
            ("It is not certain that this event is genuine and new, and what is in doubt starts nothing.",),
            "🎯",
            facts=("ada@lindenhof.example, ben@lindenhof.example, chloe@petittheatre.example and 11 more",),
        ),
    )
    yield "started after all", replace(paused, choices=(), verdict="It is in Onboarding now.")


def answers() -> Iterator[tuple[str, Answer]]:
    """Give what the commands say."""
    yield (
        "goals",
        Answer(
            "2 goals.",
            rows=(
                Row(
                    "Customer",
                    "A tag “customer” starts Onboarding and stops every other sequence. Met by 12 leads in the last 30 days.",
                    choices=(Choice("Turn off", 'goal off "Customer"'),),
                ),
                Row(
                    "Demo booked",
                    "Off. A booked meeting on leads of Spring stops Spring. Met by 0 leads in the last 30 days.",
                    choices=(Choice("Turn on", 'goal on "Demo booked"'),),
                ),
            ),
        ),
    )
    yield (
        "tag: a goal is met",
        Answer(
            "Tagged ada@lindenhof.example: “customer”.",
            ("The goal Customer was met: stopped in Spring outreach; started in Onboarding.",),
            (Choice("Untag", 'untag ada@lindenhof.example "customer"'), Choice("Undo the goal", "undo 41")),
        ),
    )
    yield "note", Answer("Noted on ada@lindenhof.example.")
