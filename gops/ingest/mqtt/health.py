"""What a link says of itself, safe to show to anybody."""

from __future__ import annotations

import ssl
from dataclasses import dataclass


@dataclass(frozen=True)
class LinkHealth:
    """``connected``: the broker answered the subscription, so that what is sent from now on arrives. ``denied`` are the
    filters that it refused. Nothing here holds an address, a name or a secret."""

    connected: bool = False
    protocol: str = ""
    connections: int = 0
    session_present: bool = False
    denied: tuple[str, ...] = ()
    last_error: str = ""
    retained_ignored: int = 0
    answers_dropped: int = 0


def reason_of(error: OSError) -> str:
    """What went wrong, without the address of anybody."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the broker's certificate is not trusted: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return "the broker does not answer"
    return f"the broker cannot be reached: {error.strerror or type(error).__name__}"
