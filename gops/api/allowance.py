"""So many times an hour for each client: counted in this process, in bounded memory, on the injected clock."""

from __future__ import annotations

import ipaddress
import threading
from collections import OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager

from gops.clock import HOUR, SECOND, Clock
from gops.errors import TooMany

CLIENTS = 50_000  # beyond that the client that was counted longest ago is forgotten


class HourlyAllowance:
    """``with allowance.one(client):`` does something once; what raises is not counted, so mistakes cost nothing."""

    def __init__(self, clock: Clock, per_hour: int, setting: str) -> None:
        self._clock = clock
        self._per_hour = per_hour
        self._setting = setting
        self._lock = threading.Lock()
        self._counted: OrderedDict[str, deque[int]] = OrderedDict()

    @contextmanager
    def one(self, client: str) -> Iterator[None]:
        """Raises ``TooMany`` for a client that has had its share of the last hour."""
        now = self._clock.micros()
        with self._lock:
            times = self._take(client, now)
        try:
            yield
        except BaseException:
            with self._lock:
                times.remove(now)
            raise

    def _take(self, client: str, now: int) -> deque[int]:
        times = self._counted.setdefault(client, deque())
        self._counted.move_to_end(client)
        if len(self._counted) > CLIENTS:
            self._counted.popitem(last=False)
        while times and times[0] <= now - HOUR:
            times.popleft()
        if len(times) >= self._per_hour:
            raise TooMany(
                f"{self._per_hour} in an hour from one address",
                retry_after_s=-(-(times[0] + HOUR - now) // SECOND),
                expected=f"at most {self._per_hour} an hour ({self._setting})",
            )
        times.append(now)
        return times


def client_network(address: str | None) -> str:
    """A client's address; of IPv6 the /64 network, which is what one customer is given."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    return str(found) if found.version == 4 else str(ipaddress.ip_network((found, 64), strict=False))
