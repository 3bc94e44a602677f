"""Cards whose channel takes none: they fall to a person, who can let Fermata in again."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, func, select, update

from core import cards
from core.models import Card, Digest, Journal, Lead, Member
from core.names import SLACK_ID

# What Slack says of a channel in which somebody has to do something first.
SHUT = frozenset({"channel_not_found", "not_in_channel", "is_archived", "restricted_action", "no_permission"})
KIND = "fallen"
LISTS = frozenset({"digest", "weekly"})  # the kinds of cards that are about a Digest
MOST_IN_AN_HOUR = 20
HOUR = timedelta(hours=1)
LINES_READ = 20


def fall_back(session: Session, card_id: int, channel: str, *, admin: str, now: datetime) -> bool:
    """Let a card that nobody has seen go to its lead's owner, whoever acted on the lead or asked for the list, or else `admin`; False: it waits.

    `channel` is where it was to stand. Beyond MOST_IN_AN_HOUR one notice counts those that wait.
    """
    card = session.get(Card, card_id)
    if card is None or card.ts is not None or card.meant_for is not None:
        return False
    person = _person(session, card) or _known(session, admin)
    if person is None:
        return False
    lately = select(func.count()).where(Card.meant_for == channel, col(Card.drawn_at) > now - HOUR)
    if session.exec(lately).one() >= MOST_IN_AN_HOUR:
        notice = cards.show(session, f"{KIND}:{channel}:{now.date()}", channel=person, now=now)
        notice.meant_for = channel
        return False
    card.channel, card.meant_for, card.parent_id = person, channel, None
    card.tries, card.retry_at, card.fault = 0, None, None
    return True


def works_again(session: Session, channel: str) -> None:
    """Want a redraw of the notices that count what waits for a channel."""
    notices = (col(Card.kind) == KIND, col(Card.meant_for) == channel)
    session.execute(update(Card).where(*notices).values(wanted=Card.wanted + 1))


def waiting(session: Session, channel: str) -> int:
    """Count the cards that wait for a channel."""
    unseen = (Card.channel == channel, col(Card.ts).is_(None), col(Card.fault).in_(SHUT))
    return session.exec(select(func.count()).where(*unseen)).one()


def trouble(session: Session, row: Digest) -> str:
    """Give the sentence that the last list for a channel could not be posted there, "" where it could."""
    lists = select(Card).where(col(Card.kind).in_(LISTS), Card.about_id == row.id)
    last = session.exec(lists.order_by(col(Card.id).desc())).first()
    if last is None or not (last.meant_for == row.place or last.fault in SHUT):
        return ""
    return "The last one could not be posted there: check the channel's name, or invite Fermata to it."


def _person(session: Session, card: Card) -> str | None:
    """Give the owner of the card's lead, else who acted on the lead last; of a list, who named the channel."""
    lead = session.get(Lead, card.lead_id) if card.lead_id else None
    if lead is None:
        row = session.get(Digest, card.about_id) if card.kind in LISTS and card.about_id else None
        return _known(session, row.asked_by) if row else None
    actors = select(Journal.actor).where(Journal.lead_id == lead.id).order_by(col(Journal.id).desc())
    people = [lead.owner, *session.exec(actors.limit(LINES_READ))]
    return next(filter(None, (_known(session, person) for person in people)), None)


def _known(session: Session, person: str | None) -> str | None:
    """Give a person who can be written to; one we know to be gone or a guest cannot let anybody in."""
    if not person or not SLACK_ID.fullmatch(person):
        return None
    member = session.get(Member, person)
    return None if member and (member.is_deleted or member.is_guest or member.is_bot) else person
