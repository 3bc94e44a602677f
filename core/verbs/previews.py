"""`preview sequence Spring for ada@x.com [step 2]`: what a lead would get, with dates and senders; nothing is changed.

`… steps` is the way back from one of them: the same once more, without its picture.
"""

from __future__ import annotations

import re
from datetime import datetime
from textwrap import shorten
from uuid import uuid4

from sqlmodel import Session, select

from core import preview as previewing
from core import publishing, sequences
from core.answers import Answer, Choice, Row
from core.dates import say
from core.errors import Refused
from core.grammar import to_text
from core.grammar.commands import SequenceVerb
from core.models import Lead, Sequence
from core.names import SLACK_ID
from core.people import Actor
from core.plans import planned
from core.preview import NO_SUBJECT, Path, Shown, is_bare
from core.sequence_file.words import say_delay
from core.verbs.whens import zone_of
from core.views import path as drawn
from core.words import counted

ASKED = re.compile(
    r"(?P<name>.+) for (?P<email>\S+@\S+?)(?: step (?P<step>\d{1,3})| (?P<again>steps))?", re.IGNORECASE
)
FIRST_CHARS = 140


def preview(session: Session, text: str, *, actor: Actor, now: datetime) -> Answer:
    """Give every step that is still to come for a lead, else every step as it is written."""
    found = ASKED.fullmatch(text.strip())
    if found is None:
        return _as_written(session, sequences.find(session, text))
    row = sequences.find(session, found["name"])
    lead = session.exec(select(Lead).where(Lead.email == found["email"].lower())).first()
    if lead is None:
        raise Refused(f"There is no lead {found['email']}; `list in {row.name}` shows who is there.")
    zone, _ = zone_of(session, actor)
    path = previewing.path(session, row, lead, now=now, zone=zone)
    if found["step"]:
        back = SequenceVerb("preview", f"{row.name} for {lead.email} steps")
        return _in_full(path, int(found["step"]), zone, back=to_text(back))
    rows = tuple(_row(shown, path, row, lead, zone) for shown in path.steps)
    sender = f", sent by {path.sender}" if path.sender else "; no mailbox is there to send it"
    title = (
        f"{row.name} ({row.status}) for {lead.email}, {path.begins}{sender}: {counted(len(rows), 'step')}."
    )
    lines: tuple[str, ...] = ()
    if path.nothing:
        title, lines = f"Nothing will be sent. {path.nothing}", (f"What would be: {title}",)
    if not SLACK_ID.fullmatch(actor.id):
        return Answer(title, lines, rows=rows)
    test = Choice("Send me a test…", form=("test_mail", row.id or 0, lead.id or 0))
    if found["again"]:
        return Answer(title, lines, rows=rows, choices=(test,))
    key = drawn.key_of(row.id or 0, lead.id or 0, actor.id, uuid4().hex)
    return Answer(
        title, (*lines, "The picture comes in our direct messages."), rows=rows, choices=(test,), cards=(key,)
    )


def _row(shown: Shown, path: Path, row: Sequence, lead: Lead, zone: str) -> Row:
    first = shorten(shown.text, FIRST_CHARS, placeholder=" …")
    when = _when(shown.at, path, zone)
    parts = [
        f"only if step {shown.only_if} comes true, then by {when}" if shown.only_if else when,
        shown.effect,
        f"waits until {_when(shown.until, path, zone)}" if shown.until and shown.until > shown.at else "",
        shown.variant,
        shown.ways,
        shown.wrong,
        "" if shown.fault else first,
    ]
    full = SequenceVerb("preview", f"{row.name} for {lead.email} step {shown.number}")
    there = SequenceVerb("preview", f"{shown.goes_to} for {lead.email}")
    choices = (
        *((Choice("Show in full", to_text(full)),) if shown.text else ()),
        *((Choice(f"Preview {shown.goes_to}", to_text(there)),) if shown.goes_to else ()),
    )
    return Row(f"{shown.number}. {shown.subject}", " · ".join(filter(None, parts)), choices=choices)


def _when(at: datetime, path: Path, zone: str) -> str:
    """Give a date in the lead's zone, and in the reader's where that is another one."""
    theirs = say(at, path.zone)
    return theirs if zone == path.zone else f"{theirs}, for you {say(at, zone)}"


def _in_full(path: Path, number: int, zone: str, *, back: str) -> Answer:
    shown = next((one for one in path.steps if one.number == number), None)
    if shown is None:
        raise Refused(f"Step {number} is not ahead of this lead.")
    text = f"It {shown.wrong}\n{shown.text}" if shown.wrong else shown.text
    return Answer(
        f"Step {number}: {shown.subject}",
        (_when(shown.at, path, zone), *text.strip().splitlines()),
        choices=(Choice("Back to the preview", back),),
    )


def _as_written(session: Session, row: Sequence) -> Answer:
    sequence = planned(session, [row.id or 0])[row.id or 0]
    rows: list[Row] = []
    unfit = {} if row.published_spec else publishing.faults_by_step(session, sequence.spec)
    for step, spec in zip(sequence.steps, sequence.spec.steps, strict=True):
        after = f"after {say_delay(spec.delay)}" if spec.delay.amount else "at once"
        subject = step.subject or (NO_SUBJECT if is_bare(spec) else "(same conversation)")
        wrong = f" · cannot be published: {unfit[spec.id]}" if spec.id in unfit else ""
        rows.append(Row(f"{len(rows) + 1}. {subject}", f"{step.kind}, {after}{wrong}"))
    return Answer(f"{row.name} ({row.status}): {counted(len(rows), 'step')}.", rows=tuple(rows))
