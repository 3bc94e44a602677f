"""The small pieces of sentences."""

from __future__ import annotations

import pytest

from core.words import ended
from tests.world import PLAIN, make

ADA = "ada@x.test"


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("It waits", "It waits."),
        ("It waits.", "It waits."),
        ("What would it cost?", "What would it cost?"),
        ("Not now!", "Not now!"),
        ("and so on…", "and so on…"),
        ("She asks “why?”", "She asks “why?”"),
        ("She says “later”", "She says “later”."),
        ("It was refused (no such user)", "It was refused (no such user)."),
    ],
)
def test_a_sentence_ends_once(sentence: str, said: str) -> None:
    assert ended(sentence) == said


def test_a_reason_that_ends_by_itself_gets_no_second_point(database_url: str) -> None:
    world = make(database_url, PLAIN, ADA)
    world.tick()
    world.say(f"pause {ADA} because what would it cost?")
    for command in ("why", "history"):
        text = world.say(f"{command} {ADA}").as_text()
        assert "what would it cost?" in text
        assert "cost?." not in text


@pytest.mark.parametrize(
    ("hours", "left"), [(48, "2 days remain"), (72, "1 day remains"), (70, "1 day 2 hours remain")]
)
def test_one_day_remains_and_two_remain(database_url: str, hours: int, left: str) -> None:
    world = make(database_url, PLAIN, ADA)
    world.tick()
    assert f"{left} of the delay before step 2, frozen." in world.later(hours=hours).say(f"pause {ADA}").lines
    assert f"{left}." in world.say(f"resume {ADA}").as_text()
