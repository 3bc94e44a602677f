"""Whether somebody asks for no more mail, in their own words or by an empty message with the word as its subject."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from core.inbound.automatic import LONGEST_EVIDENCE_CHARS, opening
from core.inbound.reading import Sentence, line
from core.inbound.words import Evidence

MOST_SENTENCES: Final = 25  # a longer letter is read by a person
MOST_OTHERS: Final = 1  # sentences beside a lone "Stop."


def find(subject: str, sentences: Sequence[Sentence]) -> Evidence | None:
    """Give the sentence that asks for no more mail, the subject where nothing else is written; None for no wish."""
    written = [
        sentence for sentence in sentences if "greeting" not in sentence.says or not sentence.is_slight
    ]
    if not written:
        title = line(opening(subject)[0])
        is_wish = title.says & {"optout", "optout_alone"}
        return Evidence("subject", subject[:LONGEST_EVIDENCE_CHARS]) if is_wish else None
    if len(sentences) > MOST_SENTENCES:
        return None
    asked = next((sentence for sentence in written if _is_wish(sentence)), None)
    if asked is None:
        others = [
            sentence for sentence in written if not sentence.is_slight and "thanks" not in sentence.says
        ]
        is_short = len(others) <= MOST_OTHERS and not any(sentence.is_question for sentence in sentences)
        alone = (sentence for sentence in written if "optout_alone" in sentence.says)
        asked = next(alone, None) if is_short else None
    return Evidence("text", asked.text[:LONGEST_EVIDENCE_CHARS]) if asked else None


def _is_wish(sentence: Sentence) -> bool:
    return "optout" in sentence.says and "optout_not" not in sentence.says
