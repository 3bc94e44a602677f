"""What a command or click needs of the person who gives it. Pure.

One rule decides what happens when it is not certain who asks (DESIGN §4): what only stops mail may go on.
"""

from __future__ import annotations

from enum import IntEnum

from bot.codec import Click, Intent, OpenForm, Say
from core.errors import Refused
from core.grammar import commands as asked
from core.grammar import parse
from core.views.review_words import only_stops


class Need(IntEnum):
    """From what those may do who only look (FERMATA_VIEWERS) to what FERMATA_ADMINS alone may, where they are named."""

    READS = 0
    STOPS_MAIL = 1  # can only keep mail from leaving
    ACTS = 2
    IS_FOR_ADMINS = 3


_STOPPING = frozenset({"pause", "stop", "skip"})
_FOR_ADMINS = frozenset({"archive", "publish", "edit", "delete"})


def of_command(text: str) -> Need:
    """Give what a line of slash grammar needs; one that nobody understands acts on nothing."""
    try:
        command = parse(text)
    except Refused:
        return Need.READS
    need, who = _of(command), getattr(command, "who", None)
    if need is not Need.READS and isinstance(who, asked.Who) and who.everyone:
        return Need.IS_FOR_ADMINS
    return need


def _of(command: asked.Command) -> Need:
    match command:
        case asked.Token() | asked.Hooks():
            return Need.IS_FOR_ADMINS
        case (
            asked.Unhalt() | asked.Erase() | asked.GoalVerb() | asked.New() | asked.Press("publish" | "guard")
        ):
            return Need.IS_FOR_ADMINS
        case asked.SequenceVerb(verb) if verb in _FOR_ADMINS:
            return Need.IS_FOR_ADMINS
        case (
            asked.Pause()
            | asked.Stop()
            | asked.Skip()
            | asked.Halt()
            | asked.SequenceVerb("pause")
            | asked.Away()
        ):
            return Need.STOPS_MAIL
        case asked.Show() | asked.Paused() | asked.List() | asked.Sequences() | asked.Log() | asked.Stats():
            return Need.READS
        case (
            asked.Forecast()
            | asked.Help()
            | asked.Mailboxes()
            | asked.Goals()
            | asked.Remind()
            | asked.Reminders()
            | asked.Tasks()
            | asked.Digest(_, None)
        ):
            return Need.READS
        case asked.SequenceVerb("preview") | asked.Press("reminder"):
            return Need.READS
        case asked.Press("review", _, answer) if only_stops(answer):
            return Need.STOPS_MAIL
        case asked.Press("digest", _, answer) if answer.startswith("more "):
            return Need.READS
        case asked.Press("paused", _, answer) if answer.startswith("stop "):
            return Need.STOPS_MAIL
        case asked.Press("collision", _, "decline" | "withdraw"):
            return Need.STOPS_MAIL
        case asked.Press("home", _, "pause"):
            return Need.STOPS_MAIL
        case asked.Press("collision", _, "decline" | "withdraw"):
            return Need.STOPS_MAIL
        case asked.Press("meeting", _, "happened" | "keep") | asked.Press("return"):
            return Need.STOPS_MAIL
        case _:
            return Need.ACTS


def of_intent(intent: Intent) -> Need:
    """Give what a click needs; a proposal was checked when its command was typed."""
    match intent:
        case Say(command):
            return of_command(command)
        case OpenForm("settings" | "new_sequence"):
            return Need.IS_FOR_ADMINS  # as of `edit sequence`
        case Click(verb) | OpenForm(verb):
            return Need.STOPS_MAIL if verb in _STOPPING else Need.ACTS
        case _:
            return Need.ACTS
