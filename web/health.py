"""For whoever watches: is the process alive, can it work, and what is waiting."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, time

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, func, select

from core import cards
from core.db import Database
from core.lifecycle import Status
from core.models import WORKSPACE_ID, Card, Delivery, DeliveryState, Enrollment, HookEvent, Mailbox, Workspace
from core.schedule import at_local, local

LOG = logging.getLogger("fermata.web")

METRICS = "text/plain; version=0.0.4; charset=utf-8"
NO_DATABASE = "The database cannot be reached."

ENDED = (DeliveryState.SENT.value, DeliveryState.FAILED.value, DeliveryState.UNCERTAIN.value)

Sample = tuple[str, float]


def routes(
    db: Database,
    clock: Callable[[], datetime],
    ready: Callable[[], list[str]],
    also: Callable[[], str] = str,
) -> APIRouter:
    """Give `/healthz`, `/readyz` and `/metrics`; they hold counts and nothing of leads.

    They name our own mailboxes, so a proxy may keep them inside.

    also: further lines of metrics, which this process alone can tell.
    """
    router = APIRouter()

    @router.get("/healthz")
    async def healthz() -> Response:
        return PlainTextResponse("alive\n")

    @router.get("/readyz")
    def readyz() -> Response:
        faults = [*_database_faults(db), *ready()]
        return JSONResponse({"ready": not faults, "because": faults}, 503 if faults else 200)

    @router.get("/metrics")
    def metrics() -> Response:
        try:
            with db.read() as session:
                return Response(measure(session, now=clock()) + also(), media_type=METRICS)
        except SQLAlchemyError as error:
            LOG.warning("metrics_failed error=%s", type(error).__name__)
            return PlainTextResponse(f"{NO_DATABASE}\n", 503)

    return router


def measure(session: Session, *, now: datetime) -> str:
    """Give the Prometheus text, from one query a figure; every state appears, if with 0."""
    states = dict(session.exec(select(Delivery.state, func.count()).group_by(Delivery.state)).all())
    statuses = dict(session.exec(select(Enrollment.status, func.count()).group_by(Enrollment.status)).all())
    # The literal 'pending' is what lets both databases use the partial index.
    due = select(func.count(), func.min(Enrollment.wake_at)).where(
        text("enrollment.status = 'pending'"), col(Enrollment.wake_at) <= now
    )
    waiting, oldest = session.exec(due).one()
    waiting_cards = session.exec(
        select(func.count()).select_from(Card).where(col(Card.wanted) > Card.drawn)
    ).one()
    workspace = session.get_one(Workspace, WORKSPACE_ID)
    late = (now - oldest).total_seconds() if oldest else 0
    figures = (
        _figure("deliveries", "Deliveries by state.", _by("state", DeliveryState, states)),
        _figure("enrollments", "Enrollments by status.", _by("status", Status, statuses)),
        _figure("due", "Enrollments whose step could be sent now.", [("", waiting)]),
        _figure("oldest_due_seconds", "How long the first of those has been due.", [("", late)]),
        _figure("cards_waiting", "Slack cards that are to be posted or redrawn.", [("", waiting_cards)]),
        _figure(
            "cards_kept_back", "Slack cards that failed for a reason that holds for all.", _kept(session)
        ),
        _figure(
            "oldest_card_seconds",
            "How long the first card not yet posted waits.",
            [("", _card_waits(session, now))],
        ),
        _figure(
            "mailbox_deliveries_today",
            "Deliveries since midnight by mailbox and state.",
            _mailboxes(session, now),
        ),
        _figure("mailboxes_unread", "Mailboxes that cannot be read.", [("", _unread(session))]),
        _figure("hook_events_waiting", "Events that hooks are to be told.", [("", _untold(session))]),
        _figure("halted", "1 while all sending is halted.", [("", bool(workspace.halted_at))]),
    )
    return "".join(figures)


def _card_waits(session: Session, now: datetime) -> float:
    waits = select(Card.created_at).where(col(Card.wanted) > Card.drawn, col(Card.ts).is_(None))
    first = session.exec(waits.order_by(col(Card.created_at)).limit(1)).first()
    return max((now - first).total_seconds(), 0) if first else 0


def _mailboxes(session: Session, now: datetime) -> list[Sample]:
    """Give by mailbox what became of today's deliveries; the day is the workspace's."""
    zone = session.get_one(Workspace, WORKSPACE_ID).zone
    midnight = at_local(local(now, zone).date(), time.min, zone)
    query = (
        select(Delivery.mailbox_id, Delivery.state, func.count())
        .where(
            func.coalesce(Delivery.settled_at, Delivery.sending_at) >= midnight,
            col(Delivery.state).in_(ENDED),
        )
        .group_by(col(Delivery.mailbox_id), col(Delivery.state))
    )
    found = {(mailbox_id, state): count for mailbox_id, state, count in session.exec(query)}
    mailboxes = session.exec(select(Mailbox.id, Mailbox.address).order_by(col(Mailbox.id))).all()
    return [
        (f'{{mailbox="{address}",state="{state}"}}', found.get((mailbox_id, state), 0))
        for mailbox_id, address in mailboxes
        for state in ENDED
    ]


def _unread(session: Session) -> int:
    query = select(func.count()).select_from(Mailbox)
    return session.exec(query.where(col(Mailbox.unread_because).is_not(None))).one()


def _untold(session: Session) -> int:
    untold = (col(HookEvent.told_at).is_(None), col(HookEvent.given_up_at).is_(None))
    return session.exec(select(func.count()).select_from(HookEvent).where(*untold)).one()


def _kept(session: Session) -> list[Sample]:
    """Give the cards by fault; with none, one figure of 0."""
    found = cards.troubles(session)
    return [(f'{{fault="{fault}"}}', number) for fault, number in found.items()] or [("", 0)]


def _by(label: str, words: Iterable[str], counts: dict[str, int]) -> list[Sample]:
    return [(f'{{{label}="{word}"}}', counts.get(word, 0)) for word in map(str, words)]


def _figure(name: str, help_text: str, samples: Iterable[Sample]) -> str:
    head = f"# HELP fermata_{name} {help_text}\n# TYPE fermata_{name} gauge\n"
    return head + "".join(f"fermata_{name}{labels} {value:g}\n" for labels, value in samples)


def _database_faults(db: Database) -> list[str]:
    try:
        with db.read() as session:
            session.connection().execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        LOG.warning("database_unreachable error=%s", type(error).__name__)
        return [NO_DATABASE]
    return []
