"""What a workspace holds: people, channels, messages, views. All in memory, one lock."""

from __future__ import annotations

import copy
import secrets
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.slack.files import Files

JSON = dict[str, Any]
Clock = Callable[[], datetime]

TEAM_ID = "T0FERMATA"
TEAM_DOMAIN = "northwind"
APP_ID = "A0FERMATA"
BOT_ID = "B0FERMATA"
BOT_USER = "U0BOT"
SLACKBOT = "USLACKBOT"


@dataclass
class User:
    """One member. `is_restricted` is a guest; another `team_id` is a stranger of a shared channel."""

    id: str
    name: str
    real_name: str
    tz: str = "UTC"
    email: str = ""
    title: str = ""
    is_bot: bool = False
    is_restricted: bool = False
    is_admin: bool = False
    deleted: bool = False
    team_id: str = TEAM_ID

    def as_json(self, now: datetime) -> JSON:
        offset = now.astimezone(ZoneInfo(self.tz)).utcoffset()
        return {
            "id": self.id,
            "team_id": self.team_id,
            "name": self.name,
            "deleted": self.deleted,
            "real_name": self.real_name,
            "tz": self.tz,
            "tz_label": self.tz,
            "tz_offset": int(offset.total_seconds()) if offset else 0,
            "profile": {
                "real_name": self.real_name,
                "display_name": self.real_name.split()[0],
                "title": self.title,
                "email": self.email,
                "team": self.team_id,
            },
            "is_admin": self.is_admin,
            "is_owner": False,
            "is_primary_owner": False,
            "is_restricted": self.is_restricted,
            "is_ultra_restricted": False,
            "is_bot": self.is_bot,
            "is_app_user": False,
            "is_stranger": self.team_id != TEAM_ID,
            "updated": 0,
        }


@dataclass
class Channel:
    id: str
    name: str
    members: set[str] = field(default_factory=set)
    topic: str = ""
    im_user: str | None = None
    is_archived: bool = False

    def as_json(self) -> JSON:
        if self.im_user is not None:
            return {"id": self.id, "is_im": True, "user": self.im_user, "is_archived": False}
        return {
            "id": self.id,
            "name": self.name,
            "is_channel": True,
            "is_im": False,
            "is_private": False,
            "is_archived": self.is_archived,
            "is_member": BOT_USER in self.members,
            "num_members": len(self.members),
            "topic": {"value": self.topic},
        }


@dataclass
class Message:
    """One message as it stands now; `history` keeps what it said before each redraw."""

    channel: str
    ts: str
    user: str
    text: str
    blocks: list[JSON] = field(default_factory=list)
    ephemeral_to: str | None = None
    thread_ts: str | None = None
    from_app: bool = False
    revision: int = 0
    deleted: bool = False
    metadata: JSON | None = None
    files: list[JSON] = field(default_factory=list)
    reactions: list[str] = field(default_factory=list)
    reacted: set[tuple[str, str]] = field(
        default_factory=set
    )  # (person, reaction); `reactions` are what is shown
    history: list[tuple[str, list[JSON]]] = field(default_factory=list)
    state: dict[str, JSON] = field(default_factory=dict)  # per user: values chosen in selects and the like

    def as_json(self) -> JSON:
        message: JSON = {"type": "message", "user": self.user, "text": self.text, "ts": self.ts}
        if self.from_app:
            message |= {"bot_id": BOT_ID, "app_id": APP_ID, "team": TEAM_ID}
        if self.blocks:
            message["blocks"] = copy.deepcopy(self.blocks)
        if self.thread_ts:
            message["thread_ts"] = self.thread_ts
        if self.metadata:
            message["metadata"] = self.metadata
        if self.files:
            message["files"] = self.files
        if self.revision:
            message["edited"] = {"user": BOT_ID, "ts": self.ts}
        return message

    def all_text(self) -> str:
        """Every word a person can read in it: the blocks' texts and labels, else the fallback text."""
        return "\n".join(texts_in(self.blocks)) if self.blocks else self.text


@dataclass
class View:
    """One modal on a person's stack, or their Home tab."""

    id: str
    user: str
    payload: JSON
    hash: str
    root_id: str
    previous_id: str | None = None
    state: JSON = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    trouble: str = ""
    revision: int = 0

    def as_json(self) -> JSON:
        shown = copy.deepcopy(self.payload)
        return {
            "id": self.id,
            "team_id": TEAM_ID,
            "type": shown.get("type"),
            "blocks": shown.get("blocks", []),
            "private_metadata": shown.get("private_metadata", ""),
            "callback_id": shown.get("callback_id", ""),
            "state": {"values": copy.deepcopy(self.state)},
            "hash": self.hash,
            "title": shown.get("title"),
            "submit": shown.get("submit"),
            "close": shown.get("close"),
            "clear_on_close": shown.get("clear_on_close", False),
            "notify_on_close": shown.get("notify_on_close", False),
            "previous_view_id": self.previous_id,
            "root_view_id": self.root_id,
            "external_id": shown.get("external_id", ""),
            "app_id": APP_ID,
            "app_installed_team_id": TEAM_ID,
            "bot_id": BOT_ID,
        }

    def all_text(self) -> str:
        title = (self.payload.get("title") or {}).get("text", "")
        return "\n".join([title, *texts_in(self.payload.get("blocks", []))]).strip()


@dataclass
class Execution:
    """One run of a custom step. `error` and `outputs` are what the app said; None while it has not."""

    id: str
    token: str  # good for this run alone
    function: JSON  # as the manifest declares it
    outputs: JSON | None = None
    error: str | None = None

    @property
    def is_running(self) -> bool:
        return self.outputs is None and self.error is None


def texts_in(node: Any) -> Iterable[str]:
    """Every `text` string below a Block Kit node, in reading order."""
    if isinstance(node, list):
        for item in node:
            yield from texts_in(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "text" and isinstance(value, str):
                yield value
            elif key not in ("confirm", "value"):
                yield from texts_in(value)


class State:
    """The workspace's memory. Change it only under `lock`, then call `changed()`."""

    def __init__(self, now: Clock) -> None:
        self.now = now
        self.lock = threading.RLock()
        self.condition = threading.Condition(self.lock)
        self.users: dict[str, User] = {}
        self.usergroups: dict[str, list[str]] = {}
        self.channels: dict[str, Channel] = {}
        self.messages: list[Message] = []
        self.modals: dict[str, list[View]] = {}
        self.homes: dict[str, View] = {}
        self.executions: dict[str, Execution] = {}
        self.files = Files()
        self.version = 0
        self._last_ts = 0
        self._ids = count(1)
        self._listeners: list[Callable[[], None]] = []

    # Ids
    def new_ts(self) -> str:
        """A message timestamp: the clock's time, never twice and never going back."""
        with self.lock:
            self._last_ts = max(int(self.now().timestamp() * 1_000_000), self._last_ts + 1)
            return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def new_id(self, prefix: str) -> str:
        return f"{prefix}{next(self._ids):04d}{secrets.token_hex(3).upper()}"

    # Change notices
    def changed(self) -> None:
        with self.lock:
            self.version += 1
            self.condition.notify_all()
            listeners = list(self._listeners)
        for listener in listeners:
            listener()

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` (from any thread) after every change; the result ends it."""
        with self.lock:
            self._listeners.append(listener)

        def stop() -> None:
            with self.lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return stop

    # Finding
    def channel(self, name_or_id: str) -> Channel | None:
        """By id, by name with or without `#`, or by user id (that person's direct messages)."""
        key = name_or_id.removeprefix("#")
        if key in self.channels:
            return self.channels[key]
        if key in self.users:
            return self.direct(key)
        return next((c for c in self.channels.values() if c.name == key and c.im_user is None), None)

    def direct(self, user_id: str) -> Channel:
        """The direct-message channel between the bot and a person, made on first use."""
        with self.lock:
            for channel in self.channels.values():
                if channel.im_user == user_id:
                    return channel
            channel = Channel(f"D{user_id[1:]}", "directmessage", {user_id, BOT_USER}, im_user=user_id)
            self.channels[channel.id] = channel
            return channel

    def message(self, channel_id: str, ts: str) -> Message | None:
        return next(
            (m for m in self.messages if m.ts == ts and m.channel == channel_id and not m.deleted), None
        )

    def view(self, view_id: str) -> View | None:
        everything = [v for stack in self.modals.values() for v in stack] + list(self.homes.values())
        return next((v for v in everything if v.id == view_id), None)

    # Writing
    def with_ids(self, blocks: list[JSON]) -> list[JSON]:
        """A copy of the blocks in which every block and element has its id, as Slack fills them in."""
        filled = copy.deepcopy(blocks)
        for block in filled:
            block.setdefault("block_id", secrets.token_urlsafe(4))
            for element in elements_of(block):
                if element.get("type") not in ("mrkdwn", "plain_text", "image"):
                    element.setdefault("action_id", secrets.token_urlsafe(4))
        return filled

    def post(
        self, channel: str, user: str, text: str, blocks: list[JSON] | None = None, **more: Any
    ) -> Message:
        with self.lock:
            message = Message(channel, self.new_ts(), user, text, self.with_ids(blocks or []), **more)
            self.messages.append(message)
        self.changed()
        return message

    def redraw(self, message: Message, text: str, blocks: list[JSON] | None) -> None:
        with self.lock:
            message.history.append((message.text, message.blocks))
            message.text, message.blocks = text, self.with_ids(blocks or [])
            message.revision += 1
            message.state.clear()
        self.changed()

    def delete(self, message: Message) -> None:
        message.deleted = True
        self.changed()


def elements_of(block: JSON) -> list[JSON]:
    """The elements of one block: of an actions row, a section's accessory, an input's element."""
    found = block.get("elements") or [] if block.get("type") in ("actions", "context") else []
    return [e for e in [*found, block.get("accessory"), block.get("element")] if isinstance(e, dict)]
