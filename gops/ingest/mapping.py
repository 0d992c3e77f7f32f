"""From a device's fields to the columns of the store: which Datastream, converted how, of what quality.

Pure: the route of the device, the moment of arrival and the limits are given.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import pyarrow as pa

from gops.clock import DAY, SECOND
from gops.ingest.checks import (
    EXACT,
    check_result_time,
    check_unit,
    exact,
    outside,
    quality_of_nothing,
    quality_of_number,
    quality_of_text,
    state_text,
    too_far_ahead,
    too_fine,
    too_late,
)
from gops.ingest.decoded import Decoded, Value
from gops.ingest.refused import Refused, Unreadable, shown
from gops.sensors.routes import DeviceRoute, Target
from gops.settings import Settings
from gops.store.port import READINGS, Capabilities

MILLISECOND = 1000  # microseconds


@dataclass(frozen=True, slots=True)
class Limits:
    """Which readings are accepted: at most ``past`` microseconds before the arrival and ``ahead`` after it, and texts
    of at most ``text`` characters, at times that are multiples of ``finest`` microseconds. ``text`` is 0 for a store
    that keeps no texts."""

    past: int
    ahead: int
    text: int = 256
    finest: int = 1

    @classmethod
    def of(cls, settings: Settings, store: Capabilities) -> Limits:
        past, ahead = settings.accept_past_days * DAY, settings.accept_ahead_seconds * SECOND
        return cls(past, ahead, settings.message_text if store.text else 0, 1 if store.microseconds else MILLISECOND)


@dataclass(slots=True)
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
    """The rows that a decoded message writes, and everything in it that was refused. Times are microseconds."""
    out = Readings(refusals=decoded.refusals.copy())
    earliest, latest = arrival - limits.past, arrival + limits.ahead
    finest = limits.finest
    targets = route.fields
    units = decoded.units
    times = decoded.times_at(arrival - arrival % finest)
    index = -1
    for name, value, t, quality, result_time in zip(
        decoded.fields, decoded.values, times, decoded.qualities, decoded.result_times, strict=True
    ):
        index += 1
        target = targets.get(name)
        try:
            if target is None:
                raise _no_target(name, route)
            if units is not None:
                check_unit(units[index], target.unit)
            if t is None:
                t = arrival - arrival % finest
            elif not earliest <= t <= latest:
                raise outside(t, earliest, latest)
            elif t < target.closed or not target.lead <= arrival - t <= target.age or t % finest:
                raise _out_of_time(t, arrival, target, finest)
            if result_time is not None:
                check_result_time(result_time, latest)
            text = None
            if (type(value) is float or type(value) is int) and target.kind != "state":  # a bool is no number
                exactly = value if -EXACT <= value <= EXACT else exact(value)
                value = exactly * target.scale + target.offset
                quality = quality_of_number(value, quality, target.low, target.high)
            else:
                value, text, quality = _other(value, quality, target, limits)
        except Unreadable as trouble:
            out.refusals.append(Refused(trouble.code, name, decoded.place(index), trouble.note))
            continue
        out.datastream.append(target.datastream)
        out.t.append(t)
        out.value.append(value)
        out.text.append(text)
        out.quality.append(quality)
        out.result_time.append(result_time)
    return out


def _out_of_time(t: int, arrival: int, target: Target, finest: int) -> Unreadable:
    if t % finest:
        return too_fine(t, finest)
    if arrival - t < target.lead:
        return too_far_ahead(t - arrival + target.lead, -target.lead)
    return too_late(t, target.age, target.closed)


def _no_target(name: str, route: DeviceRoute) -> Unreadable:
    if name in route.ended:
        return Unreadable("ended_datastream", "the Datastream of this field has ended; expected a mapping to a new one")
    return Unreadable("unknown_field", f"{route.address} has no mapping for {shown(name)}")


def _other(value: Value, quality: int | None, target: Target, limits: Limits) -> tuple[float | None, str | None, int]:
    """Value, text and quality of what is no number for a numeric Datastream: null, or a state."""
    if value is None:
        return None, None, quality_of_nothing(quality)
    if target.kind != "state":
        raise Unreadable("wrong_type", f"found {shown(value)}; expected a number, the Datastream is a {target.kind}")
    if not limits.text:
        raise Unreadable("unsupported_kind", "a Datastream of kind state; the store of this GOPS keeps numbers only")
    return None, state_text(value, limits.text), quality_of_text(quality)


def to_table(batch: Iterable[Readings]) -> pa.Table:
    """One Arrow table of ``READINGS`` from many messages, in their order."""
    kept = list(batch)
    columns = {name: [item for one in kept for item in getattr(one, name)] for name in READINGS.names}
    return pa.table(columns, schema=READINGS)
