"""The Slack app: Bolt with our own authorisation, front desk and listeners."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import datetime

from slack_bolt import App
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient

from bot import listeners
from bot.front import NOTHING_MORE, Front
from bot.members import Members
from core.commands import Desk

log = logging.getLogger("fermata.bot")

SLACK_API_URL = "https://slack.com/api/"
TIMEOUT_SECONDS = 10
# A pause may wait for a hand-over up to Desk.wait_seconds; so many of them may wait at once.
WORKERS = 32


def create(
    desk: Desk,
    *,
    clock: Callable[[], datetime],
    token: str,
    signing_secret: str = "",
    is_guarded: bool = False,
    api_url: str | None = None,
    admins: Collection[str] = (),
    operators: Collection[str] = (),
    viewers: Collection[str] = (),
    who_may_act: str = "everyone",
    nudge: Callable[[], None] = NOTHING_MORE,
    pool: Executor | None = None,
) -> App:
    """Give the app, for Socket Mode or for HTTP.

    is_guarded: our own guard checks signatures in front of it, on the raw bytes; otherwise Bolt does it with
    `signing_secret`. nudge: called when cards want drawing. pool: where the work runs that Slack must not wait for.
    """
    client = WebClient(token=token, base_url=api_url or SLACK_API_URL, timeout=TIMEOUT_SECONDS)
    app = App(
        name="fermata",
        client=WebClient(base_url=api_url or SLACK_API_URL, timeout=TIMEOUT_SECONDS),
        signing_secret=signing_secret,
        authorize=_authorize(token),
        request_verification_enabled=not is_guarded,
        ignoring_self_events_enabled=False,  # the events we hear are no messages
        process_before_response=False,
    )
    members = Members(
        desk.db, client, admins=admins, operators=operators, viewers=viewers, who_may_act=who_may_act
    )
    workers = pool or ThreadPoolExecutor(WORKERS, thread_name_prefix="fermata-bot")
    front = Front(desk=desk, client=client, members=members, clock=clock, pool=workers, nudge=nudge)
    listeners.register(app, front)
    app.error(_broken)
    return app


def _authorize(token: str) -> Callable[..., AuthorizeResult]:
    """Give Bolt's answer to "which token": always ours, without asking Slack on each request."""

    def authorize(enterprise_id: str | None, team_id: str | None, user_id: str | None) -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=enterprise_id, team_id=team_id, user_id=user_id, bot_token=token, bot_user_id=None
        )

    return authorize


def _broken(error: Exception) -> None:
    """Log what a listener itself did wrong; what commands do wrong is answered by the front desk."""
    log.error("listener_failed", exc_info=error)
