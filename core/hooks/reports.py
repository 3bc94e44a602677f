"""What mail services tell of mails that we sent over them: bounces, complaints, opt-outs, visits, and that they left.

The readers (ses, sendgrid, mailgun) turn a body whose signature was checked into `Reported`, purely. Bounces, complaints
and opt-outs take the way of those that are read from a mailbox. A mail that is just being handed over is EARLY: what is
told of it acts where it stops mail, and is asked for again, so that it can settle what the hand-over leaves in doubt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any

from sqlmodel import Session, col, select

from core import scanners, visits
from core.acts import tried
from core.db import Database
from core.hooks.words import addresses, one_line, word
from core.inbound import Bounce, Evidence, Findings, Kind
from core.inbound.bounces import LONGEST_DIAGNOSTIC_CHARS, STATUS, is_gone
from core.inbound.envelope import MESSAGE_ID
from core.inbox import Received, Report, receive_reports
from core.models import Delivery, DeliveryState, Link
from core.scanners import PICTURE
from core.seen import once

DONE, SEEN, IGNORED, UNKNOWN, EARLY = "done", "seen before", "ignored", "unknown mail", "being sent"
NOT_OURS = "<>"  # an id that no mail of ours has


class Fate(StrEnum):
    """What a service can tell of a mail."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"
    LEFT = "left"
    CLICK = "click"
    OPEN = "open"


KINDS = {
    Fate.BOUNCE: Kind.BOUNCE,
    Fate.COMPLAINT: Kind.COMPLAINT,
    Fate.UNSUBSCRIBE: Kind.UNSUBSCRIBE,
}


@dataclass(frozen=True)
class Reported:
    """One thing that a service tells. `message_id`: of our mail, "" where it is not told; `words`: of the other server.

    `is_final`: the service says that the address is no good; whether nobody is there is judged like in a bounce.
    """

    key: str
    fate: Fate
    message_id: str
    email: str = ""
    words: str = ""
    status: str = ""
    is_final: bool = False
    agent: str = ""
    is_program: bool = False
    url: str = ""


def take_in(db: Database, told: Sequence[Reported], *, now: datetime) -> list[str]:
    """Act on what was told and give of each DONE, SEEN, IGNORED, UNKNOWN or EARLY."""
    # Before, not after: a hand-over that ends meanwhile is asked about once more than needed, never once less.
    early = _in_hand(db, {one.message_id for one in told})
    received = receive_reports(db, [_report(one) for one in told], now=now)
    return [
        EARLY if one.message_id in early else _result(db, one, came, now)
        for one, came in zip(told, received, strict=True)
    ]


def _in_hand(db: Database, message_ids: set[str]) -> set[str]:
    with db.read() as session:
        query = select(Delivery.message_id).where(
            col(Delivery.message_id).in_(message_ids), Delivery.state == DeliveryState.SENDING
        )
        return {str(found) for found in session.exec(query)}


def _report(told: Reported) -> Report:
    kind = KINDS.get(told.fate)
    if kind is None:
        return Report(told.key, told.message_id, told.email)
    service, _, _ = told.key.partition(":")
    status = told.status or (found[1] if (found := STATUS.search(told.words)) else None)
    bounce = Bounce(
        is_hard=told.is_final and is_gone(status, told.words), status=status, diagnostic=told.words
    )
    return Report(
        told.key,
        told.message_id,
        told.email,
        Findings(
            kind,
            (Evidence("service", f"{service}: {told.fate}"),),
            told.words,
            bounce=bounce if kind is Kind.BOUNCE else None,
        ),
    )


def _result(db: Database, told: Reported, came: Received, now: datetime) -> str:
    if came.kind is None:
        return UNKNOWN
    if told.fate in {Fate.CLICK, Fate.OPEN}:
        return _visited(db, told, came.delivery_id, now)
    return DONE if came.is_new else SEEN


def _visited(db: Database, told: Reported, delivery_id: int | None, now: datetime) -> str:
    """Keep a visit where the mail's own links tell of visits too; elsewhere nobody asked to know."""
    with db.read() as session:
        links = session.exec(select(Link).where(Link.delivery_id == delivery_id)).all()
    link = next((one for one in links if _is_of(one, told)), None)
    return IGNORED if link is None else tried(db, partial(_keep, told=told, link=link, now=now))


def _keep(session: Session, *, told: Reported, link: Link, now: datetime) -> str:
    if once(session, told.key, now=now) is not None:
        return SEEN
    found = scanners.at_once("GET", {"user-agent": told.agent}, is_picture=link.place == PICTURE)
    visits.keep(
        session, link, suspect=found or ("proxy" if told.is_program else ""), agent=told.agent, at=now
    )
    return DONE


def _is_of(link: Link, told: Reported) -> bool:
    if told.fate is Fate.OPEN or link.place == PICTURE:
        return told.fate is Fate.OPEN and link.place == PICTURE
    return bool(told.url) and (link.url == told.url or f"/c/{link.token}" in told.url)


# What the readers share


def message_id(found: object) -> str:
    """Give a Message-ID in its angle brackets, "" where none is told; one that cannot be ours is nobody's."""
    if not isinstance(found, str) or not found.strip():
        return ""
    bare = found.strip()
    full = bare if bare.startswith("<") else f"<{bare}>"
    return full if MESSAGE_ID.fullmatch(full) else NOT_OURS


def email(found: object) -> str:
    """Give an address in its one spelling; "" for none."""
    return next(iter(addresses([found])), "")


def words(*found: object) -> str:
    """Give the first text by an outsider that says anything, as one line that can be stored and shown."""
    texts = (one_line(one) for one in found if isinstance(one, str))
    return next((text[:LONGEST_DIAGNOSTIC_CHARS] for text in texts if text), "")


def status(body: Mapping[str, Any], name: str) -> str:
    """Give a status of RFC 3463, such as 5.1.1; "" for none."""
    found = STATUS.fullmatch(word(body, name))
    return found[1] if found else ""


def named(headers: Iterable[object], name: str) -> object:
    """Give the value of a header in a list of `name` and `value`; None for none."""
    for header in headers:
        if isinstance(header, Mapping) and word(header, "name").lower() == name:
            return header.get("value")
    return None
