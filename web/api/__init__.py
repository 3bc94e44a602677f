"""The API for other systems, below /api: tokens with scopes, JSON in and out, every act through core/commands.

Mounted as an application of its own, so that its errors and its OpenAPI are its own. What is refused is one sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Mount

from core.commands import Desk
from web.api import doing, looking
from web.api.guard import Guard, fault

ABOUT = "Leads, enrolments, holds, sequences, events. docs/api.md says more."


def mount(desk: Desk, clock: Callable[[], datetime]) -> Mount:
    """Give the API at /api, for whatever stands after it: Starlette's own pattern stops at a line break."""
    found = Mount("/api", app=create(desk, clock))
    found.path_regex = re.compile(found.path_regex.pattern, re.DOTALL)
    return found


def create(desk: Desk, clock: Callable[[], datetime]) -> FastAPI:
    """Give the application behind it."""
    app = FastAPI(
        title="Fermata",
        version="1",
        description=ABOUT,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        servers=[{"url": "/api"}],
        root_path_in_servers=False,
    )
    guard = Guard(desk, clock)
    app.include_router(looking.routes(guard))
    app.include_router(doing.routes(guard))
    app.add_exception_handler(HTTPException, _unknown)
    return app


async def _unknown(_request: Request, error: Exception) -> JSONResponse:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = error.headers if isinstance(error, HTTPException) else None
    words = {404: "There is nothing at this address.", 405: "This address does not take that method."}
    return fault(status, words.get(status, "It could not be handled."), headers=headers)
