"""Secrets that must be read again, kept encrypted: whoever has the database alone has none of them."""

from __future__ import annotations

import hmac

from nacl.encoding import URLSafeBase64Encoder
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from core.errors import Refused

PURPOSE = b"fermata: secrets at rest"


class Vault:
    """Locks with the first key and unlocks with any; each key is derived from a FERMATA_SECRET_KEY."""

    def __init__(self, key: bytes, *old: bytes) -> None:
        """`old`: keys of before, from the newest, which lock nothing any more."""
        self._boxes = [SecretBox(hmac.digest(one, PURPOSE, "sha256")) for one in (key, *old)]

    def lock(self, secret: str) -> str:
        """Give what may be stored."""
        return bytes(self._boxes[0].encrypt(secret.encode(), encoder=URLSafeBase64Encoder)).decode()

    def unlock(self, locked: str) -> str:
        """Give the secret; raises Refused where none of the keys is the one it was locked with."""
        for box in self._boxes:
            if (secret := _opened(box, locked)) is not None:
                return secret
        raise Refused(
            "A secret was encrypted with another FERMATA_SECRET_KEY; name that one in FERMATA_SECRET_KEY_OLD."
        )

    def is_current(self, locked: str) -> bool:
        """Say whether it is locked with the first key."""
        return _opened(self._boxes[0], locked) is not None


def _opened(box: SecretBox, locked: str) -> str | None:
    try:
        return box.decrypt(locked.encode(), encoder=URLSafeBase64Encoder).decode()
    except (CryptoError, ValueError):  # another key; nothing that was ever locked
        return None
