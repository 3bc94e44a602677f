"""The guard at work: counts what bounced, holds mailboxes and sequences past the limits, lets them go when a person says so.

Counted is by statements over many mails at once: when something bounced, and once a minute; never for each mail that leaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, case, func, or_, true
from sqlalchemy import select as sql
from sqlmodel import Session, col, select

from core import cards, homes, postbox, sequences
from core.acts import DELIVERIES, ENROLLMENTS, LEADS
from core.chunks import chunks
from core.db import Database
from core.guard import WINDOW, Limits, Rates, verdict
from core.inbound import Kind
from core.journal import note
from core.lifecycle import StepKind
from core.models import (
    WORKSPACE_ID,
    Card,
    DeliveryState,
    Enrollment,
    Mailbox,
    Message,
    Seen,
    Sequence,
    SequenceStatus,
    Workspace,
)
from core.people import SYSTEM, Actor
from core.plans import parsed
from core.seen import answered, once

IDS_AT_ONCE = 500
LOOSE = "complaint:"  # how the keys of complaints begin that name no mail of ours
REPORTED, SOMEBODY = "reported it as spam", "Somebody who is not named"


class Guarded(StrEnum):
    """What is judged, and the kind of its card."""

    MAILBOX = "guard"
    SEQUENCE = "guard_sequence"


@dataclass(frozen=True)
class Offender:
    """A mail that came back: to whom, and what was said."""

    email: str
    said: str


def limits(session: Session) -> Limits:
    """Give the limits in force."""
    workspace = session.get_one(Workspace, WORKSPACE_ID)
    return Limits(workspace.bounce_limit, workspace.complaint_limit, workspace.guard_sends)


# Counting

MESSAGES: Table = Message.__table__  # type: ignore[attr-defined]
D_ = DELIVERIES.c
_KEY: Mapping[Guarded, ColumnElement[Any]] = {
    Guarded.MAILBOX: D_.mailbox_id,
    Guarded.SEQUENCE: ENROLLMENTS.c.sequence_id,
}
# An address that a server refused to take mail for is a bounce that came at once (RFC 3463 §3.2).
_REFUSED = and_(D_.state == DeliveryState.FAILED.value, D_.code >= 500, D_.answer.like("5.1.%"))
_IS_MAIL = and_(D_.kind != StepKind.TASK.value, or_(D_.state == DeliveryState.SENT.value, _REFUSED))
# What a person called a bounce is one, whatever the server said.
_HARD = and_(
    MESSAGES.c.kind == Kind.BOUNCE.value,
    or_(Message.findings["is_hard"].as_boolean(), MESSAGES.c.corrected_by.is_not(None)),
)
_COMPLAINT = MESSAGES.c.kind == Kind.COMPLAINT.value
_CAME = (
    sql(
        MESSAGES.c.delivery_id,
        func.max(case((_HARD, 1), else_=0)).label("bounced"),
        func.max(case((_COMPLAINT, 1), else_=0)).label("complained"),
        func.max(MESSAGES.c.id).label("message_id"),
    )
    .where(MESSAGES.c.delivery_id.is_not(None), or_(_HARD, _COMPLAINT))
    .group_by(MESSAGES.c.delivery_id)
    .subquery("came")
)
_BOUNCED = or_(_REFUSED, _CAME.c.bounced == 1)


def rates(
    session: Session, what: Guarded, *, now: datetime, only: Iterable[int] | None = None
) -> dict[int, Rates]:
    """Give the rates of mailboxes or sequences, those alone that sent anything in a week, counted or not."""
    key, is_in = _KEY[what], _is_counted(what, _since(session, what, now))
    counted = _mails(what, {}, now, only).with_only_columns(
        key,
        func.sum(case((is_in, 1), else_=0)),
        func.sum(case((and_(is_in, _BOUNCED), 1), else_=0)),
        func.sum(case((and_(is_in, _CAME.c.complained == 1), 1), else_=0)),
        func.max(D_.settled_at),
    )
    found = {number: Rates(*counts) for number, *counts in session.execute(counted.group_by(key))}
    for number, _ in _loose(session, now) if what is Guarded.MAILBOX else ():
        if number in found:
            found[number] = replace(found[number], complained=found[number].complained + 1)
    return found


def offenders(session: Session, what: Guarded, number: int, *, now: datetime) -> list[Offender]:
    """Give what came back of a mailbox's or a sequence's mails in its window, the newest first."""
    query = (
        _mails(what, _since(session, what, now), now, [number])
        .with_only_columns(LEADS.c.email, D_.code, D_.answer, MESSAGES.c.findings, MESSAGES.c.kind)
        .join(LEADS, LEADS.c.id == ENROLLMENTS.c.lead_id)
        .outerjoin(MESSAGES, MESSAGES.c.id == _CAME.c.message_id)
        .where(or_(_BOUNCED, _CAME.c.complained == 1))
        .order_by(D_.settled_at.desc(), D_.id.desc())
    )
    came = [Offender(row.email, _said(row)) for row in session.execute(query)]
    loose = _loose(session, now) if what is Guarded.MAILBOX else []
    return [*came, *(Offender(email or SOMEBODY, REPORTED) for box, email in loose if box == number)]


def count_complaint(session: Session, mailbox_id: int, key: str, email: str, *, came_at: datetime) -> None:
    """Count a complaint that names no mail of ours, for a mailbox, once; `email`: who complained, "" where not told."""
    if once(session, f"{LOOSE}{key}", now=came_at) is None:
        answered(session, f"{LOOSE}{key}", f"{mailbox_id} {email}")


def _loose(session: Session, now: datetime) -> list[tuple[int, str]]:
    """Give the complaints in the windows of mailboxes that name no mail of ours: the mailbox, and who complained."""
    since = _since(session, Guarded.MAILBOX, now)
    query = select(Seen.answer, Seen.at).where(
        col(Seen.at) >= now - WINDOW, col(Seen.at) <= now, col(Seen.key).startswith(LOOSE)
    )
    told = [((answer or "0").partition(" "), at) for answer, at in session.exec(query.order_by(col(Seen.at)))]
    found = [(int(box), email, at) for (box, _, email), at in told]
    return [(box, email) for box, email, at in found if at >= since.get(box, at)]


def _said(row: Any) -> str:
    if row.kind == Kind.COMPLAINT:
        return REPORTED
    if row.kind == Kind.BOUNCE:
        return str((row.findings or {}).get("diagnostic") or "bounced")
    return " ".join(filter(None, (str(row.code or ""), row.answer)))


def _mails(
    what: Guarded, since: Mapping[int, datetime], now: datetime, only: Iterable[int] | None
) -> Select[Any]:
    """Give the mails of the windows that end at `now`, with what came back for each."""
    key, begin = _KEY[what], now - WINDOW
    # Deliveries are numbered as they are made, so their end is looked through instead of all of them.
    before = (
        sql(D_.id).where(D_.created_at < begin - WINDOW).order_by(D_.id.desc()).limit(1).scalar_subquery()
    )
    query = (
        sql(D_.id)
        .join_from(DELIVERIES, ENROLLMENTS, ENROLLMENTS.c.id == D_.enrollment_id)
        .outerjoin(_CAME, _CAME.c.delivery_id == D_.id)
        .where(D_.id > func.coalesce(before, 0), _IS_MAIL, D_.settled_at >= begin, D_.settled_at <= now)
        .where(_is_counted(what, since))
    )
    return query if only is None else query.where(key.in_(list(only)))


def _is_counted(what: Guarded, since: Mapping[int, datetime]) -> ColumnElement[bool]:
    """Give the condition on a mail that its shorter window has it."""
    return and_(true(), *(or_(_KEY[what] != number, D_.settled_at >= at) for number, at in since.items()))


def _since(session: Session, what: Guarded, now: datetime) -> dict[int, datetime]:
    """Give where windows begin that are shorter than a week: what was held and released counts from then on.

    Of a sequence that is when it was held, since nothing of it left until somebody let it go.
    """
    if what is Guarded.MAILBOX:
        released = select(Mailbox.id, Mailbox.released_at).where(col(Mailbox.released_at) > now - WINDOW)
        return {number: at for number, at in session.exec(released) if number and at}
    held = select(Card.about_id, func.max(Card.created_at)).where(
        Card.kind == what.value, col(Card.created_at) > now - WINDOW, col(Card.created_at) < now
    )
    return {number: at for number, at in session.exec(held.group_by(col(Card.about_id))) if number}


# Holding


def judge(db: Database, *, now: datetime, deliveries: Iterable[int] | None = None) -> None:
    """Hold what is past the limits: of the mailboxes and sequences of these deliveries, None: of all.

    What is over is looked at again under its lock, so that any number of workers hold it once, with one card.
    """
    with db.read() as session:
        concerned = _concerned(session, deliveries) if deliveries is not None else None
        if concerned == {}:
            return
        over = [
            (what, number) for what in Guarded for number in _over(session, what, now, (concerned or {}).get(what))
        ]  # fmt: skip
    for what, number in over:
        with db.write() as session:
            (_hold_mailbox if what is Guarded.MAILBOX else _hold_sequence)(session, number, now)


def _concerned(session: Session, deliveries: Iterable[int]) -> dict[Guarded, set[int]]:
    found: dict[Guarded, set[int]] = {}
    for chunk in chunks(list(deliveries), IDS_AT_ONCE):
        query = sql(D_.mailbox_id, ENROLLMENTS.c.sequence_id).join_from(DELIVERIES, ENROLLMENTS)
        for mailbox_id, sequence_id in session.execute(query.where(D_.id.in_(chunk))):
            found.setdefault(Guarded.MAILBOX, set()).add(mailbox_id)
            found.setdefault(Guarded.SEQUENCE, set()).add(sequence_id)
    return found


def _over(session: Session, what: Guarded, now: datetime, only: Iterable[int] | None) -> list[int]:
    """Give what is past the limits and runs still."""
    query = (
        select(Mailbox.id).where(col(Mailbox.guarded_at).is_(None))
        if what is Guarded.MAILBOX
        else select(Sequence.id).where(Sequence.status == SequenceStatus.PUBLISHED.value)
    )
    known, allowed = set(session.exec(query)), limits(session)
    found = rates(session, what, now=now, only=only)
    return sorted(number for number in known & found.keys() if number and verdict(found[number], allowed))


def because(session: Session, what: Guarded, number: int, *, now: datetime) -> str:
    """Give why this one must be held as of `now`, "" where it may go on."""
    found = rates(session, what, now=now, only=[number]).get(number, Rates())
    return verdict(found, limits(session))


def _hold_mailbox(session: Session, mailbox_id: int, now: datetime) -> None:
    mailbox = session.get(Mailbox, mailbox_id, with_for_update={"key_share": True})
    if mailbox is None or mailbox.guarded_at is not None:
        return
    if not (why := because(session, Guarded.MAILBOX, mailbox_id, now=now)):
        return
    mailbox.guarded_at, mailbox.guarded_because = now, why
    session.add(mailbox)
    note(session, "guard mailbox", actor=SYSTEM, now=now, reason=f"{mailbox.address}: {why}")
    postbox.touch(session, mailbox_id)
    _show(session, Guarded.MAILBOX, mailbox_id, cards.channel_of(session, None), now)


def _hold_sequence(session: Session, sequence_id: int, now: datetime) -> None:
    row = session.get(Sequence, sequence_id, with_for_update={"key_share": True})
    if row is None or row.status != SequenceStatus.PUBLISHED:
        return
    if not (why := because(session, Guarded.SEQUENCE, sequence_id, now=now)):
        return
    sequences.turn(session, sequence_id, "pause", actor=SYSTEM, now=now)
    note(session, "guard sequence", actor=SYSTEM, now=now, sequence_id=sequence_id, reason=why)
    redraw_leads(session, sequence_id)
    channel = cards.channel_of(session, parsed(row.spec).channel)
    _show(session, Guarded.SEQUENCE, sequence_id, channel, now)


def redraw_leads(session: Session, sequence_id: int) -> None:
    """Want a redraw of every card of a lead in this sequence."""
    of_sequence = select(Enrollment.lead_id).where(Enrollment.sequence_id == sequence_id)
    shown = session.exec(select(Card.lead_id).where(col(Card.lead_id).in_(of_sequence)))
    cards.touch(session, lead_ids=[lead_id for lead_id in shown if lead_id is not None])


def _show(session: Session, what: Guarded, number: int, channel: str, now: datetime) -> None:
    """Want the one card of this holding; the card's date is the holding's."""
    cards.show(session, f"{what}:{number}:{now.isoformat()}", channel=channel, about_id=number, now=now)


# Letting go


def release(session: Session, mailbox: Mailbox, *, actor: Actor, now: datetime) -> None:
    """Let a held mailbox, locked, send again; what it sends from now on is judged anew."""
    mailbox.guarded_at, mailbox.released_at, mailbox.released_by = None, now, actor.id
    session.add(mailbox)
    note(
        session,
        "release mailbox",
        actor=actor,
        now=now,
        reason=f"{mailbox.address}: {mailbox.guarded_because}",
    )
    postbox.touch(session, mailbox.id or 0)
    redraw(session, Guarded.MAILBOX, mailbox.id or 0)


def redraw(session: Session, what: Guarded, number: int) -> None:
    """Want a redraw of the newest card about this one."""
    homes.touch_all(session)
    if card := newest_card(session, what, number):
        cards.touch_one(session, card)


def newest_card(session: Session, what: Guarded, number: int) -> Card | None:
    """Give the card of the last time that this one was held, None for never."""
    query = select(Card).where(Card.kind == what.value, Card.about_id == number)
    return session.exec(query.order_by(col(Card.id).desc()).limit(1)).first()
