"""A real Bolt app behind a signed request URL: three seconds, signatures, event retries."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from fastapi import FastAPI, Request, Response
from slack_bolt.adapter.fastapi import SlackRequestHandler

from sandbox.slack import SignedHttp, Workspace, running, serving
from tests.sandbox import bolt_app
from tests.sandbox.bolt_app import SECRET, Heard


def wall() -> datetime:
    return datetime.now(UTC)  # Bolt compares the signature's time with the wall clock


class Front:
    """The app's own HTTP front; `refuse` answers the next requests with 500."""

    def __init__(self, handler: SlackRequestHandler) -> None:
        self.app, self.refuse, self.retries = FastAPI(), 0, []

        @self.app.post("/slack/events")
        async def events(request: Request) -> Response:
            self.retries.append(request.headers.get("x-slack-retry-num"))
            if self.refuse:
                self.refuse -= 1
                return Response(status_code=500)
            return await handler.handle(request)


class Stage:
    def __init__(self, workspace: Workspace, front: Front, heard: Heard, url: str) -> None:
        self.workspace, self.front, self.heard, self.url = workspace, front, heard, url
        self.ana = workspace.person("Ana")


@pytest.fixture
def stage() -> Iterator[Stage]:
    workspace = Workspace(now=wall, ack_seconds=0.8, event_retry_delays=(0.0, 0.1, 0.1))
    with running(workspace) as url:
        app, heard = bolt_app.build(workspace, url)
        front = Front(SlackRequestHandler(app))
        with serving(front.app) as app_url:
            target = f"{app_url}/slack/events"
            workspace.delivery = SignedHttp(target, SECRET, now=wall, ack_seconds=0.8)
            yield Stage(workspace, front, heard, target)


def test_command_click_and_modal_over_signed_http(stage: Stage) -> None:
    assert stage.ana.type("#outbound", "/sequence card").ok
    shown = stage.ana.wait_for_text("runs")
    assert stage.ana.click(shown, "Pause").ok
    stage.ana.wait_for_text("is paused")
    stage.ana.click(shown.ts, "Form")
    stage.workspace.wait_for(lambda: stage.ana.modal)
    assert stage.ana.submit({"Because": "no"}).error == "Say a little more."
    assert stage.ana.submit({"Because": "on holiday"}).ok


def test_wrong_signature_is_turned_away_by_the_app(stage: Stage) -> None:
    stage.workspace.delivery = SignedHttp(stage.url, "another secret", now=wall)
    assert stage.ana.type("#outbound", "/sequence card").error == "dispatch_failed"
    assert stage.heard.bodies == []


def test_slow_answer_is_a_timeout(stage: Stage) -> None:
    began = time.monotonic()
    assert stage.ana.type("#outbound", "/sequence slow").error == "operation_timeout"
    assert time.monotonic() - began < 1.2
    time.sleep(0.6)  # the app's thread ends before its server does


def test_event_is_retried_with_its_number(stage: Stage) -> None:
    stage.front.refuse = 2
    stage.ana.open_home()
    stage.workspace.wait_for(lambda: stage.ana.home, timeout=8)
    assert stage.front.retries == [None, "1", "2"]


def test_the_same_click_can_come_twice(stage: Stage) -> None:
    stage.ana.type("#outbound", "/sequence card")
    stage.ana.click(stage.ana.wait_for_text("runs"), "History")
    assert stage.workspace.replay().error is None
    assert stage.heard.bodies[-1] == stage.heard.bodies[-2]
