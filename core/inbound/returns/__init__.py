"""Find the day somebody is back, in the words of an away message. Pure.

`find` reads the subject and the text sentence by sentence, in every language that may be theirs, and collects
claims (`roles`): "back on X" is X, "until X" is X, "through X" and "A to B" are the day after. What it says is
never guessed: two different days, a day that can be read in two ways, a day past or far off, are asked about.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final

from core.inbound import languages
from core.inbound.returns import roles
from core.inbound.returns.choice import choose
from core.inbound.returns.sentences import Sentence, sentence, split
from core.inbound.returns.spots import DAY, Reader, slashed
from core.inbound.returns.table import LANGUAGES, table
from core.inbound.words import Return
from core.schedule import local

MOST_LANGUAGES: Final = 3
LONGEST_SUBJECT_CHARS: Final = 300
LONGEST_HEADER_CHARS: Final = 500
CRITERIA: Final = "x-apple-criteria"
_CRITERIA_END: Final = re.compile(r"endDate=(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)")
_YEARLY_END: Final = timedelta(hours=12)


def find(
    text: str,
    *,
    subject: str,
    headers: Mapping[str, str],
    language: str | None,
    received: datetime,
    zone: str,
    order_hint: str | None = None,
) -> Return:
    """Give the first day back that an away message states, or what to ask about it; Return() where it states none.

    text: the sender's own words. language: ISO code, None where not known. received: aware; days are those of
    `zone`. order_hint: "dmy" or "mdy" where something outside the text says how its sender writes dates.
    """
    today = local(received, zone).date()
    if day := _criteria_end(headers):
        claim = roles.Claim((day,), roles.BACK, f"X-Apple-Criteria: ends {day - DAY:%Y-%m-%d}", day)
        return choose([claim], today=today)
    sentences = [sentence(subject[:LONGEST_SUBJECT_CHARS]), *split(text)]
    claims: list[roles.Claim] = []
    spoken = _languages(subject, text, language)
    for code in spoken:
        claims += _claims(
            sentences, Reader(table(code), today, _order(code, spoken, sentences, order_hint, today))
        )
    return choose(claims, today=today)


def warm() -> None:
    """Compile every table, so that the first message of a language does not wait for it."""
    for code in LANGUAGES:
        table(code)


def _claims(sentences: list[Sentence], reader: Reader) -> list[roles.Claim]:
    found: list[roles.Claim] = []
    is_away = bool(reader.table.absent.search(sentences[0].folded))
    for one in sentences:
        found += roles.claims(one, reader, is_away=is_away)
        is_away = is_away or bool(reader.table.absent.search(one.folded))
    return found


def _languages(subject: str, text: str, language: str | None) -> list[str]:
    """Give the tables to read with: the message's own language, English, and what else the words look like."""
    likely = [language] if language else []
    likely += languages.ranked(f"{subject}\n{text}")[:2]
    if not likely or likely == ["en"] or "en" not in likely:
        likely.append("en")
    return [code for code in dict.fromkeys(likely) if code in LANGUAGES][:MOST_LANGUAGES]


def _order(
    code: str, spoken: list[str], sentences: list[Sentence], order_hint: str | None, today: date
) -> str:
    """Give the order of dates in digits: the language's own, else the hint's, else that of other dates here."""
    own = table(code).order
    if own != "ask":
        return own
    if order_hint in ("dmy", "mdy"):
        return order_hint
    votes = {vote for one in sentences for date_ in slashed(one.folded) for vote in _votes(date_, today)}
    if not votes:
        votes = {other_order for other in spoken if (other_order := table(other).order) == "dmy"}
    return votes.pop() if len(votes) == 1 else "ask"


def _votes(written: tuple[int, int, int | None], today: date) -> set[str]:
    """Give the order that one date tells: 13/6 is day first, and so is 8/6/2026 received on 8 June."""
    one, two, year = written
    if one > 12 >= two or ((two, one) == (today.month, today.day) and one != two and year == today.year):
        return {"dmy"}
    if two > 12 >= one or ((one, two) == (today.month, today.day) and one != two and year == today.year):
        return {"mdy"}
    return set()


def _criteria_end(headers: Mapping[str, str]) -> date | None:
    """Give the day after the end that Apple's mail server notes: its instant is a midnight of the sender's zone."""
    value = next((value for name, value in headers.items() if name.lower() == CRITERIA), "")
    found = _CRITERIA_END.search(value[:LONGEST_HEADER_CHARS])
    if not found:
        return None
    try:
        end = datetime.strptime(found[1], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
    return (end + timedelta(seconds=1) + _YEARLY_END).date()
