"""Run an application on a free local port in a thread, for tests and small tools."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI

from sandbox.slack.routes import slack_routes
from sandbox.slack.workspace import Workspace


class _Server(uvicorn.Server):
    """Ends at once: uvicorn looks each 0.1 s whether it should, then waits 0.1 s more, which thousands of tests feel."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        await super().startup(sockets)

    def end(self) -> None:
        """Stop serving; may be called from any thread once `started`."""
        self._loop.call_soon_threadsafe(self._ended.set)

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self._ended.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Refuse what comes, give what runs a second, then cut it off."""
        for door in (*self.servers, *(sockets or ())):
            door.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                while self.server_state.connections or self.server_state.tasks:  # noqa: ASYNC110 - nothing tells
                    await asyncio.sleep(0.002)
        for task in self.server_state.tasks:
            task.cancel()
        await self.lifespan.shutdown()


@contextlib.contextmanager
def serving(app: FastAPI, *, port: int = 0) -> Iterator[str]:
    """Serve `app` until the block ends; the value is its base URL."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    config = uvicorn.Config(app, log_level="warning", ws="websockets-sansio")
    server = _Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.end()
        thread.join(5)


@contextlib.contextmanager
def running(workspace: Workspace) -> Iterator[str]:
    """Serve the emulator alone. `SLACK_API_URL` is the value plus `/api/`."""
    app = FastAPI()
    app.include_router(slack_routes(workspace))
    with serving(app) as url:
        workspace.base_url = url
        yield url
        workspace.close()
