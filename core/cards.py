"""Cards as rows: a post or a redraw is wanted in the transaction that changed the state, and drawn later.

A card is due while `wanted` is ahead of `drawn`. Whoever draws reads the state afresh, so the newest version wins.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import Table, bindparam, case, or_, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from core.chunks import chunks
from core.models import WORKSPACE_ID, Card, Digest, Lead, Workspace
from core.sql import spelling

IDS_AT_ONCE = 5000
_Parent = aliased(Card)
CARDS: Table = Card.__table__  # type: ignore[attr-defined]


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


_TOUCH = (
    update(CARDS)
    .where(CARDS.c.lead_id.in_(bindparam("lead_ids", expanding=True)))
    .values(wanted=CARDS.c.wanted + 1)
)


def touch(session: Session, *, lead_ids: Iterable[int]) -> None:
    """Want a redraw of every card of these leads."""
    session.flush()  # a card that has just been wished for counts too
    ids = list(set(lead_ids))
    if len(ids) <= IDS_AT_ONCE:
        session.connection().execute(_TOUCH, {"lead_ids": ids})
    else:
        very_many = CARDS.c.lead_id.in_(spelling(session).these(ids))
        session.execute(update(CARDS).where(very_many).values(wanted=CARDS.c.wanted + 1))


def touch_digests(session: Session, *, lead_ids: Iterable[int]) -> None:
    """Want a redraw of the newest lists of paused leads on which these may stand: their owners', and the channels'."""
    session.flush()
    of_these = col(Lead.id).in_(spelling(session).these(set(lead_ids)))
    owners = select(col(Lead.owner)).where(of_these)
    lists = select(col(Digest.card_id)).where(or_(col(Digest.is_channel), col(Digest.place).in_(owners)))
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


def claim_due(session: Session, *, now: datetime, limit: int, lease: timedelta) -> list[Card]:
    """Give cards that want drawing, oldest first; for the length of `lease` nobody else is given them.

    A card that belongs into another's thread waits until that one has been posted.
    """
    ready = or_(col(Card.retry_at).is_(None), col(Card.retry_at) <= now)
    posted = (
        select(_Parent.id).where(_Parent.id == col(Card.parent_id), col(_Parent.ts).is_not(None)).exists()
    )
    has_place = or_(col(Card.parent_id).is_(None), posted)
    query = select(Card).where(col(Card.wanted) > col(Card.drawn), ready, has_place)
    query = query.order_by(col(Card.id)).limit(limit)
    claimed = []
    for card in session.exec(query).all():
        leased = update(Card).where(col(Card.id) == card.id, ready).values(retry_at=now + lease)
        if session.connection().execute(leased).rowcount:
            claimed.append(card)
    return claimed


def left(session: Session, card_ids: Iterable[int]) -> None:
    """Give back cards that were claimed and not begun."""
    session.execute(update(Card).where(col(Card.id).in_(list(card_ids))).values(retry_at=None))


def drawn(session: Session, card_id: int, *, wanted: int, ts: str, channel: str = "") -> None:
    """Record that the state up to the wish `wanted` is on the screen as message `ts` of `channel`, "" where known."""
    values: dict[str, Any] = {"drawn": wanted, "ts": ts, "tries": 0, "retry_at": None, "fault": None}
    if channel:
        values["channel"] = channel
    session.execute(update(Card).where(col(Card.id) == card_id).values(**values))


def failed(session: Session, card_id: int, *, fault: str, retry_at: datetime) -> None:
    """Record that drawing failed and when to try again."""
    values = {"tries": Card.tries + 1, "fault": fault, "retry_at": retry_at}
    session.execute(update(Card).where(col(Card.id) == card_id).values(**values))
