"""Versions of Datastreams: exact for what this process wrote, by buckets of Datastreams for what others wrote.

A version is the moment of a commit in microseconds, moved on where two would be equal. With its rows a commit hands in
``<name>_version{w="<who writes>",b="<bucket>"}``. Other processes count it ``hidden_s`` later: a version that is seen
before its rows would name an old answer as the new one.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Sequence

from gops.clock import Clock
from gops.store.victoria.lines import MILLI
from gops.store.victoria.server import Server

BUCKETS = 256
POLL_SECONDS = 1.0
LOOKBACK_MS = 120_000  # of which a question every second needs two; the rest is for servers that are away


class Versions:
    """``writer`` names this process among all that write, the same after a restart. Thread-safe."""

    def __init__(self, server: Server, name: str, clock: Clock, writer: str, hidden_s: float) -> None:
        self._server = server
        self._name = f"{name}_version"
        self._clock = clock
        self._writer = hashlib.sha256(writer.encode()).hexdigest()[:12]
        self._hidden_ms = round(hidden_s * 1000)
        self._lock = threading.Lock()
        self._floor = clock.micros()  # later than everything committed before this process
        self._last = self._floor
        self._own: dict[int, int] = {}
        self._others: dict[int, int] = {}
        self._asked = 0.0

    def spell(self, datastreams: Sequence[int]) -> tuple[int, bytes]:
        """A new version, and the lines to hand in with the rows of these Datastreams that change."""
        with self._lock:
            self._last = max(self._clock.micros(), self._last + 1)
            version = self._last
        buckets = sorted({one % BUCKETS for one in datastreams})
        moment = version // MILLI
        return version, b"\n".join(
            f"{self._name},w={self._writer},b={bucket} value={version} {moment}".encode() for bucket in buckets
        )

    def note(self, version: int, datastreams: Sequence[int]) -> None:
        with self._lock:
            self._own.update(dict.fromkeys(datastreams, version))

    def of(self, datastreams: Sequence[int]) -> int:
        self._ask()
        with self._lock:
            own, others = self._own, self._others
            versions = [max(own.get(one, 0), others.get(one % BUCKETS, 0)) for one in datastreams]
        return max([self._floor, *versions])

    def _ask(self) -> None:
        with self._lock:
            now = time.monotonic()
            if now - self._asked < POLL_SECONDS:
                return
            self._asked = now
        query = f'max by (b) (last_over_time({self._name}_value{{w!="{self._writer}"}}[{LOOKBACK_MS}ms]))'
        found = self._server.ask(query, self._clock.micros() // MILLI - self._hidden_ms)
        with self._lock:
            for labels, version in found:
                bucket = int(labels["b"])
                self._others[bucket] = max(int(version), self._others.get(bucket, 0))
