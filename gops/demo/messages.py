"""The messages of the simulated devices, with the faults that real ones have. Pure: device and time in, bytes out.

A device has at most one fault in a slot of time (ten minutes of a live one), and none in most:

gap                     it sends nothing
stuck                   it repeats the values that it had at the beginning
communication_failure   its sensors do not answer; it says so
spike                   one value, once, far out of range
ahead                   its clock runs 20 minutes ahead: refused by GOPS
malformed               once a message that is cut short, has a word for a number, or a field nobody knows
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any, Literal

from gops.demo.fleet import DemoDevice
from gops.demo.instruments import Field
from gops.demo.signals import chance

Fault = Literal["none", "gap", "stuck", "communication_failure", "spike", "ahead", "malformed"]

AHEAD_SECONDS = 1200
READINGS_A_MESSAGE = 60
SHARES: tuple[tuple[Fault, float], ...] = (
    ("gap", 0.015),
    ("stuck", 0.015),
    ("communication_failure", 0.01),
    ("spike", 0.02),
    ("ahead", 0.01),
    ("malformed", 0.015),
)


def fault_at(device: DemoDevice, t: float) -> Fault:
    """What is wrong with a device in the slot around ``t`` (seconds since 1970)."""
    drawn = chance(device.address, "fault", int(t // device.slot))
    for fault, share in SHARES:
        if drawn < share:
            return fault
        drawn -= share
    return "none"


def message(device: DemoDevice, t: int) -> bytes | None:
    """What the device sends at ``t``, a multiple of its period; None when it is silent."""
    fault = fault_at(device, t)
    if fault == "gap":
        return None
    values = _values(device, t, fault)
    ahead = AHEAD_SECONDS if fault == "ahead" else 0
    if fault == "malformed" and _is_moment(device, t):
        return _malformed(device, t, values)
    return _encode({"ts": (t + ahead) * 1000, "values": values})


def history(device: DemoDevice, start: int, end: int, step: int | None = None) -> Iterator[bytes]:
    """What the device measured in ``start <= t < end``, as messages that repeat the past: they fill gaps only.

    ``step`` in seconds, a multiple of the period: of the further past a device tells less.
    """
    rows: list[dict[str, Any]] = []
    for t, values in measured(device, start, end, step or device.period):
        rows.append({"ts": t * 1000, "values": values, "repeat": True})
        if len(rows) == READINGS_A_MESSAGE:
            yield _encode(rows)
            rows = []
    if rows:
        yield _encode(rows)


def measured(device: DemoDevice, start: int, end: int, step: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """What the device has of ``start <= t < end``, as in its messages; nothing of when it was silent or refused."""
    for t in range(-(-start // step) * step, end, step):
        fault = fault_at(device, t)
        if fault not in ("gap", "ahead"):
            yield t, _values(device, t, fault)


def _values(device: DemoDevice, t: int, fault: Fault) -> dict[str, Any]:
    if fault == "communication_failure":
        return {field.name: {"value": None, "quality": fault} for field in device.fields}
    at = t - t % device.slot if fault == "stuck" else t
    values = {field.name: _value(device, field, at) for field in device.fields}
    if fault == "spike" and _is_moment(device, t):
        field = device.fields[0]
        values[field.name] = round(3 * (field.high or 1) + 1, 1)
    return values


def _value(device: DemoDevice, field: Field, t: float) -> float | bool:
    """Rounded as the instrument does; a direction of 360 degrees is 0."""
    value = field.signal(device.city.slug, device.address, t)
    if isinstance(value, bool):
        return value
    rounded = round(value, field.digits) if field.digits else math.floor(value + 0.5)
    return 0 if field.name == "wind_direction" and rounded == 360 else rounded


def _is_moment(device: DemoDevice, t: int) -> bool:
    """One tick of every slot, another in each."""
    tick, ticks = t % device.slot // device.period, device.slot // device.period
    return tick == int(chance(device.address, "moment", t // device.slot) * ticks)


def _malformed(device: DemoDevice, t: int, values: dict[str, Any]) -> bytes:
    way = int(chance(device.address, "way", t // device.slot) * 3)
    whole: dict[str, Any] = {"ts": t * 1000, "values": values}
    if way == 0:
        return _encode(whole)[:-7]
    extra: dict[str, Any] = {device.fields[0].name: "err"} if way == 1 else {"firmware": "2.4.1"}
    return _encode({**whole, "values": {**values, **extra}})


def _encode(whole: Any) -> bytes:
    return json.dumps(whole, separators=(",", ":")).encode()
