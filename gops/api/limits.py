"""How often one may ask: so many requests in a minute (flask-limiter, in this process), and so many in a day (records).

A key counts for itself, others by their address; of IPv6 by the /64 network. A credential that does not hold counts
for its address, so that guessing keys is limited as well. Every answer that was counted says what is left, with the
fields of draft-ietf-httpapi-ratelimit-headers-10: ``RateLimit-Policy`` and ``RateLimit``.
"""

from __future__ import annotations

import ipaddress
import math
import time
from typing import Any

from flask import Flask, Response, g, request
from flask_limiter import Limiter

from gops.api.allowance import client_network
from gops.api.context import actor, services, settings
from gops.clock import SECOND
from gops.errors import TooMany
from gops.usage.quotas import Standing

MINUTE_SECONDS, DAY_SECONDS = 60, 86_400
UNCOUNTED = ("/api/v1/health/", "/api/docs")
LIMITER = "gops-limiter"
"""Where the app keeps it."""


def install(app: Flask) -> None:
    """Call it when ``g.actor`` is known, and before a wrong credential is refused."""

    @app.before_request
    def locate() -> None:
        g.standing = None
        g.is_counted = _is_counted()
        g.network = _network(request.remote_addr) if g.is_counted else None

    limiter = Limiter(
        _client,
        app=app,
        application_limits=[_per_minute],
        storage_uri="memory://",
        strategy="fixed-window",
        request_identifier=lambda: request.endpoint or "nowhere",  # addresses that lead nowhere count, too
        headers_enabled=False,  # it knows the older fields alone
        on_breach=_refuse,
    )
    limiter.request_filter(lambda: g.network is None or not _most())
    app.extensions[LIMITER] = limiter

    @app.before_request
    def take() -> None:
        if g.is_counted:
            g.standing = services().usage.quotas.take(actor(), g.network)

    @app.after_request
    def tell(response: Response) -> Response:
        if g.get("network") is not None:
            _tell(response, limiter.current_limit, g.get("standing"))
        return response


def network() -> str | None:
    """Of this request."""
    found: str | None = g.network
    return found


def _network(address: str | None) -> str | None:
    """Of an address; None where it is exempt."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return client_network(address)
    plain = getattr(found, "ipv4_mapped", None) or found
    is_exempt = any(plain in network for network in settings().limit_exempt)
    return None if is_exempt else client_network(str(plain))


def _is_counted() -> bool:
    path = request.path
    return path.startswith("/api/") and request.method != "OPTIONS" and not path.startswith(UNCOUNTED)


def _client() -> str:
    key = actor().key_id
    return f"net:{g.network}" if key is None else f"key:{key}"


def _most() -> int:
    chosen = settings()
    return chosen.limit_address_minute if actor().key_id is None else chosen.limit_key_minute


def _per_minute() -> str:
    return f"{_most()} per minute"


def _refuse(limit: Any) -> None:
    setting = "GOPS_LIMIT_ADDRESS_MINUTE" if actor().key_id is None else "GOPS_LIMIT_KEY_MINUTE"
    most = _most()
    raise TooMany(
        f"more than {most} requests in a minute",
        retry_after_s=_seconds_to(limit.reset_at),
        expected=f"at most {most} a minute ({setting})",
    )


def _seconds_to(reset_at: float) -> int:
    return min(MINUTE_SECONDS, max(1, math.ceil(reset_at - time.time())))


def _tell(response: Response, minute: Any, day: Standing | None) -> None:
    """``RateLimit-Policy: "minute";q=600;w=60, "day";q=50000;w=86400`` and ``RateLimit: "minute";r=598;t=41, ...``."""
    policies, left = [], []
    if minute is not None:
        policies.append(f'"minute";q={minute.limit.amount};w={MINUTE_SECONDS}')
        left.append(f'"minute";r={minute.remaining};t={_seconds_to(minute.reset_at)}')
    if day is not None and day.quota is not None:
        seconds = max(0, -(-(day.resets_at - services().clock.micros()) // SECOND))
        policies.append(f'"day";q={day.quota};w={DAY_SECONDS}')
        left.append(f'"day";r={day.remaining};t={seconds}')
    if policies:
        response.headers["RateLimit-Policy"] = ", ".join(policies)
        response.headers["RateLimit"] = ", ".join(left)
