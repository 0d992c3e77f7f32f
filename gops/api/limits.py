"""How often one may ask: so many requests in a minute (flask-limiter, in this process), and so many in a day (records).

A key counts for itself, others by their address; of IPv6 by the /64 network. A credential that does not hold counts
for its address, so that guessing keys is limited as well. Every answer that was counted says what is left, with the
fields of draft-ietf-httpapi-ratelimit-headers-10: ``RateLimit-Policy`` and ``RateLimit``.

Of flask-limiter its windows are used, asked directly: what it does around them for each request took as long as all
else here together.
"""

from __future__ import annotations

import ipaddress
import math
import time
from dataclasses import dataclass
from functools import lru_cache

from flask import Flask, Response, g, request
from flask_limiter import Limiter
from limits import RateLimitItemPerMinute

from gops.api.allowance import client_network
from gops.api.context import actor, services
from gops.api.services import Services
from gops.clock import SECOND
from gops.errors import TooMany
from gops.permissions import Actor
from gops.settings import Settings
from gops.usage.quotas import Standing

MINUTE_SECONDS, DAY_SECONDS = 60, 86_400
UNCOUNTED = ("/api/v1/health/", "/api/docs")
LIMITER = "gops-limiter"
"""Where the app keeps it."""
NETWORKS = 4_096  # addresses whose networks are kept


@dataclass(frozen=True)
class Minute:
    """What a client has of this minute. ``reset_at`` in seconds since 1970."""

    most: int
    left: int
    reset_at: float


def install(app: Flask) -> None:
    """Call it when ``g.actor`` is known, and before a wrong credential is refused."""
    own = Flask("limits")  # its hooks run for no request
    limiter = Limiter(_nobody, app=own, storage_uri="memory://", strategy="fixed-window")
    app.extensions[LIMITER] = limiter

    @app.before_request
    def count() -> None:
        g.standing = g.minute = g.network = None
        if is_counted(request.path, request.method):
            of, who = services(), actor()
            g.network = network = network_of(request.remote_addr, of.settings)
            g.minute = minute = of_minute(limiter, of.settings, who, network)
            refuse_beyond(minute, who)
            g.standing = of.usage.quotas.take(who, network)

    @app.after_request
    def tell(response: Response) -> Response:
        if g.get("network") is not None:
            response.headers.update(told(services(), g.minute, g.standing))
        return response


def _nobody() -> str:
    raise AssertionError("it checks nothing by itself")


def network() -> str | None:
    """Of this request."""
    found: str | None = g.network
    return found


def network_of(address: str | None, settings: Settings) -> str | None:
    """Of an address; None where it is exempt."""
    return _network(address, settings.limit_exempt)


@lru_cache(NETWORKS)
def _network(address: str | None, exempt: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]) -> str | None:
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return client_network(address)
    plain = getattr(found, "ipv4_mapped", None) or found
    is_exempt = any(plain in network for network in exempt)
    return None if is_exempt else client_network(str(plain))


def is_counted(path: str, method: str) -> bool:
    return path.startswith("/api/") and method != "OPTIONS" and not path.startswith(UNCOUNTED)


def of_minute(limiter: Limiter, settings: Settings, who: Actor, network: str | None) -> Minute | None:
    """Count a request; what is left then, -1 for one too many. None where there is no limit."""
    most = settings.limit_address_minute if who.key_id is None else settings.limit_key_minute
    if network is None or not most:
        return None
    item, client = _per_minute(most), f"net:{network}" if who.key_id is None else f"key:{who.key_id}"
    is_within = limiter.limiter.hit(item, client)
    reset_at, left = limiter.limiter.get_window_stats(item, client)
    return Minute(most, left if is_within else -1, reset_at)


@lru_cache(8)
def _per_minute(most: int) -> RateLimitItemPerMinute:
    return RateLimitItemPerMinute(most)


def refuse_beyond(minute: Minute | None, who: Actor) -> None:
    """Raises ``TooMany``."""
    if minute is None or minute.left >= 0:
        return
    setting = "GOPS_LIMIT_ADDRESS_MINUTE" if who.key_id is None else "GOPS_LIMIT_KEY_MINUTE"
    raise TooMany(
        f"more than {minute.most} requests in a minute",
        retry_after_s=_seconds_to(minute.reset_at),
        expected=f"at most {minute.most} a minute ({setting})",
    )


def _seconds_to(reset_at: float) -> int:
    return min(MINUTE_SECONDS, max(1, math.ceil(reset_at - time.time())))


def told(of: Services, minute: Minute | None, day: Standing | None) -> dict[str, str]:
    """``RateLimit-Policy: "minute";q=600;w=60, "day";q=50000;w=86400`` and ``RateLimit: "minute";r=598;t=41, ...``."""
    policies, left = [], []
    if minute is not None:
        policies.append(f'"minute";q={minute.most};w={MINUTE_SECONDS}')
        left.append(f'"minute";r={max(0, minute.left)};t={_seconds_to(minute.reset_at)}')
    if day is not None and day.quota is not None:
        seconds = max(0, -(-(day.resets_at - of.clock.micros()) // SECOND))
        policies.append(f'"day";q={day.quota};w={DAY_SECONDS}')
        left.append(f'"day";r={day.remaining};t={seconds}')
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(left)} if policies else {}
