"""The part of the API that changes nothing: leads, sequences, the journal, the ledger. Scope: read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from sqlmodel import Session

from core import api_views, ledger
from core.api_tokens import Scope
from core.errors import Refused
from core.models import LARGEST_ID
from web.api import shapes
from web.api.guard import SCOPE, Guard, Unclear

MOST_LEADS, MOST_LINES = 200, 500
READ = {SCOPE: Scope.READ.value}
After = Annotated[int, Query(ge=0, le=LARGEST_ID)]
Lines = Callable[..., Iterator[dict[str, Any]]]


def routes(guard: Guard) -> APIRouter:
    """Give the routes."""
    router = guard.router()
    db = guard.desk.db

    @router.get("/leads", response_model=shapes.Leads, openapi_extra=READ)
    def leads(
        request: Request,
        filter: Annotated[str, Query(max_length=500, description="Conditions, as in `/sequence`.")] = "",  # noqa: A002
        cursor: Annotated[str, Query(max_length=10, pattern="^[0-9]*$")] = "",
        limit: Annotated[int, Query(ge=1, le=MOST_LEADS)] = 100,
    ) -> Any:
        after = int(cursor or 0)
        try:
            with db.read() as session:
                return api_views.leads(
                    session, filter, after=min(after, LARGEST_ID), limit=limit, actor=request.state.actor
                )
        except Refused as refused:
            raise Unclear(str(refused)) from None

    @router.get("/leads/{email}", response_model=shapes.WholeLead, openapi_extra=READ)
    def lead(email: str) -> Any:
        with db.read() as session:
            return api_views.lead(session, api_views.find_lead(session, email), now=guard.clock())

    @router.get("/sequences", response_model=shapes.Sequences, openapi_extra=READ)
    def sequences() -> Any:
        with db.read() as session:
            return {"sequences": api_views.sequences(session)}

    @router.get("/sequences/{name}", response_model=shapes.Sequence, openapi_extra=READ)
    def sequence(name: str) -> Any:
        with db.read() as session:
            return api_views.sequences(session, name)[0]

    @router.get("/events", response_model=shapes.Events, openapi_extra=READ)
    def events(after: After = 0, limit: Annotated[int, Query(ge=1, le=MOST_LINES)] = 100) -> Any:
        with db.read() as session:
            return _page(session, "events", ledger.audit, after, limit)

    @router.get("/deliveries", response_model=shapes.Deliveries, openapi_extra=READ)
    def deliveries(after: After = 0, limit: Annotated[int, Query(ge=1, le=MOST_LINES)] = 100) -> Any:
        with db.read() as session:
            return _page(session, "deliveries", ledger.ledger, after, limit)

    return router


def _page(session: Session, what: str, lines: Lines, after: int, limit: int) -> dict[str, Any]:
    found = list(lines(session, after=after, limit=limit))
    return {what: found, "next": found[-1]["id"] if found else after}
