"""The phrases by which a message is told, one table by language beside this file, for its speakers to correct.

A table is YAML: a category and its phrases. In a phrase

    (one|two)  stands for either; an alternative may hold several words
    [word]     may be missing
    *          up to six words of any kind (in languages without blanks: up to 20 characters)
    word~      any ending
    ^          in front: only where a sentence begins

Case, accents and the form of apostrophes do not matter. `spaced: false` marks a language without blanks.
The categories are those of CATEGORIES below; the last eight are lists of plain words for core/inbound/text.py.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Final

import yaml

CATEGORIES: Final = {
    "away_self": "somebody says now that they, or their office, are absent",
    "away_soft": "is busy or travels, which people also say in passing; counts only beside other signs",
    "away": "an absence, in whatever person; read only where it is known that a machine wrote",
    "gone": "left for good, a new address, a mailbox nobody reads",
    "receipt": "the message was received, somebody will answer",
    "automatic": "says of itself that a machine wrote it",
    "contact": "whom to ask meanwhile",
    "urgent": "what to do where it cannot wait",
    "later": "when or how seldom answers are to be expected",
    "thanks": "thanks, apologies and wishes",
    "greeting": "opens a message",
    "engaged": "answers what we wrote, as only a person does",
    "contrast": "turns the sentence to something else",
    "past": "the absence is over, or only supposed",
    "reported": "somebody else's absence or automatic answer is told, or that a person writes after all",
    "optout": "wants no more mail",
    "optout_alone": "wants no more mail, where it is all that is written",
    "optout_not": "speaks of unsubscribing without asking for it",
    "subject_away": "opens the subject of an away message",
    "subject_loose": "the same, in words that open people's subjects too; the text must speak of an absence",
    "disclaimer": "legal small print, which is not read",
    "subject_automatic": "opens the subject of another automatic message",
}
WORDS: Final = (
    "wrote", "original", "header_from", "header_sent", "header_to", "header_subject", "sent_from", "closings",
)  # fmt: skip
UNCOMBINED: Final = str.maketrans(
    {
        "’": "'", "‘": "'", "`": "'", "´": "'", "ʼ": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
        "–": "-", "—": "-", "‑": "-", "‐": "-", "ł": "l", "ø": "o", "æ": "ae", "đ": "d", "ı": "i", "œ": "oe",
        "\u00a0": " ", "\u200b": "", "\u200c": "", "\u200d": "", "\ufeff": "", "\u00ad": "", "\u2060": "",
    }
)  # fmt: skip
MARKS: Final = re.compile("[\u0300-\u036f\u3099\u309a]+")
BLANKS: Final = re.compile(r"\s+")
GAP: Final = r"(?:\S+\s){0,6}?"
SEP: Final = r"[\s,]+"
WORD: Final = re.compile(r"\w+")
PIECE: Final = re.compile(r"\(([^()]*)\)|\[([^\[\]]*)\]|(\*)|([^\s()\[\]*]+)")


@dataclass(frozen=True)
class Phrase:
    """One phrase, ready to be looked for."""

    category: str
    language: str
    pattern: re.Pattern[str]


@dataclass(frozen=True)
class Index:
    """Phrases by a word that every text has which they match; `beginnings`: words of any ending; `pieces`: of no blanks."""

    words: dict[str, list[Phrase]] = field(default_factory=dict)
    beginnings: dict[str, list[Phrase]] = field(default_factory=dict)
    pieces: dict[str, list[Phrase]] = field(default_factory=dict)


def fold(text: str) -> str:
    """Give the text as phrases are compared: lower case, without accents, one blank between words."""
    if not text.isascii():
        text = MARKS.sub("", unicodedata.normalize("NFKD", text.translate(UNCOMBINED).casefold()))
        text = text.translate(UNCOMBINED)
    return BLANKS.sub(" ", text).casefold().strip()


@cache
def words(category: str) -> frozenset[str]:
    """Give the folded words of one of WORDS in all languages."""
    return frozenset(fold(str(word)) for table in _tables().values() for word in table.get(category) or ())


def likely(folded: str) -> tuple[Phrase, ...]:
    """Give the phrases that a folded text may hold, for only these are worth a search in its sentences."""
    index = _index()
    there = set(WORD.findall(folded))
    found = [phrase for word in there & index.words.keys() for phrase in index.words[word]]
    found += [phrase for start, some in index.beginnings.items() if start in folded for phrase in some]
    if not folded.isascii():
        found += [phrase for piece, some in index.pieces.items() if piece in folded for phrase in some]
    return tuple(dict.fromkeys(found))


@cache
def _index() -> Index:
    index = Index()
    for language, table in _tables().items():
        is_spaced = bool(table.get("spaced", True))
        for category in CATEGORIES:
            for line in table.get(category) or ():
                phrase, anchors = _compiled(str(line), category, language, is_spaced=is_spaced)
                for anchor in anchors:
                    where = index.beginnings if anchor.endswith("~") else index.words
                    where = where if is_spaced else index.pieces
                    where.setdefault(anchor.removesuffix("~"), []).append(phrase)
    return index


@cache
def _tables() -> dict[str, dict[str, list[str]]]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found = sorted(files(__package__).iterdir(), key=lambda file: file.name)
    return {
        file.name.removesuffix(".yaml"): yaml.load(file.read_text("utf-8"), loader)  # noqa: S506 - a safe loader
        for file in found
        if file.name.endswith(".yaml")
    }


def _compiled(line: str, category: str, language: str, *, is_spaced: bool) -> tuple[Phrase, set[str]]:
    """Give a phrase as a pattern over folded text, and the words of which every match has one."""
    gap = GAP if is_spaced else ".{0,20}?"
    end = r"(?:[\s,.;:!-]+|(?=\W|$))" if is_spaced else ""
    out: list[str] = []
    anchors: set[str] = set()
    for match in PIECE.finditer(line.removeprefix("^")):
        group, optional, star, literal = match.groups()
        if star:
            out.append(gap)
            continue
        choices = [fold(choice) for choice in (group or optional or literal or "").split("|")]
        body = (
            "(?:" + "|".join(_worded(choice, is_spaced=is_spaced) for choice in choices if choice) + ")" + end
        )
        can_miss = optional is not None or "" in choices
        out.append(f"(?:{body})?" if can_miss else body)
        if not can_miss:
            anchors = max(anchors, {_anchor(choice) for choice in choices}, key=_shortest)
    start = r"^\W*" if line.startswith("^") else r"(?<!\w)" if is_spaced else ""
    return Phrase(category, language, re.compile(start + "".join(out))), anchors


def _anchor(choice: str) -> str:
    """Give the word of an alternative that is looked up first: the longest."""
    return max(re.findall(r"\w+~?", re.sub(r"\[.*?\]\+?", "", choice)), key=len, default="")


def _shortest(anchors: set[str]) -> int:
    return min(map(len, anchors), default=-1)


def _worded(choice: str, *, is_spaced: bool) -> str:
    """Give one alternative as a pattern; commas between its words do not matter."""
    if choice.startswith("["):
        return choice
    if not is_spaced:
        return ".{0,20}?".join(re.escape(piece) for piece in choice.split("*"))
    words_of = (
        GAP if word == "*" else re.escape(word).replace("\\~", r"\w*").replace("~", r"\w*") + SEP
        for word in choice.split()
    )
    return "".join(words_of).removesuffix(SEP)
