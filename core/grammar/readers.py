"""How each command of the slash grammar is read, once its words are parted at the keywords.

Pure; part of `core.grammar`, whose table names the reader of every command.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, cast, get_args

from core.dates.words import WEEKDAY_NAMES, WEEKDAYS
from core.errors import Refused
from core.grammar.commands import (
    EVERYWHERE,
    Away,
    Back,
    Broken,
    Command,
    Digest,
    Edit,
    Enrol,
    Erase,
    Forecast,
    GoalVerb,
    Halt,
    List,
    Log,
    Logged,
    New,
    Note,
    Owner,
    Pause,
    Paused,
    Policy,
    Press,
    Qualify,
    Remind,
    Resume,
    SequenceVerb,
    Settle,
    Show,
    Stats,
    StepVerb,
    Stop,
    Tag,
    Token,
    Undo,
    Who,
)
from core.grammar.words import SECOND_WORDS, Parts, Word, is_keyed, is_span, name_of, read_who, text_of
from core.plain import shown

STATUSES: Final = frozenset({"skipped", "pending", "in_progress", "paused", "stopped", "completed"})
CARDS: Final = (
    "reminder",
    "task",
    "review",
    "meeting",
    "return",
    "backlog",
    "collision",
    "digest",
    "paused",
    "home",
    "guard",
    "publish",
    "new_step",
)
PARTS: Final = get_args(Broken)
SENDERS: Final = {"mailbox": "sender", "mailboxe": "sender"}
LOGGED: Final = frozenset(get_args(Logged))
WHOSE: Final = frozenset({"mine", "my", "everyone", "everybody"})
POLICIES: Final = ("freeze", "keep", "now")
FATES: Final = frozenset({"left", "again", "drop"})
CHANNEL: Final = re.compile(r"#?[\w-]{1,80}")
CHANNEL_ID: Final = re.compile(r"[CG][A-Z0-9]{5,}")
PLACE: Final = re.compile(r"[0-9]{1,16}:[0-9]{1,18}")  # on a list that goes by time: since when, and which
IDENTIFIER: Final = re.compile(r"[\w:.-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Asked:
    """One command taken apart, with the readers its table entry is made of."""

    entry: Entry
    parts: Parts

    def who(self) -> Who:
        """Give the leads, with nothing else said about them."""
        who, rest = self.who_and_rest()
        if rest:
            raise self._extra(rest)
        return who

    def who_and_rest(self) -> tuple[Who, list[Word]]:
        who, rest = read_who(self.parts.head)
        if who is None:
            verb = " ".join(self.entry.words)
            raise Refused(f"Which lead is `{verb}` about? For example: `{self.entry.example}`.")
        return who, rest

    def sequence(self) -> str | None:
        """Give the sequence after "in", EVERYWHERE, or None."""
        named = self.parts.clauses.get("in")
        if "everywhere" in self.parts.clauses or (
            named and [word.keyword for word in named] == ["everywhere"]
        ):
            if named and text_of(named).lower() != "everywhere":
                raise Refused("Say either “everywhere” or “in” one sequence, not both.")
            return EVERYWHERE
        return None if named is None else name_of(named, "sequence")

    def sequence_or_all(self) -> str | None:
        """Give the sequence after "in"; None for every sequence, said or not."""
        name = self.sequence()
        return None if name == EVERYWHERE else name

    def sequence_needed(self) -> str:
        """Give the sequence after "in"; raises Refused where none is named."""
        name = self.sequence_or_all()
        if name is None:
            raise Refused(f"In which sequence? For example: `{self.entry.example}`.")
        return name

    def phrase(self, keyword: str) -> str | None:
        """Give the words after a keyword; raises Refused when there are none."""
        words = self.parts.clauses.get(keyword)
        if words == []:
            raise Refused(f"Something is missing after “{keyword}”. For example: `{self.entry.example}`.")
        return text_of(words) if words else None

    def name(self, what: str) -> str | None:
        """Give the words of the command as one name, or None for no words."""
        return name_of(self.parts.head, what) if self.parts.head else None

    def word(self) -> str | None:
        """Give the only word of the command, or None."""
        if len(self.parts.head) > 1:
            raise self._extra(self.parts.head[1:])
        return self.parts.head[0].text if self.parts.head else None

    def nothing(self) -> None:
        """Raise Refused when anything follows a command that stands alone."""
        if self.parts.head:
            raise self._extra(self.parts.head)

    def has(self, flag: str) -> bool:
        return flag in self.parts.clauses

    def _extra(self, words: list[Word]) -> Refused:
        verb = " ".join(self.entry.words)
        return Refused(
            f"“{shown(text_of(words))}” is not understood in `{verb}`; write `{self.entry.usage}`."
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """One command: its words, the grammar after them, what it does, an example, and how it is read.

    keywords: the words that part it; "because" among them allows a reason.
    """

    words: tuple[str, ...]
    grammar: str
    does: str
    example: str
    build: Callable[[Asked], Command]
    keywords: frozenset[str] = frozenset()
    prepare: Callable[[Sequence[Word]], list[Word]] = list

    @property
    def usage(self) -> str:
        return " ".join((*self.words, self.grammar)).strip()


def read_pause(asked: Asked) -> Command:
    if is_span(asked.parts.clauses.get("in", [])):
        raise Refused("A pause begins at once; write “for 3 days” to say how long it lasts.")
    until, span = asked.phrase("until"), asked.phrase("for")
    if until and span:
        raise Refused("Say either “until” a day or “for” a length of time, not both.")
    then = asked.phrase("then")
    if then is not None and then.lower() not in POLICIES:
        raise Refused(f"After “then” stands one of {', '.join(POLICIES)}: `{asked.entry.usage}`.")
    if then and not (until or span):
        raise Refused("“then” says how it goes on when the pause ends; name the day with “until”.")
    policy = cast("Policy | None", then and then.lower())
    return Pause(asked.who(), asked.sequence(), until, span, asked.parts.because, policy)


def read_resume(asked: Asked) -> Command:
    on = asked.phrase("on")
    if on is None and is_span(asked.parts.clauses.get("in", [])):
        on = "in " + text_of(asked.parts.clauses.pop("in"))
    policies = [policy for policy in ("freeze", "keep", "now") if asked.has(policy)]
    if len(policies) + (on is not None) > 1:
        raise Refused("Say only one of “on” a day, “now”, “keep” and “freeze”.")
    policy = cast("Policy", policies[0]) if policies else None
    return Resume(asked.who(), asked.sequence(), policy, on)


def read_stop(asked: Asked) -> Command:
    return Stop(asked.who(), asked.sequence_or_all(), asked.parts.because)


def read_show(asked: Asked) -> Command:
    what = cast("Literal['status', 'why', 'history']", asked.entry.words[0])
    return Show(what, asked.who(), asked.sequence_or_all())


def read_paused(asked: Asked) -> Command:
    words = asked.parts.clauses.get("older", [])
    if words and words[0].keyword == "than":
        del words[0]
    after = asked.phrase("after")
    if after is not None and not PLACE.fullmatch(after):
        raise Refused(
            f"“{shown(after)}” is no place on the list; press More, or say `{asked.entry.example}`."
        )
    who = asked.who() if asked.parts.head else None
    return Paused(asked.sequence_or_all(), asked.phrase("older"), who, after)


def read_list(asked: Asked) -> Command:
    """The status may stand before or after whose it is, or at the end."""
    words, named = asked.parts.head, asked.parts.clauses.get("in", [])
    status = next((words.pop(at) for at in (0, -1) if words and _status(words[at]) in STATUSES), None)
    if status is None and len(named) > 1 and _status(named[-1]) in STATUSES:
        status = named.pop()
    if words and status is None and not _is_who(words):
        known = ", ".join(sorted(STATUSES))
        raise Refused(f"“{shown(words[0].text)}” is no status; a lead is one of {known}.")
    if words and not _is_who(words):
        asked.nothing()
    after = asked.phrase("after")
    if after is not None and not after.isdecimal():
        raise Refused(
            f"“{shown(after)}” is no place on the list; press More, or say `{asked.entry.example}`."
        )
    who = asked.who() if words else None
    return List(asked.sequence_or_all(), _status(status) if status else None, who, after)


def _status(word: Word) -> str:
    return word.keyword.replace("-", "_")


def _is_who(words: Sequence[Word]) -> bool:
    """Say whether words name leads, rather than anything else that may stand there."""
    return bool(words) and (is_keyed(words[0]) or "@" in words[0].text or words[0].keyword in WHOSE)


def read_stats(asked: Asked) -> Command:
    by = asked.phrase("by")
    part = by and SENDERS.get(by.lower().removesuffix("s"), by.lower().removesuffix("s"))
    if part not in {None, *PARTS}:
        raise Refused(f"“{shown(by or '')}” is nothing to break figures down by; say by {', '.join(PARTS)}.")
    since, until, sender = (asked.phrase(word) for word in ("since", "until", "from"))
    return Stats(
        _named(asked), cast("Broken | None", part), since, until, csv=asked.has("csv"), sender=sender
    )


def read_forecast(asked: Asked) -> Command:
    return Forecast(_named(asked))


def read_log(asked: Asked) -> Command:
    """What is shown of it may stand before or after whose it is: a lead, or a sequence by its bare name."""
    words = asked.parts.head
    what = next((words.pop(at).keyword for at in (0, -1) if words and words[at].keyword in LOGGED), None)
    before = asked.phrase("before")
    if before is not None and not PLACE.fullmatch(before):
        raise Refused(f"“{shown(before)}” is no place in the log; press More, or say `since Monday`.")
    is_who = _is_who(words)
    who = asked.who() if is_who else None
    sequence = asked.sequence_or_all() if is_who else _named(asked)
    return Log(
        who, sequence, cast("Logged | None", what), asked.phrase("since"), before, csv=asked.has("csv")
    )


def _named(asked: Asked) -> str | None:
    """Give the sequence after "in", or named by the words themselves."""
    if asked.has("in"):
        asked.nothing()
        return asked.sequence_or_all()
    words = asked.parts.head
    if len(words) > 1 and words[0].keyword in SECOND_WORDS:
        del words[0]
    return asked.name("sequence")


def read_sequence_verb(asked: Asked) -> Command:
    name = asked.name("sequence")
    if name is None:
        raise Refused(f"Which sequence? For example: `{asked.entry.example}`.")
    if any(word.keyword in {"until", "on"} for word in asked.parts.head):
        raise Refused(
            "A whole sequence is paused and resumed without a date; for a date write "
            "`pause everyone in Spring until June 15`, and put a name that holds such a word in quotes."
        )
    verb = cast(
        "Literal['pause', 'resume', 'archive', 'restore', 'publish', 'edit', 'delete', 'preview']",
        asked.entry.words[0],
    )
    return SequenceVerb(verb, name)


def read_preview(asked: Asked) -> Command:
    """For one lead it may be said as other commands are: "lead@x.com in Spring step 2", for "Spring for lead@x.com step 2"."""
    words = asked.parts.head
    if not (words and "@" in words[0].text and not words[0].is_quoted):
        return read_sequence_verb(asked)
    who, rest = asked.who_and_rest()
    step: list[Word] = []
    if len(rest) > 2 and rest[-2].keyword == "step" and rest[-1].text.isdecimal():
        rest, step = rest[:-2], rest[-2:]
    if len(who.addresses) != 1 or len(rest) < 2 or rest[0].keyword != "in":
        raise Refused(f"Say for which lead, and in which sequence. For example: `{asked.entry.example}`.")
    return SequenceVerb(
        "preview", " ".join(filter(None, (text_of(rest[1:]), "for", who.addresses[0], text_of(step))))
    )


def read_new(asked: Asked) -> Command:
    """The name may stand after "sequence", or be asked for by the form."""
    words = asked.parts.head
    if words and words[0].keyword in SECOND_WORDS:
        del words[0]
    return New(asked.name("sequence"))


def read_enrol(asked: Asked) -> Command:
    """Either may be missing: then a form asks for it."""
    return Enrol(asked.who() if asked.parts.head else None, asked.sequence_or_all())


def read_edit(asked: Asked) -> Command:
    """A lead is named by its address; any other name is a sequence's, with or without that word before it."""
    if not any("@" in word.text and not word.is_quoted for word in asked.parts.head):
        return read_sequence_verb(asked)
    who = asked.who()
    if len(who.addresses) != 1:
        raise Refused(f"One lead is changed at a time. For example: `{asked.entry.example}`.")
    return Edit(who)


def read_erase(asked: Asked) -> Command:
    who = asked.who()
    if len(who.addresses) != 1:
        raise Refused(f"One person is erased at a time. For example: `{asked.entry.example}`.")
    return Erase(who)


def read_step(asked: Asked) -> Command:
    return StepVerb(cast("Literal['resend', 'cancel']", asked.entry.words[0]), asked.who(), asked.sequence())


def read_remind(asked: Asked) -> Command:
    """The day may follow the lead without "on": "tomorrow", "in 3 days"."""
    who, rest = asked.who_and_rest()
    on = asked.phrase("on")
    if on is not None and rest:
        raise Refused(f"When should I remind you? For example: `{asked.entry.example}`.")
    return Remind(who, on or text_of(rest) or None, asked.parts.because)


def read_owner(asked: Asked) -> Command:
    who, rest = asked.who_and_rest()
    if rest and rest[0].keyword == "to":
        del rest[0]
    to = rest[0].text.lower() if len(rest) == 1 and rest[0].keyword in {"me", "nobody"} else text_of(rest)
    if to not in {"me", "nobody"} and not re.fullmatch(r"@[\w.-]+", to):
        raise Refused(f"Whose should they be? For example: `{asked.entry.example}`.")
    return Owner(who, to)


def read_qualify(asked: Asked) -> Command:
    verb = cast("Literal['qualify', 'unqualify']", asked.entry.words[0])
    return Qualify(verb, asked.who(), whole_company=asked.has("company"))


def read_tag(asked: Asked) -> Command:
    who, rest = asked.who_and_rest()
    if len(rest) != 1:
        raise Refused(
            f"Give one tag, in quotes if it has several words. For example: `{asked.entry.example}`."
        )
    return Tag(cast("Literal['tag', 'untag']", asked.entry.words[0]), who, name_of(rest, "tag"))


def read_note(asked: Asked) -> Command:
    """A note may hold any word, "because" too."""
    who, rest = asked.who_and_rest()
    because = f"because {asked.parts.because}" if asked.parts.because else ""
    text = " ".join(part for part in (text_of(rest), because) if part)
    if not text:
        raise Refused(f"What should the note say? For example: `{asked.entry.example}`.")
    return Note(who, text)


def read_goal(asked: Asked) -> Command:
    """On or off stands before the name, or after it."""
    words = list(asked.parts.head)
    ends = [n for n in (0, -1) if words and words[n].keyword in {"on", "off"}]
    if not ends or len(words) < 2:
        raise Refused(f"Say `goal on NAME` or `goal off NAME`. For example: `{asked.entry.example}`.")
    verb = words.pop(ends[0]).keyword
    return GoalVerb(cast("Literal['on', 'off']", verb), name_of(words, "goal"))


def read_away(asked: Asked) -> Command:
    if [word.keyword for word in asked.parts.head] in (["off"], ["back"]) and not asked.parts.clauses:
        return Back()
    asked.nothing()
    until, span, cover = asked.phrase("until"), asked.phrase("for"), asked.phrase("cover")
    if (until is None) == (span is None):
        raise Refused(f"Until when are you away? For example: `{asked.entry.example}`.")
    if cover and not re.fullmatch(r"@?[\w.-]+", cover):
        raise Refused(f"“{shown(cover)}” is no person here; write cover @name.")
    return Away(until or span or "", cover and cover.removeprefix("@"))


def read_digest(asked: Asked) -> Command:
    """A clock time keeps its "at", which tells "at 9" from the number 9; for a channel alone means "on"."""
    channel = asked.phrase("for")
    is_weekly, said = _weekly(text_of(asked.parts.head).lower())
    when = said or ("on" if channel or is_weekly else "now")
    if when not in {"now", "on", "off"} and not re.match(r"(on|at) \S" if is_weekly else r"at \S", when):
        raise Refused(f"A digest comes now, at a time, or never: `{asked.entry.usage}`.")
    if channel and not CHANNEL.fullmatch(channel):
        raise Refused(f"“{shown(channel)}” is no channel; for example: `digest at 8:30 for #sales`.")
    if channel and CHANNEL_ID.fullmatch(channel):  # Slack's token for a channel became one with a #
        raise Refused(f"{channel} is no name of a channel: type # and pick it from what Slack offers.")
    return Digest(when, channel and channel.removeprefix("#"), is_weekly)


def _weekly(said: str) -> tuple[bool, str]:
    """Tell the weekly report from the daily list, and give when it comes, as "on monday at 9:00"."""
    if not (found := re.fullmatch(r"weekly(?: (?:on |every )?(?P<rest>.+))?", said)):
        return False, said
    rest = found["rest"] or ""
    first, _, clock = rest.partition(" ")
    if first in {"", "now", "on", "off", "at"}:
        return True, rest
    if first.rstrip(".,") not in WEEKDAYS:
        raise Refused(
            f"“{shown(first)}” is no day of the week; for example: `digest weekly on Monday at 9:00`."
        )
    return True, f"on {WEEKDAY_NAMES[WEEKDAYS[first.rstrip('.,')]].lower()} {clock}".rstrip()


def read_token(asked: Asked) -> Command:
    verb, *rest = [word.keyword for word in asked.parts.head] or ["list"]
    if verb == "list" and not rest:
        return Token("list")
    if verb == "revoke" and len(rest) == 1:
        return Token("revoke", rest[0])
    if verb != "add" or len(rest) < 2:
        raise Refused(f"Say what to do with which token: `{asked.entry.usage}`.")
    return Token("add", rest[0], tuple(scope for word in rest[1:] for scope in word.split(",") if scope))


def read_settle(asked: Asked) -> Command:
    words = asked.parts.head
    fate = words[1].keyword if len(words) == 2 else ""
    if fate not in FATES or not IDENTIFIER.fullmatch(words[0].text):
        raise Refused(f"Say what became of the delivery: `{asked.entry.usage}`.")
    return Settle(cast("Literal['left', 'again', 'drop']", fate), words[0].text)


def read_press(asked: Asked) -> Command:
    """The answer may have several words; the card's own verb knows which there are."""
    words = asked.parts.head
    if len(words) < 3 or words[0].keyword not in CARDS or not words[1].text.isdecimal():
        raise Refused(
            f"Say which card, and the answer: `{asked.entry.usage}`. For example: `{asked.entry.example}`."
        )
    return Press(words[0].keyword, words[1].text, text_of(words[2:]).lower(), asked.phrase("until"))


def read_undo(asked: Asked) -> Command:
    batch = asked.word()
    if batch is not None and not IDENTIFIER.fullmatch(batch):
        raise Refused(f"“{shown(batch)}” is no batch; `undo` alone takes back your last command.")
    return Undo(batch)


def alone(command: Command) -> Callable[[Asked], Command]:
    """Give the reader of a command that stands alone."""

    def build(asked: Asked) -> Command:
        asked.nothing()
        return command

    return build


def read_halt(asked: Asked) -> Command:
    asked.nothing()
    return Halt(asked.parts.because)


def one_run(make: Callable[[Who, str], Command]) -> Callable[[Asked], Command]:
    """Give the reader of a command on leads in one sequence."""

    def build(asked: Asked) -> Command:
        return make(asked.who(), asked.sequence_needed())

    return build
