"""Secrets that must be read again, kept encrypted: whoever has the database alone has none of them."""

from __future__ import annotations

from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core.errors import Refused

KEY_BYTES = 32
PURPOSE = b"fermata: secrets at rest"


class Vault:
    """Locks with the first key and unlocks with any; each key is derived from a FERMATA_SECRET_KEY."""

    def __init__(self, key: bytes, *old: bytes) -> None:
        """`old`: keys of before, from the newest, which lock nothing any more."""
        self._first = Fernet(_derived(key))
        self._all = MultiFernet([self._first, *(Fernet(_derived(one)) for one in old)])

    def lock(self, secret: str) -> str:
        """Give what may be stored."""
        return self._first.encrypt(secret.encode()).decode()

    def unlock(self, locked: str) -> str:
        """Give the secret; raises Refused where none of the keys is the one it was locked with."""
        try:
            return self._all.decrypt(locked).decode()
        except InvalidToken:
            raise Refused(
                "A secret was encrypted with another FERMATA_SECRET_KEY; name that one in FERMATA_SECRET_KEY_OLD."
            ) from None

    def is_current(self, locked: str) -> bool:
        """Say whether it is locked with the first key."""
        try:
            self._first.decrypt(locked)
        except InvalidToken:
            return False
        return True


def _derived(key: bytes) -> bytes:
    hkdf = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=PURPOSE)
    return urlsafe_b64encode(hkdf.derive(key))
