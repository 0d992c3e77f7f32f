"""From a device's fields to the columns of the store: which Datastream, converted how, of what quality.

Pure: the route of the device, the moment of arrival and the limits are given.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import pyarrow as pa

from gops.ingest.decoded import Decoded
from gops.ingest.refused import Refused
from gops.sensors.routes import DeviceRoute
from gops.store.port import READINGS


@dataclass(frozen=True, slots=True)
class Limits:
    """Which readings are accepted: at most ``past`` microseconds before the arrival and ``ahead`` after it, and texts
    of at most ``text`` characters."""

    past: int
    ahead: int
    text: int = 256


@dataclass(frozen=True, slots=True)
class Readings:
    """Rows of ``store.port.READINGS`` as parallel lists, in the order of the message, and all its refusals."""

    datastream: list[int] = field(default_factory=list)
    t: list[int] = field(default_factory=list)
    value: list[float | None] = field(default_factory=list)
    text: list[str | None] = field(default_factory=list)
    quality: list[int] = field(default_factory=list)
    result_time: list[int | None] = field(default_factory=list)
    refusals: list[Refused] = field(default_factory=list)


def resolve(decoded: Decoded, route: DeviceRoute, arrival: int, limits: Limits) -> Readings:
    """The rows that a decoded message writes, and everything in it that was refused."""
    raise NotImplementedError


def to_table(batch: Iterable[Readings]) -> pa.Table:
    """One Arrow table of ``READINGS`` from many messages, in their order."""
    kept = list(batch)
    columns = {name: [item for one in kept for item in getattr(one, name)] for name in READINGS.names}
    return pa.table(columns, schema=READINGS)
