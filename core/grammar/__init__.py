"""The slash grammar: text → Command, and the one table of commands that help, hints and docs come from.

`parse` knows no lead, no sequence and no clock: it says what was asked for, and the service layer whether it
can be done. It never guesses a verb: an unknown word gets the nearest command and an example.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Final

from core.errors import Refused
from core.filters import EXAMPLE
from core.grammar.commands import (
    EVERYWHERE,
    Away,
    Back,
    Command,
    Digest,
    Edit,
    Enrol,
    Erase,
    Forecast,
    Goals,
    GoalVerb,
    Halt,
    Help,
    Hooks,
    List,
    Log,
    Mailboxes,
    New,
    Note,
    Owner,
    Pause,
    Paused,
    Policy,
    Press,
    Qualify,
    Remind,
    Reminders,
    Restart,
    Resume,
    Sequences,
    SequenceVerb,
    Settle,
    Show,
    Skip,
    Start,
    Stats,
    StepVerb,
    Stop,
    Tag,
    Tasks,
    Token,
    Undo,
    Unhalt,
    Unskip,
    Who,
)
from core.grammar.readers import (
    Asked,
    Entry,
    alone,
    one_run,
    read_away,
    read_digest,
    read_edit,
    read_enrol,
    read_erase,
    read_forecast,
    read_goal,
    read_halt,
    read_list,
    read_log,
    read_new,
    read_note,
    read_owner,
    read_pause,
    read_paused,
    read_press,
    read_preview,
    read_qualify,
    read_remind,
    read_resume,
    read_sequence_verb,
    read_settle,
    read_show,
    read_stats,
    read_step,
    read_stop,
    read_tag,
    read_token,
    read_undo,
)
from core.grammar.text import to_text
from core.grammar.words import (
    BECAUSE,
    SECOND_WORDS,
    Word,
    clean,
    read_who,
    split,
    text_of,
    with_since,
    with_status,
    words_of,
)
from core.plain import shown

__all__ = [
    "COMMANDS",
    "EVERYWHERE",
    "Away",
    "Back",
    "Command",
    "Digest",
    "Edit",
    "Enrol",
    "Entry",
    "Erase",
    "Forecast",
    "GoalVerb",
    "Goals",
    "Halt",
    "Help",
    "Hooks",
    "List",
    "Log",
    "Mailboxes",
    "New",
    "Note",
    "Owner",
    "Pause",
    "Paused",
    "Policy",
    "Press",
    "Qualify",
    "Remind",
    "Reminders",
    "Restart",
    "Resume",
    "SequenceVerb",
    "Sequences",
    "Settle",
    "Show",
    "Skip",
    "Start",
    "Stats",
    "StepVerb",
    "Stop",
    "Tag",
    "Tasks",
    "Token",
    "Undo",
    "Unhalt",
    "Unskip",
    "Who",
    "help",
    "parse",
    "to_text",
    "who",
]

# Words of this field for what we call otherwise.
SYNONYMS: Final = {
    "unpause": "resume",
    "reschedule": "resume",
    "remove": "stop",
    "disable": "pause",
    "enroll": "enrol",
    "mailbox": "mailboxes",
    "assign": "owner",
}
# What does not come back: never the guess for another word, only for the same one misspelled.
DESTRUCTIVE: Final = frozenset({"erase", "delete", "stop", "archive", "halt", "restart", "remove"})
# What people type that is a button.
BUTTONS: Final = {
    "release": "What is released is a mailbox that is held: `mailboxes` lists them, each with its Release button. "
    "A held lead goes on with `resume lead@x.com`.",
}


def parse(text: str) -> Command:
    """Give the command that a slash text asks for; raises Refused with the nearest one and an example."""
    words, because = words_of(re.sub(r"^/\w+\s*", "", clean(text)))
    if not words:
        return Help()
    entry, rest = _entry(words)
    if because is not None and BECAUSE not in entry.keywords:
        raise Refused(f"`{' '.join(entry.words)}` takes no reason; write `{entry.usage}`.")
    if because == "":
        raise Refused(f"The reason after “because” is missing. For example: `{entry.example}`.")
    parts = split(entry.prepare(rest), entry.keywords - {BECAUSE})
    parts.because = because
    return entry.build(Asked(entry, parts))


def who(text: str) -> Who:
    """Give the leads that a text names by itself: addresses, @company.com, conditions, mine; raises Refused."""
    words, because = words_of(clean(text))
    found, rest = read_who(words)
    if rest or because is not None or found is None:
        extra = f"“{shown(text_of(rest) or BECAUSE)}” is not understood here; " if rest or because else ""
        raise Refused(f"{extra or 'This names nobody; '}write for example `{EXAMPLE}`.")
    return found


def help(topic: str | None = None) -> str:  # noqa: A001 - the public name of what the command `help` shows
    """Give one line per command, or per command that begins with the topic, then one per word that they leave open."""
    entries = [entry for entry in COMMANDS if topic is None or " ".join(entry.words).startswith(topic)]
    used = {word for entry in entries for word in _PART.findall(entry.grammar)}
    return "\n".join((
        *(f"`{entry.usage}`: {entry.does}" for entry in entries),
        *(f"{part}: {meaning}" for part, meaning in _MEANINGS.items() if part in used),
    ))  # fmt: skip


_PART = re.compile(r"[A-Za-z]+")
_MEANINGS = {
    "WHO": "addresses, “@company.com”, “mine”, “everyone in SEQ”, or conditions such as “stage:demo tag:eu -in:Spring”",
    "SEQ": "the name of a sequence, in quotes where it holds a word such as “until”",
    "WHEN": "a day or a moment as you would say it, in your time zone: “June 15”, “Friday 9am”, “tomorrow”, “in 2 weeks”",
    "SPAN": "a length of time: “3 days”, “2 weeks”",
    "freeze": "what was left of the delay goes on when the lead does",
    "keep": "the next step keeps the date it had, or leaves as soon as possible after it",
}


def _entry(words: list[Word]) -> tuple[Entry, list[Word]]:
    """Give the table entry that the first one or two words name, and the words after them."""
    first = SYNONYMS.get(words[0].keyword, words[0].keyword)
    second = SECOND_WORDS.get(words[1].keyword, "") if len(words) > 1 else ""
    if (first, second) == ("skip", "step"):  # the card's menu calls it so
        first = "cancel"
    if pair := _BY_WORDS.get((first, second)):
        return pair, words[2:]
    if single := _BY_WORDS.get((first,)):
        return single, words[1:]
    for default in ("sequence", "step"):
        if pair := _BY_WORDS.get((first, default)):
            return pair, words[1:]
    raise _unknown(words[0])


def _unknown(word: Word) -> Refused:
    """Give the refusal of an unknown verb, with the nearest command."""
    if "@" in word.text:
        return Refused(f"Begin with what to do, for example: `{_BY_WORDS['pause',].example}`.")
    typed = word.text.lower()
    firsts = [entry.words[0] for entry in COMMANDS]
    known = [one for one in (*firsts, *SYNONYMS, *BUTTONS) if one not in DESTRUCTIVE or one[0] == typed[:1]]
    nearest = get_close_matches(typed, known, n=1)
    if nearest and (button := BUTTONS.get(nearest[0])):
        return Refused(button)
    if not nearest:
        example = _BY_WORDS["pause",].example
        return Refused(f"“{shown(word.text)}” is no command; `help` lists them. For example: `{example}`.")
    meant = SYNONYMS.get(nearest[0], nearest[0])
    entry = COMMANDS[firsts.index(meant)]
    return Refused(
        f"“{shown(word.text)}” is no command; the nearest is `{entry.words[0]}`. For example: `{entry.example}`."
    )


def _help(asked: Asked) -> Command:
    words = asked.parts.head
    if not words:
        return Help()
    entry, rest = _entry(words)
    if rest:
        asked.nothing()
    return Help(" ".join(entry.words[: len(words)]))


_IN: Final = frozenset({"in", "everywhere"})

COMMANDS: Final = (
    Entry(("pause",), "WHO [in SEQ] [until WHEN | for SPAN] [then freeze | keep | now] [because TEXT]", "holds leads where they stand", "pause lead@x.com until June 15", read_pause, _IN | {"until", "for", "then", BECAUSE}),
    Entry(("resume",), "WHO [in SEQ] [on WHEN | now | keep | freeze]", "lets held leads go on", "resume lead@x.com on Monday", read_resume, _IN | {"on", "now", "keep", "freeze"}),
    Entry(("stop",), "WHO [in SEQ] [because TEXT]", "ends it for good, everywhere unless a sequence is named", "stop lead@x.com because not interested", read_stop, _IN | {BECAUSE}),
    Entry(("skip",), "WHO in SEQ", "keeps leads from starting, before their first step", "skip lead@x.com in Spring", one_run(Skip), _IN),
    Entry(("unskip",), "WHO in SEQ", "lets skipped leads start after all", "unskip lead@x.com in Spring", one_run(Unskip), _IN),
    Entry(("enrol",), "[WHO] [in SEQ]", "puts leads into a sequence for the first time, after a look at who is left out", "enrol stage:demo in Spring", read_enrol, _IN),
    Entry(("start",), "WHO in SEQ", "starts leads at the first step", "start lead@x.com in Spring", one_run(Start), _IN),
    Entry(("restart",), "WHO in SEQ", "stops leads and starts them again at the first step", "restart lead@x.com in Spring", one_run(Restart), _IN),
    Entry(("status",), "WHO [in SEQ]", "shows where leads stand", "status lead@x.com", read_show, _IN),
    Entry(("why",), "WHO [in SEQ]", "names every reason why nothing is sent now", "why lead@x.com", read_show, _IN),
    Entry(("history",), "WHO [in SEQ]", "shows who and what did what, and when", "history lead@x.com", read_show, _IN),
    Entry(("paused",), "[WHO] [in SEQ] [older than SPAN]", "lists held leads, those held longest first", "paused mine older than 2 weeks", read_paused, _IN | {"older", "after"}),
    Entry(("list",), "[WHO] [in SEQ] [STATUS]", "lists leads", "list stage:demo in Spring paused", read_list, _IN | {"after"}, with_status),
    Entry(("sequences",), "", "lists the sequences", "sequences", alone(Sequences())),
    Entry(("log",), "[WHO | SEQ] [failed | uncertain | sent | skipped | held | opened | answers | acts] [since WHEN] [csv]", "shows what was carried out, the newest first", "log Spring failed since Monday", read_log, _IN | {"since", "before", "csv"}, with_since),
    Entry(("stats",), "[SEQ] [by step | sender | channel | week | variant | sequence] [from SENDER] [since WHEN] [until WHEN] [csv]", "shows the figures", "stats Spring by step since June 1", read_stats, _IN | {"by", "from", "since", "until", "csv"}, with_since),
    Entry(("new",), "[NAME]", "opens the form that makes a sequence", "new Spring", read_new),
    Entry(("forecast",), "[SEQ]", "shows how much leaves on each of the next 14 days, against the caps", "forecast Spring", read_forecast, _IN),
    Entry(("pause", "sequence"), "SEQ", "sends nothing of a sequence until it is resumed", "pause sequence Spring", read_sequence_verb),
    Entry(("resume", "sequence"), "SEQ", "lets a paused sequence send again", "resume sequence Spring", read_sequence_verb),
    Entry(("archive", "sequence"), "SEQ", "puts a sequence away and pauses what it had planned", "archive sequence Spring", read_sequence_verb),
    Entry(("restore", "sequence"), "SEQ", "brings an archived sequence back, paused", "restore sequence Spring", read_sequence_verb),
    Entry(("publish", "sequence"), "SEQ", "makes a draft live", "publish sequence Spring", read_sequence_verb),
    Entry(("edit", "sequence"), "SEQ", "opens a sequence for changes", "edit sequence Spring", read_sequence_verb),
    Entry(("delete", "sequence"), "SEQ", "deletes a draft that never ran", "delete sequence Spring", read_sequence_verb),
    Entry(("edit",), "WHO", "changes what is known about a lead", "edit lead@x.com", read_edit),
    Entry(("erase",), "WHO", "forgets one person for good and never mails them again", "erase lead@x.com", read_erase),
    Entry(("preview", "sequence"), "SEQ", "shows its steps; “preview lead@x.com in SEQ” shows what that lead would get, and when", "preview lead@x.com in Spring", read_preview),
    Entry(("halt",), "[because TEXT]", "stops all sending at once", "halt because wrong prices", read_halt, frozenset({BECAUSE})),
    Entry(("unhalt",), "", "lets sending go on after a halt", "unhalt", alone(Unhalt())),
    Entry(("resend", "step"), "WHO [in SEQ]", "hands the last step over again", "resend step lead@x.com", read_step, _IN),
    Entry(("cancel", "step"), "WHO [in SEQ]", "leaves the next step out", "cancel step lead@x.com", read_step, _IN),
    Entry(("owner",), "WHO @user | me | nobody", "gives leads to a person, who then gets their cards", "owner lead@x.com @kim", read_owner),
    Entry(("remind",), "WHO on WHEN [because TEXT]", "reminds you of a lead, once", "remind lead@x.com on June 15", read_remind, frozenset({"on", BECAUSE})),
    Entry(("tasks",), "", "lists the tasks that wait for you", "tasks", alone(Tasks())),
    Entry(("reminders",), "", "lists what you asked to be reminded of", "reminders", alone(Reminders())),
    Entry(("qualify",), "WHO [company]", "marks leads as qualified and stops their sequences", "qualify lead@x.com company", read_qualify, frozenset({"company"})),
    Entry(("unqualify",), "WHO [company]", "marks leads as not qualified and stops their sequences", "unqualify lead@x.com", read_qualify, frozenset({"company"})),
    Entry(("tag",), "WHO TAG", "puts a tag on leads", "tag lead@x.com hot", read_tag),
    Entry(("untag",), "WHO TAG", "takes a tag off leads", "untag lead@x.com hot", read_tag),
    Entry(("note",), "WHO TEXT", "writes something down about leads", "note lead@x.com wants a quote for 40 seats", read_note, frozenset({BECAUSE})),
    Entry(("goals",), "", "lists the goals that start and stop sequences by themselves", "goals", alone(Goals())),
    Entry(("goal",), "on | off NAME", "turns a goal on or off", "goal off Demo booked", read_goal),
    Entry(("away",), "until WHEN [cover @user]", "says that you are out, and who looks after your leads", "away until Friday cover @kim", read_away, frozenset({"until", "for", "cover"})),
    Entry(("back",), "", "says that you are here again, so that your leads go on", "back", alone(Back())),
    Entry(("digest",), "[weekly] [now | at TIME | off] [for #CHANNEL]", "sends the list of paused leads each working day, the report of the week each `on DAY`, or either now", "digest at 8:30", read_digest, frozenset({"for"})),
    Entry(("mailboxes",), "", "lists the sending mailboxes and how they are", "mailboxes", alone(Mailboxes())),
    Entry(("token",), "add NAME SCOPES | revoke NAME | list", "handles the keys to the API; the scopes are read, act, enrol and admin", "token add crm read act", read_token),
    Entry(("hooks",), "", "lists the addresses that are told what happens", "hooks", alone(Hooks())),
    Entry(("settle",), "DELIVERY left | again | drop", "says what became of an uncertain delivery", "settle 4711 left", read_settle),
    Entry(("card",), "CARD NUMBER ANSWER [until WHEN]", "answers what a card asks, as its buttons do", "card review 12 away until June 15", read_press, frozenset({"until"})),
    Entry(("undo",), "[BATCH]", "takes your last command back, or one batch", "undo", read_undo),
    Entry(("help",), "[COMMAND]", "shows this", "help pause", _help),
)  # fmt: skip

_BY_WORDS: Final = {entry.words: entry for entry in COMMANDS}
