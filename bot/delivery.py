"""Posts and redraws cards: rows committed with the state, drawn later, the newest version wins (DESIGN G6)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.cards import card as drawing
from bot.members import UNREACHABLE, Members
from core import cards, views
from core.answers import CardView
from core.commands import Desk
from core.models import Card

log = logging.getLogger("fermata.bot")

# Nobody else draws a card meanwhile; longer than a call to Slack may take.
LEASE = timedelta(seconds=60)
SHORTEST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(hours=1)
# The message is gone or no longer ours: the card is posted anew.
GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "is_inactive"})
# Somebody has to do something about the channel first; looked at again every hour.
SHUT = frozenset({"channel_not_found", "not_in_channel", "is_archived", "restricted_action", "no_permission"})


def draw(client: WebClient, view: CardView, card: Card, *, parent: Card | None = None) -> tuple[str, str]:
    """Post or update the message of one card and give its channel and ts; raises what slack_sdk raises.

    A message may be posted to a channel's name; it is updated by the channel's id alone, which the post gives.
    `parent`: the card in whose thread it is posted. Only a post calls the owner.
    """
    if card.ts is not None:
        try:
            client.chat_update(channel=card.channel, ts=card.ts, **drawing(view, is_new=False))
            return card.channel, card.ts
        except SlackApiError as refused:
            if refused.response.get("error") not in GONE:
                raise
    place = (
        {"channel": card.channel} if parent is None else {"channel": parent.channel, "thread_ts": parent.ts}
    )
    posted = client.chat_postMessage(**place, unfurl_links=False, unfurl_media=False, **drawing(view))
    return str(posted["channel"]), str(posted["ts"])


def deliver(
    desk: Desk,
    client: WebClient,
    *,
    now: datetime,
    limit: int = 20,
    members: Members | None = None,
    is_over: Callable[[], bool] = lambda: False,
) -> int:
    """Draw cards that want it and give how many were drawn; the network is never inside a transaction.

    Once `is_over` says so no further card is begun: the others are left to whoever draws next. `members` get to know whoever is named first; None: who has never spoken is shown by id.
    """
    if members is not None:
        members.meet(now=now)
    drawn = 0
    with desk.db.write() as session:
        claimed = cards.claim_due(session, now=now, limit=limit, lease=LEASE)
    for number, card in enumerate(claimed):
        if is_over():
            with desk.db.write() as session:
                cards.left(session, [_id(one) for one in claimed[number:]])
            break
        with desk.db.read() as session:
            known = session.get(Card, card.id)
            wanted, view = (known.wanted, views.view(session, known, now=now)) if known else (0, None)
            parent = session.get(Card, card.parent_id) if card.parent_id else None
        if view is not None:
            drawn += _deliver(desk, client, card, view, wanted, parent, now=now)
    return drawn


def _deliver(
    desk: Desk,
    client: WebClient,
    card: Card,
    view: CardView,
    wanted: int,
    parent: Card | None,
    *,
    now: datetime,
) -> bool:
    try:
        channel, ts = draw(client, view, card, parent=parent)
    except UNREACHABLE as fault:
        wait = _wait(fault, card)
        with desk.db.write() as session:
            cards.failed(session, _id(card), fault=_fault(fault), retry_at=now + wait)
        log.warning("card_failed card=%s fault=%s", card.id, _fault(fault))
        return False
    with desk.db.write() as session:
        cards.drawn(session, _id(card), wanted=wanted, ts=ts, channel=channel)
    return True


def _id(card: Card) -> int:
    assert card.id is not None
    return card.id


def _fault(fault: BaseException) -> str:
    return str(fault.response.get("error")) if isinstance(fault, SlackApiError) else type(fault).__name__


def _wait(fault: BaseException, card: Card) -> timedelta:
    """Give how long to wait: what Slack says, an hour for a shut channel, else longer each time."""
    if isinstance(fault, SlackApiError):
        said = str(fault.response.headers.get("Retry-After", ""))
        if said.isdigit():
            return max(timedelta(seconds=int(said)), SHORTEST_WAIT)
        if fault.response.get("error") in SHUT:
            return LONGEST_WAIT
    longer: int = 2 ** min(card.tries, 12)
    return min(SHORTEST_WAIT * longer, LONGEST_WAIT)
