"""The cards of an absence: to whoever covers, and to the person on the morning of their return."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlmodel import Session, col, func, select

from core.answers import Choice, NoticeCard
from core.dates import say
from core.inbound.words import Kind
from core.lifecycle import Source
from core.models import WORKSPACE_ID, Absence, Card, Enrollment, Hold, Lead, Member, Message, Workspace
from core.names import name_of
from core.words import counted

GONE = "That absence is no longer here."


def card(session: Session, card: Card, *, now: datetime) -> NoticeCard:  # noqa: ARG001 - every view is told the time
    """Give what the person, or their cover, has to know."""
    row = session.get(Absence, card.about_id) if card.about_id else None
    if row is None:
        return NoticeCard(GONE)
    return _for_cover(session, row) if card.key.endswith(":cover") else _for_person(session, row)


def _for_cover(session: Session, row: Absence) -> NoticeCard:
    zone, name = _zone(session, row.cover), name_of(session, row.person)
    title = f"You cover for {name} until {say(row.until, zone)}"
    if row.ended_at is not None:
        over = f"Since {say(row.ended_at, zone)} {name}'s leads are no longer with you."
        return NoticeCard(title, icon="🏖️", verdict=over)
    return NoticeCard(
        title,
        (f"The cards, questions and reminders of {name}'s leads come to you; they stay {name}'s.",
         "Your list of paused leads has theirs too."),
        icon="🏖️",
        choices=(Choice("Show the list", "digest now", "primary"),),
    )  # fmt: skip


def _for_person(session: Session, row: Absence) -> NoticeCard:
    zone = _zone(session, row.person)
    return NoticeCard(
        f"Welcome back, {name_of(session, row.person).partition(' ')[0]}",
        tuple(_meanwhile(session, row, zone)),
        icon="👋",
        facts=(f"You were away from {say(row.created_at, zone)}",),
        choices=(Choice("Show my list", "digest now", "primary"),),
    )


def _meanwhile(session: Session, row: Absence, zone: str) -> Iterator[str]:
    """Say what happened since they left: who answered, who waits, and when what had waited goes on."""
    ended = row.ended_at or row.until
    came = (Message.came_at >= row.created_at, Message.came_at < ended, Message.kind == Kind.REPLY.value)
    wrote = select(func.count(func.distinct(Message.lead_id))).join(Lead, col(Lead.id) == Message.lead_id)
    answered = session.exec(wrote.where(Lead.owner == row.person, *came)).one()
    yield (
        f"{counted(answered, 'lead')} of yours answered while you were away."
        if answered
        else ("None of your leads answered while you were away.")
    )
    asks = (col(Hold.released_at).is_(None), col(Hold.until).is_(None))
    wait = select(func.count(func.distinct(Enrollment.lead_id))).select_from(Hold)
    wait = wait.join(Enrollment, col(Enrollment.id) == Hold.enrollment_id)
    wait = wait.join(Lead, col(Lead.id) == Enrollment.lead_id)
    waiting = session.exec(wait.where(Lead.owner == row.person, *asks)).one()
    if waiting:
        yield f"{counted(waiting, 'lead')} of yours {'is' if waiting == 1 else 'are'} paused until somebody resumes."
    mine = (Hold.batch_id == row.batch_id, Hold.source == Source.AWAY.value)
    count, last = session.exec(
        select(func.count(func.distinct(Hold.enrollment_id)), func.max(Hold.until)).where(*mine)
    ).one()
    if count and last:
        goes_on = "it goes on on" if count == 1 else "they go on one after the other until"
        yield f"{counted(count, 'enrollment')} paused for your absence: {goes_on} {say(last, zone)}."
    if row.cover:
        yield f"{name_of(session, row.cover)} had your cards; from now on they come to you again."


def _zone(session: Session, person: str | None) -> str:
    member = session.get(Member, person) if person else None
    return (member.zone if member else "") or session.get_one(Workspace, WORKSPACE_ID).zone
