"""The weekly report: when it comes (`digest weekly on Monday at 9:00`), now, or never."""

from __future__ import annotations

import re
from datetime import datetime

from sqlmodel import Session

from core import digests, fallen, figures, weekly
from core.answers import Answer
from core.dates import say
from core.dates.words import WEEKDAY_NAMES, WEEKDAYS
from core.errors import Refused
from core.grammar import commands as orders
from core.models import Digest
from core.names import SLACK_ID
from core.people import Actor
from core.schedule import local
from core.verbs.digests import channel_of, clock_of, digest, for_, row_for, where_of
from core.verbs.outcome import Instead, Outcome
from core.verbs.whens import zone_of
from core.views import weekly as view

NOTHING = "There is nothing to report: nobody is paused, and nothing has happened in the last eight weeks."
WHEN = re.compile(r"(?:on (?P<day>\w+))? ?(?P<clock>at .+)?|on")


def any_digest(session: Session, order: orders.Digest, *, actor: Actor, now: datetime) -> Outcome:
    """Do what is said of the daily list, or of the weekly report."""
    act = _weekly if order.is_weekly else digest
    return act(session, order, actor=actor, now=now)


def _weekly(session: Session, order: orders.Digest, *, actor: Actor, now: datetime) -> Outcome:
    if order.channel is None and not SLACK_ID.fullmatch(actor.id):
        if order.when == "now":
            return Outcome(_as_text(session, actor=actor, now=now))
        raise Refused("Say for which channel, for example: `digest weekly on Monday for #sales`.")
    row = row_for(session, order, actor=actor)
    where, trouble = where_of(row), tuple(filter(None, [fallen.trouble(session, row)]))
    if order.when == "now":
        if weekly.show_now(session, row, now=now) is None:
            return Outcome(Answer(NOTHING))
        said = f"The report of the last seven days comes in {where}."
        return Outcome(Answer(said, trouble, channel=channel_of(row)))
    if order.when == "off":
        if row.weekly_at is None:
            nothing = f"No weekly report comes in {where}, so there is nothing to turn off."
            raise Instead(nothing, channel=channel_of(row))
        day, clock = row.weekly_at.split()
        row.weekly_at = None
        session.add(row)
        again = f"`digest weekly on {day.capitalize()} at {clock}`{for_(row)} brings it back."
        return Outcome(Answer(f"The weekly report in {where} is off. {again}", channel=channel_of(row)))
    return Outcome(_on(session, row, order.when, where, now=now))


def _on(session: Session, row: Digest, when: str, where: str, *, now: datetime) -> Answer:
    """Settle its day and its time; it begins with the next one, not with one that is late."""
    day, clock = (row.weekly_at or weekly.USUAL).split()
    said = WHEN.fullmatch(when)
    if said and said["day"]:
        day = WEEKDAY_NAMES[WEEKDAYS[said["day"]]].lower()
    if said and said["clock"]:
        clock = f"{clock_of(said['clock'], 'digest weekly'):%H:%M}"
    row.weekly_at = f"{day} {clock}"
    one = weekly.Subscriber(row, digests.reader_of(session, row).zone)
    if one.next_moment(now) <= now:
        row.week = weekly.name_of(local(now, one.zone).date())
    session.add(row)
    comes = say(one.next_moment(now), one.zone)
    return Answer(
        f"The weekly report comes in {where} every {day.capitalize()} at {clock}; the next one on {comes}.",
        (
            "It tells of the seven days before, beside the week before those.",
            *filter(None, [fallen.trouble(session, row)]),
        ),
        channel=channel_of(row),
    )


def _as_text(session: Session, *, actor: Actor, now: datetime) -> Answer:
    """Give the report to somebody who is not in Slack."""
    zone, _ = zone_of(session, actor)
    weeks = figures.Weeks(local(now, zone).date(), zone)
    if not figures.is_anything(session, weeks, at=now):
        return Answer(NOTHING)
    shown = view.report(session, weeks, at=now, now=now)
    lines = [f"{one.name}: {one.now:,} ({one.before:,} the week before)" for one in shown.figures]
    return Answer(shown.title, (*lines, shown.paused, *shown.owners), rows=shown.oldest)
