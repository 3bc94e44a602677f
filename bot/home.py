"""App Home: opened, published, and what is said after a click on it."""

from __future__ import annotations

import logging

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.front import Front
from bot.home_cards import home
from bot.members import Bot
from bot.rights import Need
from core import homes
from core.answers import HomeView
from core.errors import Refused
from core.models import Card

log = logging.getLogger("fermata.bot")

# Somebody else published meanwhile: it is drawn from the newest state once more, and then whatever is there is replaced.
OVERTAKEN = "hash_conflict"
# Nobody can see this Home any more; whoever opens it again is asked about anew.
GONE = frozenset({"user_not_found", "user_not_visible", "not_enabled"})


def opened(front: Front, user_id: str) -> None:
    """Bring a person's Home up to date; whoever may not use Fermata reads why, and nothing of any lead."""
    try:
        _open(front, user_id)
    except Bot:
        log.info("bot_ignored user=%s", user_id)
    except Exception:
        log.exception("home_broken user=%s", user_id)


def _open(front: Front, user_id: str) -> None:
    now = front.clock()
    try:
        front.members.admit(user_id, Need.READS, now=now)
    except Bot:
        raise
    except Refused as refused:
        with front.desk.db.write() as session:
            homes.forget(session, user_id)
        front.client.views_publish(user_id=user_id, view=home(HomeView(str(refused))))
        return
    with front.desk.db.write() as session:
        homes.opened(session, user_id, now=now)
    front.nudge()


def changed(front: Front, user_id: str) -> None:
    """Draw the Home of somebody who may have become a guest."""
    with front.desk.db.write() as session:
        homes.touch_person(session, user_id, now=front.clock())
    front.nudge()


def publish(client: WebClient, view: HomeView, card: Card) -> str:
    """Show a Home and give its hash; raises what slack_sdk raises, OVERTAKEN among it."""
    known = {} if not card.ts or card.fault == OVERTAKEN else {"hash": card.ts}
    try:
        shown = client.views_publish(user_id=card.channel, view=home(view), **known)
    except SlackApiError as refused:
        if refused.response.get("error") not in GONE:
            raise
        log.warning("home_gone card=%s error=%s", card.id, refused.response.get("error"))
        return ""
    return str(shown["view"]["hash"])
