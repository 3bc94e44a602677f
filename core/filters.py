"""Conditions on leads as people type them: `stage:demo tag:eu -in:Spring owner:me company:acme.com`. Pure.

All of them hold at once; a `-` before one turns it round. Words and quotes are parted by `core.grammar`, which also writes
them as text again; what they mean in SQL stands in `core.filters_sql`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, cast

from core.address import is_free_mail
from core.errors import Refused
from core.plain import shown
from core.words import listed

Key = Literal["tag", "stage", "in", "owner", "company"]
KEYS: Final = ("tag", "stage", "in", "owner", "company")
# What a lead has one of: two of them describe nobody.
SINGLE: Final = {"stage": "is in one stage", "owner": "has one owner", "company": "is of one company"}
KEY = re.compile(rf"(?P<minus>[-\u2013\u2212]?)(?P<name>{'|'.join(KEYS)}):", re.IGNORECASE)
ME, NOBODY = "me", "none"
MOST_TERMS = 20
LONGEST_VALUE_CHARS = 200
EXAMPLE = "stage:demo tag:eu -in:Spring owner:me"


@dataclass(frozen=True, slots=True)
class Term:
    """One condition. in: is, or was, in that sequence. owner: a Slack id, a name, ME or NOBODY. is_not: turned round."""

    key: Key
    value: str
    is_not: bool = False


def term(key: str, value: str) -> Term:
    """Give the condition of "-in:" and "Spring"; raises Refused for a value that cannot be meant."""
    found = KEY.fullmatch(key)
    if found is None:
        raise Refused(f"“{shown(key)}” is no condition; there are {listed(f'{known}:' for known in KEYS)}.")
    name, value = cast("Key", found["name"].lower()), " ".join(value.split())
    what = "sequence" if name == "in" else name
    if name in {"owner", "company"}:
        value = value.removeprefix("@")
    if not value:
        raise Refused(f"The name of the {what} is missing. For example: `{EXAMPLE}`.")
    if len(value) > LONGEST_VALUE_CHARS:
        raise Refused(
            f"What stands after “{key}” is too long: {LONGEST_VALUE_CHARS} characters are the most."
        )
    if name == "owner" and value.lower() in {ME, NOBODY}:
        value = value.lower()
    if name == "company" and is_free_mail(value.lower()):
        raise Refused(f"@{value} is shared by strangers, not a company; name the leads one by one.")
    return Term(name, value, is_not=bool(found["minus"]))


def together(terms: Sequence[Term]) -> tuple[Term, ...]:
    """Give the conditions, each once; raises Refused where no lead could keep them, or too many would."""
    kept = tuple(dict.fromkeys(terms))
    if len(kept) > MOST_TERMS:
        raise Refused(f"Those are {len(kept)} conditions; {MOST_TERMS} are the most.")
    wanted = [one for one in kept if not one.is_not]
    if not wanted:
        raise Refused(f"Say also who is meant, not only who is not. For example: `{EXAMPLE}`.")
    for key, has_one in SINGLE.items():
        if len({one.value.lower() for one in wanted if one.key == key}) > 1:
            raise Refused(f"A lead {has_one}, so one “{key}:” is enough.")
    for one in wanted:
        if Term(one.key, one.value, is_not=True) in kept:
            raise Refused(f"No lead both is and is not {one.key}:{shown(one.value)}; take one of them out.")
    return kept


def describe(terms: Iterable[Term]) -> str:
    """Give them in words: "in stage “demo”, tagged “eu”, never in Spring"."""
    return ", ".join(_words(one) for one in terms)


def _words(one: Term) -> str:
    no = "not " if one.is_not else ""
    match one.key:
        case "tag":
            return f"{no}tagged “{one.value}”"
        case "stage":
            return f"{no}in stage “{one.value}”"
        case "in":
            return f"{'never' if one.is_not else 'now or once'} in {one.value}"
        case "company":
            return f"{no}at {one.value}"
        case "owner" if one.value == NOBODY:
            return f"{'of somebody' if one.is_not else 'of nobody'}"
        case "owner":
            return f"{no}of {'yours' if one.value == ME else one.value}"
