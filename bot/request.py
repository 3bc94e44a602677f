"""What came from Slack, reduced to what an answer needs. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from bot.codec import PAUSE_LEAD, Form
from bot.text import JSON

HOME = "home"  # as Slack calls this kind of view


@dataclass(frozen=True)
class Request:
    """One command, click, shortcut or form.

    key: its once-only id. replaces: the answer takes the clicked message's place. wants_cards: nobody has the leads'
    cards in front of them, so they are posted. is_home: it came from the person's Home, which is redrawn.
    """

    key: str
    user_id: str
    channel: str
    response_url: str
    trigger_id: str
    replaces: bool = False
    wants_cards: bool = False
    is_home: bool = False

    @property
    def place(self) -> str:
        """Give what a form remembers of where it was opened."""
        return HOME if self.is_home else self.channel


def of_command(body: JSON) -> Request:
    """Give a slash command."""
    return Request(
        key=f"command:{body.get('trigger_id')}",
        user_id=str(body.get("user_id")),
        channel=str(body.get("channel_id") or ""),
        response_url=str(body.get("response_url") or ""),
        trigger_id=str(body.get("trigger_id") or ""),
        wants_cards=True,
    )


def of_click(body: JSON, action: JSON) -> Request:
    """Give a click; an ephemeral message is replaced by the answer, a card in the channel never."""
    container = _dict(body, "container")
    return Request(
        key=f"click:{body.get('trigger_id')}:{action.get('action_ts')}",
        user_id=str(_dict(body, "user").get("id")),
        channel=str(_dict(body, "channel").get("id") or container.get("channel_id") or ""),
        response_url=str(body.get("response_url") or ""),
        trigger_id=str(body.get("trigger_id") or ""),
        replaces=bool(container.get("is_ephemeral")),
        wants_cards=bool(container.get("is_ephemeral")),
        is_home=_dict(body, "view").get("type") == HOME,
    )


def of_shortcut(body: JSON) -> Request:
    """Give a shortcut; one that was not called on a message has no channel, and is answered directly."""
    return Request(
        key=f"shortcut:{body.get('trigger_id')}",
        user_id=str(_dict(body, "user").get("id")),
        channel=str(_dict(body, "channel").get("id") or ""),
        response_url=str(body.get("response_url") or ""),
        trigger_id=str(body.get("trigger_id") or ""),
    )


def of_reaction(body: JSON) -> Request:
    """Give a reaction put on a message; its answer goes into the message's channel."""
    event = _dict(body, "event")
    return Request(
        key=f"event:{body.get('event_id')}",
        user_id=str(event.get("user")),
        channel=str(_dict(event, "item").get("channel") or ""),
        response_url="",
        trigger_id="",
    )


def of_function(event: JSON) -> Request:
    """Give a step of a workflow, as whoever its input names; nobody: ""."""
    return Request(
        key=f"function:{event.get('function_execution_id')}",
        user_id=str(_dict(event, "inputs").get("user") or ""),
        channel="",
        response_url="",
        trigger_id="",
    )


def of_form(body: JSON, form: Form) -> Request:
    """Give a submitted modal; its answer goes where it was opened, to a card or to none."""
    return Request(
        key=f"form:{body.get('trigger_id') or _dict(body, 'view').get('id')}",
        user_id=str(_dict(body, "user").get("id")),
        channel="" if form.channel == HOME else form.channel,
        response_url=form.response_url,
        trigger_id=str(body.get("trigger_id") or ""),
        wants_cards=form.form == PAUSE_LEAD,
        is_home=form.channel == HOME,
    )


def _dict(body: JSON, key: str) -> JSON:
    found = body.get(key)
    return found if isinstance(found, dict) else {}
