"""What a decoder takes and gives.

A decoder is a pure function of bytes and a ``Frame``. It never raises on any bytes, and its time is bounded by their
number.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from gops.ingest.refused import Refused
from gops.settings import Settings

Value = float | int | str | bool | None


@dataclass(frozen=True, slots=True)
class Frame:
    """What a decoder knows of where a message came from, and its bounds.

    ``zone`` gives times without offset their place (None: they are refused). ``max_bytes`` of the payload,
    ``max_readings`` in it (read or refused), ``max_depth`` of its nesting.
    """

    zone: ZoneInfo | None = None
    max_readings: int = 10_000
    max_depth: int = 8
    max_bytes: int = 262_144

    @classmethod
    def of(cls, settings: Settings, zone: ZoneInfo | None = None) -> Frame:
        return cls(zone, settings.message_readings, settings.message_depth, settings.message_bytes)


@dataclass(slots=True)
class Decoded:
    """The readings of one message in parallel columns, and what could not be read.

    ``values``: a finite number (an int fits 64 bits), a text without lone surrogates, a bool, or None for missing.
    ``times``: microseconds since 1970, None for the arrival. ``qualities``: a code of ``gops.quality`` or None.
    ``result_times``: microseconds or None. ``receipts``: the ids that the device wants to be answered. ``keep``: the
    message repeats the past, so it writes in mode ``keep``.

    ``spans`` has (index of its first reading, prefix of their places) for each object of the message. (Not frozen: its
    columns grow in place, and a frozen one took 1 microsecond more to make.)
    """

    fields: list[str] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)
    times: list[int | None] = field(default_factory=list)
    qualities: list[int | None] = field(default_factory=list)
    result_times: list[int | None] = field(default_factory=list)
    receipts: list[str] = field(default_factory=list)
    refusals: list[Refused] = field(default_factory=list)
    spans: list[tuple[int, str]] = field(default_factory=list)
    keep: bool = False

    def place(self, index: int) -> str:
        """Where reading ``index`` stands in the message, for example ``[2].values.pm10``."""
        span = bisect_right(self.spans, index, key=lambda item: item[0]) - 1
        return (self.spans[span][1] if span >= 0 else "") + self.fields[index]


Decoder = Callable[[bytes, Frame], Decoded]
