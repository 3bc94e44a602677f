"""What Slack sends to an app, shape by shape. Pure: people, messages and views in, JSON out."""

from __future__ import annotations

import secrets
from datetime import datetime

from sandbox.slack.state import (
    APP_ID,
    BOT_USER,
    JSON,
    TEAM_DOMAIN,
    TEAM_ID,
    Channel,
    Execution,
    Message,
    User,
    View,
)

VERIFICATION_TOKEN = "sandbox-verification-token"  # noqa: S105  the deprecated field Slack still sends


def action_ts(now: datetime) -> str:
    return f"{now.timestamp():.6f}"


def command(
    *, user: User, channel: Channel, name: str, text: str, trigger_id: str, response_url: str
) -> JSON:
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": TEAM_ID,
        "team_domain": TEAM_DOMAIN,
        "channel_id": channel.id,
        "channel_name": channel.name,
        "user_id": user.id,
        "user_name": user.name,
        "command": name,
        "text": text,
        "api_app_id": APP_ID,
        "is_enterprise_install": "false",
        "response_url": response_url,
        "trigger_id": trigger_id,
    }


def _interaction(kind: str, user: User, trigger_id: str) -> JSON:
    return {
        "type": kind,
        "team": {"id": TEAM_ID, "domain": TEAM_DOMAIN},
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team_id},
        "api_app_id": APP_ID,
        "token": VERIFICATION_TOKEN,
        "trigger_id": trigger_id,
        "enterprise": None,
        "is_enterprise_install": False,
    }


def message_actions(
    *,
    user: User,
    channel: Channel,
    message: Message,
    action: JSON,
    state: JSON,
    trigger_id: str,
    response_url: str,
) -> JSON:
    """A click in a message. As in Slack, an ephemeral's own blocks do not come along."""
    payload = _interaction("block_actions", user, trigger_id) | {
        "container": {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": channel.id,
            "is_ephemeral": message.ephemeral_to is not None,
        },
        "channel": {"id": channel.id, "name": channel.name},
        "state": {"values": state},
        "response_url": response_url,
        "actions": [action],
    }
    if message.ephemeral_to is None:
        payload["message"] = message.as_json()
    return payload


def view_actions(*, user: User, view: View, action: JSON, trigger_id: str) -> JSON:
    return _interaction("block_actions", user, trigger_id) | {
        "container": {"type": "view", "view_id": view.id},
        "view": view.as_json(),
        "actions": [action],
    }


def view_submission(*, user: User, view: View, trigger_id: str) -> JSON:
    payload = _interaction("view_submission", user, trigger_id)
    return payload | {"view": view.as_json(), "response_urls": []}


def view_closed(*, user: User, view: View, is_cleared: bool) -> JSON:
    payload = _interaction("view_closed", user, "") | {"view": view.as_json(), "is_cleared": is_cleared}
    del payload["trigger_id"]
    return payload


def message_shortcut(
    *,
    user: User,
    channel: Channel,
    message: Message,
    callback_id: str,
    now: datetime,
    trigger_id: str,
    response_url: str,
) -> JSON:
    return _interaction("message_action", user, trigger_id) | {
        "action_ts": action_ts(now),
        "callback_id": callback_id,
        "channel": {"id": channel.id, "name": channel.name},
        "message_ts": message.ts,
        "message": message.as_json(),
        "response_url": response_url,
    }


def global_shortcut(*, user: User, callback_id: str, now: datetime, trigger_id: str) -> JSON:
    payload = _interaction("shortcut", user, trigger_id)
    return payload | {"action_ts": action_ts(now), "callback_id": callback_id}


def suggestion(*, user: User, container: JSON, action_id: str, block_id: str, value: str) -> JSON:
    payload = _interaction("block_suggestion", user, "") | container
    del payload["trigger_id"]
    return payload | {"action_id": action_id, "block_id": block_id, "value": value}


def reaction(*, kind: str, user: User, message: Message, name: str, ts: str) -> JSON:
    """The event that a person put a reaction on a message (`reaction_added`) or took it away (`reaction_removed`)."""
    return {
        "type": kind,
        "user": user.id,
        "reaction": name,
        "item": {"type": "message", "channel": message.channel, "ts": message.ts},
        "item_user": message.user,
        "event_ts": ts,
    }


def regrouped(*, group_id: str, added: list[str], removed: list[str], now: datetime) -> JSON:
    """The event that people came into a user group or left it."""
    return {
        "type": "subteam_members_changed",
        "subteam_id": group_id,
        "team_id": TEAM_ID,
        "date_previous_update": int(now.timestamp()),
        "date_update": int(now.timestamp()),
        "added_users": added,
        "added_users_count": str(len(added)),
        "removed_users": removed,
        "removed_users_count": str(len(removed)),
        "event_ts": action_ts(now),
    }


def function_executed(
    *, execution: Execution, callback_id: str, inputs: JSON, workflow_id: str, now: datetime
) -> JSON:
    """The event that a workflow has come to a custom step."""
    declared = execution.function
    return {
        "type": "function_executed",
        "function": {
            "id": "Fn0FERMATA",
            "callback_id": callback_id,
            "title": declared.get("title", ""),
            "description": declared.get("description", ""),
            "type": "app",
            "input_parameters": list((declared.get("input_parameters") or {}).values()),
            "output_parameters": list((declared.get("output_parameters") or {}).values()),
            "app_id": APP_ID,
            "date_created": int(now.timestamp()),
            "date_updated": int(now.timestamp()),
            "date_deleted": 0,
        },
        "inputs": inputs,
        "function_execution_id": execution.id,
        "workflow_execution_id": workflow_id,
        "event_ts": action_ts(now),
        "bot_access_token": execution.token,
    }


def event(*, event: JSON, now: datetime) -> JSON:
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": TEAM_ID,
        "api_app_id": APP_ID,
        "event": event,
        "type": "event_callback",
        "event_id": f"Ev{secrets.token_hex(5).upper()}",
        "event_time": int(now.timestamp()),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": TEAM_ID,
                "user_id": BOT_USER,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
        "event_context": secrets.token_hex(12),
    }
