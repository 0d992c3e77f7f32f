"""Committed MQTT messages, remembered per session: in memory for the asking, as points for the next start.

Points are only ever added, at times of their own that grow with every one; of a session the last ``kept`` count. Where
the server deletes, older points are removed when a session has about twice as many.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

from gops.clock import Clock
from gops.store.influx.lines import FORGOTTEN, session_tag
from gops.store.influx.questions import remembered
from gops.store.influx.server import Server
from gops.store.port import Delivery

SLACK = 1000  # points beyond twice ``kept`` before a session is swept
PAGE = 20_000


class _Session:
    """Digest and time by packet id, oldest first, and how many points were seen or made."""

    def __init__(self) -> None:
        self.known: OrderedDict[int, tuple[int, int]] = OrderedDict()
        self.points = 0

    def remember(self, packet_id: int, digest: int, at: int, kept: int) -> None:
        self.points += 1
        self.known.pop(packet_id, None)
        self.known[packet_id] = (digest, at)
        if len(self.known) > kept:
            self.known.popitem(last=False)


class Deliveries:
    """Changed by the writer alone; asked by anybody."""

    def __init__(self, server: Server, kept: int, clock: Clock) -> None:
        self._server = server
        self._kept = kept
        self._clock = clock
        self._sessions: dict[str, _Session] = {}
        self._newest = 0
        self._lock = threading.Lock()

    def known(self, deliveries: Sequence[Delivery]) -> list[bool]:
        """See ``Store.delivered``. Raises ``Unavailable``."""
        with self._lock:
            return [self._is_known(one) for one in deliveries]

    def _is_known(self, delivery: Delivery) -> bool:
        found = self._session(delivery.session).known.get(delivery.packet_id)
        return found is not None and found[0] == delivery.digest

    def _session(self, name: str) -> _Session:
        if name not in self._sessions:
            self._sessions[name] = self._load(name)
        return self._sessions[name]

    def _load(self, name: str) -> _Session:
        """What the server has of a session: the newest points, until ``kept`` packet ids are found."""
        found: OrderedDict[int, tuple[int, int]] = OrderedDict()  # newest first
        before: int | None = None
        points = 0
        while len(found) < self._kept:
            pieces = self._server.run(remembered(session_tag(name), before, PAGE))
            rows = [row for piece in pieces for row in piece.values]  # time, p, d
            points += len(rows)
            for at, packet_id, digest in rows:
                self._newest = max(self._newest, at)
                if packet_id == FORGOTTEN:
                    return self._as_session(found, points)
                found.setdefault(packet_id, (digest, at))
            if len(rows) < PAGE:
                break
            before = int(rows[-1][0])
        return self._as_session(found, points)

    def _as_session(self, newest_first: OrderedDict[int, tuple[int, int]], points: int) -> _Session:
        session = _Session()
        for packet_id, (digest, at) in reversed(newest_first.items()):
            session.remember(packet_id, digest, at, self._kept)
        session.points = points
        return session

    # of the writer

    def begin(self, deliveries: Sequence[Delivery]) -> int:
        """The time of the first of their points, in microseconds; each next one is one later.

        Raises ``Unavailable``.
        """
        with self._lock:
            for name in {one.session for one in deliveries}:
                self._session(name)
            return max(self._newest + 1, self._clock.micros())

    def remember(self, deliveries: Sequence[Delivery], first: int) -> None:
        """Their points are written, from ``first`` on."""
        with self._lock:
            for at, one in enumerate(deliveries, first):
                self._sessions[one.session].remember(one.packet_id, one.digest, at, self._kept)
            self._newest = max(self._newest, first + len(deliveries) - 1)

    def forget(self, session: str, at: int) -> None:
        """That a session began anew is written, at ``at``."""
        with self._lock:
            self._newest = max(self._newest, at)
            self._sessions[session] = _Session()

    def grown(self) -> list[tuple[str, int]]:
        """The tags of sessions that have grown too long, with the time before which their points may go."""
        with self._lock:
            long = {name: one for name, one in self._sessions.items() if one.points > 2 * self._kept + SLACK}
            for one in long.values():
                one.points = len(one.known)
            return [(session_tag(name), next(iter(one.known.values()))[1]) for name, one in long.items() if one.known]
