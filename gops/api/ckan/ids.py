"""Ids as CKAN has them (UUIDs), made of ours and back: unlike on two platforms, alike on one for ever.

UUID version 8 (RFC 9562, section 5.8): 60 bits of a hash over the address of the platform and the kind, 62 of the id.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from uuid import UUID

LOW = (1 << 62) - 1


@dataclass(frozen=True)
class PlatformIds:
    """``base`` is the public address of the platform."""

    base: str

    def of(self, kind: str, number: int) -> str:
        high = int.from_bytes(hashlib.blake2b(f"{self.base} {kind}".encode(), digest_size=8).digest())
        high = (high & ~0xF000) | 0x8000  # the version
        return str(UUID(int=(high << 64) | (0b10 << 62) | (number & LOW)))

    def number(self, kind: str, text: str) -> int | None:
        """The number of an id of that kind; None for what is none of this platform."""
        try:
            number = UUID(text).int & LOW
        except ValueError:
            return None
        return number if self.of(kind, number) == text.lower() else None
