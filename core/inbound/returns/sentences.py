"""The sentences of an away message, each as it was written and folded for comparing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from core.inbound.returns.folding import fold

LONGEST_TEXT_CHARS: Final = 5_000
LONGEST_SENTENCE_CHARS: Final = 600
MOST_SENTENCES: Final = 150
EVIDENCE_CHARS: Final = 200
# A line this long was broken by a mail program, a shorter one by its writer.
WRAPPED_LINE_CHARS: Final = 45

_QUOTED: Final = re.compile(r"^[ \t]*>.*$", re.MULTILINE)
_BLANK: Final = re.compile(r"\n[ \t]*\n\s*")
_BREAK: Final = re.compile(r"([^\n]*)\n[ \t]*(?=(\S))")
# A full stop ends a sentence before a capital, but not in "5. Juni", "Mon. June 5", "a.m.".
_END: Final = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[^\W\d_])|(?<=[!?])\s+|(?<=[。！？])")
_SHORT: Final = re.compile(r"(?:\d|(?<!\w)\w{1,4})\.$")
_NUMBERED: Final = re.compile(r"(?:^|\D)\d{1,2}\.$")
_MONTH: Final = re.compile(
    r"jan|jän|feb|fév|m[aä]r|apr|avr|abr|ma[ijy]|ju[nil]|a[uo][gû]|sep|set|o[kc]t|out|nov|d[eéi][czs]",
    re.IGNORECASE,
)
_SHORTENED: Final = re.compile(
    r"(?<!\w)(?:[^\W\d_]|mon|tues?|wed|thu|thurs?|fri|sat|sun|lun|mer|jeu|ven|sam|dim|mo|di|mi|ca|in[ck]l|einschl|approx|dr|mrs?)\.$",
    re.IGNORECASE,
)
_ORIGINAL: Final = re.compile(
    r"^[ \t]*-{2,} ?(?:original|ursprüng|message d|mensaje orig|messaggio orig)", re.IGNORECASE | re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence: `words` as written, on one line; `folded` for comparing, with a line break where a line ended early."""

    words: str
    folded: str

    @property
    def evidence(self) -> str:
        return self.words if len(self.words) <= EVIDENCE_CHARS else self.words[: EVIDENCE_CHARS - 1] + "…"


def split(text: str) -> list[Sentence]:
    """Give the sentences of the sender's own text, without quoted lines; a bounded number of bounded length."""
    text = text[:LONGEST_TEXT_CHARS].replace("\r\n", "\n").replace("\r", "\n")
    if original := _ORIGINAL.search(text):
        text = text[: original.start()]
    found: list[Sentence] = []
    for block in _BLANK.split(_QUOTED.sub("\n", text)):
        for piece in _pieces(_BREAK.sub(_joined, block)):
            found += (sentence(part) for part in _parts(piece) if part.strip())
            if len(found) >= MOST_SENTENCES:
                return found[:MOST_SENTENCES]
    return found


def sentence(words: str) -> Sentence:
    """Give one sentence, such as a subject."""
    lines = [" ".join(line.split()) for line in words.splitlines()]
    kept = "\n".join(line for line in lines if line)
    return Sentence(kept.replace("\n", " "), fold(kept))


def _joined(line: re.Match[str]) -> str:
    wrapped = len(line[1]) >= WRAPPED_LINE_CHARS or line[2].islower() or line[1].endswith(",")
    return line[1] + (" " if wrapped else "\n")


def _pieces(block: str) -> list[str]:
    pieces, start = [], 0
    for end in _END.finditer(block):
        head = block[start : end.start()]
        if _goes_on(head[-12:], block[end.end() : end.end() + 4]):
            continue
        pieces.append(head)
        start = end.end()
    return [*pieces, block[start:]]


def _goes_on(head: str, follower: str) -> bool:
    """Say whether the full stop belongs to a number or a shortened word: "am 5. Juni", "Mon. June"."""
    if follower[:1].islower() and _SHORT.search(head):
        return True
    return bool((_NUMBERED.search(head) and _MONTH.match(follower)) or _SHORTENED.search(head))


def _parts(piece: str) -> list[str]:
    return [piece[at : at + LONGEST_SENTENCE_CHARS] for at in range(0, len(piece), LONGEST_SENTENCE_CHARS)]
