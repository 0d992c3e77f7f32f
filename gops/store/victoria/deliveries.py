"""Which MQTT messages were committed: kept as samples beside the readings, in the same hand-in.

A sample of ``<name>_message{s="<hash of the session>"}`` is packet id x 2**37 + the lowest 37 bits of the digest, an
exact integer; -1 begins the session anew. Labels ``k`` 0-99 give a hundred of them room in one millisecond.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence

import numpy as np

from gops.clock import DAY, MINUTE, Clock
from gops.store.port import Delivery
from gops.store.victoria.lines import AHEAD, MILLI
from gops.store.victoria.server import Server

DIGEST_BITS = 37
BEGUN_ANEW = -1
IN_A_MILLISECOND = 100
REMEMBERED = 30 * DAY  # how long a broker may keep a session at most
FIRST_LOOK = 10 * MINUTE


class Deliveries:
    """``kept`` of each session are remembered. Thread-safe."""

    def __init__(self, server: Server, name: str, clock: Clock, kept: int) -> None:
        self._server = server
        self._name = f"{name}_message"
        self._clock = clock
        self._kept = kept
        self._lock = threading.Lock()
        self._sessions: dict[str, dict[int, int]] = {}
        self._loaded: set[str] = set()
        self._moment = 0

    def spell(self, deliveries: Sequence[Delivery]) -> bytes:
        """Their lines, to hand in with the readings."""
        return self._lines([(one.session, _code(one)) for one in deliveries])

    def spell_anew(self, session: str) -> bytes:
        return self._lines([(session, BEGUN_ANEW)])

    def remember(self, deliveries: Sequence[Delivery]) -> None:
        with self._lock:
            for one in deliveries:
                self._put(self._sessions.setdefault(one.session, {}), _code(one))

    def forget(self, session: str) -> None:
        with self._lock:
            self._sessions[session] = {}
            self._loaded.add(session)

    def is_loaded(self, session: str) -> bool:
        return session in self._loaded

    def load(self, session: str) -> None:
        """Ask for what processes before this one wrote, once."""
        codes = self._stored(session)
        with self._lock:
            if session in self._loaded:
                return
            own = self._sessions.get(session, {})
            whole: dict[int, int] = {}
            for code in [*codes, *own.values()]:
                self._put(whole, code)
            self._sessions[session] = whole
            self._loaded.add(session)

    def known(self, deliveries: Sequence[Delivery]) -> Sequence[bool]:
        with self._lock:
            return [self._sessions.get(one.session, {}).get(one.packet_id) == _code(one) for one in deliveries]

    def _put(self, session: dict[int, int], code: int) -> None:
        if code == BEGUN_ANEW:
            session.clear()
            return
        packet_id = code >> DIGEST_BITS
        session.pop(packet_id, None)
        session[packet_id] = code
        while len(session) > self._kept:
            del session[next(iter(session))]

    def _lines(self, marks: Sequence[tuple[str, int]]) -> bytes:
        """Ascending in (millisecond, k), whatever the clock does."""
        with self._lock:
            first = max(self._clock.micros() // MILLI, self._moment + 1)
            self._moment = first + len(marks) // IN_A_MILLISECOND
        hashed = {session: _hash(session) for session in {session for session, _ in marks}}
        lines = [
            f"{self._name},s={hashed[session]},k={n % IN_A_MILLISECOND} value={code} {first + n // IN_A_MILLISECOND}"
            for n, (session, code) in enumerate(marks)
        ]
        return "\n".join(lines).encode()

    def _stored(self, session: str) -> Sequence[int]:
        """The newest codes of a session, oldest first."""
        now = self._clock.micros()
        series = f'{self._name}_value{{s="{_hash(session)}"}}'
        span = (REMEMBERED + AHEAD) // MILLI
        found = self._server.ask(f"max(tlast_over_time({series}[{span}ms]))", (now + AHEAD) // MILLI)
        if not found:
            return []
        newest = round(found[0][1] * 1000)
        look = FIRST_LOOK // MILLI
        while True:
            codes = self._between(series, newest - look, newest)
            if len(codes) >= 2 * self._kept or look >= REMEMBERED // MILLI:
                return codes
            look *= 8

    def _between(self, series: str, start: int, end: int) -> Sequence[int]:
        parts = [
            (one.times * IN_A_MILLISECOND + int(one.labels["k"]), one.values)
            for one in self._server.export([series], start, end)
        ]
        if not parts:
            return []
        order = np.argsort(np.concatenate([places for places, _ in parts]), kind="stable")
        codes: list[int] = np.concatenate([values for _, values in parts])[order].astype(np.int64).tolist()
        return codes


def _code(one: Delivery) -> int:
    return (one.packet_id << DIGEST_BITS) | (one.digest & ((1 << DIGEST_BITS) - 1))


def _hash(session: str) -> str:
    return hashlib.sha256(session.encode()).hexdigest()[:24]
