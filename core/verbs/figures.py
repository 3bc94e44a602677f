"""What people ask of the figures: `stats`, its table, its picture and its file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from uuid import uuid4

from sqlmodel import Session

from core.answers import Answer
from core.errors import Refused
from core.funnel import By
from core.grammar import commands as orders
from core.grammar import to_text
from core.names import SLACK_ID
from core.people import Actor
from core.verbs.whens import zone_of
from core.views import stats as view

IN_DIRECT = "The file comes in our direct messages."
ON_THE_SERVER = "A file is written where Fermata runs: `fermata {verb} --csv FILE`."


def stats(session: Session, order: orders.Stats, *, actor: Actor, now: datetime) -> Answer:
    """Give the figures in words and as a table; the picture comes to whoever asks in Slack, the file where it was asked for."""
    zone, _ = zone_of(session, actor)
    one = view.shown(session, order, zone=zone, now=now)
    if view.is_empty(one):
        return Answer(view.empty(one))
    if order.csv:
        return as_file(f"{view.title(one)}.", order, actor=actor)
    by = By(order.by or (By.STEP if order.sequence else By.SEQUENCE))
    is_whole, is_slack = order.by is None, bool(SLACK_ID.fullmatch(actor.id))
    cards = (view.key_of(order, actor.id, uuid4().hex),) if is_whole and is_slack else ()
    said = view.lines(session, one) if is_whole else ()
    return Answer(
        f"{view.title(one)}:",
        (*said, *(["The picture comes in our direct messages."] if cards else [])),
        table=view.table(session, one, by),
        choices=view.choices(one),
        cards=cards,
    )


def as_file(title: str, order: orders.Stats | orders.Log, *, actor: Actor) -> Answer:
    """Give the answer that brings a file; raises Refused where nobody is there to whom it could be sent."""
    if not SLACK_ID.fullmatch(actor.id):
        raise Refused(ON_THE_SERVER.format(verb=to_text(order).split()[0]))
    return Answer(title, (IN_DIRECT,), file=to_text(order))


def file_rows(session: Session, order: orders.Stats, *, actor: Actor, now: datetime) -> Iterator[list[str]]:
    """Give the lines of the file."""
    zone, _ = zone_of(session, actor)
    one = view.shown(session, replace(order, csv=False), zone=zone, now=now)
    yield from view.file_rows(session, one, By(order.by or By.NOTHING))
