"""What stands before every call: the token, its scope, the size and sense of the body, and the idempotency key.

All of it in one route class, since a call that is not allowed must not even be read.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Annotated, Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Header, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from sqlalchemy.exc import DataError, SQLAlchemyError

from core import api_tokens, idempotency
from core.acts import Overtaken
from core.api_tokens import Bearer, Scope
from core.api_views import NotFound
from core.commands import Desk
from core.errors import Refused
from web import body as bodies
from web import strict_json
from web.api.shapes import Fault

LOG = logging.getLogger("fermata.web.api")
LARGEST_BODY_BYTES = 256 * 2**10
LONGEST_KEY_CHARS = 200
WRITING = frozenset({"POST", "PUT"})
SCOPE = "x-scope"  # where a route's description says which one it takes

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
_FAULTS = {
    400: "The request broke off.",
    401: "The token is missing, unknown or revoked.",
    403: "The token may not do this.",
    404: "There is no such lead or sequence.",
    405: "This address does not take that method.",
    408: "The body took too long to arrive.",
    409: "It cannot be done now; the sentence says why.",
    413: "The body is too large.",
    422: "Something in the request cannot be understood; `refused` says what, or `fields` one by one.",
    503: "The database cannot be reached; try again.",
}


@dataclass(frozen=True)
class Guard:
    """What the routes of the API share."""

    desk: Desk
    clock: Callable[[], datetime]

    def router(self) -> APIRouter:
        """Give a router whose routes are all guarded."""

        class Guarded(APIRoute):
            def get_route_handler(route) -> Handler:  # noqa: N805 - of the route, the guard is `self`
                scope = (route.openapi_extra or {}).get(SCOPE, Scope.ADMIN)
                return partial(self._enter, super().get_route_handler(), scope)

        described: dict[int | str, dict[str, Any]] = {
            status: {"model": Fault, "description": words} for status, words in _FAULTS.items()
        }
        return APIRouter(
            route_class=Guarded, responses=described, dependencies=[Depends(HTTPBearer(auto_error=False))]
        )

    async def _enter(self, handle: Handler, scope: str, request: Request) -> Response:
        try:
            bearer = await run_sync(self._bearer, request, scope)
            request.state.actor = bearer.actor
            if request.method not in WRITING:
                return await handle(request)
            # Kept where Starlette keeps a body it has read: what is checked here is what the route gets.
            request._body = body = await bodies.read(request, limit_bytes=LARGEST_BODY_BYTES)  # noqa: SLF001
            if body:
                strict_json.loads(body)
            return await self._once(handle, request, bearer, body)
        except HTTPException as refused:
            return fault(refused.status_code, str(refused.detail), headers=refused.headers)
        except RequestValidationError as error:
            return fault(422, "Something in the request cannot be understood.", fields=_fields(error))
        except ValueError:
            return fault(422, "The body is no plain JSON.")
        except NotFound as refused:
            return fault(404, str(refused))
        except DataError:
            return fault(422, "A number or a text in the request is beyond what can be stored.")
        except (idempotency.AnotherCall, Unclear) as refused:
            return fault(422, str(refused))
        except Refused as refused:
            return fault(409, str(refused))
        except (SQLAlchemyError, Overtaken) as error:
            LOG.warning("api_failed error=%s", type(error).__name__)  # its text repeats the values
            return fault(503, "The database cannot be reached now; try again.", headers={"retry-after": "5"})

    def _bearer(self, request: Request, scope: str) -> Bearer:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        found = None
        if kind.lower() == "bearer":
            found = api_tokens.bearer(self.desk.db, token.strip(), now=self.clock())
        if found is None:
            words = "Send a token that is good: `Authorization: Bearer fmt_…`."
            raise HTTPException(401, words, {"www-authenticate": "Bearer"})
        if scope not in found.scopes:
            raise HTTPException(403, f"This takes a token with the scope {scope}; {found.name} has it not.")
        return found

    async def _once(self, handle: Handler, request: Request, bearer: Bearer, body: bytes) -> Response:
        """Answer a call, or give the answer that the same one got before."""
        given = request.headers.get("idempotency-key")
        if given is None:
            return await handle(request)
        if not 0 < len(given) <= LONGEST_KEY_CHARS:
            raise Unclear(f"An Idempotency-Key has at most {LONGEST_KEY_CHARS} characters, and at least one.")
        db, key = self.desk.db, idempotency.place(bearer.token_id, given)
        asked = sha256(
            f"{request.method} {request.url.path}?{request.url.query}\n".encode() + body
        ).hexdigest()
        if stored := await run_sync(partial(idempotency.begin, db, key, asked, now=self.clock())):
            return Response(stored.body, stored.status, media_type="application/json")
        try:
            answer = await handle(request)
        except (Refused, RequestValidationError, DataError, SQLAlchemyError):
            await run_sync(idempotency.forget, db, key)  # every act is one transaction: this one was undone
            raise
        await run_sync(idempotency.keep, db, key, answer.status_code, bytes(answer.body).decode())
        return answer


class Unclear(Refused):
    """A part of the request that cannot be understood, found after its form was checked."""


def fault(
    status: int, sentence: str, *, fields: list[dict[str, str]] | None = None, headers: Any = None
) -> JSONResponse:
    """Give a refusal in the one shape that all have."""
    return JSONResponse({"refused": sentence, "fields": fields or []}, status, headers)


def _fields(error: RequestValidationError) -> list[dict[str, str]]:
    """Give what is wrong, by field; what was sent is not repeated."""
    return [
        {"field": ".".join(_safe(part) for part in one["loc"][1:]) or "body", "problem": str(one["msg"])}
        for one in error.errors()
    ]


def _safe(part: object) -> str:
    return str(part)[:60].encode("ascii", "backslashreplace").decode()


def idempotency_key(
    idempotency_key: Annotated[str | None, Header(max_length=LONGEST_KEY_CHARS)] = None,
) -> None:
    """Describe the header; it is read before the route is."""
