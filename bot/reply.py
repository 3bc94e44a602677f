"""Say something to the person who asked: over the request's response_url, else as an ephemeral, else directly."""

from __future__ import annotations

import logging

from slack_sdk import WebClient
from slack_sdk.webhook import WebhookClient

from bot.answers import answer
from bot.members import UNREACHABLE
from bot.request import Request
from bot.text import JSON
from core.answers import Answer

log = logging.getLogger("fermata.bot")

OK = 200
TIMEOUT_SECONDS = 10


def reply(client: WebClient, request: Request, said: Answer) -> None:
    """Show an answer by the first way that works; one that nobody can be shown is logged."""
    message = answer(said)
    for way in (_by_response_url, _in_channel, _directly):
        try:
            if way(client, request, message, is_public=said.is_public):
                return
        except UNREACHABLE as fault:
            log.info("reply_failed way=%s error=%s", way.__name__, type(fault).__name__)
    log.warning("reply_lost user=%s", request.user_id)


def _by_response_url(_client: WebClient, request: Request, message: JSON, *, is_public: bool) -> bool:
    if not request.response_url:
        return False
    hook = WebhookClient(request.response_url, timeout=TIMEOUT_SECONDS)
    if request.replaces and is_public:
        hook.send_dict({"delete_original": True})  # the question goes, the answer is for everybody
    kind = "in_channel" if is_public else "ephemeral"
    body = message | {"response_type": kind, "replace_original": request.replaces and not is_public}
    return hook.send_dict(body).status_code == OK


def _in_channel(client: WebClient, request: Request, message: JSON, *, is_public: bool) -> bool:
    if not request.channel:
        return False
    if is_public:
        client.chat_postMessage(channel=request.channel, unfurl_links=False, unfurl_media=False, **message)
    else:
        client.chat_postEphemeral(channel=request.channel, user=request.user_id, **message)
    return True


def _directly(client: WebClient, request: Request, message: JSON, *, is_public: bool) -> bool:  # noqa: ARG001
    channel = client.conversations_open(users=request.user_id)["channel"]["id"]
    client.chat_postMessage(channel=channel, unfurl_links=False, unfurl_media=False, **message)
    return True
