"""The web side of Fermata: Slack's requests, the unsubscribe link, webhooks, and what a watchdog asks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from fastapi import FastAPI

from core.commands import Desk
from core.db import Database
from core.letters import Office
from web import api, health, links, unsubscribe
from web.doors import Secrets
from web.headers import SafeHeaders, safe
from web.hooks import Hooks
from web.pages import STYLE_HASH
from web.slack import SlackGate
from web.slack import routes as slack_routes
from web.sns import Fetch, fetch


def create_app(
    *,
    db: Database,
    office: Office,
    clock: Callable[[], datetime],
    slack: SlackGate | None,
    ready: Callable[[], list[str]],
    secrets: Secrets | None = None,
    figures: Callable[[], str] = str,
    fetch: Fetch = fetch,
) -> FastAPI:
    """Give the application. `slack` None: Slack comes over Socket Mode and this door does not exist.

    ready: sentences that say what keeps this process from its work; empty when nothing does. secrets: of the webhooks;
    None: every one of them is off. figures: metrics that this process alone can tell. fetch: how the certificates of SNS are had.
    """
    # No redirects for a stray slash: they would repeat the Host header of whoever asks.
    app = FastAPI(title="Fermata", openapi_url=None, redirect_slashes=False)
    hooks = Hooks(db, clock, secrets or Secrets(), fetch=fetch)
    app.include_router(health.routes(db, clock, ready, also=lambda: hooks.figures() + figures()))
    app.include_router(unsubscribe.routes(db, office, clock))
    app.include_router(links.routes(db, clock))
    app.include_router(hooks.routes())
    if slack is not None:
        app.include_router(slack_routes(slack, db, clock))
    app.router.routes.append(api.mount(Desk(db), clock))
    app.add_middleware(SafeHeaders, headers=safe(STYLE_HASH))
    return app
