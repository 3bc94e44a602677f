"""Text made to break the reader of return dates: an answer in bounded time, never an exception."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.inbound.returns import find
from core.inbound.returns.table import LANGUAGES, table
from core.inbound.words import Return

RECEIVED = datetime(2026, 6, 10, 9, 30, tzinfo=UTC)
LONGEST_SECONDS = 2.0  # a hundred times what it takes, for a machine under load


def read(text, *, subject="", headers=None, language=None):
    return find(
        text,
        subject=subject,
        headers=headers or {},
        language=language,
        received=RECEIVED,
        zone="UTC",
        order_hint=None,
    )


@pytest.mark.parametrize(
    "text",
    [
        "1/1/" * 100_000,
        "12." * 100_000,
        "until " * 50_000,
        "back on 6/7 " * 20_000,
        "from 5 June to " * 20_000,
        "-" * 300_000,
        " " * 300_000 + "until 22 June",
        "\n" * 300_000,
        "> " * 100_000,
        "bis zum den am " * 20_000 + "22.6.",
        "Monday, Tuesday, " * 20_000,
        "(" * 100_000,
        "6月" * 100_000,
        "back on 99/99/9999, 31 February, 0.0.0000, KW 99, week 0, 32 June",
        "for 999 weeks, in 999999999999 days, away for 365 months",
        "back on \ud800 June 22 \x00\x01",
        "İİİİ ﬃ ½ ² ٣٤ until ١٥ June",
    ],
)
def test_hostile_text_is_answered_in_bounded_time(text):
    began = time.process_time()
    found = read(text, subject=text, headers={"X-Apple-Criteria": text})
    assert time.process_time() - began < LONGEST_SECONDS
    assert isinstance(found, Return)
    assert len(found.evidence) <= 200
    assert len(found.options) <= 5


WORDS = st.sampled_from(
    [
        "until",
        "back",
        "on",
        "from",
        "to",
        "22",
        "June",
        "5",
        "6/7",
        "7.6.",
        "2026",
        "Monday",
        "bis",
        "zum",
        "am",
        "22.6.",
        "wieder",
        "vom",
        "Urlaub",
        "KW",
        "26",
        "jusqu'au",
        "1er",
        "juin",
        "(",
        ")",
        "-",
        ",",
        ".",
        ";",
        "\n",
        "24/7",
        "9:00",
        "pm",
        "next",
        "week",
        "through",
        "inclusive",
        "6月22日",
        "まで",
        "away",
        "return",
        "tomorrow",
        "days",
        "two",
        "for",
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(WORDS, max_size=40), st.sampled_from([None, *LANGUAGES, "xx", ""]))
def test_any_words_give_a_day_within_reach_or_a_question(words, language):
    found = read(" ".join(words), language=language)
    if found.on:
        assert date(2026, 6, 10) <= found.on <= date(2026, 9, 18)
        assert not found.question
    else:
        assert bool(found.question) == bool(found.options)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_table_names_all_months_and_weekdays(language):
    words = table(language)
    assert len(words.months) == 12
    assert len(words.weekdays) == 7
