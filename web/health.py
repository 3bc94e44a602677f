"""For whoever watches: is the process alive, can it work, and what is waiting."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from core.db import Database
from web import metrics

LOG = logging.getLogger("fermata.web")

METRICS = "text/plain; version=0.0.4; charset=utf-8"
NO_DATABASE = "The database cannot be reached."


def alone(db: Database, *, ready: Callable[[], list[str]], figures: Callable[[], str]) -> FastAPI:
    """Give the three doors for a process that serves nothing else; its /metrics has only what it alone can tell."""
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    app.include_router(_doors(db, ready, figures))
    return app


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

    def measured() -> str:
        with db.read() as session:
            return metrics.measure(session, now=clock()) + also()

    return _doors(db, ready, measured)


def _doors(db: Database, ready: Callable[[], list[str]], measured: Callable[[], str]) -> APIRouter:
    router = APIRouter()

    @router.get("/healthz")
    async def healthz() -> Response:
        return PlainTextResponse("alive\n")

    @router.get("/readyz")
    def readyz() -> Response:
        faults = [*_database_faults(db), *ready()]
        return JSONResponse({"ready": not faults, "because": faults}, 503 if faults else 200)

    @router.get("/metrics")
    def show_metrics() -> Response:
        try:
            return Response(measured(), media_type=METRICS)
        except SQLAlchemyError as error:
            LOG.warning("metrics_failed error=%s", type(error).__name__)
            return PlainTextResponse(f"{NO_DATABASE}\n", 503)

    return router


def _database_faults(db: Database) -> list[str]:
    try:
        with db.read() as session:
            session.connection().execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        LOG.warning("database_unreachable error=%s", type(error).__name__)
        return [NO_DATABASE]
    return []
