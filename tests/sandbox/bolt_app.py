"""A tiny real Bolt app, the other side of the emulator's own tests."""

from __future__ import annotations

import time
from typing import Any

from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from sandbox.slack import Workspace

SECRET = "not-so-secret"


def text(words: str, kind: str = "plain_text") -> dict[str, str]:
    return {"type": kind, "text": words}


def card(words: str) -> list[dict[str, Any]]:
    options = [
        {"text": text("Keep the date"), "value": "keep"},
        {"text": text("History"), "value": "history"},
    ]
    return [
        {"type": "section", "text": text(words, "mrkdwn")},
        {
            "type": "actions",
            "elements": [
                {"type": "button", "action_id": "pause", "text": text("Pause"), "value": "lead-1"},
                {"type": "button", "action_id": "form", "text": text("Form"), "value": "lead-1"},
                {"type": "overflow", "action_id": "more", "options": options},
                {"type": "datepicker", "action_id": "until", "initial_date": "2027-06-15"},
            ],
        },
    ]


def modal(metadata: str) -> dict[str, Any]:
    return {
        "type": "modal",
        "callback_id": "hold",
        "private_metadata": metadata,
        "title": text("Hold a lead"),
        "submit": text("Hold"),
        "notify_on_close": True,
        "blocks": [
            {
                "type": "input",
                "block_id": "why",
                "label": text("Because"),
                "element": {"type": "plain_text_input", "action_id": "text"},
            },
            {
                "type": "input",
                "block_id": "when",
                "label": text("Until"),
                "optional": True,
                "element": {"type": "datepicker", "action_id": "date"},
            },
        ],
    }


class Heard:
    """What the app's listeners saw."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.errors: list[str] = []
        self.retries: list[list[str]] = []


def build(workspace: Workspace, url: str, api: str = "/api") -> tuple[App, Heard]:
    client = WebClient(token=workspace.bot_token, base_url=f"{url}{api}/")
    app = App(client=client, signing_secret=SECRET, token=workspace.bot_token)
    heard = Heard()

    @app.command("/sequence")
    def on_command(ack: Any, body: Any, command: Any, client: Any, respond: Any) -> None:
        heard.bodies.append(body)
        words = command["text"]
        if words == "slow":
            time.sleep(workspace.hub.ack_seconds + 0.4)
        if words.startswith("say"):
            ack(f"You said {words[4:]}")
            return
        ack()
        if words == "respond":
            for number in range(7):
                answer = respond(f"answer {number}")
                if answer.status_code != 200:
                    heard.errors.append(answer.body)
            return
        if words == "late form":
            time.sleep(workspace.trigger_seconds + 0.2)
            _attempt(heard, lambda: client.views_open(trigger_id=body["trigger_id"], view=modal("x")))
            return
        client.chat_postMessage(channel=command["channel_id"], text="Card", blocks=card("*Lead* runs"))

    @app.action("pause")
    def on_pause(ack: Any, body: Any, client: Any, respond: Any) -> None:
        ack()
        heard.bodies.append(body)
        place, ts = body["channel"]["id"], body["message"]["ts"]
        client.chat_update(channel=place, ts=ts, text="Paused", blocks=card("*Lead* is paused"))
        respond(text=f"Paused by <@{body['user']['id']}>", replace_original=False)

    @app.action("form")
    def on_form(ack: Any, body: Any, client: Any) -> None:
        ack()
        heard.bodies.append(body)
        client.views_open(trigger_id=body["trigger_id"], view=modal("lead-1"))
        _attempt(heard, lambda: client.views_open(trigger_id=body["trigger_id"], view=modal("lead-1")))

    @app.action("more")
    @app.action("until")
    def on_choice(ack: Any, body: Any) -> None:
        ack()
        heard.bodies.append(body)

    @app.view("hold")
    def on_submit(ack: Any, body: Any, client: Any) -> None:
        heard.bodies.append(body)
        reason = body["view"]["state"]["values"]["why"]["text"]["value"]
        if len(reason) < 4:
            ack(response_action="errors", errors={"why": "Say a little more."})
            return
        ack()
        client.chat_postEphemeral(channel="C0OUTBOUND", user=body["user"]["id"], text=f"Held: {reason}")

    @app.view_closed("hold")
    def on_closed(ack: Any, body: Any) -> None:
        ack()
        heard.bodies.append(body)

    @app.event("app_home_opened")
    def on_home(event: Any, body: Any, client: Any, request: Any) -> None:
        heard.bodies.append(body)
        heard.retries.append(request.headers.get("x-slack-retry-num", []))
        view = {"type": "home", "blocks": [{"type": "header", "text": text("Your leads")}]}
        client.views_publish(user_id=event["user"], view=view)

    return app, heard


def _attempt(heard: Heard, call: Any) -> None:
    try:
        call()
    except SlackApiError as error:
        heard.errors.append(error.response["error"])


def connect(app: App, workspace: Workspace) -> SocketModeHandler:
    handler = SocketModeHandler(app, workspace.app_token, web_client=app.client, ping_interval=60)
    handler.connect()
    assert workspace.hub.wait_until_reachable(5)
    return handler


def hang_up(handler: SocketModeHandler, workspace: Workspace) -> None:
    """Close from both ends: alone, the client sits out its three-second read."""
    handler.client.auto_reconnect_enabled = False
    for connection in list(workspace.hub.connections):
        connection.close()
    for _ in range(100):  # closing at the same moment as its reader trips the client
        if not handler.client.is_connected():
            break
        time.sleep(0.02)
    handler.close()
