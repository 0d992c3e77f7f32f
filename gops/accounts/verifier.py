"""What a broker checks a secret against: Mosquitto's ``$7$`` form, PBKDF2 with HMAC-SHA512 (RFC 8018).

GOPS keeps a SHA-256, which no broker understands, and never the secret; so the verifier is made at the one moment at
which the secret is known. The few iterations are Mosquitto's own default: there is nothing to guess in 256 random
bits, and a broker pays for them at every login.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets

ITERATIONS = 101
SALT_BYTES = 12
LENGTH = 160  # characters that a record keeps of it; today's are 109
_FORM = re.compile(r"\$7\$(\d{1,7})\$([A-Za-z0-9+/=]{4,64})\$([A-Za-z0-9+/=]{88})")


def verifier(text: str) -> str:
    """``$7$iterations$salt$hash``, salt and hash in base64."""
    salt = secrets.token_bytes(SALT_BYTES)
    return f"$7${ITERATIONS}${_base64(salt)}${_base64(_hash(text, salt, ITERATIONS))}"


def parts(form: str) -> tuple[int, str, str] | None:
    """Iterations, and salt and hash in base64; None for what is not of this form."""
    found = _FORM.fullmatch(form)
    return (int(found[1]), found[2], found[3]) if found else None


def verifies(text: str, form: str) -> bool:
    """Is this the secret that the verifier was made of?"""
    known = parts(form)
    if known is None:
        return False
    iterations, salt, expected = known
    return hmac.compare_digest(_base64(_hash(text, base64.b64decode(salt), iterations)), expected)


def _hash(text: str, salt: bytes, iterations: int) -> bytes:
    return hashlib.pbkdf2_hmac("sha512", text.encode(), salt, iterations)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
