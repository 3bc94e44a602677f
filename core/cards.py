"""Cards as rows: a post or a redraw is wanted in the transaction that changed the state, and drawn later.

A card is due while `wanted` is ahead of `drawn`. Whoever draws reads the state afresh, so the newest version wins.
`drawn_at` is when its drawing was last begun.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, Table, and_, case, false, not_, or_, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, select

from core import homes
from core.chunks import chunks
from core.many import IsOne
from core.models import WORKSPACE_ID, Absence, Card, Digest, Lead, Workspace
from core.sql import spelling

IDS_AT_ONCE = 5000
# Slack's limit for messages, and for redraws what people can follow.
PACE = timedelta(seconds=1)
# How a fault begins that says something of others too: nobody answers, the token is refused, a method is used too often.
AWAY, REFUSED, LIMITED = "away:", "token:", "ratelimited:"
LONGEST_STOP = timedelta(hours=1)
_Parent = aliased(Card)
CARDS: Table = Card.__table__  # type: ignore[attr-defined]
_WAITS = col(Card.wanted) > col(Card.drawn)
_STOPS = or_(*(col(Card.fault).startswith(word) for word in (AWAY, REFUSED, LIMITED)))
_IS_HOME = col(Card.kind) == "home"
_BY_METHOD: dict[str, ColumnElement[bool]] = {
    "views.publish": _IS_HOME,
    "chat.postMessage": and_(not_(_IS_HOME), col(Card.ts).is_(None)),
    "chat.update": and_(not_(_IS_HOME), col(Card.ts).is_not(None)),
}


def show_lead(session: Session, *, lead_id: int, channel: str, now: datetime) -> None:
    """Want a new card of this lead in a channel; the older ones stay and are redrawn as well."""
    # Random, since two people may ask for one lead's card at the same moment.
    key = f"lead:{lead_id}:{uuid4().hex}"
    session.add(Card(key=key, kind="lead", channel=channel, lead_id=lead_id, created_at=now))
    touch(session, lead_ids=[lead_id])


def show_delivery(
    session: Session, kind: str, *, delivery_id: int, lead_id: int, channel: str, now: datetime
) -> None:
    """Want the one card of a delivery (`uncertain` or `task`); a second wish only redraws it."""
    card = show(session, f"{kind}:{delivery_id}", channel=channel, lead_id=lead_id, now=now)
    card.delivery_id = delivery_id


def show(
    session: Session,
    key: str,
    *,
    channel: str,
    now: datetime,
    lead_id: int | None = None,
    about_id: int | None = None,
    parent_id: int | None = None,
) -> Card:
    """Want the one card of this key, such as `meeting:12`, and give it; a second wish redraws it with what is new.

    The word before the colon is its kind. `about_id`: what it shows; `parent_id`: the card in whose thread it stands.
    """
    card = session.exec(select(Card).where(Card.key == key)).first()
    if card is None:
        card = Card(
            key=key, kind=key.partition(":")[0], channel=channel, lead_id=lead_id, created_at=now, wanted=0
        )
    card.about_id, card.parent_id = about_id, parent_id
    card.wanted += 1
    session.add(card)
    session.flush()
    return card


def channel_of(session: Session, channel: str | None) -> str:
    """Give the channel for a sequence's cards: its own, else the workspace's."""
    workspace = session.get(Workspace, WORKSPACE_ID)
    return channel or (workspace.channel if workspace else "")


_TOUCH = update(CARDS).where(IsOne(CARDS.c.lead_id)).values(wanted=CARDS.c.wanted + 1)


def touch(session: Session, *, lead_ids: Iterable[int]) -> None:
    """Want a redraw of every card of these leads, and of the Homes on which they stand."""
    session.flush()  # a card that has just been wished for counts too
    ids = list(set(lead_ids))
    homes.touch(session, lead_ids=ids)
    if len(ids) <= IDS_AT_ONCE:
        session.connection().execute(_TOUCH, {"ids": ids})
    else:
        very_many = CARDS.c.lead_id.in_(spelling(session).these(ids))
        session.execute(update(CARDS).where(very_many).values(wanted=CARDS.c.wanted + 1))


def touch_one(session: Session, card: Card) -> None:
    """Want a redraw of one card."""
    session.execute(update(CARDS).where(CARDS.c.id == card.id).values(wanted=CARDS.c.wanted + 1))


def keep_file(session: Session, card: Card, file_id: str) -> None:
    """Remember the picture that was uploaded for a card."""
    session.execute(update(CARDS).where(CARDS.c.id == card.id).values(file_id=file_id))


def touch_digests(session: Session, *, lead_ids: Iterable[int]) -> None:
    """Want a redraw of the newest lists of paused leads on which these may stand: their owners', and the channels'."""
    session.flush()
    of_these = col(Lead.id).in_(spelling(session).these(set(lead_ids)))
    owners = select(col(Lead.owner)).where(of_these)
    covers = select(col(Absence.cover)).where(col(Absence.ended_at).is_(None))
    is_theirs = col(Digest.place).in_(owners) | col(Digest.place).in_(covers)
    lists = select(col(Digest.card_id)).where(or_(col(Digest.is_channel), is_theirs))
    session.execute(update(CARDS).where(CARDS.c.id.in_(lists)).values(wanted=CARDS.c.wanted + 1))


def touch_all_digests(session: Session) -> None:
    """Want a redraw of the newest list of every reader."""
    lists = select(col(Digest.card_id))
    session.execute(update(CARDS).where(CARDS.c.id.in_(lists)).values(wanted=CARDS.c.wanted + 1))


def supersede(session: Session, card_id: int, *, now: datetime) -> None:
    """Want a last redraw of a card that another has taken the place of; one that nobody has seen is never posted."""
    is_unseen = (CARDS.c.ts.is_(None)) & or_(CARDS.c.retry_at.is_(None), CARDS.c.retry_at <= now)
    last = {"wanted": CARDS.c.wanted + 1, "drawn": case((is_unseen, CARDS.c.wanted + 1), else_=CARDS.c.drawn)}
    session.execute(update(CARDS).where(CARDS.c.id == card_id).values(last))


def touch_about(session: Session, kind: str, about_ids: Iterable[int | None]) -> None:
    """Want a redraw of the cards of this kind that show these."""
    keys = [f"{kind}:{about_id}" for about_id in about_ids if about_id is not None]
    session.flush()
    for chunk in chunks(keys, IDS_AT_ONCE):
        wanted = update(CARDS).where(CARDS.c.key.in_(chunk)).values(wanted=CARDS.c.wanted + 1)
        session.connection().execute(wanted)


def due(session: Session, *, now: datetime, limit: int, pace: timedelta) -> list[int]:
    """Give the cards to draw next, one for each channel in which none was drawn within `pace`; zero: all that are due.

    Whatever failed goes first, so that one card alone finds out whether Slack is back; then what has waited longest. A
    card that belongs into another's thread waits until that one has been posted.
    """
    posted = (
        select(_Parent.id).where(_Parent.id == col(Card.parent_id), col(_Parent.ts).is_not(None)).exists()
    )
    has_place = or_(col(Card.parent_id).is_(None), posted)
    wanted = [_WAITS, _ready(now), has_place, *_allowed(session, now)]
    line = (
        col(Card.tries).desc(),
        case((col(Card.ts).is_(None), Card.created_at), else_=Card.drawn_at),
        col(Card.id),
    )
    if not pace:
        return [
            card_id
            for card_id in session.exec(select(Card.id).where(*wanted).order_by(*line).limit(limit))
            if card_id
        ]
    # Not later than now either: a clock that was set back must not keep a channel waiting.
    lately = select(Card.channel).where(col(Card.drawn_at) > now - pace, col(Card.drawn_at) <= now)
    # What its person has just asked for is drawn at once; a clock that was set back keeps no Home waiting either.
    slow = or_(
        col(Card.drawn_at) > now,
        col(Card.drawn_at) <= now - homes.PACE,
        col(Card.created_at) >= Card.drawn_at,
    )
    wanted.append(or_(not_(_IS_HOME), col(Card.drawn_at).is_(None), slow))
    place = func.row_number().over(partition_by=col(Card.channel), order_by=line).label("place")
    waiting = select(Card.id, place).where(*wanted, col(Card.channel).not_in(lately)).subquery()
    first = select(Card.id).join(waiting, waiting.c.id == Card.id).where(waiting.c.place == 1)
    return [card_id for card_id in session.exec(first.order_by(*line).limit(limit)) if card_id]


def are_waiting(session: Session) -> bool:
    """Say whether a card is still to be drawn, or is being drawn; not what Slack has sent away."""
    return session.exec(select(Card.id).where(_WAITS, col(Card.fault).is_(None)).limit(1)).first() is not None


def _ready(now: datetime) -> ColumnElement[bool]:
    return or_(col(Card.retry_at).is_(None), col(Card.retry_at) <= now)


def _allowed(session: Session, now: datetime) -> Iterator[ColumnElement[bool]]:
    """Give what may be drawn at all: a card that Slack sent away stands for all that it would treat alike.

    AWAY and REFUSED stand for everything, LIMITED for the Web API method that it names.
    """
    soon = (col(Card.retry_at) > now, col(Card.retry_at) <= now + LONGEST_STOP)
    for fault in set(session.exec(select(Card.fault).where(_WAITS, *soon, _STOPS).distinct())):
        word, _, method = str(fault).partition(":")
        yield not_(_BY_METHOD.get(method, false())) if f"{word}:" == LIMITED else false()


def claim(session: Session, card_ids: Sequence[int], *, now: datetime, lease: timedelta) -> list[Card]:
    """Give those of these cards that nobody else has claimed; for the length of `lease` nobody else is given them."""
    claimed = []
    # Whoever waited for one of them while holding others could stop an act that holds that one, and wants these.
    free = select(Card.id).where(col(Card.id).in_(card_ids)).with_for_update(skip_locked=True)
    unlocked = set(session.exec(free))
    for card_id in (one for one in card_ids if one in unlocked):
        leased = update(Card).where(col(Card.id) == card_id, _WAITS, _ready(now))
        if session.connection().execute(leased.values(retry_at=now + lease, drawn_at=now)).rowcount:
            claimed.append(session.get_one(Card, card_id))
    return claimed


def left(session: Session, card_ids: Iterable[int]) -> None:
    """Give back cards that were claimed and not begun."""
    session.execute(update(Card).where(col(Card.id).in_(list(card_ids))).values(retry_at=None))


def drawn(
    session: Session, card_id: int, *, wanted: int, ts: str, channel: str = "", mark: str | None = None
) -> None:
    """Record that the state up to the wish `wanted` is on the screen as message `ts` of `channel`, "" where known.

    `mark`: a hash of what is drawn.
    """
    values: dict[str, Any] = {"drawn": wanted, "ts": ts, "tries": 0, "retry_at": None, "fault": None}
    values["drawn_hash"] = mark
    if channel:
        values["channel"] = channel
    session.execute(update(Card).where(col(Card.id) == card_id).values(**values))


def breathe(session: Session, place: str, *, until: datetime) -> None:
    """Keep what is still to be posted to this name or person waiting: the first of them has just been."""
    unseen = (col(Card.channel) == place, col(Card.ts).is_(None), _WAITS, _ready(until))
    session.execute(update(Card).where(*unseen).values(retry_at=until))


def failed(session: Session, card_id: int, *, fault: str, retry_at: datetime) -> None:
    """Record that drawing failed and when to try again."""
    values = {"tries": Card.tries + 1, "fault": fault, "retry_at": retry_at}
    session.execute(update(Card).where(col(Card.id) == card_id).values(**values))


def troubles(session: Session) -> dict[str, int]:
    """Count the waiting cards by the fault that keeps them, of those faults that say something of Slack itself."""
    query = select(Card.fault, func.count()).where(_WAITS, _STOPS).group_by(Card.fault)
    return {str(fault): number for fault, number in session.exec(query)}
