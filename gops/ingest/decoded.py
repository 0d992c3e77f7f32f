"""What a decoder takes and gives.

A decoder is a pure function of bytes and a ``Frame``. It never raises on any bytes, and its time is bounded by their
number.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal
from zoneinfo import ZoneInfo

from gops.ingest.refused import Refused
from gops.settings import Settings

Value = float | int | str | bool | None
Precision = Literal["s", "ms", "us", "ns"]

NAME_CHARACTERS = 256
"""Of a name that a decoder puts together, such as a prefix and a path: without a bound, one long prefix before
thousands of readings would take the memory of its square."""


@dataclass(frozen=True, slots=True)
class CodecOptions:
    """What a feed may say of its messages beyond the codec's name. Each codec reads its own and leaves the others.

    ``precision``: of the times in line protocol. ``tag``: the tag that names the Thing, there; empty for none.

    ``columns``: of CSV without a header, or instead of it; an empty name skips its column. ``header``: the first row
    holds names (must hold when there are no ``columns``). ``delimiter`` and ``decimal`` sign. ``time`` and ``thing``:
    the columns of the time and of the Thing's name; empty for none. ``time_unit``: of times that are bare numbers.
    ``empty_is_missing``: an empty cell is a reading of quality missing; otherwise it is none.

    ``radio``: signal strength and frame counter of LoRaWAN uplinks are readings too. ``interval``: which end of a
    SensorThings interval is a reading's time. ``field``: what the codec of bare values calls its one reading.
    """

    precision: Precision = "ns"
    tag: str = ""
    columns: tuple[str, ...] = ()
    header: bool = True
    delimiter: str = ","
    decimal: Literal[".", ","] = "."
    time: str = "time"
    thing: str = ""
    time_unit: Precision = "ms"
    empty_is_missing: bool = True
    radio: bool = False
    interval: Literal["start", "end"] = "start"
    field: str = "value"


DEFAULTS = CodecOptions()


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
    options: CodecOptions = DEFAULTS

    @classmethod
    def of(cls, settings: Settings, zone: ZoneInfo | None = None, options: CodecOptions = DEFAULTS) -> Frame:
        return cls(zone, settings.message_readings, settings.message_depth, settings.message_bytes, options)


@dataclass(slots=True)
class Decoded:
    """The readings of one message in parallel columns, and what could not be read.

    ``values``: a finite number (an int fits 64 bits), a text without lone surrogates, a bool, or None for missing.
    ``times``: microseconds since 1970, None for the arrival. ``qualities``: a code of ``gops.quality`` or None.
    ``result_times``: microseconds or None. ``receipts``: the ids that the device wants to be answered. ``keep``: the
    message repeats the past, so it writes in mode ``keep``.

    Where a format names the source of a reading (SenML's base name, a LoRaWAN device), ``things`` has that name with
    the sign that parts it from the rest, so that ``fields[i]`` is ``things[i]`` and the reading's own name; None where
    no reading has one. So a field is never of two sources, and a mapping may still tell the two apart.

    ``units``: the UCUM code that a reading says it is in, or None; the column is None where none does. ``relative``:
    indexes of readings whose time is microseconds before or after the arrival.

    ``spans`` has (index of its first reading, prefix of their places) for each object of the message; where readings
    stand in numbered rows instead, ``rows`` has each one's number and ``row`` says how it is written. (Not frozen: its
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
    things: list[str] | None = None
    units: list[str | None] | None = None
    relative: list[int] | None = None
    rows: list[int] | None = None
    row: str = "[{}]"

    def place(self, index: int) -> str:
        """Where reading ``index`` stands in the message, for example ``[2].values.pm10`` or ``line 3: pm10``."""
        if self.rows is not None:
            return f"{self.row.format(self.rows[index])}: {self.fields[index]}"
        span = bisect_right(self.spans, index, key=lambda item: item[0]) - 1
        return (self.spans[span][1] if span >= 0 else "") + self.fields[index]

    def source(self, index: int) -> tuple[str, str]:
        """The Thing that reading ``index`` names, without the sign after it, and the reading's own name."""
        name = self.fields[index]
        prefix = self.things[index] if self.things is not None else ""
        return prefix.rstrip(":/. "), name[len(prefix) :]

    def times_at(self, arrival: int) -> list[int | None]:
        """``times``, the relative ones counted from the moment of ``arrival``."""
        if self.relative is None:
            return self.times
        times = self.times.copy()
        for index in self.relative:
            times[index] = arrival + (times[index] or 0)
        return times

    def cut(self, most: int) -> None:
        """Leave the first readings and refusals of a message that has more than ``most``, and say so."""
        place = self.place(most) if len(self.fields) > most else ""
        left_out = max(len(self.fields) - most, 1)
        always = (self.fields, self.values, self.times, self.qualities, self.result_times, self.refusals)
        for column in (*always, self.things, self.units, self.rows):
            if column is not None:
                del column[most:]
        if self.relative is not None:
            self.relative = [index for index in self.relative if index < most]
        note = f"only the first {most} readings are read (GOPS_MESSAGE_READINGS); expected them in several messages"
        self.refusals.append(Refused("too_many_readings", None, place, note, left_out))


Decoder = Callable[[bytes, Frame], Decoded]
