"""Brings a CSV file to the direct messages of whoever asked for it, however large: it is streamed to a file, and from it.

slack_sdk's own upload reads the whole file into memory, so the three steps of it are taken here
(https://docs.slack.dev/messaging/working-with-files).
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import Request, urlopen

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.front import Front
from core import exports
from core.answers import Answer
from core.people import Actor
from core.words import counted

log = logging.getLogger("fermata.bot")

TIMEOUT_SECONDS = 120
FAILED = "The file could not be brought to Slack ({fault}); press CSV again in a minute."
NO_SCOPE = "Slack does not let Fermata send files: install the app again from `fermata manifest`, which asks for files:write."


def sent(front: Front, said: Answer, user_id: str, *, actor: Actor, now: datetime) -> Answer:
    """Give the answer once the file is there, or the reason why it is not."""
    order = exports.order_of(said.file)
    with TemporaryDirectory(prefix="fermata-csv-") as folder:
        path = Path(folder) / exports.name_of(order, now)
        with path.open(
            "w", newline="", encoding="utf-8-sig"
        ) as out:  # with its mark, so that Excel reads it as UTF-8
            lines = exports.write(front.desk.db, order, out, actor=actor, now=now)
        try:
            _upload(front.client, path, user_id, f"{said.title} {counted(lines, 'line')}.")
        except (SlackApiError, OSError) as error:
            fault = (
                str(error.response.get("error")) if isinstance(error, SlackApiError) else type(error).__name__
            )
            log.warning("export_failed fault=%s", fault)
            return Answer(
                NO_SCOPE if fault == "missing_scope" else FAILED.format(fault=fault), is_refusal=True
            )
    return replace(said, lines=(f"{counted(lines, 'line')}: the file is in our direct messages.",), file="")


def _upload(client: WebClient, path: Path, user_id: str, comment: str) -> None:
    place = client.conversations_open(users=user_id)["channel"]["id"]
    size = path.stat().st_size
    made = client.files_getUploadURLExternal(filename=path.name, length=size)
    with path.open("rb") as content:
        headers = {"Content-Length": str(size), "Content-Type": "text/csv"}
        asked = Request(made["upload_url"], data=content, headers=headers, method="POST")  # noqa: S310 - Slack named it
        with urlopen(asked, timeout=TIMEOUT_SECONDS):  # noqa: S310
            pass
    client.files_completeUploadExternal(
        files=[{"id": made["file_id"], "title": path.name}], channel_id=place, initial_comment=comment
    )
