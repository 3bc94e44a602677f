"""The Web API methods a bot uses: arguments in, Slack's JSON out, refusals as `SlackError`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sandbox.slack import limits
from sandbox.slack.blocks import check_blocks
from sandbox.slack.errors import SlackError
from sandbox.slack.state import (
    APP_ID,
    BOT_ID,
    BOT_USER,
    JSON,
    TEAM_DOMAIN,
    TEAM_ID,
    Channel,
    Execution,
    Message,
    State,
)

if TYPE_CHECKING:
    from sandbox.slack.workspace import Workspace

Method = Callable[["WebApi", JSON], JSON]


class RateLimitedError(SlackError):
    """Too many calls; `retry_after` is whole seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("ratelimited")
        self.retry_after = retry_after


class WebApi:
    """Methods that need only the workspace's memory; views stand in `webviews`."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.state: State = workspace.state
        self._post_tokens: dict[str, tuple[float, float]] = {}

    # Shared pieces
    def channel_of(self, args: JSON, *, by_name: bool = False) -> Channel:
        wanted = required(args, "channel")
        exact = self.state.channels.get(wanted)
        channel = exact or (self.state.channel(wanted) if by_name else None)
        if channel is None:
            raise SlackError("channel_not_found")
        return channel

    def message_of(self, args: JSON, key: str = "ts") -> Message:
        message = self.state.message(self.channel_of(args).id, required(args, key))
        if message is None or message.ephemeral_to is not None:
            raise SlackError("message_not_found")
        return message

    def content(self, args: JSON, *, text_limit: int = limits.MESSAGE_TEXT_CHARS) -> tuple[str, list[JSON]]:
        """The text and the checked blocks of a message."""
        text, blocks = str(args.get("text") or ""), structured(args, "blocks", list) or []
        if not text and not blocks and not args.get("attachments"):
            raise SlackError("no_text")
        if len(text) > text_limit:
            raise SlackError("msg_too_long")
        refuse_bad_blocks(blocks)
        self.state.files.refuse_unknown(blocks)
        return text, blocks

    def throttle(self, channel_id: str) -> None:
        """About one message per second and channel with short bursts; off unless configured."""
        rate = self.workspace.posts_per_second
        if not rate:
            return
        tokens, since = self._post_tokens.get(channel_id, (float(limits.POST_BURST), time.monotonic()))
        tokens = min(limits.POST_BURST, tokens + (time.monotonic() - since) * rate)
        if tokens < 1:
            raise RateLimitedError(max(1, round((1 - tokens) / rate)))
        self._post_tokens[channel_id] = (tokens - 1, time.monotonic())

    # auth, apps
    def auth_test(self, _args: JSON) -> JSON:
        return {
            "url": f"{self.workspace.base_url}/",
            "team": self.workspace.team_name,
            "team_id": TEAM_ID,
            "user": self.state.users[BOT_USER].name,
            "user_id": BOT_USER,
            "bot_id": BOT_ID,
            "is_enterprise_install": False,
        }

    def apps_connections_open(self, _args: JSON) -> JSON:
        base = self.workspace.base_url.replace("http", "ws", 1)
        return {"url": f"{base}/link/?ticket={self.workspace.hub.new_ticket()}&app_id={APP_ID}"}

    # chat
    def chat_postMessage(self, args: JSON) -> JSON:  # noqa: N802  Slack's own name
        person = self.state.users.get(required(args, "channel"))
        # A person's id means the direct messages with them; later updates need the channel's own id.
        channel = self.state.direct(person.id) if person else self.channel_of(args, by_name=True)
        self._may_post(channel)
        text, blocks = self.content(args)
        self.throttle(channel.id)
        message = self.state.post(
            channel.id,
            BOT_USER,
            text,
            blocks,
            from_app=True,
            thread_ts=args.get("thread_ts"),
            metadata=structured(args, "metadata", dict),
        )
        return {"channel": channel.id, "ts": message.ts, "message": message.as_json()}

    def _may_post(self, channel: Channel) -> None:
        if channel.is_archived:
            raise SlackError("is_archived")
        if BOT_USER not in channel.members:
            raise SlackError("not_in_channel")

    def chat_update(self, args: JSON) -> JSON:
        message = self.message_of(args)
        if message.user != BOT_USER:
            raise SlackError("cant_update_message")
        if self.state.channels[message.channel].is_archived:
            raise SlackError("is_inactive")
        text, blocks = self.content(args, text_limit=limits.UPDATE_TEXT_CHARS)
        if "blocks" not in args and message.blocks and not text:
            blocks = message.blocks
        self.state.redraw(message, text, blocks)
        answer = {"channel": message.channel, "ts": message.ts, "text": message.text}
        return answer | {"message": message.as_json()}

    def chat_delete(self, args: JSON) -> JSON:
        message = self.message_of(args)
        if message.user != BOT_USER:
            raise SlackError("cant_delete_message")
        self.state.delete(message)
        return {"channel": message.channel, "ts": message.ts}

    def chat_postEphemeral(self, args: JSON) -> JSON:  # noqa: N802
        channel, user = self.channel_of(args, by_name=True), required(args, "user")
        self._may_post(channel)
        if user not in self.state.users or user not in channel.members:
            raise SlackError("user_not_in_channel")
        text, blocks = self.content(args)
        message = self.state.post(channel.id, BOT_USER, text, blocks, from_app=True, ephemeral_to=user)
        return {"message_ts": message.ts}

    def chat_getPermalink(self, args: JSON) -> JSON:  # noqa: N802
        message = self.message_of(args, "message_ts")
        stamp = message.ts.replace(".", "")
        link = f"https://{TEAM_DOMAIN}.slack.com/archives/{message.channel}/p{stamp}"
        return {"channel": message.channel, "permalink": link}

    def reactions_add(self, args: JSON) -> JSON:
        message, name = self.message_of(args, "timestamp"), required(args, "name").strip(":")
        if name in message.reactions:
            raise SlackError("already_reacted")
        message.reactions.append(name)
        self.state.changed()
        return {}

    # files
    def files_getUploadURLExternal(self, args: JSON) -> JSON:  # noqa: N802
        name, length = required(args, "filename"), str(args.get("length") or "")
        size = int(length) if length.isdecimal() else 0
        made = self.state.files.begin(self.state.new_id("F"), name, size, str(args.get("alt_txt") or ""))
        return {"upload_url": f"{self.workspace.base_url}/upload/v1/{made.key}", "file_id": made.id}

    def files_completeUploadExternal(self, args: JSON) -> JSON:  # noqa: N802
        channel = self.channel_of({"channel": args["channel_id"]}) if args.get("channel_id") else None
        if channel:
            self._may_post(channel)
        ended = self.state.files.complete(structured(args, "files", list) or [])
        if channel:
            comment = str(args.get("initial_comment") or "")
            self.state.post(channel.id, BOT_USER, comment, from_app=True, files=ended)
        return {"files": ended}

    # functions
    def functions_completeSuccess(self, args: JSON) -> JSON:  # noqa: N802
        execution, outputs = self._execution(args), structured(args, "outputs", dict)
        if outputs is None:
            raise SlackError("invalid_arguments", messages=["[ERROR] missing required field: outputs"])
        faults = _faults_of(outputs, execution.function.get("output_parameters") or {})
        if faults:
            raise SlackError("parameter_validation_failed", messages=faults)
        execution.outputs = outputs
        self.state.changed()
        return {}

    def functions_completeError(self, args: JSON) -> JSON:  # noqa: N802
        execution, error = self._execution(args), required(args, "error")
        execution.error = error
        self.state.changed()
        return {}

    def _execution(self, args: JSON) -> Execution:
        execution = self.state.executions.get(required(args, "function_execution_id"))
        if execution is None:
            raise SlackError("function_execution_not_found")
        if not execution.is_running:
            raise SlackError("execution_not_in_running_state")
        return execution

    # users
    def users_info(self, args: JSON) -> JSON:
        user = self.state.users.get(required(args, "user"))
        if user is None:
            raise SlackError("user_not_found")
        return {"user": user.as_json(self.state.now())}

    def users_list(self, args: JSON) -> JSON:
        members, cursor = page([u.as_json(self.state.now()) for u in self.state.users.values()], args)
        return {"members": members, "cache_ts": 0} | cursor

    def usergroups_users_list(self, args: JSON) -> JSON:
        members = self.state.usergroups.get(required(args, "usergroup"))
        if members is None:
            raise SlackError("no_such_subteam")
        return {"users": list(members)}

    # conversations
    def conversations_open(self, args: JSON) -> JSON:
        users = args.get("users") or ""
        wanted = users.split(",") if isinstance(users, str) else list(users)
        if not wanted or wanted == [""]:
            raise SlackError("users_list_not_supplied")
        if any(user not in self.state.users for user in wanted):
            raise SlackError("user_not_found")
        if len(wanted) > 1:
            raise SlackError("method_not_supported_for_channel_type")
        return {"channel": {"id": self.state.direct(wanted[0]).id}, "no_op": False, "already_open": False}

    def conversations_info(self, args: JSON) -> JSON:
        return {"channel": self.channel_of(args).as_json()}

    def conversations_list(self, args: JSON) -> JSON:
        kinds = str(args.get("types") or "public_channel")
        shown = [c for c in self.state.channels.values() if ("im" in kinds.split(",")) or c.im_user is None]
        channels, cursor = page([c.as_json() for c in shown], args)
        return {"channels": channels} | cursor

    def conversations_history(self, args: JSON) -> JSON:
        channel = self.channel_of(args)
        oldest, latest = float(args.get("oldest") or 0), float(args.get("latest") or "inf")
        shown = [
            m.as_json()
            for m in reversed(self.state.messages)
            if m.channel == channel.id and not m.deleted and m.ephemeral_to is None
            if oldest <= float(m.ts) <= latest
        ]
        messages, cursor = page(shown, args)
        return {"messages": messages, "has_more": bool(cursor["response_metadata"]["next_cursor"])} | cursor


def _faults_of(outputs: JSON, declared: JSON) -> list[str]:
    """What is wrong with a step's outputs, by the types that the manifest gives them."""
    missing = [
        f"missing {name}" for name, one in declared.items() if one.get("is_required") and name not in outputs
    ]
    unknown = [f"unknown {name}" for name in outputs if name not in declared]
    return [
        *missing,
        *unknown,
        *(f"{name} is no string" for name, value in outputs.items() if type(value) is not str),
    ]


def refuse_bad_blocks(blocks: list[JSON]) -> None:
    faults = check_blocks(blocks, "message")
    if any(fault.startswith("msg_blocks_too_long") for fault in faults):
        raise SlackError("msg_blocks_too_long")
    if faults:
        raise SlackError("invalid_blocks", messages=[f"[ERROR] {fault}" for fault in faults])


def required(args: JSON, name: str) -> str:
    value = args.get(name)
    if value in (None, ""):
        raise SlackError("invalid_arguments", messages=[f"[ERROR] missing required field: {name}"])
    return str(value)


def structured(args: JSON, name: str, kind: type) -> Any:
    """An argument that is JSON, or JSON in a string as forms carry it; None when absent."""
    value = args.get(name)
    if isinstance(value, str) and value:
        try:
            value = json.loads(value)
        except ValueError:
            value = ...
    if value in (None, ""):
        return None
    if not isinstance(value, kind):
        raise SlackError("invalid_blocks_format" if name == "blocks" else "invalid_arguments")
    return value


def page(items: list[JSON], args: JSON) -> tuple[list[JSON], JSON]:
    """One page of a list, with `response_metadata.next_cursor` (empty on the last)."""
    start, size = int(args.get("cursor") or 0), int(args.get("limit") or 1000)
    following = str(start + size) if start + size < len(items) else ""
    return items[start : start + size], {"response_metadata": {"next_cursor": following}}


METHODS: dict[str, Method] = {
    "auth.test": WebApi.auth_test,
    "apps.connections.open": WebApi.apps_connections_open,
    "chat.postMessage": WebApi.chat_postMessage,
    "chat.update": WebApi.chat_update,
    "chat.delete": WebApi.chat_delete,
    "chat.postEphemeral": WebApi.chat_postEphemeral,
    "chat.getPermalink": WebApi.chat_getPermalink,
    "reactions.add": WebApi.reactions_add,
    "functions.completeSuccess": WebApi.functions_completeSuccess,
    "functions.completeError": WebApi.functions_completeError,
    "files.getUploadURLExternal": WebApi.files_getUploadURLExternal,
    "files.completeUploadExternal": WebApi.files_completeUploadExternal,
    "users.info": WebApi.users_info,
    "users.list": WebApi.users_list,
    "usergroups.users.list": WebApi.usergroups_users_list,
    "conversations.open": WebApi.conversations_open,
    "conversations.info": WebApi.conversations_info,
    "conversations.list": WebApi.conversations_list,
    "conversations.history": WebApi.conversations_history,
}
