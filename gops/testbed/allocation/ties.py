"""Who comes first of those with one score: decided by a seed that nobody alone can choose.

The operator draws a seed before the call opens and publishes its hash with the call. Every applicant hands in a nonce
with the application. The seed of the round is SHA-256(operator's seed || nonces, sorted); a tie goes to the smaller
SHA-256(seed || application's id in the instance, UTF-8). In a round that id is the pseudonym, so that anybody can
recompute the ties from the published file and nobody learns from them who is who.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable

SEED_BYTES = 32
NONCE_BYTES = 16


def draw() -> bytes:
    """A seed for the operator, or a key for the pseudonyms: 32 random bytes."""
    return secrets.token_bytes(SEED_BYTES)


def commitment(secret: bytes) -> str:
    """What is published of a secret before it is revealed: its SHA-256, in hex."""
    return hashlib.sha256(secret).hexdigest()


def seed(operator_seed: bytes, nonces: Iterable[bytes]) -> bytes:
    """The seed of a round: all have a hand in it, and the order of handing in has none."""
    return hashlib.sha256(operator_seed + b"".join(sorted(nonces))).digest()


def tie(round_seed: bytes, application: str) -> bytes:
    """The smaller comes first."""
    return hashlib.sha256(round_seed + application.encode()).digest()
