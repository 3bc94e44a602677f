"""From a claimed step to the octets that go over the wire; prepared once per step and mailbox, filled per lead."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from html import escape
from typing import Any

from core import tracking
from core.dates.words import MONTH_NAMES, WEEKDAY_NAMES
from core.errors import Refused
from core.handover import Claimed, ClaimedReply, Hand
from core.merging import compiled, values_of
from core.mime import Sender, Skeleton, fill, header_value, prepare
from core.models import Message
from core.schedule import local
from core.template import MissingValue, Rendered, render
from core.template.markdown import as_html
from core.tokens import sign, unsign
from core.tracking import Known, NewLink

UNSUBSCRIBE = "unsubscribe"
FOLLOWING = "Re:"  # stands in for the subject of a step that continues a conversation


@dataclass(frozen=True)
class Letter:
    """One message, ready for SMTP but for dot-stuffing."""

    claimed: Hand
    subject: str
    content: bytes
    links: tuple[NewLink, ...] = ()  # must be kept before it leaves


@dataclass(frozen=True)
class Office:
    """What every letter of this installation shares. `base_url` "": mail carries no unsubscribe link."""

    base_url: str
    key: bytes
    old_keys: tuple[bytes, ...] = ()  # with which links were signed that are out there for ever

    def unsubscribe_url(self, lead_id: int) -> str | None:
        """Give the lead's own unsubscribe link."""
        return f"{self.base_url}/u/{sign(self.key, UNSUBSCRIBE, lead_id)}" if self.base_url else None

    def unsubscriber(self, token: str) -> int | None:
        """Give the lead of an unsubscribe link; None for anything we did not make."""
        found = (unsign(key, UNSUBSCRIBE, token) for key in (self.key, *self.old_keys))
        return next((lead_id for lead_id in found if lead_id is not None), None)


def write(
    claimed: Hand, sender: Sender, office: Office, *, now: datetime, known: Known | None = None
) -> Letter:
    """Give the letter of a claimed step; raises Refused (MissingValue and others) where the lead must be held.

    `known`: the links that it had when it was written before.
    """
    if isinstance(claimed, ClaimedReply):
        return answer(claimed, sender, now=now)
    lead, step = claimed.lead, claimed.step
    url = office.unsubscribe_url(lead.id or 0)
    values = values_of(lead, sender, claimed.sequence_name, url)
    if claimed.is_tracked and office.base_url:
        rendered, links = _tracked(claimed, values, office, known or {})
    else:
        rendered, links = render(compiled(step.subject or FOLLOWING, step.body), values), ()
    if not step.subject:
        rendered = replace(rendered, subject=f"Re: {claimed.thread_subject}")
    content = fill(
        skeleton(sender),
        rendered=rendered,
        to_address=lead.email,
        to_name=lead.name,
        message_id=claimed.message_id,
        date=now,
        references=claimed.references,
        unsubscribe_url=url,
    )
    return Letter(claimed, rendered.subject, content, links)


def _tracked(
    claimed: Claimed, values: dict[str, Any], office: Office, known: Known
) -> tuple[Rendered, tuple[NewLink, ...]]:
    """Give a tracked message and the rows that it needs; its faults are those of the message as it is written."""
    subject, body = claimed.step.subject or FOLLOWING, claimed.step.body
    template = compiled(subject, body, is_tracked=claimed.track.clicks)
    try:
        return tracking.rendered(claimed, template, values, base_url=office.base_url, known=known)
    except MissingValue:
        render(compiled(subject, body), values)  # says which of the lead's fields is missing
        raise


def answer(claimed: ClaimedReply, sender: Sender, *, now: datetime) -> Letter:
    """Give the letter that a person wrote, above what it answers; nothing in it is a merge tag. Raises Refused."""
    introduction, original = _wrote(claimed.answers, claimed.zone), claimed.answers.text.strip()
    quoted = "\n".join(f"> {line}".rstrip() for line in original.splitlines())
    text = f"{claimed.text.strip()}\n\n{introduction}\n{quoted}\n"
    lines = escape(original).replace("\n", "<br>\n")
    html = (
        f"{as_html(claimed.text)}\n<p>{escape(introduction)}</p>\n<blockquote {_BAR}>{lines}</blockquote>\n"
    )
    content = fill(
        skeleton(sender),
        rendered=Rendered(claimed.subject, text, html),
        to_address=claimed.recipient,
        to_name=_named(claimed.recipient_name),
        message_id=claimed.message_id,
        date=now,
        references=claimed.references,
    )
    return Letter(claimed, claimed.subject, content)


_BAR = 'style="margin:0 0 0 0.8ex;border-left:2px solid #ccc;padding-left:1ex"'


def _wrote(message: Message, zone: str) -> str:
    """Give the line above a quoted mail, as mail programs write it and cut it off again."""
    at = local(message.came_at, zone)
    day = f"{WEEKDAY_NAMES[at.weekday()][:3]}, {at.day} {MONTH_NAMES[at.month - 1][:3]} {at.year}"
    who = f"{message.sender_name} <{message.sender}>" if message.sender_name else message.sender
    return f"On {day} at {at:%H:%M}, {who} wrote:"


def _named(name: str) -> str:
    """Give a name that others chose, "" where no header can hold it."""
    try:
        return header_value(name)
    except Refused:
        return ""


@lru_cache(maxsize=512)
def skeleton(sender: Sender) -> Skeleton:
    """Give a sender's prepared message."""
    return prepare(sender)
