"""response_url: five messages within thirty minutes, replacing, deleting or adding."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.slack import limits
from sandbox.slack.errors import SlackError
from sandbox.slack.state import BOT_USER, JSON, Message

if TYPE_CHECKING:
    from sandbox.slack.workspace import Workspace


@dataclass
class _Ticket:
    user: str
    channel: str
    target: Message | None
    born: float
    uses: int = 0


class ResponseUrls:
    """The links handed out with commands and clicks in messages."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._tickets: dict[str, _Ticket] = {}
        self.seconds = limits.RESPONSE_URL_SECONDS

    def new(self, kind: str, user: str, channel: str, target: Message | None = None) -> str:
        """A fresh link; `target` is the message that was clicked."""
        key = secrets.token_hex(16)
        self._tickets[key] = _Ticket(user, channel, target, time.monotonic())
        return f"{self.workspace.base_url}/{kind}/{key}"

    def use(self, key: str, body: JSON) -> tuple[int, JSON | str]:
        """Status and body for a POST to the link."""
        ticket = self._tickets.get(key)
        if ticket is None or time.monotonic() - ticket.born > self.seconds:
            return 404, {"ok": False, "error": "expired_url"}
        if ticket.uses >= limits.RESPONSE_URL_USES:
            return 404, {"ok": False, "error": "used_url"}
        try:
            self.respond(ticket, body)
        except SlackError as refused:
            return 400, refused.as_json()
        ticket.uses += 1
        return 200, "ok"

    def answer(self, url: str, body: JSON) -> None:
        """The body of an acknowledgement, which acts like the first use but is not counted."""
        self.respond(self._tickets[url.rpartition("/")[2]], body)

    def respond(self, ticket: _Ticket, body: JSON) -> None:
        target = ticket.target if ticket.target is not None and not ticket.target.deleted else None
        if body.get("delete_original"):
            if target is not None:
                self.workspace.state.delete(target)
            return
        text, blocks = self.workspace.api.content(body)
        if body.get("replace_original") and target is not None:
            self.workspace.state.redraw(target, text, blocks)
            return
        public = body.get("response_type") == "in_channel"
        posted = self.workspace.state.post(
            ticket.channel,
            BOT_USER,
            text,
            blocks,
            from_app=True,
            ephemeral_to=None if public else ticket.user,
            thread_ts=body.get("thread_ts"),
        )
        if ticket.target is None:
            ticket.target = posted
