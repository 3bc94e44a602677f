"""Run an application on a free local port in a thread, for tests and small tools."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI

from sandbox.slack.routes import slack_routes
from sandbox.slack.workspace import Workspace


@contextlib.contextmanager
def serving(app: FastAPI, *, port: int = 0) -> Iterator[str]:
    """Serve `app` until the block ends; the value is its base URL."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1, ws="websockets-sansio")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(5)
        listener.close()


@contextlib.contextmanager
def running(workspace: Workspace) -> Iterator[str]:
    """Serve the emulator alone. `SLACK_API_URL` is the value plus `/api/`."""
    app = FastAPI()
    app.include_router(slack_routes(workspace))
    with serving(app) as url:
        workspace.base_url = url
        yield url
        workspace.close()
