"""The Web API through slack_sdk's own client: answers, refusals, limits and set faults."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from sandbox.slack import Workspace, running
from sandbox.slack.state import User

NOW = datetime(2027, 6, 1, 9, tzinfo=UTC)
BLOCKS = [{"type": "section", "text": {"type": "mrkdwn", "text": "*hello*"}}]
HOME = {"type": "home", "blocks": BLOCKS}


@pytest.fixture
def workspace() -> Workspace:
    return Workspace(now=lambda: NOW)


@pytest.fixture
def client(workspace: Workspace) -> Iterator[WebClient]:
    with running(workspace) as url:
        yield WebClient(token=workspace.bot_token, base_url=f"{url}/api/", timeout=2, retry_handlers=[])


def refusal(call: Any, **args: Any) -> SlackApiError:
    with pytest.raises(SlackApiError) as caught:
        call(**args)
    return caught.value


REFUSED = [
    ("chat.postMessage", {"channel": "C0NOWHERE", "text": "x"}, "channel_not_found"),
    ("chat.postMessage", {"channel": "C0OUTBOUND"}, "no_text"),
    ("chat.postMessage", {"text": "x"}, "invalid_arguments"),
    ("chat.postMessage", {"channel": "C0OUTBOUND", "text": "x" * 40_001}, "msg_too_long"),
    (
        "chat.postMessage",
        {"channel": "C0OUTBOUND", "text": "x", "blocks": [{"type": "nope"}]},
        "invalid_blocks",
    ),
    ("chat.postMessage", {"channel": "C0OUTBOUND", "text": "x", "blocks": "[{"}, "invalid_blocks_format"),
    ("chat.postEphemeral", {"channel": "C0OUTBOUND", "user": "U0NOBODY", "text": "x"}, "user_not_in_channel"),
    ("chat.update", {"channel": "C0OUTBOUND", "ts": "1.1", "text": "x"}, "message_not_found"),
    ("chat.delete", {"channel": "C0OUTBOUND", "ts": "1.1"}, "message_not_found"),
    ("users.info", {"user": "U0NOBODY"}, "user_not_found"),
    ("usergroups.users.list", {"usergroup": "S0NONE"}, "no_such_subteam"),
    ("conversations.open", {"users": "U0NOBODY"}, "user_not_found"),
    ("conversations.info", {"channel": "#outbound"}, "channel_not_found"),
    ("views.open", {"trigger_id": "1.2.3", "view": {"type": "modal"}}, "invalid_arguments"),
    ("views.update", {"view_id": "V1", "view": HOME}, "not_found"),
    ("views.publish", {"user_id": "U0NOBODY", "view": HOME}, "user_not_found"),
    ("apps.connections.open", {}, "not_allowed_token_type"),
    ("files.upload", {}, "unknown_method"),
]


@pytest.mark.parametrize(("method", "args", "error"), REFUSED)
def test_refused_in_slacks_words(client: WebClient, method: str, args: dict[str, Any], error: str) -> None:
    raised = refusal(client.api_call, api_method=method, json=args)
    assert raised.response["error"] == error


def test_bad_blocks_name_the_place(client: WebClient) -> None:
    blocks = [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}]
    raised = refusal(client.chat_postMessage, channel="C0OUTBOUND", text="x", blocks=blocks)
    expected = ["[ERROR] must be less than 151 characters [json-pointer:/blocks/0/text/text]"]
    assert raised.response["response_metadata"]["messages"] == expected


def test_tokens_are_checked(client: WebClient) -> None:
    for token, error in ((None, "not_authed"), ("xoxb-wrong", "invalid_auth")):
        assert refusal(WebClient(token=token, base_url=client.base_url).auth_test).response["error"] == error
    assert client.auth_test()["user_id"] == "U0BOT"


def test_post_update_history_permalink_delete(client: WebClient, workspace: Workspace) -> None:
    posted = client.chat_postMessage(channel="#outbound", text="one", blocks=BLOCKS)
    place, ts = posted["channel"], posted["ts"]
    assert posted["message"]["blocks"][0]["block_id"]
    assert client.chat_update(channel=place, ts=ts, text="two")["message"]["text"] == "two"
    assert [m["text"] for m in client.conversations_history(channel=place)["messages"]] == ["two"]
    assert ts.replace(".", "") in client.chat_getPermalink(channel=place, message_ts=ts)["permalink"]
    client.reactions_add(channel=place, timestamp=ts, name="eyes")
    client.chat_delete(channel=place, ts=ts)
    assert workspace.messages("#outbound") == []


def test_other_peoples_messages_cannot_be_changed(client: WebClient, workspace: Workspace) -> None:
    said = workspace.person("Ana").type("#general", "hello").message
    assert said is not None
    raised = refusal(client.chat_update, channel=said.channel, ts=said.ts, text="x")
    assert raised.response["error"] == "cant_update_message"


def test_ephemerals_cannot_be_updated(client: WebClient) -> None:
    ts = client.chat_postEphemeral(channel="C0OUTBOUND", user="U0ANA", text="psst")["message_ts"]
    assert (
        refusal(client.chat_update, channel="C0OUTBOUND", ts=ts, text="x").response["error"]
        == "message_not_found"
    )


def test_bot_outside_a_channel_cannot_post(client: WebClient, workspace: Workspace) -> None:
    workspace.add_channel("private", {"U0ANA"}, channel_id="C0PRIVATE")
    assert (
        refusal(client.chat_postMessage, channel="C0PRIVATE", text="x").response["error"] == "not_in_channel"
    )


def test_people_and_guests(client: WebClient, workspace: Workspace) -> None:
    workspace.add_user(User("U0EVE", "eve", "Eve Stranger", team_id="T0OTHER"))
    ana = client.users_info(user="U0ANA")["user"]
    assert (ana["tz"], ana["tz_offset"], ana["is_restricted"]) == ("Europe/Berlin", 7200, False)
    assert client.users_info(user="U0GUS")["user"]["is_restricted"] is True
    assert client.users_info(user="U0EVE")["user"]["team_id"] == "T0OTHER"
    pages = [len(p["members"]) for p in client.users_list(limit=4)]
    assert pages == [4, 2]
    assert client.usergroups_users_list(usergroup="S0SALES")["users"] == ["U0ANA", "U0BEN", "U0MIRA"]


def test_direct_messages(client: WebClient, workspace: Workspace) -> None:
    place = client.conversations_open(users="U0MIRA")["channel"]["id"]
    client.chat_postMessage(channel="U0MIRA", text="digest")
    assert [m.text for m in workspace.person("Mira").messages(place)] == ["digest"]


def test_home_hash_conflict(client: WebClient) -> None:
    first = client.views_publish(user_id="U0ANA", view=HOME)["view"]["hash"]
    client.views_publish(user_id="U0ANA", view=HOME, hash=first)
    assert (
        refusal(client.views_publish, user_id="U0ANA", view=HOME, hash=first).response["error"]
        == "hash_conflict"
    )


def test_view_too_large(client: WebClient) -> None:
    section = {"type": "section", "text": {"type": "plain_text", "text": "x" * 3000}}
    raised = refusal(client.views_publish, user_id="U0ANA", view={"type": "home", "blocks": [section] * 90})
    assert raised.response["error"] == "view_too_large"


def test_rate_limit_with_bursts(client: WebClient, workspace: Workspace) -> None:
    workspace.posts_per_second = 1.0
    for _ in range(5):
        client.chat_postMessage(channel="C0OUTBOUND", text="x")
    raised = refusal(client.chat_postMessage, channel="C0OUTBOUND", text="x")
    assert raised.response["error"] == "ratelimited"
    assert raised.response.headers["Retry-After"] == "1"
    client.chat_postMessage(channel="C0GENERAL", text="another channel has its own budget")


def test_faults_come_as_set(client: WebClient, workspace: Workspace) -> None:
    workspace.fail_next("chat.postMessage", status=429, retry_after=7)
    raised = refusal(client.chat_postMessage, channel="C0OUTBOUND", text="x")
    assert raised.response.headers["Retry-After"] == "7"
    workspace.fail_next("chat.postMessage", times=2, after=True)
    for _ in range(2):
        assert refusal(client.chat_postMessage, channel="C0OUTBOUND", text="acted").response["ok"] is False
    assert [m.text for m in workspace.messages("#outbound")] == ["acted", "acted"]
    assert [c.status for c in workspace.calls_of("chat.postMessage")] == [429, 500, 500]


def test_a_fault_can_be_silence(client: WebClient, workspace: Workspace) -> None:
    workspace.fail_next("auth.test", delay_seconds=0.6)
    client.timeout = 0.2
    with pytest.raises(TimeoutError):
        client.auth_test()
