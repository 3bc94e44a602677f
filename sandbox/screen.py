"""What one person's Slack window shows, as JSON for the page."""

from __future__ import annotations

from typing import Any

from sandbox.slack.state import BOT_USER, SLACKBOT, Message, View
from sandbox.slack.workspace import Workspace

JSON = dict[str, Any]
MESSAGES_SHOWN = 200


def screen(workspace: Workspace, user: str) -> JSON:
    """Channels, messages, Home and the top modal as `user` (id or name) sees them."""
    person = workspace.person(user)
    state = workspace.state
    with state.lock:
        state.direct(person.id)
        places = [c for c in state.channels.values() if person.id in c.members]
        modals = state.modals.get(person.id) or []
        home = state.homes.get(person.id)
        return {
            "version": state.version,
            "team": workspace.team_name,
            "me": person.id,
            "bot": BOT_USER,
            "users": {u.id: _user(u.real_name, u.title, u.tz, bot=u.is_bot) for u in state.users.values()}
            | {SLACKBOT: _user("Slack", "", "UTC", bot=True)},
            "people": [u.id for u in state.users.values() if not u.is_bot],
            "channels": [
                {
                    "id": c.id,
                    "name": c.name,
                    "topic": c.topic,
                    "direct": c.im_user is not None,
                    "archived": c.is_archived,
                }
                for c in places
            ],
            "messages": {
                c.id: [_message(m, person.id) for m in _visible(state.messages, c.id, person.id)]
                for c in places
            },
            "home": _view(home) if home else None,
            "modal": _view(modals[-1]) | {"depth": len(modals)} if modals else None,
            "commands": [vars(c) for c in workspace.commands.values()],
        }


def _user(name: str, title: str, zone: str, *, bot: bool) -> JSON:
    return {"name": name, "title": title, "tz": zone, "bot": bot}


def _visible(messages: list[Message], channel: str, user: str) -> list[Message]:
    found = [m for m in messages if m.channel == channel and not m.deleted and m.ephemeral_to in (None, user)]
    return found[-MESSAGES_SHOWN:]


def _message(message: Message, user: str) -> JSON:
    return {
        "ts": message.ts,
        "user": message.user,
        "text": message.text,
        "blocks": message.blocks,
        "files": message.files,
        "ephemeral": message.ephemeral_to is not None,
        "thread": message.thread_ts,
        "revision": message.revision,
        "reactions": message.reactions,
        "state": message.state.get(user, {}),
    }


def _view(view: View) -> JSON:
    shown = view.payload
    return {
        "id": view.id,
        "revision": view.revision,
        "title": (shown.get("title") or {}).get("text", ""),
        "submit": (shown.get("submit") or {}).get("text"),
        "close": (shown.get("close") or {}).get("text", "Cancel"),
        "blocks": shown.get("blocks", []),
        "state": view.state,
        "errors": view.errors,
        "trouble": view.trouble,
    }
