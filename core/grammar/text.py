"""A command back as text: what a button repeats, and what an answer shows to be typed.

`parse(to_text(command)) == command` for every command that `parse` can give (a property test). Texts are
escaped as Slack escapes them, and `parse` undoes that.
"""

from __future__ import annotations

import re

from core.grammar.commands import (
    EVERYWHERE,
    Away,
    Command,
    Digest,
    Edit,
    Enrol,
    Erase,
    Forecast,
    GoalVerb,
    Halt,
    Help,
    List,
    Log,
    New,
    Note,
    Owner,
    Pause,
    Paused,
    Press,
    Qualify,
    Remind,
    Restart,
    Resume,
    SequenceVerb,
    Settle,
    Show,
    Skip,
    Start,
    Stats,
    StepVerb,
    Stop,
    Tag,
    Token,
    Undo,
    Unskip,
    Who,
)
from core.grammar.words import RESERVED


def to_text(command: Command) -> str:
    """Give the canonical text of a command, which `parse` reads as the same command."""
    text = " ".join(part for part in _parts(command) if part)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _parts(command: Command) -> list[str]:
    """Give the text in its pieces, empty ones for what is not said."""
    match command:
        case Pause(who, sequence, until, span, because, then):
            start = ["pause", _who(who), _in(sequence)]
            ends = [_after("until", until), _after("for", span), f"then {then}" if then else ""]
            return [*start, *ends, _because(because)]
        case Resume(who, sequence, policy, on):
            return ["resume", _who(who), _in(sequence), policy or "", _after("on", on)]
        case Stop(who, sequence, because):
            return ["stop", _who(who), _in(sequence), _because(because)]
        case Skip(who, sequence) | Unskip(who, sequence) | Start(who, sequence) | Restart(who, sequence):
            return [type(command).__name__.lower(), _who(who), _in(sequence)]
        case Enrol(who, sequence):
            return ["enrol", _who(who) if who else "", _in(sequence)]
        case Show(what, who, sequence):
            return [what, _who(who), _in(sequence)]
        case Paused(sequence, older_than, who, after):
            ends = [_after("older than", older_than), _after("after", after)]
            return ["paused", _who(who) if who else "", _in(sequence), *ends]
        case List(sequence, status, who, after):
            return ["list", status or "", _who(who) if who else "", _in(sequence), _after("after", after)]
        case Forecast(sequence):
            return ["forecast", _in(sequence)]
        case Stats(sequence, by, since, until, csv, sender):
            ends = [
                _after("from", sender),
                _after("since", since),
                _after("until", until),
                "csv" if csv else "",
            ]
            return ["stats", _in(sequence), f"by {by}" if by else "", *ends]
        case Log(who, sequence, what, since, before, csv):
            ends = [_after("since", since), _after("before", before), "csv" if csv else ""]
            return ["log", what or "", _who(who) if who else "", _in(sequence), *ends]
        case SequenceVerb(verb, sequence):
            return [verb, "sequence", _quoted(sequence)]
        case New(name):
            return ["new", _quoted(name) if name else ""]
        case Edit(who):
            return ["edit", _who(who)]
        case Erase(who):
            return ["erase", _who(who)]
        case Halt(because):
            return ["halt", _because(because)]
        case StepVerb(verb, who, sequence):
            return [verb, "step", _who(who), _in(sequence)]
        case Owner(who, to):
            return ["owner", _who(who), to]
        case Remind(who, on, because):
            return ["remind", _who(who), _after("on", on), _because(because)]
        case Qualify(verb, who, whole_company):
            return [verb, _who(who), "company" if whole_company else ""]
        case Tag(verb, who, tag):
            return [verb, _who(who), _quoted(tag)]
        case Note(who, text):
            return ["note", _who(who), _quoted(text)]
        case GoalVerb(verb, name):
            return ["goal", verb, _quoted(name)]
        case Away(until, cover):
            return ["away", _after("until", until), f"cover @{cover}" if cover else ""]
        case Digest(when, channel, is_weekly):
            clock = _after("at", when[3:]) if when.startswith("at ") else when
            return ["digest", "weekly" if is_weekly else "", clock, f"for #{channel}" if channel else ""]
        case Token(verb, name, scopes):
            return ["token", verb, name or "", *scopes]
        case Settle(verb, delivery):
            return ["settle", delivery, verb]
        case Press(card, number, answer, until):
            return ["card", card, number, _quoted(answer), _after("until", until)]
        case Undo(batch):
            return ["undo", batch or ""]
        case Help(topic):
            return ["help", topic or ""]
        case _:  # Sequences, Unhalt, Mailboxes, Reminders, Back: their name says it all
            return [type(command).__name__.lower()]


def _who(who: Who) -> str:
    if who.company:
        return f"@{who.company}"
    if who.tag:
        return f"tag:{_quoted(who.tag)}"
    if who.stage:
        return f"stage:{_quoted(who.stage)}"
    if who.filter:
        return " ".join(f"{'-' if one.is_not else ''}{one.key}:{_quoted(one.value)}" for one in who.filter)
    return "mine" if who.mine else "everyone" if who.everyone else " ".join(who.addresses)


def _in(sequence: str | None) -> str:
    """Give the sequence, always quoted, since a name may hold any word of the grammar."""
    if sequence == EVERYWHERE:
        return "everywhere"
    return f"in {_quoted(sequence)}" if sequence else ""


def _after(keyword: str, phrase: str | None) -> str:
    """Give a date phrase, quoted only where a word of it could be taken for a keyword."""
    if not phrase:
        return ""
    is_simple = re.fullmatch(r"[\w./:,+@-]+(?: [\w./:,+@-]+)*", phrase)
    words = phrase.lower().split()
    return f"{keyword} {phrase if is_simple and RESERVED.isdisjoint(words) else _quoted(phrase)}"


def _because(text: str | None) -> str:
    return f"because {text}" if text else ""


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
