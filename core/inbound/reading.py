"""A text as sentences, each with what its phrases say about it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from core.inbound import languages
from core.inbound.phrases import Phrase, fold, likely

MOST_CHARS: Final = 8_000
MOST_SENTENCES: Final = 150
LONGEST_SENTENCE_CHARS: Final = 600
SHORTEST_WRAPPED_CHARS: Final = 50  # a shorter line ends where its writer ended it

# Categories that take a verdict back, or keep it from being taken back. A small word of one language ("de", "ma") is another's "but", so these
# count only in a language that the text may be in.
DOUBTS: Final = frozenset({"contact", "contrast", "engaged", "optout_not", "past", "reported"})
MOST_LANGUAGES: Final = 4
# Letters by which a language shows itself whose small words core/inbound/languages.py does not know.
OWN_LETTERS: Final = {
    "uk": re.compile("[іїєґ]"),
    "ro": re.compile("[ășțşţ]"),
    "el": re.compile("[α-ω]"),
    "lv": re.compile("[āēīūļņķģ]"),
}
# What may stand below small print all the same: the second half of a message in two languages.
MEANT: Final = frozenset({"away_self", "automatic", "optout"})

# A full stop behind a digit ("5. Mai") or one or two letters ("z. B.") ends nothing.
END = re.compile(
    r"(?<=[^\d\s.][^\d\s.][^\d\s.])[.](?=\s|$)|[!?]+(?=\s|$)|[。！？]+|(?<=\d{4})[.](?=\s)|(?<=\d)[.](?=\s*$)"
)
CONTACT = re.compile(r"[\w.+-]{1,64}@[\w-]+\.[\w.-]+|https?://|www\.|\+?\d[\d ()/.-]{6,}\d")


@dataclass(frozen=True)
class Sentence:
    """`text` as written; `says`: the categories of phrases in it (core/inbound/phrases)."""

    text: str
    folded: str
    says: frozenset[str]

    @property
    def is_question(self) -> bool:
        return self.text.rstrip(" \"')”").endswith(("?", "？", "か。", "か"))

    @property
    def is_slight(self) -> bool:
        """A name, a greeting, a phone number: nothing that a person would write an answer for."""
        count = len(self.folded.split())
        is_long = count > 4 if self.folded.isascii() else count > 4 or len(self.folded) > 30
        return not is_long or (count <= 12 and bool(CONTACT.search(self.text)))


def read(text: str) -> tuple[Sentence, ...]:
    """Give the sentences of a text."""
    spoken = _spoken(text)
    found = likely(fold(text[:MOST_CHARS]))
    some = tuple(
        phrase for phrase in found if not spoken or phrase.language in spoken or phrase.category not in DOUBTS
    )
    return _without_small_print([_sentence(piece, some) for piece in split(text[:MOST_CHARS])])


def _spoken(text: str) -> list[str]:
    """Give the languages that the text may be in; none where too little tells."""
    found = languages.ranked(text)[:MOST_LANGUAGES]
    if not found or text.isascii():
        return found
    lowered = text[:MOST_CHARS].lower()
    return found + [language for language, letters in OWN_LETTERS.items() if letters.search(lowered)]


def line(text: str) -> Sentence:
    """Give one line, such as a subject, as a sentence."""
    return _sentence(text[:LONGEST_SENTENCE_CHARS], likely(fold(text[:LONGEST_SENTENCE_CHARS])))


def split(text: str) -> list[str]:
    """Give the sentences of a text as written, lines that were only wrapped joined."""
    pieces: list[str] = []
    paragraph = ""
    for row in [*text.splitlines(), ""]:
        paragraph = f"{paragraph} {row.strip()}".strip()
        if len(row) < SHORTEST_WRAPPED_CHARS or len(paragraph) > LONGEST_SENTENCE_CHARS * 4:
            pieces += _cut(paragraph)
            paragraph = ""
    return pieces[:MOST_SENTENCES]


def _without_small_print(sentences: list[Sentence]) -> tuple[Sentence, ...]:
    """Give the sentences without disclaimers, and without what nobody wrote by hand between and below two of them."""
    small = [at for at, sentence in enumerate(sentences) if "disclaimer" in sentence.says]
    end = small[0] if len(small) > 1 and small[0] else len(sentences)
    return tuple(
        sentence
        for at, sentence in enumerate(sentences)
        if at not in small and (at < end or sentence.says & MEANT)
    )


def _cut(paragraph: str) -> list[str]:
    out, start = [], 0
    for match in END.finditer(paragraph):
        out.append(paragraph[start : match.end()].strip())
        start = match.end()
    out.append(paragraph[start:].strip())
    return [piece[:LONGEST_SENTENCE_CHARS] for piece in out if re.search(r"\w", piece)]


def _sentence(text: str, some: tuple[Phrase, ...]) -> Sentence:
    folded = fold(text)
    return Sentence(text, folded, frozenset(phrase.category for phrase in some if _is_in(phrase, folded)))


def _is_in(phrase: Phrase, folded: str) -> bool:
    if phrase.category == "optout_alone":
        return bool(phrase.pattern.fullmatch(folded.strip(" .,!;:*_-\"'()。！")))
    if phrase.category.startswith("subject_"):
        return bool(phrase.pattern.match(folded))
    return bool(phrase.pattern.search(folded))
