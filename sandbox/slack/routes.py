"""The emulator's doors for the app: the Web API, response_url and Socket Mode."""

from __future__ import annotations

import asyncio
import json
import urllib.parse
from typing import Any

from fastapi import APIRouter, Request, Response, WebSocket, WebSocketDisconnect
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse

from sandbox.slack.state import JSON
from sandbox.slack.workspace import Workspace


def slack_routes(workspace: Workspace, *, at: str = "/api") -> APIRouter:
    """The Web API below `at`, `/upload/v1/{key}`, `/commands|actions|app/{key}` and the WebSocket `/link/`."""
    router = APIRouter()

    @router.post(f"{at}/{{method}}")
    async def api(method: str, request: Request) -> Response:
        if not workspace.base_url:
            workspace.base_url = str(request.base_url).rstrip("/")
        args = await _arguments(request)
        token = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        answer = await run_in_threadpool(workspace.call, method, args, token)
        if answer.delay_seconds:
            await asyncio.sleep(answer.delay_seconds)
        headers = {"Retry-After": str(answer.retry_after)} if answer.retry_after else {}
        if workspace.scopes:
            headers["X-OAuth-Scopes"] = ",".join(workspace.scopes)
        return JSONResponse(answer.body, answer.status, headers)

    @router.post("/upload/v1/{key}")
    async def upload(key: str, request: Request) -> Response:
        is_taken = workspace.state.files.take(key, await request.body())
        return PlainTextResponse("OK" if is_taken else "invalid_upload", 200 if is_taken else 400)

    @router.get("/files-pri/{key}/{name}")
    def private_file(key: str, name: str, request: Request) -> Response:
        """What somebody uploaded; without the app's token Slack shows its sign-in page."""
        found = workspace.uploads.by_id.get(key.partition("-")[2])
        if found is None or found.name != name:
            return PlainTextResponse("not found", 404)
        if request.headers.get("authorization") != f"Bearer {workspace.bot_token}":
            return RedirectResponse(f"{workspace.base_url}/?redir={found.path}", 302)
        return Response(found.content, media_type=found.as_json()["mimetype"])

    async def respond(key: str, request: Request) -> Response:
        try:
            body = json.loads(await request.body())
        except ValueError:
            return PlainTextResponse("invalid_payload", 400)
        status, text = await run_in_threadpool(workspace.response_urls.use, key, body)
        return PlainTextResponse(text, status) if isinstance(text, str) else JSONResponse(text, status)

    for kind in ("commands", "actions", "app"):
        router.add_api_route(f"/{kind}/{{key}}", respond, methods=["POST"], name=f"response_url_{kind}")

    @router.websocket("/link/")
    async def link(socket: WebSocket, ticket: str = "") -> None:
        await _serve_socket(workspace, socket, ticket)

    return router


async def _arguments(request: Request) -> JSON:
    """Arguments as Slack takes them: JSON, a form, or the query."""
    raw = await request.body()
    if request.headers.get("content-type", "").startswith("application/json"):
        try:
            body = json.loads(raw or b"{}")
        except ValueError:
            body = {}
        return body if isinstance(body, dict) else {}
    form = dict(urllib.parse.parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))
    return dict(request.query_params) | form


async def _serve_socket(workspace: Workspace, socket: WebSocket, ticket: str) -> None:
    await socket.accept()
    loop = asyncio.get_running_loop()
    outgoing: asyncio.Queue[JSON | None] = asyncio.Queue()

    def send(message: JSON | None) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(outgoing.put_nowait, message)

    connection = workspace.hub.attach(ticket, send, lambda: send(None))
    if connection is None:
        await socket.close(1008)
        return
    writer = asyncio.create_task(_write(socket, outgoing))
    try:
        while True:
            message: Any = json.loads(await socket.receive_text())
            workspace.hub.receive(message)
    except (WebSocketDisconnect, RuntimeError, ValueError):
        pass
    finally:
        workspace.hub.detach(connection)
        writer.cancel()


async def _write(socket: WebSocket, outgoing: asyncio.Queue[JSON | None]) -> None:
    """Send what is queued; None hangs up."""
    while (message := await outgoing.get()) is not None:
        await socket.send_text(json.dumps(message))
    await socket.close()
