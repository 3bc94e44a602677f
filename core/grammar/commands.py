"""What a person asked for: one frozen dataclass per family of commands, as `core.grammar.parse` gives it.

Dates and spans stay the phrases that were typed (`core.dates` reads them with the person's zone), names of
sequences stay names (the service layer finds them), addresses are already in their normal spelling.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from core.filters import Term

# `sequence` of a command that was told "everywhere": every sequence the lead is in. None means that none was
# named, and that a person is asked when there are several.
EVERYWHERE: Final = "*"

Policy = Literal["freeze", "keep", "now"]


@dataclass(frozen=True, slots=True)
class Who:
    """The leads that are meant, in exactly one of seven ways.

    addresses: normalised, each once. company: a domain. mine: those the person owns. filter: conditions that all hold,
    where they are more than a tag or a stage.
    """

    addresses: tuple[str, ...] = ()
    company: str | None = None
    tag: str | None = None
    stage: str | None = None
    mine: bool = False
    everyone: bool = False
    filter: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class Pause:
    """Hold leads: until a day, for a span, or with neither until somebody resumes them.

    then: how the countdown goes on at that end; None takes each sequence's own way.
    """

    who: Who
    sequence: str | None = None
    until: str | None = None
    span: str | None = None
    because: str | None = None
    then: Policy | None = None


@dataclass(frozen=True, slots=True)
class Resume:
    """Let held leads go on; policy None takes the sequence's own, `on` names the day instead."""

    who: Who
    sequence: str | None = None
    policy: Policy | None = None
    on: str | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """End leads' runs for good; sequence None is everywhere."""

    who: Who
    sequence: str | None = None
    because: str | None = None


@dataclass(frozen=True, slots=True)
class Skip:
    who: Who
    sequence: str


@dataclass(frozen=True, slots=True)
class Unskip:
    who: Who
    sequence: str


@dataclass(frozen=True, slots=True)
class Enrol:
    """Put leads into a sequence that were never in it; what is left out is asked for."""

    who: Who | None = None
    sequence: str | None = None


@dataclass(frozen=True, slots=True)
class Start:
    who: Who
    sequence: str


@dataclass(frozen=True, slots=True)
class Restart:
    who: Who
    sequence: str


@dataclass(frozen=True, slots=True)
class Show:
    what: Literal["status", "why", "history"]
    who: Who
    sequence: str | None = None


@dataclass(frozen=True, slots=True)
class Paused:
    """Held leads, those held longest first; who None: everybody. after: the last line of the page before."""

    sequence: str | None = None
    older_than: str | None = None
    who: Who | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class List:
    """Leads by their address; who None: everybody.

    status: one of the six words of an enrollment's status, with an underscore in `in_progress`. after: the enrollment on
    the last line of the page before.
    """

    sequence: str | None = None
    status: str | None = None
    who: Who | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Sequences:
    pass


Logged = Literal["sent", "failed", "uncertain", "skipped", "held", "opened", "answers", "acts"]


@dataclass(frozen=True, slots=True)
class Log:
    """What was carried out, the newest first. before: the last line of the page before; csv: as a file."""

    who: Who | None = None
    sequence: str | None = None
    what: Logged | None = None
    since: str | None = None
    before: str | None = None
    csv: bool = False


Broken = Literal["sequence", "step", "sender", "channel", "week", "variant"]


@dataclass(frozen=True, slots=True)
class Stats:
    """Figures, of one sequence or of all; since and until are phrases of the past. csv: as a file. sender: a mailbox's."""

    sequence: str | None = None
    by: Broken | None = None
    since: str | None = None
    until: str | None = None
    csv: bool = False
    sender: str | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What leaves in the next days, of one sequence or of all."""

    sequence: str | None = None


@dataclass(frozen=True, slots=True)
class SequenceVerb:
    verb: Literal["pause", "resume", "archive", "restore", "publish", "edit", "delete", "preview"]
    sequence: str


@dataclass(frozen=True, slots=True)
class New:
    """Make a sequence; name: what it will be called."""

    name: str | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """Change what is known about one lead."""

    who: Who


@dataclass(frozen=True, slots=True)
class Halt:
    because: str | None = None


@dataclass(frozen=True, slots=True)
class Unhalt:
    pass


@dataclass(frozen=True, slots=True)
class StepVerb:
    verb: Literal["resend", "cancel"]
    who: Who
    sequence: str | None = None


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose leads they are from now on; to: "me", "nobody", or a Slack user id or name with its @."""

    who: Who
    to: str


@dataclass(frozen=True, slots=True)
class Remind:
    """Tell the person of leads then; on None: the day is asked for."""

    who: Who
    on: str | None = None
    because: str | None = None


@dataclass(frozen=True, slots=True)
class Reminders:
    pass


@dataclass(frozen=True, slots=True)
class Tasks:
    """What waits for the person to do."""


@dataclass(frozen=True, slots=True)
class Qualify:
    verb: Literal["qualify", "unqualify"]
    who: Who
    whole_company: bool = False


@dataclass(frozen=True, slots=True)
class Tag:
    verb: Literal["tag", "untag"]
    who: Who
    tag: str


@dataclass(frozen=True, slots=True)
class Note:
    """Write something down about leads."""

    who: Who
    text: str


@dataclass(frozen=True, slots=True)
class Goals:
    pass


@dataclass(frozen=True, slots=True)
class GoalVerb:
    """Turn a goal on or off."""

    verb: Literal["on", "off"]
    name: str


@dataclass(frozen=True, slots=True)
class Erase:
    """Forget one person for good."""

    who: Who


@dataclass(frozen=True, slots=True)
class Away:
    """The person is away; cover: a Slack user id or name, without its @."""

    until: str
    cover: str | None = None


@dataclass(frozen=True, slots=True)
class Back:
    """The person is here again, earlier than they had said."""


@dataclass(frozen=True, slots=True)
class Digest:
    """when: "now", "on", "off" or a clock time with its "at". channel: an id or a name; None is the person's own.

    Of the weekly report `when` may also be "on monday" or "on monday at 9:00".
    """

    when: str = "now"
    channel: str | None = None
    is_weekly: bool = False


@dataclass(frozen=True, slots=True)
class Mailboxes:
    pass


@dataclass(frozen=True, slots=True)
class Token:
    """Make a token of the API, revoke one, or list them; name None: of a list."""

    verb: Literal["add", "revoke", "list"]
    name: str | None = None
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hooks:
    pass


@dataclass(frozen=True, slots=True)
class Settle:
    """Say what became of an uncertain delivery: it left, send it again, or drop it."""

    verb: Literal["left", "again", "drop"]
    delivery: str


@dataclass(frozen=True, slots=True)
class Press:
    """Answer what a card asks, as its buttons do: `card review 12 away until June 15`."""

    card: str
    number: str
    answer: str
    until: str | None = None


@dataclass(frozen=True, slots=True)
class Undo:
    """batch: None undoes the person's last one."""

    batch: str | None = None


@dataclass(frozen=True, slots=True)
class Help:
    """topic: the command that help is wanted for; None lists all."""

    topic: str | None = None


Command = (
    Token | Hooks | Pause | Resume | Stop | Skip | Unskip | Start | Restart | Show | Paused | List | Sequences | Log | Stats | Forecast
    | SequenceVerb | Halt | Unhalt | StepVerb | Remind | Qualify | Tag | Away | Digest | Mailboxes | Settle
    | New | Owner | Reminders | Tasks | Back | Press | Undo | Help | Edit | Enrol | Erase | Note | Goals | GoalVerb
)  # fmt: skip
