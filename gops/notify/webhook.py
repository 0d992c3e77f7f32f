"""Webhooks: a signed POST that its receiver can check.

``GOPS-Signature: t=<seconds since 1970>,v1=<hex>`` where the hex is HMAC-SHA256 (RFC 2104) of ``<seconds>.<body>``
under the UTF-8 of the secret. The time is signed with the body, so that what was overheard can't be sent again later.
"""

from __future__ import annotations

import hashlib
import hmac

from gops.clock import SECOND, Clock
from gops.errors import Unavailable
from gops.outbound import Call, Outbound

SIGNATURE = "GOPS-Signature"
DELIVERY = "GOPS-Delivery"
TOLERANCE = 300  # seconds that a receiver may allow between the signed time and its clock


def sign(secret: str, body: bytes, seconds: int) -> str:
    """The value of the header."""
    digest = hmac.new(secret.encode(), b"%d." % seconds + body, hashlib.sha256)
    return f"t={seconds},v1={digest.hexdigest()}"


def verify(secret: str, body: bytes, header: str, now: int, tolerance: int = TOLERANCE) -> bool:
    """Is ``header`` a signature of ``body``, no older or newer than ``tolerance``? Times in seconds. For receivers."""
    parts = dict(part.partition("=")[::2] for part in header.split(","))
    stated = parts.get("t", "")
    if not (stated.isascii() and stated.isdigit() and len(stated) <= 12) or abs(now - int(stated)) > tolerance:
        return False
    return hmac.compare_digest(sign(secret, body, int(stated)).encode(), header.encode())


class Webhook:
    def __init__(self, outbound: Outbound, clock: Clock) -> None:
        self._outbound = outbound
        self._clock = clock

    def send(self, url: str, secret: str, body: bytes, delivery: str) -> None:
        """POST ``body``, JSON. A receiver that hears a ``delivery`` twice may drop the second. No redirect is followed.

        Raises what ``Outbound.fetch`` does, and ``Unavailable`` (``webhook_refused``) for any answer but 2xx.
        """
        headers = {
            "Content-Type": "application/json",
            SIGNATURE: sign(secret, body, self._clock.micros() // SECOND),
            DELIVERY: delivery,
        }
        answer = self._outbound.fetch(Call(url, "POST", headers, body, (secret,)))
        if not 200 <= answer.status < 300:
            raise Unavailable(
                f"the receiver answered {answer.status}", code="webhook_refused", found=answer.status, expected="2xx"
            )
