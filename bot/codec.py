"""What a click means: the one place where action ids, callback ids, button values and private_metadata are made and read.

    value            "click pause 12 7"      verb, enrollment, version the card showed
                     "keep 12 7"             resume, the original date stands
                     "form pause 12 7"       opens a modal
                     "form away 31 0"        opens one about a message; the last number is its stamp
                     "say pause ada@x.com"   slash grammar, run as the person who clicks
                     "confirm p_3f"          a stored proposal
                     "undo 41"               a batch
                     "settle left 9"         verdict, delivery
    action id        "fermata:click:pause:12"     told apart within a block; nothing is read from it
    callback id      "fermata:pause"         which form a modal is; of a shortcut, which one (manifest.yml)

Slack signs what comes back, but old cards live for ever and may come from another version: whatever cannot be read is
`Refused` with a sentence, never another error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from core.errors import Refused
from core.lifecycle import Verdict

ACTION_ID_CHARS = 255
CALLBACK_ID_CHARS = 255
BUTTON_VALUE_CHARS = 2_000
OPTION_VALUE_CHARS = 150
METADATA_CHARS = 3_000
PREFIX = "fermata:"
FIELD = f"{PREFIX}field:"  # of an input in a form that is drawn anew when it changes
LARGEST_ID = 2**63 - 1

VERBS = frozenset(
    "pause resume stop skip unskip start restart cancel resend task_done task_skip task_tomorrow task_week".split()  # noqa: SIM905 - a list of words
)
AWAY = "away"  # the form on a review card that asks until when somebody is out; its numbers are a message's
FORMS = frozenset(
    {
        "pause",
        "resume",
        "stop",
        AWAY,
        "reply",
        "enrol",
        "edit_lead",
        "settings",
        "new_sequence",
        "task_done",
        "snooze",
        "test_mail",
    }
)
PAUSE_LEAD = "pause_lead"  # the form behind the shortcuts and on a Home: it acts on whoever is named in it
PAUSE_A_LEAD, PAUSE_IN_MESSAGE = f"{PREFIX}shortcut:pause", f"{PREFIX}shortcut:pause_in_message"
OLD_BUTTON = "This button is from another version of Fermata. Type /sequence status LEAD for a fresh card."
OLD_FORM = "This form is from another version of Fermata. Close it and open it again from the card."


@dataclass(frozen=True)
class Click:
    """A verb on one enrollment; `version` is what the card showed."""

    verb: str
    enrollment_id: int
    version: int


@dataclass(frozen=True)
class Keep:
    """Resume one enrollment; the original date stands."""

    enrollment_id: int
    version: int


@dataclass(frozen=True)
class OpenForm:
    """Ask in a modal first: `form` is one of FORMS. Of AWAY the numbers are the message's id and stamp."""

    form: str
    enrollment_id: int
    version: int


@dataclass(frozen=True)
class Say:
    """Slash grammar."""

    command: str


@dataclass(frozen=True)
class Confirm:
    """Go ahead with a stored proposal."""

    proposal: str


@dataclass(frozen=True)
class Undo:
    """Undo a batch."""

    batch_id: int


@dataclass(frozen=True)
class Settle:
    """What a person says of an uncertain delivery."""

    verdict: str
    delivery_id: int


_FORM_FIELDS = frozenset({"form", "enrollment_id", "version", "channel", "response_url", "about"})

Intent = Click | Keep | OpenForm | Say | Confirm | Undo | Settle


@dataclass(frozen=True)
class Form:
    """What a modal remembers: what it acts on, and where its answer goes.

    Of PAUSE_LEAD, which names its lead itself, the numbers say nothing; of AWAY they are the message's id and stamp.
    `about`: what else the form itself wants to remember.
    """

    form: str
    enrollment_id: int = 0
    version: int = 0
    channel: str = ""
    response_url: str = ""
    about: str = ""


def value(intent: Intent, *, longest: int = BUTTON_VALUE_CHARS) -> str | None:
    """Give the value of a button or menu option that means `intent`; None if it does not fit."""
    text = _value(intent)
    return text if len(text) <= longest else None


def _value(intent: Intent) -> str:
    match intent:
        case Click(verb, enrollment_id, version):
            return f"click {verb} {enrollment_id} {version}"
        case Keep(enrollment_id, version):
            return f"keep {enrollment_id} {version}"
        case OpenForm(form, enrollment_id, version):
            return f"form {form} {enrollment_id} {version}"
        case Say(command):
            return f"say {command}"
        case Confirm(proposal):
            return f"confirm {proposal}"
        case Undo(batch_id):
            return f"undo {batch_id}"
        case Settle(verdict, delivery_id):
            return f"settle {verdict} {delivery_id}"


def read_value(text: object) -> Intent:
    """Give what a button's value means; raises Refused for anything this version did not write."""
    if not isinstance(text, str) or len(text) > BUTTON_VALUE_CHARS:
        raise Refused(OLD_BUTTON)
    kind, _, rest = text.partition(" ")
    for pattern, build in _READERS.get(kind, ()):
        found = pattern.fullmatch(rest)
        if found:
            return build(found)
    raise Refused(OLD_BUTTON)


def _number(text: str) -> int:
    if int(text) > LARGEST_ID:
        raise Refused(OLD_BUTTON)
    return int(text)


def _one_of(words: frozenset[str]) -> str:
    return "|".join(sorted(words))


_ID = r"([0-9]{1,19})"
_Reader = tuple[re.Pattern[str], Callable[[re.Match[str]], Intent]]
_READERS: dict[str, tuple[_Reader, ...]] = {
    "click": (
        (re.compile(rf"({_one_of(VERBS)}) {_ID} {_ID}"), lambda m: Click(m[1], _number(m[2]), _number(m[3]))),
    ),
    "keep": ((re.compile(rf"{_ID} {_ID}"), lambda m: Keep(_number(m[1]), _number(m[2]))),),
    "form": (
        (
            re.compile(rf"({_one_of(FORMS | {PAUSE_LEAD})}) {_ID} {_ID}"),
            lambda m: OpenForm(m[1], _number(m[2]), _number(m[3])),
        ),
    ),
    "say": ((re.compile(r"(.+)", re.DOTALL), lambda m: Say(m[1])),),
    "confirm": ((re.compile(r"([A-Za-z0-9_-]{1,64})"), lambda m: Confirm(m[1])),),
    "undo": ((re.compile(_ID), lambda m: Undo(_number(m[1]))),),
    "settle": (
        (re.compile(rf"({_one_of(frozenset(Verdict))}) {_ID}"), lambda m: Settle(m[1], _number(m[2]))),
    ),
}


def action_id(*parts: object) -> str:
    """Give an action id of ours; `parts` tell apart the elements of one block."""
    return (PREFIX + ":".join(str(part) for part in parts))[:ACTION_ID_CHARS]


def callback_id(form: str) -> str:
    """Give the callback id of a modal."""
    return PREFIX + form


def metadata(form: Form) -> str:
    """Give the private_metadata of a modal; the way back is left out if it would not fit."""
    text = json.dumps(asdict(form), separators=(",", ":"))
    return text if len(text) <= METADATA_CHARS else metadata(replace(form, channel="", response_url=""))


def read_metadata(text: object) -> Form:
    """Give what a modal remembers; raises Refused for anything this version did not write."""
    try:
        fields = json.loads(text) if isinstance(text, str) and len(text) <= METADATA_CHARS else None
    except (ValueError, RecursionError):
        fields = None
    if isinstance(fields, dict):
        fields.setdefault("about", "")  # a form that was opened before this version
    if not isinstance(fields, dict) or not _is_form(fields):
        raise Refused(OLD_FORM)
    return Form(**fields)


def _is_form(fields: dict[str, Any]) -> bool:
    if set(fields) != _FORM_FIELDS:
        return False
    ids = (fields["enrollment_id"], fields["version"])
    texts = (fields["form"], fields["channel"], fields["response_url"], fields["about"])
    return (
        all(type(number) is int and 0 <= number <= LARGEST_ID for number in ids)
        and all(isinstance(word, str) for word in texts)
        and fields["form"] in FORMS | {PAUSE_LEAD}
    )


def read_action(action: object) -> Intent:
    """Give what an element of a block_actions payload means; raises Refused."""
    if not isinstance(action, dict):
        raise Refused(OLD_BUTTON)
    chosen = action.get("selected_option")
    return read_value(chosen.get("value") if isinstance(chosen, dict) else action.get("value"))
