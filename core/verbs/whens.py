"""The dates of a command: read in the actor's zone, asked about with buttons, and written back exactly."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from functools import partial

from sqlmodel import Session

from core import dates
from core.answers import Choice
from core.dates import CHANGES_MEANING, Ambiguous, NoDate, When, say, say_day
from core.dates.words import Kind
from core.errors import Refused
from core.grammar import to_text
from core.grammar.commands import Command, Pause, Remind
from core.lifecycle import Plan
from core.models import WORKSPACE_ID, Workspace
from core.people import Actor
from core.plain import shown
from core.schedule import at_local, first_working_moment
from core.verbs.outcome import Instead

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Read:
    """A date as it was meant; `notes` are what the answer has to add."""

    when: When
    notes: tuple[str, ...] = ()

    def hold_end(self, plan: Plan) -> datetime:
        """Give when a hold "until" it ends: a day without a time is covered whole, up to the next working moment.

        The day is the lead's: whoever is out until 15 June is back on the first working morning after it.
        """
        if self.when.has_time:
            return self.when.at
        return first_working_moment(self.when.day + DAY, plan.calendar)

    def moment(self, plan: Plan, now: datetime) -> datetime:
        """Give the first moment "on" it: of a day without a time, its first in the lead's zone."""
        if self.when.has_time:
            return self.when.at
        return max(at_local(self.when.day, time.min, plan.calendar.zone), now)

    @property
    def words(self) -> str:
        """Give it for an answer: absolute, with weekday and zone."""
        if self.when.has_time:
            return say(self.when.at, self.when.zone)
        return f"{say_day(self.when.day)} ({self.when.zone})"


def zone_of(session: Session, actor: Actor) -> tuple[str, tuple[str, ...]]:
    """Give the zone in which a person's words are read, and what has to be said about it."""
    if actor.zone:
        return actor.zone, ()
    workspace = session.get(Workspace, WORKSPACE_ID)
    zone = workspace.zone if workspace else "UTC"
    return zone, (f"Your profile has no time zone, so the date was read in {zone}, the workspace's.",)


def read(
    session: Session,
    phrase: str,
    kind: Kind,
    again: Callable[[str], Command],
    *,
    actor: Actor,
    now: datetime,
) -> Read:
    """Give the moment that a phrase means; raises Instead with one button per reading where a person must choose.

    `again` makes the same command with another phrase.
    """
    zone, _ = zone_of(session, actor)
    reading = partial(dates.read, now=now, zone=zone, kind=kind)
    try:
        when = reading(phrase)
    except Ambiguous as ambiguous:
        choices = [Choice(_label(option), to_text(again(exact(option)))) for option in ambiguous.options]
        raise Instead(ambiguous.question, *choices).as_question() from None
    except NoDate:
        _ask_for_reason(phrase, reading, again)
        raise
    return meant(session, when, actor=actor)


def _ask_for_reason(phrase: str, reading: Callable[[str], When], again: Callable[[str], Command]) -> None:
    """Raise Instead where a date is followed by what may be the reason, said without "because"."""
    words = phrase.split()
    for count in range(len(words) - 1, 0, -1):
        when = _read_or_none(" ".join(words[:count]), reading)
        reason = " ".join(words[count:])
        has_field = words[count].lower() == "because"  # a command ends its date before it
        is_date = re.search(r"\d", reason) or CHANGES_MEANING.match(reason.lower())
        if has_field or is_date or _read_or_none(words[count], reading):
            return
        if when and isinstance(known := again(exact(when)), Pause | Remind) and not known.because:
            question = (
                f"Is “{shown(reason)}” the reason? Then take the date; next time write “because” before it."
            )
            raise Instead(
                question, Choice(_label(when), to_text(replace(known, because=reason)))
            ).as_question()


def _read_or_none(phrase: str, reading: Callable[[str], When]) -> When | None:
    try:
        return reading(phrase)
    except Refused:
        return None


def meant(session: Session, when: When, *, actor: Actor) -> Read:
    """Give a date that was read already, in a form or above, with what the answer has to add."""
    _, notes = zone_of(session, actor)
    return Read(when, (*((when.note,) if when.note else ()), *notes))


def exact(when: When) -> str:
    """Give a phrase that means the same moment to everybody, at any time, in any zone."""
    return f"{when.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if when.has_time else when.day.isoformat()


def _label(when: When) -> str:
    return say(when.at, when.zone) if when.has_time else say_day(when.day)
