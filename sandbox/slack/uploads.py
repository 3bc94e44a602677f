"""Files that people choose in a modal: kept here, told of as Slack does, and handed to whoever shows the app's token.

https://docs.slack.dev/reference/objects/file-object and …/block-elements/file-input-element (10 MB at most).
"""

from __future__ import annotations

import mimetypes
import urllib.parse
from dataclasses import dataclass
from datetime import datetime
from typing import Any

JSON = dict[str, Any]
LARGEST_BYTES = 10 * 1024 * 1024


@dataclass(frozen=True)
class Upload:
    """One file of a person."""

    id: str
    name: str
    user: str
    content: bytes
    created: int
    base_url: str

    @property
    def path(self) -> str:
        """Where its bytes are."""
        return f"/files-pri/T0FERMATA-{self.id}/{urllib.parse.quote(self.name)}"

    def as_json(self) -> JSON:
        """The file object."""
        kind = mimetypes.guess_type(self.name)[0] or "application/octet-stream"
        return {
            "id": self.id,
            "created": self.created,
            "timestamp": self.created,
            "name": self.name,
            "title": self.name,
            "mimetype": kind,
            "filetype": self.name.rpartition(".")[2].lower() or "binary",
            "pretty_type": self.name.rpartition(".")[2].upper(),
            "user": self.user,
            "user_team": "T0FERMATA",
            "editable": False,
            "size": len(self.content),
            "mode": "hosted",
            "is_external": False,
            "external_type": "",
            "is_public": False,
            "public_url_shared": False,
            "display_as_bot": False,
            "username": "",
            "url_private": f"{self.base_url}{self.path}",
            "url_private_download": f"{self.base_url}{self.path}",
            "channels": [],
            "groups": [],
            "ims": [],
            "file_access": "visible",
        }


class Uploads:
    """The files of all people, by id."""

    def __init__(self) -> None:
        self.by_id: dict[str, Upload] = {}

    def add(
        self, file_id: str, name: str, user: str, content: bytes, *, now: datetime, base_url: str
    ) -> Upload:
        """Keep a file."""
        made = Upload(file_id, name, user, content, int(now.timestamp()), base_url)
        self.by_id[file_id] = made
        return made
