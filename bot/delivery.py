"""Posts and redraws cards: rows committed with the state, drawn later, the newest version wins (DESIGN G6)."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot import home
from bot.blocks import MESSAGE_BLOCKS
from bot.cards import card as drawing
from bot.members import UNREACHABLE, Members
from bot.pictures import with_picture
from bot.text import JSON, escaped
from core import cards, fallen, views
from core.answers import CardView, HomeView, NoticeCard
from core.cards import AWAY, LIMITED, PACE, REFUSED
from core.commands import Desk
from core.fallen import SHUT
from core.models import Card

log = logging.getLogger("fermata.bot")

# Nobody else draws a card meanwhile; longer than a call to Slack may take.
LEASE = timedelta(seconds=60)
SHORTEST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(hours=1)
# While nobody answers, one card asks again so often; while the token is refused, a person has to act first.
LONGEST_AWAY = timedelta(minutes=1)
REFUSED_WAIT = timedelta(minutes=5)
# The message is gone or no longer ours: the card is posted anew.
GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "is_inactive"})
TOKEN_FAULTS = frozenset(
    {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope"}
)
SLACK_FAULTS = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})
SERVER_FAULTS = 500
CHANNEL_NAME = re.compile(r"[a-z0-9][\w-]*")
CHANNEL_ID = re.compile(r"[CG][A-Z0-9]{2,20}")


def draw(client: WebClient, view: CardView, card: Card, *, parent: Card | None = None) -> tuple[str, str]:
    """Post or update the message of one card and give its channel and ts; raises what slack_sdk raises.

    A message may be posted to a channel's name; it is updated by the channel's id alone, which the post gives.
    `parent`: the card in whose thread it is posted. Only a post calls the owner.
    """
    if isinstance(view, HomeView):
        return card.channel, home.publish(client, view, card)
    if card.ts is not None:
        try:
            client.chat_update(channel=card.channel, ts=card.ts, **_message(view, card, is_new=False))
            return card.channel, card.ts
        except SlackApiError as refused:
            if refused.response.get("error") not in GONE:
                raise
    place = (
        {"channel": card.channel} if parent is None else {"channel": parent.channel, "thread_ts": parent.ts}
    )
    posted = client.chat_postMessage(**place, unfurl_links=False, unfurl_media=False, **_message(view, card))
    return str(posted["channel"]), str(posted["ts"])


def _message(view: CardView, card: Card, *, is_new: bool = True) -> JSON:
    message = drawing(view, is_new=is_new)
    return message if card.meant_for is None else misplaced(message, card.meant_for)


def _mark(view: CardView, card: Card) -> str | None:
    """Give a hash of a notice, which is wished for with its lead and often stays the same; None: it is always drawn."""
    if not isinstance(view, NoticeCard):
        return None
    drawn = json.dumps(_message(view, card, is_new=False), sort_keys=True)
    return hashlib.sha256(drawn.encode()).hexdigest()


def misplaced(message: JSON, channel: str) -> JSON:
    """Give a message with the line that says in which channel it would stand, and how it gets there."""
    is_name = CHANNEL_NAME.fullmatch(channel) is not None
    place = f"<#{channel}>" if CHANNEL_ID.fullmatch(channel) else ("#" if is_name else "") + escaped(channel)
    line = f"This would stand in {place}, but Fermata cannot post there: check its name, or invite it with `/invite @Fermata`."
    note = {"type": "context", "elements": [{"type": "mrkdwn", "text": line}]}
    return {"text": f"{message['text']}\n{line}", "blocks": [note, *message["blocks"][: MESSAGE_BLOCKS - 1]]}


def deliver(
    desk: Desk,
    client: WebClient,
    *,
    now: datetime,
    limit: int = 20,
    members: Members | None = None,
    is_over: Callable[[], bool] = lambda: False,
    pace: timedelta = PACE,
    admin: str = "",
) -> int:
    """Draw cards that want it and give how many were drawn; the network is never inside a transaction.

    Once `is_over` says so, or Slack says something that holds for others too, no further card is begun: they are left to
    whoever draws next. `members` get to know whoever is named first; None: who has never spoken is shown by id. `pace`:
    at most one card in so long in a channel. `admin`: who gets a card that has no channel and no owner.
    """
    if members is not None:
        members.meet(now=now)
    with desk.db.read() as session:
        due = cards.due(session, now=now, limit=limit, pace=pace)
    if not due:
        return 0
    with desk.db.write() as session:
        claimed = cards.claim(session, due, now=now, lease=LEASE)
    drawn, fault = 0, ""
    while claimed and not (is_over() or fault.startswith((AWAY, REFUSED, LIMITED))):
        fault = _deliver(desk, client, claimed.pop(0), now=now, pace=pace, admin=admin)
        drawn += not fault
    if claimed:
        with desk.db.write() as session:
            cards.left(session, map(_id, claimed))
    return drawn


def _deliver(desk: Desk, client: WebClient, card: Card, *, now: datetime, pace: timedelta, admin: str) -> str:
    """Draw one card and give the fault that kept it from being drawn, "" for none."""
    with desk.db.read() as session:
        known = session.get(Card, card.id)
        if known is None:
            return "gone"
        wanted, view = known.wanted, views.view(session, known, now=now)
        parent = session.get(Card, card.parent_id) if card.parent_id else None
    place = parent.channel if parent and card.ts is None else card.channel
    if isinstance(view, NoticeCard) and view.is_for_admins:
        view = replace(view, owner=admin or None)
    try:
        view = with_picture(desk, client, known, view)
        mark = _mark(view, card)
        if card.ts is not None and mark is not None and mark == known.drawn_hash:
            channel, ts = card.channel, card.ts
        else:
            channel, ts = draw(client, view, card, parent=parent)
    except UNREACHABLE as error:
        return _failed(desk, card, place, error, now=now, admin=admin)
    with desk.db.write() as session:
        cards.drawn(session, _id(card), wanted=wanted, ts=ts, channel=channel, mark=mark)
        if channel != place:
            cards.breathe(session, place, until=now + pace)
        if card.fault in SHUT:
            fallen.works_again(session, place)
    return ""


def _failed(desk: Desk, card: Card, place: str, error: Exception, *, now: datetime, admin: str) -> str:
    fault, wait = _fault(error), _wait(error, card)
    with desk.db.write() as session:
        cards.failed(session, _id(card), fault=fault, retry_at=now + wait)
        if fault in SHUT and fallen.fall_back(session, _id(card), place, admin=admin, now=now):
            log.warning("card_fell_back card=%s fault=%s", card.id, fault)
    if fault.startswith(REFUSED) and fault != card.fault:  # said once, however often it is tried
        log.error("slack_refuses_token fault=%s: set a new SLACK_BOT_TOKEN and start again", fault)
    elif fault != card.fault:
        log.warning("card_failed card=%s fault=%s", card.id, fault)
    return fault


def _id(card: Card) -> int:
    assert card.id is not None
    return card.id


def _fault(error: Exception) -> str:
    """Give a fault in Slack's word, or by its kind; before it what it says of other cards (core.cards)."""
    if not isinstance(error, SlackApiError):
        return f"{AWAY}{type(error).__name__}"
    word, response = str(error.response.get("error")), error.response
    if _retry_after(error) is not None:
        return f"{LIMITED}{str(response.api_url).rpartition('/')[2]}"
    if word in TOKEN_FAULTS:
        return f"{REFUSED}{word}"
    if word in SLACK_FAULTS or int(response.status_code) >= SERVER_FAULTS:
        return f"{AWAY}{word}"
    return word


def _retry_after(error: Exception) -> int | None:
    """Give the seconds in which Slack takes no more of this method; None: it does not say."""
    said = str(error.response.headers.get("Retry-After", "")) if isinstance(error, SlackApiError) else ""
    return int(said) if said.isdigit() else None


def _wait(error: Exception, card: Card) -> timedelta:
    """Give how long to wait: what Slack says, an hour for a shut channel, else longer each time."""
    seconds, fault = _retry_after(error), _fault(error)
    if seconds is not None:
        return max(timedelta(seconds=seconds), SHORTEST_WAIT)
    if fault == home.OVERTAKEN:
        return timedelta(0)
    if fault in SHUT:
        return LONGEST_WAIT
    if fault.startswith(REFUSED):
        return REFUSED_WAIT
    longer: int = 2 ** min(card.tries, 12)
    return min(SHORTEST_WAIT * longer, LONGEST_AWAY if fault.startswith(AWAY) else LONGEST_WAIT)
