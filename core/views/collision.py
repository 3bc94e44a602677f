"""Who wants to enroll whose leads: the colleague's question, the asker's view of it, and the news when it is settled."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlmodel import Session, col, func, select

from core import collisions
from core.answers import Choice, NoticeCard
from core.collisions import KIND, LIVE_WORDS, State
from core.dates import say, say_day
from core.models import Batch, Card, Collision, Delivery, DeliveryState, Enrollment, Journal, Lead, Sequence
from core.names import name_of
from core.people import Actor
from core.schedule import local
from core.words import counted, listed

ICON = "🤝"
LEADS_SHOWN = 10
GONE = "This question is no longer here."
NEWS = "news"
_SIGNS = {State.EXPIRED: "⌛", State.DECLINED: "✖️", State.WITHDRAWN: "✖️"}


def card(session: Session, card: Card, *, now: datetime) -> NoticeCard:
    """Give the question for the colleague, the same as the asker sees it, or, apart from both, what became of it."""
    row = session.get(Collision, card.about_id) if card.about_id else None
    if row is None:
        return NoticeCard(GONE)
    reader = card.key.split(":")[2]
    if reader == NEWS:
        return _news(session, row)
    is_asker, zone = reader == row.asker, collisions.zone_of(session, reader)
    who = name_of(session, row.colleague if is_asker else row.asker)
    what, where = _what(session, row), session.get_one(Sequence, row.sequence_id).name
    title = (
        f"You asked {who} whether {what} may go into {where}"
        if is_asker
        else f"{who} {'wants' if row.state == State.OPEN else 'wanted'} to put {what}{' you work' if len(row.lead_ids) > 1 else ''} into {where}"
    )
    if row.state != State.OPEN:
        return NoticeCard(
            title,
            _emails(session, row),
            ICON,
            verdict=verdict(session, row, zone=zone, reader=reader),
            verdict_icon=_SIGNS.get(State(row.state), "✅"),
        )
    lines = tuple(_lines(session, row, reader, zone=zone, now=now))
    until = say(row.expires_at, zone)
    note = f"Nobody is enrolled before {'they say yes' if is_asker else 'you say yes'}; without an answer until {until} it is declined."
    return NoticeCard(title, lines, ICON, facts=(note,), choices=_choices(row, who, what, is_asker=is_asker))


def verdict(session: Session, row: Collision, *, zone: str, reader: str = "") -> str:
    """Give what became of it: who answered what, when, and how many were enrolled."""
    name = name_of(session, row.settled_by or "")
    who = "You" if reader and reader == row.settled_by else name
    at = say(row.settled_at, zone) if row.settled_at else ""
    match State(row.state):
        case State.OPEN:
            return ""
        case State.EXPIRED:
            return f"Nobody answered until {say(row.expires_at, zone)}, so nobody was enrolled."
        case State.DECLINED:
            return f"{who} declined on {at}; nobody was enrolled."
        case State.WITHDRAWN:
            return f"{who} took it back on {at}; nobody was enrolled."
        case State.ACCEPTED | State.HANDED_OVER:
            done = "accepted" if row.state == State.ACCEPTED else "handed them over"
            back = _taken_back(session, row, zone=zone)
            return f"{who} {done} on {at}: {counted(_enrolled(session, row), 'lead')} enrolled.{back}"


def _taken_back(session: Session, row: Collision, *, zone: str) -> str:
    batch = session.get(Batch, row.batch_id) if row.batch_id else None
    if batch is None or batch.undone_at is None:
        return ""
    return f" {name_of(session, batch.undone_by or '')} took that back on {say(batch.undone_at, zone)}."


def _enrolled(session: Session, row: Collision) -> int:
    query = select(func.count()).select_from(Journal)
    started = (
        Journal.batch_id == row.batch_id,
        Journal.verb == "start",
        col(Journal.enrollment_id).is_not(None),
    )
    return session.exec(query.where(*started)).one()


def _news(session: Session, row: Collision) -> NoticeCard:
    where = session.get_one(Sequence, row.sequence_id).name
    told = verdict(session, row, zone=collisions.zone_of(session, row.asker))
    return NoticeCard(f"{_what(session, row)} for {where}: {told}", _emails(session, row), ICON)


def _what(session: Session, row: Collision) -> str:
    """Give the lead by its address; several by their number."""
    if len(row.lead_ids) > 1:
        return counted(len(row.lead_ids), "lead")
    lead = session.get(Lead, row.lead_ids[0])
    return lead.email if lead else "a lead that is no longer here"


def _shown(session: Session, row: Collision) -> list[Lead]:
    query = select(Lead).where(col(Lead.id).in_(row.lead_ids[:LEADS_SHOWN])).order_by(col(Lead.id))
    return list(session.exec(query))


def _more(row: Collision) -> Iterator[str]:
    if (more := len(row.lead_ids) - LEADS_SHOWN) > 0:
        yield f"and {more:,} more"


def _emails(session: Session, row: Collision) -> tuple[str, ...]:
    if len(row.lead_ids) == 1:
        return ()  # the title names it
    return (*(lead.email for lead in _shown(session, row)), *_more(row))


def _lines(session: Session, row: Collision, reader: str, *, zone: str, now: datetime) -> Iterator[str]:
    """Give each lead with why it is a colleague's, where it is running, and when it got its last mail."""
    leads = _shown(session, row)
    ids = [lead.id for lead in leads if lead.id is not None]
    asker = Actor(row.asker, row.asker)
    clashes = collisions.find(session, ids, actor=asker, now=now)
    running: dict[int, list[str]] = {}
    for lead_id, name in session.exec(
        select(Enrollment.lead_id, Sequence.name)
        .join(Sequence, col(Sequence.id) == col(Enrollment.sequence_id))
        .where(col(Enrollment.lead_id).in_(ids), col(Enrollment.status).in_(LIVE_WORDS))
        .order_by(col(Sequence.name))
    ):
        running.setdefault(lead_id, []).append(name)
    mailed = dict(
        session.exec(
            select(Enrollment.lead_id, func.max(Delivery.settled_at))
            .join(Delivery, col(Delivery.enrollment_id) == col(Enrollment.id))
            .where(col(Enrollment.lead_id).in_(ids), Delivery.state == DeliveryState.SENT.value)
            .group_by(col(Enrollment.lead_id))
        ).all()
    )
    for lead in leads:
        lead_id = lead.id or 0
        clash = clashes.get(lead_id)
        is_own = clash is not None and clash.colleague == reader
        why = (clash.says("you", "your") if is_own else clash.why) if clash else "is nobody's now"
        others = [name for name in running.get(lead_id, ()) if clash is None or name != clash.of]
        where = f" in {listed(others)}," if others else "" if lead_id in running else " in no sequence,"
        last = mailed.get(lead_id)
        mail = f"last mail on {say_day(local(last, zone).date())}" if last else "no mail yet"
        yield f"{lead.email} {why},{where} {mail}."
    yield from _more(row)


def _choices(row: Collision, asker: str, what: str, *, is_asker: bool) -> tuple[Choice, ...]:
    command = f"card {KIND} {row.id}"
    if is_asker:
        return (Choice("Withdraw", f"{command} withdraw"),)
    become = f"Give {what} to {asker}? {asker} owns them from then on, and they are enrolled."
    return (
        Choice("Accept", f"{command} accept", "primary"),
        Choice("Decline", f"{command} decline"),
        Choice("Hand over", f"{command} hand over", confirm=become),
    )
