"""A new secret on its way to a broker that takes it only as it is (Mosquitto's dynamic security).

It waits sealed (Fernet: AES-128-CBC and HMAC-SHA256) in the records until the broker has it, seconds as a rule, and is
then deleted. The key is derived from the login with which GOPS administers the broker: whoever has that login can set
any secret there anyway, and every process of a house has it without another secret to hand around.
"""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import urlsplit

from cryptography.fernet import Fernet, InvalidToken

from gops.settings import Settings

PURPOSE = b"gops broker sealing 1"
LENGTH = 300  # characters that a record keeps; a secret's token has 140, a key's 164


class Seal:
    def __init__(self, key_text: str) -> None:
        digest = hashlib.pbkdf2_hmac("sha256", key_text.encode(), PURPOSE, 100_000)
        self._fernet = Fernet(base64.urlsafe_b64encode(digest))

    def close(self, text: str) -> str:
        return self._fernet.encrypt(text.encode()).decode("ascii")

    def open(self, sealed: str) -> str | None:
        """None for what was sealed under another login of the broker."""
        try:
            return self._fernet.decrypt(sealed.encode("ascii")).decode()
        except InvalidToken:
            return None


def seal_of(settings: Settings) -> Seal | None:
    """None where no broker is waiting for secrets."""
    if settings.broker_sync != "dynsec":
        return None
    return Seal(urlsplit(settings.broker_admin_url).password or "")
