"""A real Bolt app behind the door, asked as Slack asks."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_bolt import App
from slack_bolt.authorization import AuthorizeResult

from sandbox.slack import SignedHttp
from sandbox.slack.delivery import Envelope
from tests.web.conftest import SECRET, Site, open_site
from web.slack import bolt_handler

COMMAND = {"command": "/sequence", "text": "help", "team_id": "T1", "api_app_id": "A1", "user_id": "U1"}


@pytest.fixture
def heard() -> list[str]:
    return []


@pytest.fixture
def app(heard: list[str]) -> App:
    def authorize(enterprise_id, team_id, user_id):
        return AuthorizeResult(
            enterprise_id=enterprise_id, team_id=team_id, user_id=user_id, bot_token="xoxb-1"
        )

    app = App(
        authorize=authorize,
        request_verification_enabled=False,
        ignoring_self_events_enabled=False,
        logger=logging.getLogger("quiet"),
    )

    @app.command("/sequence")
    def on_command(ack, command):
        heard.append(command["text"])
        ack(f"You said {command['text']}")

    @app.action("pause")
    def on_pause(ack, action):
        heard.append(action["value"])
        ack()

    @app.event("app_home_opened")
    def on_home(event, request):
        heard.append(f"{event['user']} {request.headers.get('x-slack-retry-num')}")

    return app


@pytest.fixture
def bolt(sqlite_url: str, app: App) -> Iterator[Site]:
    yield from open_site(sqlite_url, bolt_handler(app))


def test_command_is_answered(bolt, heard):
    answer = bolt.slack(urlencode(COMMAND).encode())
    assert (answer.status_code, answer.text, heard) == (200, "You said help", ["help"])


def test_command_click_and_retried_event_as_the_emulator_sends_them(bolt, heard):
    slack = SignedHttp(f"{bolt.url}/slack/events", SECRET, now=lambda: bolt.world.now)
    assert slack.deliver(Envelope("slash_commands", COMMAND)).payload == {"text": "You said help"}
    click = {
        "type": "block_actions",
        "team": {"id": "T1"},
        "user": {"id": "U1"},
        "api_app_id": "A1",
        "actions": [{"type": "button", "action_id": "pause", "block_id": "b", "value": "lead-1"}],
    }
    assert slack.deliver(Envelope("interactive", click)).error is None
    event = {
        "type": "event_callback",
        "team_id": "T1",
        "api_app_id": "A1",
        "event_id": "Ev1",
        "event": {"type": "app_home_opened", "user": "U1"},
    }
    assert (
        slack.deliver(Envelope("events_api", event, retry_attempt=2, retry_reason="http_error")).error is None
    )
    until = time.monotonic() + 5
    while len(heard) < 3 and time.monotonic() < until:  # Bolt answers an event first and hears it then
        time.sleep(0.01)
    assert heard == ["help", "lead-1", "U1 ['2']"]


def test_url_check_is_echoed(bolt):
    body = json.dumps({"type": "url_verification", "challenge": "c-1", "token": "x"}).encode()
    assert bolt.slack(body, content_type="application/json").json() == {"challenge": "c-1"}


def test_unsigned_headers_do_not_steer_bolt(bolt, heard):
    answer = bolt.slack(
        urlencode(COMMAND).encode(), x_slack_bolt_lazy_only="1", x_slack_bolt_lazy_function_name="f"
    )
    assert (answer.status_code, heard) == (200, ["help"])


def test_unknown_command_is_no_failure_of_ours(bolt):
    assert bolt.slack(urlencode({**COMMAND, "command": "/other"}).encode()).status_code == 404


words = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
names = st.sampled_from(
    ["type", "team", "team_id", "enterprise", "authorizations", "event", "user", "actions", "view", "command", "channel",
     "container", "callback_id", "payload", "is_enterprise_install", "event_id", "message", "bot_id", "text"]
)  # fmt: skip
kinds = st.sampled_from(
    ["block_actions", "view_submission", "event_callback", "/sequence", "pause", "app_home_opened"]
)
shapes = st.recursive(
    words | kinds,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=5),
    max_leaves=12,
)


@settings(max_examples=60)
@given(payload=st.dictionaries(names, shapes, max_size=6), is_event=st.booleans())
def test_no_signed_shape_makes_it_fail(bolt, payload, is_event):
    body = json.dumps(payload).encode()
    if is_event:
        answer = bolt.slack(body, content_type="application/json")
    else:
        answer = bolt.slack(urlencode({"payload": body}).encode())
    assert answer.status_code != 500
