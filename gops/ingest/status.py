"""Which device is online, and when it was last seen."""

from __future__ import annotations

from collections.abc import Iterable

from gops.clock import Clock
from gops.ingest.refused import Refused
from gops.records.database import Database


def read_status(payload: bytes) -> bool | Refused:
    """The ``online`` of a status message ``{"online": bool}``, or why it is refused."""
    raise NotImplementedError


class DeviceStatus:
    """Collects what is seen in memory; ``flush`` writes it in bounds."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def seen(self, devices: Iterable[int], at: int) -> None:
        """These devices sent something at ``at``."""
        raise NotImplementedError

    def said(self, device: int, online: bool, at: int, *, retained: bool = False) -> None:
        """A device, or its last will, said whether it is online."""
        raise NotImplementedError

    def flush(self, *, everything: bool = False) -> int:
        """Write what is due (a change at once, else once a minute and device); how many rows that were."""
        raise NotImplementedError
