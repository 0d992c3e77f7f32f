"""Committed MQTT messages, remembered per session: in memory for the asking, on disk in the commit of their readings.

On disk a row is only ever added; of one (session, packet id) the highest ``seq`` counts, and of a session the last
``kept``. Older rows are removed when a session has about twice as many.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

import duckdb
import pyarrow as pa

from gops.store.duckdb.database import rows
from gops.store.port import Delivery

SLACK = 1000  # rows beyond twice ``kept`` before a session is swept, so that small bounds don't sweep every commit
_LOAD = """
    SELECT session, packet_id, arg_max(digest, seq), max(seq) AS newest FROM delivery
    GROUP BY session, packet_id ORDER BY session, newest"""
_COUNT = "SELECT session, count(*) FROM delivery GROUP BY session"
_ADD = "INSERT INTO delivery SELECT session, packet_id, digest, seq FROM delivered"
_SWEEP = "DELETE FROM delivery WHERE session = ? AND seq < ?"


class _Session:
    """Digest and seq by packet id, oldest first, and how many rows are on disk."""

    def __init__(self) -> None:
        self.known: OrderedDict[int, tuple[int, int]] = OrderedDict()
        self.on_disk = 0

    def remember(self, packet_id: int, digest: int, seq: int, kept: int) -> None:
        self.known.pop(packet_id, None)
        self.known[packet_id] = (digest, seq)
        if len(self.known) > kept:
            self.known.popitem(last=False)


class Deliveries:
    """Changed by the writer alone; asked by anybody."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._sessions: dict[str, _Session] = {}
        self._seq = 0
        self._lock = threading.Lock()

    def load(self, connection: duckdb.DuckDBPyConnection) -> None:
        sessions: dict[str, _Session] = {}
        for session, packet_id, digest, seq in rows(connection, _LOAD):
            sessions.setdefault(session, _Session()).remember(packet_id, digest, seq, self._kept)
            self._seq = max(self._seq, seq)
        for session, count in rows(connection, _COUNT):
            sessions[session].on_disk = count
        with self._lock:
            self._sessions = sessions

    def known(self, deliveries: Sequence[Delivery]) -> list[bool]:
        with self._lock:
            return [self._is_known(delivery) for delivery in deliveries]

    def _is_known(self, delivery: Delivery) -> bool:
        session = self._sessions.get(delivery.session)
        found = session.known.get(delivery.packet_id) if session else None
        return found is not None and found[0] == delivery.digest

    def write(self, connection: duckdb.DuckDBPyConnection, deliveries: Sequence[Delivery]) -> None:
        """Inside the transaction of their readings; ``remember`` follows when it is committed."""
        table = pa.table(
            {
                "session": [delivery.session for delivery in deliveries],
                "packet_id": [delivery.packet_id for delivery in deliveries],
                "digest": [delivery.digest for delivery in deliveries],
                "seq": range(self._seq + 1, self._seq + 1 + len(deliveries)),
            }
        )
        connection.register("delivered", table)
        connection.execute(_ADD)
        connection.unregister("delivered")

    def remember(self, deliveries: Sequence[Delivery]) -> None:
        with self._lock:
            for delivery in deliveries:
                self._seq += 1
                session = self._sessions.setdefault(delivery.session, _Session())
                session.remember(delivery.packet_id, delivery.digest, self._seq, self._kept)
                session.on_disk += 1

    def sweep(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Remove from disk what is no longer remembered, of sessions that have grown; a commit of its own."""
        for name, session in self._sessions.items():
            if session.on_disk > 2 * self._kept + SLACK:
                oldest = next(iter(session.known.values()))[1]
                [(removed,)] = rows(connection, _SWEEP, [name, oldest])
                session.on_disk -= removed

    def forget(self, connection: duckdb.DuckDBPyConnection, session: str) -> None:
        """Remove a session; a commit of its own."""
        connection.execute("DELETE FROM delivery WHERE session = ?", [session])
        with self._lock:
            self._sessions.pop(session, None)
