"""Secrets of keys and devices: 32 random bytes, kept as SHA-256.

A slow password hash guards words that people choose; there is nothing to guess in 256 random bits.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

BYTES = 32
NOBODY = bytes(32)
"""A digest that no text has, to compare with where there is nothing to compare with."""


def new() -> str:
    """43 characters of URL-safe base64."""
    return secrets.token_urlsafe(BYTES)


def digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def matches(text: str, expected: bytes) -> bool:
    """In a time that does not tell how much of it is right."""
    return hmac.compare_digest(digest(text), expected)
