"""The words of a slash text: Slack's own tokens unwrapped, quotes read, split at the keywords of a command.

Pure; part of `core.grammar`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from core.address import normalise_domain, spelled
from core.errors import Refused
from core.filters import KEY, term, together
from core.grammar.commands import EVERYWHERE, Who
from core.plain import is_forbidden, plain, shown

LONGEST_TEXT_CHARS = 3_000
LONGEST_NAME_CHARS = 200
BECAUSE: Final = "because"
# Words that stand alone, and words that open a part of the command.
FLAGS: Final = frozenset({"everywhere", "now", "keep", "freeze", "company", "csv"})
OPENERS: Final = frozenset(
    {"in", "until", "for", "on", "older", "cover", "then", "by", "from", "since", "before", "after"}
)
# Inside a date, these belong to it: "until in 3 days", "on Monday".
DATES: Final = frozenset({"until", "for", "on", "older", "since"})
RESERVED: Final = FLAGS | OPENERS | {BECAUSE}
# Words people put before an address, or after "all" and "my".
FILLERS: Final = frozenset({
    "lead", "leads", "contact", "contacts", "prospect", "prospects", "person", "people", "and",
})  # fmt: skip
EVERYONE: Final = frozenset({"all", "everyone", "everybody"})
# The second words of commands; articles of this field call a sequence a campaign.
SECOND_WORDS: Final = {"sequence": "sequence", "campaign": "sequence", "step": "step"}
PERIODS: Final = frozenset({"week", "month", "quarter", "year"})
HIDDEN_BREAKS: Final = str.maketrans(dict.fromkeys("\t\n\r\v\f\x85\u2028\u2029", " "))
QUOTES: Final = str.maketrans(dict.fromkeys("“”„‟«»″＂", '"'))

SLACK_TOKEN = re.compile(r"<(?P<target>[^<>|]+)(?:\|(?P<label>[^<>]*))?>")
# Where a digest is posted: Slack's token for a channel gives its id, which outlives a new name.
DIGEST_FOR = re.compile(
    r"^(\s*(?:/\w+\s+)?digest\b.*\bfor\s+)<#(?P<id>[CG][A-Z0-9]+)(?:\|[^<>]*)?>", re.IGNORECASE
)
WORD = re.compile(rf'(?P<key>{KEY.pattern})?"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s"]+)', re.IGNORECASE)
SPAN_START = re.compile(
    r"(?:\d|an? |one|two|three|four|five|six|seven|eight|nine|ten|half)\S*\s*"
    r"(?:couple of |an )?(?:business |working )?(?:min|hour|hr|h\b|day|d\b|week|w\b|month|quarter|year|fortnight)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Word:
    """One word or one quoted text; a quoted one is never a keyword. key: "tag:" where that stood before it."""

    text: str
    is_quoted: bool = False
    key: str = ""

    @property
    def keyword(self) -> str:
        """Give the word as a keyword is compared; "" for a quoted one."""
        return "" if self.is_quoted else self.text.lower()


@dataclass(slots=True)
class Parts:
    """A command taken apart: the words before the first keyword, and what stands after each keyword."""

    head: list[Word]
    clauses: dict[str, list[Word]] = field(default_factory=dict)
    because: str | None = None


def clean(text: str) -> str:
    """Give the text as it was meant: Slack's tokens and escapes undone, hidden characters gone, plain quotes.

    Raises Refused for a text that is too long or carries control characters.
    """
    if len(text) > LONGEST_TEXT_CHARS:
        raise Refused(f"That is {len(text):,} characters long; a command may have {LONGEST_TEXT_CHARS:,}.")
    text = text.translate(HIDDEN_BREAKS)
    if is_forbidden(text):
        raise Refused("There are control characters in that command; type it anew.")
    text = SLACK_TOKEN.sub(_unwrapped, DIGEST_FOR.sub(r"\1#\g<id>", text))
    for escape, char in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(escape, char)
    return plain(text.translate(QUOTES))


def words_of(text: str) -> tuple[list[Word], str | None]:
    """Give the words up to "because", and the text after it as it stands; None where there is none."""
    words: list[Word] = []
    position = 0
    while position < len(text):
        if text[position] == " ":
            position += 1
            continue
        found = WORD.match(text, position)
        if not found:
            raise Refused('A quote is opened but not closed; put names in "…".')
        position = found.end()
        if found["bare"] is None:
            words.append(
                Word(re.sub(r"\\(.)", r"\1", found["quoted"]), is_quoted=True, key=found["key"] or "")
            )
        elif found["bare"].lower() == BECAUSE:
            return words, text[position:].strip()
        else:
            words.append(Word(found["bare"]))
    return words, None


def split(words: Sequence[Word], keywords: frozenset[str]) -> Parts:
    """Give the words sorted under the keywords; raises Refused where one stands there twice."""
    parts = Parts([])
    current, clause = parts.head, ""
    for number, word in enumerate(words):
        keyword = word.keyword
        if keyword not in keywords or (keyword == "in" and clause in DATES and is_span(words[number + 1 :])):
            current.append(word)
            continue
        if keyword in parts.clauses:
            raise Refused(f'“{keyword}” stands there twice; put a name that holds the word in "…".')
        current = parts.clauses[keyword] = []
        clause = keyword
        if keyword in FLAGS:
            # What follows a flag belongs to what was being read before it, so that it is refused there.
            current, clause = parts.head, ""
    return parts


def with_status(words: Sequence[Word]) -> list[Word]:
    """Give the words with "in progress" as one, where it is a status and not the start of a name."""
    merged = list(words)
    for number in range(len(merged) - 2, -1, -1):
        after = merged[number + 2].keyword if number + 2 < len(merged) else "in"
        if [word.keyword for word in merged[number : number + 2]] == ["in", "progress"] and after == "in":
            merged[number : number + 2] = [Word("in_progress")]
    return merged


def with_since(words: Sequence[Word]) -> list[Word]:
    """Give the words with "last 4 weeks" and "last month" as what "since" says."""
    made: list[Word] = []
    for number, word in enumerate(words):
        after = words[number + 1 :]
        begins = word.keyword == "last" and (is_span(after) or (after and after[0].keyword in PERIODS))
        made += [Word("since")] if begins and not (made and made[-1].keyword in DATES) else []
        made.append(word)
    return made


def is_span(words: Sequence[Word]) -> bool:
    """Say whether the words begin with a length of time, such as "3 days"."""
    return bool(words) and not words[0].is_quoted and bool(SPAN_START.match(text_of(words[:4])))


def text_of(words: Sequence[Word]) -> str:
    """Give the words as one text with single spaces, also where a quoted one begins or ends with some."""
    return " ".join(part for word in words for part in word.text.split())


def name_of(words: Sequence[Word], what: str) -> str:
    """Give a name of one or more words; raises Refused for none, or for one that cannot be a name."""
    name = text_of(words)
    if not name.strip():
        raise Refused(f'The name of the {what} is missing; put it in "…" when it has words such as “in”.')
    if len(name) > LONGEST_NAME_CHARS or name == EVERYWHERE:
        raise Refused(f"“{shown(name)}” cannot be the name of a {what}; check it.")
    return name


def read_who(words: Sequence[Word]) -> tuple[Who | None, list[Word]]:
    """Give the leads that the first words name, or None, and the words after them."""
    start = 0
    while start < len(words) and words[start].keyword in FILLERS:
        start += 1
    rest = list(words[start:])
    if not rest:
        return None, rest
    first = rest[0]
    if first.keyword in EVERYONE:
        return Who(everyone=True), _past_fillers(rest[1:])
    if first.keyword in {"mine", "my"}:
        return Who(mine=True), _past_fillers(rest[1:])
    if is_keyed(first):
        return _keyed(rest)
    if first.text.startswith("@"):
        return Who(company=_company(first.text)), rest[1:]
    addresses, rest = _addresses(rest)
    if not addresses:
        raise Refused(_no_lead(first.text))
    return Who(addresses=tuple(dict.fromkeys(addresses))), rest


def _past_fillers(words: list[Word]) -> list[Word]:
    return words[1:] if words and words[0].keyword in FILLERS else words


def is_keyed(word: Word) -> bool:
    """Say whether a word begins a condition, such as "tag:hot"."""
    return bool(word.key) or (not word.is_quoted and bool(KEY.match(word.text)))


def _keyed(words: list[Word]) -> tuple[Who, list[Word]]:
    """Read conditions, with the value touching the colon or after it."""
    terms = []
    rest = words
    while rest and is_keyed(rest[0]):
        first, rest = rest[0], rest[1:]
        key, colon, value = (first.key, "", first.text) if first.key else first.text.partition(":")
        if not value and not first.key and rest:
            value, rest = rest[0].text, rest[1:]
        terms.append(term(key + colon, value))
    kept = together(terms)
    if len(kept) == 1 and kept[0].key == "tag":
        return Who(tag=kept[0].value), rest
    if len(kept) == 1 and kept[0].key == "stage":
        return Who(stage=kept[0].value), rest
    return Who(filter=kept), rest


def _company(text: str) -> str:
    domain = text.removeprefix("@").rstrip(".,;")
    if "." not in domain:
        raise Refused(
            f"“{shown(text)}” is a Slack name; write a lead's address, or a company as @example.com."
        )
    return normalise_domain(domain)


def _addresses(words: list[Word]) -> tuple[list[str], list[Word]]:
    """Give the addresses at the start, parted by blanks, commas or "and", and the words after them."""
    addresses: list[str] = []
    for number, word in enumerate(words):
        if addresses and (word.is_quoted or word.text.startswith("@")):  # a tag, or a company too many
            return addresses, words[number:]
        pieces = [piece for piece in re.split("[,;]", word.text) if piece]
        if pieces and not any("@" in piece for piece in pieces):
            if word.keyword != "and" or not any("@" in later.text for later in words[number + 1 :]):
                return addresses, words[number:]
            continue
        addresses += [spelled(piece.rstrip(".:")) for piece in pieces]
    return addresses, []


def _no_lead(text: str) -> str:
    """Say why this names nobody, and what would."""
    if re.fullmatch(r"[\w-]+(\.[\w-]+)+", text):
        return f"“{shown(text)}” is a domain; for everyone there write @{shown(text)}."
    return (
        f"“{shown(text)}” names no lead; write an address such as lead@example.com, @company.com, tag:T, "
        "stage:S, mine or everyone."
    )


def _unwrapped(token: re.Match[str]) -> str:
    """Give what a person sees of one of Slack's tokens, with nothing left in it that could call people."""
    target, label = token["target"], token["label"]
    kind, value = target[0], target[1:]
    if target.lower().startswith("mailto:"):
        return target[len("mailto:") :]
    if kind == "@":
        return f"@{value}"
    if kind == "#":
        return f"#{label or value}"
    if kind == "!":
        return label or f"@{value.partition('^')[0]}"
    return label or (target if "://" in target else token[0])
