"""The tables of phrases: each can be read, and each entry finds itself."""

from __future__ import annotations

import pytest

from core.inbound import phrases

LANGUAGES = (
    "cs",
    "da",
    "de",
    "en",
    "es",
    "fi",
    "fr",
    "hu",
    "it",
    "ja",
    "ko",
    "nl",
    "no",
    "pl",
    "pt",
    "ru",
    "sv",
    "tr",
    "zh",
)
TABLES = phrases._tables()


@pytest.mark.parametrize("language", TABLES)
def test_table_has_known_categories_of_text(language):
    known = {*phrases.CATEGORIES, *phrases.WORDS, "spaced"}
    entries = [entry for name, some in TABLES[language].items() if name != "spaced" for entry in some]

    assert set(TABLES[language]) <= known
    assert all(isinstance(entry, str) and entry.strip("() |") for entry in entries)
    assert all(entry.count("(") == entry.count(")") for entry in entries)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_main_language_has_every_category_that_decides(language):
    for category in (
        "away_self",
        "away",
        "gone",
        "receipt",
        "automatic",
        "engaged",
        "optout",
        "optout_alone",
    ):
        assert TABLES[language][category], category


@pytest.mark.parametrize(
    ("phrase", "text", "is_found"),
    [
        ("(on|in) leave", "I am on  leave.", True),
        ("(on|in) leave", "I am online leave", False),
        ("out of [the] office", "out of office", True),
        ("out of [the] office", "out of the office", True),
        ("i am * away", "I am, as every year, away", True),
        ("urlaub~", "Urlaubsvertretung", True),
        ("zurück", "ZURUCK", True),
        ("^yes", "Yes, please", True),
        ("^yes", "Oh yes", False),
        ("can't come", "can’t come", True),
    ],
)
def test_phrase_is_read_as_documented(phrase, text, is_found):
    compiled, anchors = phrases._compiled(phrase, "away", "en", is_spaced=True)

    assert bool(compiled.pattern.search(phrases.fold(text))) is is_found
    assert anchors
