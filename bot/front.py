"""The front desk: every command, click and form goes through `later`: who asks, once only, act, show, answer."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime

from slack_sdk import WebClient

from bot.members import Bot, Members
from bot.reply import reply
from bot.request import Request
from bot.rights import Need
from core import cards, homes
from core.answers import Answer
from core.commands import Desk
from core.errors import Refused
from core.people import Actor
from core.seen import answered, once
from core.views.home import PRESSED

log = logging.getLogger("fermata.bot")

Act = Callable[[Actor, datetime], Answer | None]
HOMES_OWN = f"card {PRESSED} "  # buttons that a Home shows anyway
NOTHING_MORE: Callable[[], None] = lambda: None  # noqa: E731


@dataclass(frozen=True)
class Front:
    """What listeners need. `nudge` is called when cards want drawing."""

    desk: Desk
    client: WebClient
    members: Members
    clock: Callable[[], datetime]
    pool: Executor
    nudge: Callable[[], None] = NOTHING_MORE

    def later(self, request: Request, act: Act, *, need: Callable[[], Need]) -> None:
        """Act in a thread of our own, since a pause may wait for a hand-over while Slack waits three seconds."""
        self.pool.submit(self._handle, request, act, need)

    def _handle(self, request: Request, act: Act, need: Callable[[], Need]) -> None:
        try:
            said = self._once(request, act, need)
            if said is not None and not (request.is_home and shows_on_home(said)):
                reply(self.client, request, said)
        except Bot:
            log.info("bot_ignored user=%s", request.user_id)
        except Exception:
            log.exception("reply_broken user=%s", request.user_id)

    def _once(self, request: Request, act: Act, need: Callable[[], Need]) -> Answer | None:
        now = self.clock()
        with self.desk.db.write() as session:
            seen = once(session, request.key, now=now)
        if seen is not None:
            return Answer(seen.answer) if seen.answer else None
        said = self._answer(request, act, need, now=now)
        if said is not None:
            self._remember(request, said, now=now)
        return said

    def _answer(
        self, request: Request, act: Act, need: Callable[[], Need], *, now: datetime
    ) -> Answer | None:
        try:
            actor = self.members.admit(request.user_id, need(), now=now)
            self.members.meet(now=now)
            return act(actor, now)
        except Bot:
            raise
        except Refused as refused:
            return Answer(str(refused), is_refusal=True)
        except Exception as error:  # noqa: BLE001 - the one place where the unexpected becomes an answer
            return broken(request, error)

    def _remember(self, request: Request, said: Answer, *, now: datetime) -> None:
        wanted = said.card_leads if request.wants_cards and request.channel else ()
        with self.desk.db.write() as session:
            answered(session, request.key, said.as_text())
            if request.is_home:
                again = homes.touch_person if said.is_refusal else homes.opened
                again(session, request.user_id, now=now)
            for key in said.cards:
                cards.show(session, key, channel=request.user_id, now=now)
            for lead_id in wanted:
                cards.show_lead(session, lead_id=lead_id, channel=request.channel, now=now)
        self.nudge()


def shows_on_home(said: Answer) -> bool:
    """Say whether the Home tells all of it: something was done, nothing is asked, and no mail was leaving meanwhile."""
    asks = [choice for choice in said.choices if not choice.command.startswith(HOMES_OWN)]
    return not (said.is_refusal or said.has_begun or asks or said.rows or said.more)


def broken(request: Request, error: Exception) -> Answer:
    """Give the answer to what should not have happened; the log has the rest under the same id."""
    fault = secrets.token_hex(4)
    log.error("listener_broken id=%s user=%s", fault, request.user_id, exc_info=error)
    return Answer(
        f"Something went wrong in Fermata (fault {fault}).",
        ("Look at the lead's status before you try again. Whoever runs Fermata finds the cause in its log.",),
        is_refusal=True,
    )
