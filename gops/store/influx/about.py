"""What the server at the other end is: found out when it is first needed, and made ready where that takes anything."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass

from gops import logs
from gops.clock import HOUR, MINUTE, SECOND
from gops.errors import Unavailable
from gops.store.checks import EARLIEST
from gops.store.influx.server import Server
from gops.store.port import Capabilities

_UNITS = {"h": HOUR, "m": MINUTE, "s": SECOND}
_DURATION = re.compile(r"(\d+)([hms])")
log = logs.get(__name__)


@dataclass(frozen=True)
class About:
    """``major`` is 1, 2 or 3. ``shard`` is how much time the server keeps together, in microseconds; None where that
    isn't known."""

    version: str
    major: int
    shard: int | None

    @property
    def deletes(self) -> bool:
        return self.major < 3

    def shard_of(self, moment: int) -> tuple[int, int] | None:
        """First and last microsecond of the shard that holds ``moment``; shards are counted from the year 1."""
        if self.shard is None:
            return None
        start = moment - (moment - EARLIEST) % self.shard
        return start, start + self.shard - 1


def capabilities(about: About | None) -> Capabilities:
    """What the engine does. Before it has answered once, what only some versions do counts as lacking."""
    deletes = about is not None and about.deletes
    return Capabilities(
        durable=True,
        replaces=True,
        deletes_range=deletes,
        text=True,
        microseconds=True,
        atomic=False,
        visible_after_s=0.0,
        retention_scope="datastream" if deletes else "store",
    )


class Acquaintance:
    """``about`` asks once."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._lock = threading.Lock()
        self.known: About | None = None

    def about(self) -> About:
        """Raises ``Unavailable``."""
        if self.known is None:
            with self._lock:
                self.known = self.known or self._meet()
        return self.known

    def _meet(self) -> About:
        version = self._server.look()
        found = re.search(r"\d+", version)
        if found is None:
            raise Unavailable(
                "the server at GOPS_STORE_URL does not say which InfluxDB it is", code="store_answer", found=version
            )
        major = min(3, max(1, int(found[0])))
        if major == 1:
            self._make_database()
        about = About(version, major, self._shard() if major == 1 else None)  # 2.x does not say it in InfluxQL
        log.info("store_met", engine="influx", version=version, shard_hours=(about.shard or 0) // HOUR)
        return about

    def _make_database(self) -> None:
        """Harmless where there is one; a user who may not make one needs one that is there."""
        try:
            self._server.run(f'CREATE DATABASE "{self._server.bucket}"')
        except Unavailable as error:
            if error.code != "store_answer":
                raise
            log.info("store_database_not_made", bucket=self._server.bucket)

    def _shard(self) -> int | None:
        for piece in self._server.run(f'SHOW RETENTION POLICIES ON "{self._server.bucket}"'):
            for row in (dict(zip(piece.columns, values, strict=True)) for values in piece.values):
                if row.get("default"):
                    parts = _DURATION.findall(str(row.get("shardGroupDuration", "")))
                    return sum(int(count) * _UNITS[unit] for count, unit in parts) or None
        return None
