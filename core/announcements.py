"""The heads-up: the working day before a hold ends, whoever owns the lead sees the exact next mail and may still say no.

`announce_at` is written with the hold (core/acts.py). One card per lead and day, whatever the number of sequences.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Integer, bindparam, text, update
from sqlmodel import Session, col, select

from core import cards, owners
from core.acts import HOLDS, MOST_ANNOUNCED, Loaded, load
from core.db import Database
from core.lifecycle import Hold, Status
from core.models import Batch, Card, Digest, Enrollment, Lead, Member, Seen
from core.models import Hold as HoldRow
from core.names import SLACK_ID
from core.schedule import local
from core.types import UtcDateTime

KIND = "return"
LATELY = timedelta(hours=8)
_OPEN = text("hold.released_at IS NULL")
_DUE = (
    select(HoldRow)
    .where(text("hold.announce_at IS NOT NULL"), col(HoldRow.announce_at) <= bindparam("now", type_=UtcDateTime()))
    .order_by(col(HoldRow.announce_at), col(HoldRow.id))
    .limit(bindparam("most", type_=Integer()))
)  # fmt: skip


@dataclass(frozen=True)
class Returning:
    """One enrollment that goes on when this hold ends; nothing else holds it longer."""

    row: Loaded
    hold: Hold
    day: date  # of its end, in the lead's zone


def announce_due(db: Database, *, now: datetime, limit: int = 200) -> int:
    """Give how many cards were wanted for holds that end on the next working day, or, after an outage, today."""
    with db.write() as session:
        found = session.exec(_DUE, params={"now": now, "most": limit}).all()
        if not found:
            return 0
        # Their leads first, in the order that verbs take them; then looked at again, as in release_due.
        of_leads = select(Enrollment.lead_id).where(
            col(Enrollment.id).in_({hold.enrollment_id for hold in found})
        )
        lock = select(Lead).where(col(Lead.id).in_(of_leads)).order_by(col(Lead.id))
        leads = {lead.id: lead for lead in session.exec(lock.with_for_update(key_share=True))}
        again = _DUE.with_only_columns(col(HoldRow.id))
        due = set(session.connection().execute(again, {"now": now, "most": limit}).scalars())
        announced = 0
        for lead in leads.values():
            announced += _announce(session, lead, due, now)
        session.execute(update(HOLDS).where(HOLDS.c.id.in_(due)).values(announce_at=None))
        return announced


def _announce(session: Session, lead: Lead, due: set[int | None], now: datetime) -> int:
    """Want a card for each day on which holds of this lead that are due end; give how many."""
    days: dict[date, list[Returning]] = {}
    for one in returning(session, lead.id or 0):
        days.setdefault(one.day, []).append(one)
    wanted = 0
    for group in days.values():
        fresh = [one for one in group if one.hold.id in due and one.hold.until and one.hold.until > now]
        if not fresh or _is_known(session, group):
            continue
        first = min(fresh, key=lambda one: one.hold.id or 0)
        channel = _channel(session, lead, first.row, now)
        if all(_is_listed(session, channel, one.hold, now) for one in fresh):
            continue
        cards.show(
            session,
            f"{KIND}:{first.hold.id}",
            channel=channel,
            lead_id=lead.id,
            about_id=first.hold.id,
            now=now,
        )
        wanted += 1
    return wanted


def _is_listed(session: Session, place: str, hold: Hold, now: datetime) -> bool:
    """Say whether the list that came to a person this morning has it, with the same buttons."""
    row = session.exec(select(Digest).where(Digest.place == place, col(Digest.is_channel).is_(False))).first()
    card = session.get(Card, row.card_id) if row and row.card_id else None
    return card is not None and hold.placed_at <= card.created_at and now - card.created_at < LATELY


def _is_known(session: Session, group: list[Returning]) -> bool:
    """Say whether the day has a card already that still asks: it shows the others too."""
    keys = [f"{KIND}:{one.hold.id}" for one in group]
    asks = ~select(Seen.key).where(col(Seen.key) == col(Card.key)).exists()
    return session.exec(select(Card.id).where(col(Card.key).in_(keys), asks)).first() is not None


def returning(session: Session, lead_id: int) -> list[Returning]:
    """Give what of a lead goes on by itself, each with the hold that ends last; not what a large act holds."""
    query = select(Enrollment.id).where(
        Enrollment.lead_id == lead_id, Enrollment.status == Status.PAUSED.value
    )
    rows = list(load(session, [found for found in session.exec(query) if found is not None]))
    batches = {hold.batch_id for row in rows for hold in row.state.holds}
    large = set(session.exec(select(Batch.id).where(col(Batch.id).in_(batches), Batch.size > MOST_ANNOUNCED)))
    ends = [
        Returning(row, last, local(last.until, row.sequence.plan(row.zone).calendar.zone).date())
        for row in rows
        if (last := _last(row.state.holds)) is not None and last.until is not None
    ]
    return [one for one in ends if one.hold.batch_id not in large]


def _last(holds: tuple[Hold, ...]) -> Hold | None:
    """Give the hold that ends last; None where one waits for a person."""
    return None if any(hold.until is None for hold in holds) else max(holds, key=_end, default=None)


def _end(hold: Hold) -> tuple[datetime, int]:
    assert hold.until is not None
    return hold.until, hold.id or 0


def group_of(session: Session, hold: HoldRow, lead_id: int) -> list[Returning]:
    """Give what goes on together on the day on which this hold ends; nothing once all of it has changed."""
    ends = returning(session, lead_id)
    day = next((one.day for one in ends if one.hold.id == hold.id), None)
    if day is None and hold.until is not None:
        # This one was changed, yet others that the card names may still end then.
        row = next(iter(load(session, [hold.enrollment_id])))
        day = local(hold.until, row.sequence.plan(row.zone).calendar.zone).date()
    return [one for one in ends if one.day == day]


def _channel(session: Session, lead: Lead, row: Loaded, now: datetime) -> str:
    """Give where the card goes: to the owner in person or to their cover, else to the sequence's channel."""
    owner = owners.stands_for(session, lead.owner, now=now) or ""
    member = session.get(Member, owner) if SLACK_ID.fullmatch(owner) else None
    is_gone = member is not None and (member.is_deleted or member.is_bot)
    if SLACK_ID.fullmatch(owner) and not is_gone:
        return owner
    return cards.channel_of(session, row.sequence.spec.channel)
