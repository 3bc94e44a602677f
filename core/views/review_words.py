"""The words of review cards: what each kind of message is called, and what a person may answer (`card review N ANSWER`).

    reply                     a person wrote; also: answer
    away [until June 15]      out of office, the last day away; also: out of office
    automatic                 nothing to act upon; also: ignore
    bounce, unsubscribe, complaint
    not about them            it concerns somebody else
    contact 1                 the first address that it offers becomes a lead

A button adds `seen STAMP`: what its card showed, so that an old one never acts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.inbound.words import Kind

ICONS = {
    Kind.REPLY: "💬",
    Kind.OUT_OF_OFFICE: "🌴",
    Kind.AUTOMATIC: "🤖",
    Kind.BOUNCE: "📭",
    Kind.CALENDAR: "📅",
    Kind.UNSUBSCRIBE: "🚫",
    Kind.COMPLAINT: "🚨",
}
HEADINGS = {
    Kind.REPLY: "{name} replied",
    Kind.OUT_OF_OFFICE: "{name} is out of office",
    Kind.AUTOMATIC: "A machine answered for {name}",
    Kind.BOUNCE: "Mail to {name} bounced",
    Kind.CALENDAR: "{name} answered by calendar",
    Kind.UNSUBSCRIBE: "{name} wants no more mail",
    Kind.COMPLAINT: "{name} reported our mail as spam",
}
KIND_WORDS = {
    Kind.REPLY: "an answer",
    Kind.OUT_OF_OFFICE: "an out-of-office",
    Kind.AUTOMATIC: "nothing to act upon",
    Kind.BOUNCE: "a bounce",
    Kind.CALENDAR: "a calendar message",
    Kind.UNSUBSCRIBE: "an unsubscribe",
    Kind.COMPLAINT: "a complaint",
}
# The word of `card review N ANSWER` for each kind.
ANSWER_OF = {
    Kind.REPLY: "reply",
    Kind.OUT_OF_OFFICE: "away",
    Kind.AUTOMATIC: "automatic",
    Kind.BOUNCE: "bounce",
    Kind.UNSUBSCRIBE: "unsubscribe",
    Kind.COMPLAINT: "complaint",
    Kind.CALENDAR: "reply",
}
NOT_ABOUT_THEM = "not about them"
_IGNORE = ("Automatic, ignore", "automatic")
_NOT_ABOUT = ("Not about this lead", NOT_ABOUT_THEM)
# What each kind may be instead: as buttons, and behind the menu.
INSTEAD: dict[Kind, tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]] = {
    Kind.REPLY: ((_IGNORE, ("Unsubscribe", "unsubscribe")), (("It is a bounce", "bounce"), _NOT_ABOUT)),
    Kind.OUT_OF_OFFICE: ((("Not an out-of-office: an answer", "reply"), _IGNORE), (_NOT_ABOUT,)),
    Kind.AUTOMATIC: ((("This was an answer", "reply"),), (("It is a bounce", "bounce"), _NOT_ABOUT)),
    Kind.BOUNCE: ((("Not a bounce: an answer", "reply"), _IGNORE), (_NOT_ABOUT,)),
    Kind.CALENDAR: ((("This was an answer", "reply"), _IGNORE), (_NOT_ABOUT,)),
    Kind.UNSUBSCRIBE: ((("Not an unsubscribe: an answer", "reply"), _IGNORE), (_NOT_ABOUT,)),
    Kind.COMPLAINT: ((("Not a complaint: an answer", "reply"), _IGNORE), (_NOT_ABOUT,)),
}
# What is asked before an answer acts: what it does, as a verb and as a sentence.
CONFIRM = {
    "unsubscribe": ("Unsubscribe", "{email} is stopped in every sequence and gets no more mail from anybody here."),
    "bounce": ("Stop everywhere", "{email} is stopped in every sequence, and the address gets no more mail."),
}  # fmt: skip

_SAID = re.compile(r"(?P<words>.+?)(?: seen (?P<stamp>\d{1,15}))?", re.DOTALL)
# None: it is not about this lead at all.
KIND_OF: dict[str, Kind | None] = {
    **{words: kind for kind, words in ANSWER_OF.items() if kind is not Kind.CALENDAR},
    "answer": Kind.REPLY,
    "out of office": Kind.OUT_OF_OFFICE,
    "ignore": Kind.AUTOMATIC,
    NOT_ABOUT_THEM: None,
}
# These only keep mail from leaving, so that even an old card may say them (DESIGN §4).
STOPPING = frozenset({Kind.BOUNCE, Kind.UNSUBSCRIBE, Kind.COMPLAINT})


@dataclass(frozen=True)
class Said:
    """An answer taken apart. `stamp` None: it was typed, not pressed."""

    words: str
    stamp: int | None = None


def said(answer: str) -> Said:
    """Give an answer with what its card showed."""
    found = _SAID.fullmatch(answer.strip())
    words, number = (found["words"], found["stamp"]) if found else (answer, None)
    return Said(words.strip(), int(number) if number is not None else None)


def only_stops(answer: str) -> bool:
    """Say whether an answer can only keep mail from leaving."""
    return KIND_OF.get(said(answer).words) in STOPPING
