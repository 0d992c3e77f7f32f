"""What the uplinks of LoRaWAN network servers have in common: a device, a time, a decoded payload, how it was heard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gops.ingest.decoded import Decoded, Frame
from gops.ingest.decoders import lenient, nested
from gops.ingest.decoders.lenient import misfit
from gops.ingest.decoders.times import instant
from gops.ingest.refused import Refused, Unreadable

DEVICE_CHARACTERS = 128
ENVELOPE = 4  # levels that a network server puts around what the device sent, which alone counts as nesting
NUMBERS = frozenset({int, float})


@dataclass(frozen=True, slots=True)
class Uplink:
    """``payload`` stands at ``place``. ``time`` as it was sent, None for the arrival. ``heard`` are the gateways'
    reports and ``frame`` the frame counter, both as they were sent."""

    device: Any
    time: Any
    payload: Any
    place: str
    heard: Any = None
    frame: Any = None


def document(payload: bytes, frame: Frame) -> dict[str, Any]:
    """The message as an object. Raises ``Unreadable``."""
    found = lenient.load(payload, frame.max_depth + ENVELOPE)
    if type(found) is not dict:
        raise misfit(found, "an object")
    return found


def member(item: dict[str, Any], name: str, place: str, why: str = "") -> Any:
    """An object inside an object. Raises ``Unreadable`` (``missing_member``, ``wrong_type``)."""
    found = item.get(name)
    if found is None:
        raise Unreadable("missing_member", f"found no member {place}{name}; expected an object{why}")
    if type(found) is not dict:
        raise misfit(found, f"an object at {place}{name}")
    return found


def read(uplink: Uplink, frame: Frame) -> Decoded:
    """The readings of an uplink, ``{device}/{path in the payload}``. Raises ``Unreadable``."""
    device = uplink.device
    if type(device) is not str:
        raise misfit(device, "the device's name as text")
    if not device:
        raise Unreadable("missing_member", "found an empty name of the device; expected one")
    if len(device) > DEVICE_CHARACTERS:
        note = f"found a device's name of {len(device)} characters; expected at most {DEVICE_CHARACTERS}"
        raise Unreadable("too_large", note)
    t = None if uplink.time is None else instant(uplink.time, frame.zone)
    out, thing = Decoded(things=[]), device + "/"
    if frame.options.radio:
        _add_radio(out, uplink, t, thing)
    nested.add_leaves(out, uplink.payload, uplink.place, t, thing, frame.max_depth, frame.max_readings)
    if len(out.fields) + len(out.refusals) > frame.max_readings:
        out.cut(frame.max_readings)
    if not out.fields and not out.refusals:
        out.refusals.append(Refused("empty", None, uplink.place.rstrip(": "), "found no value in the payload"))
    return out


def _add_radio(out: Decoded, uplink: Uplink, t: int | None, thing: str) -> None:
    """How the best gateway heard it, by how many it was heard, and the frame counter."""
    out.spans.append((0, ""))
    heard = [item for item in uplink.heard if type(item) is dict] if type(uplink.heard) is list else []
    if heard:
        best = max(heard, key=lambda item: item["rssi"] if type(item.get("rssi")) in NUMBERS else float("-inf"))
        for name in ("rssi", "snr"):
            if type(best.get(name)) in NUMBERS:
                nested.add(out, f"{thing}radio.{name}", best[name], t, thing)
        nested.add(out, f"{thing}radio.gateways", len(heard), t, thing)
    if type(uplink.frame) in NUMBERS:
        nested.add(out, f"{thing}radio.frame", uplink.frame, t, thing)


def refused(trouble: Unreadable) -> Decoded:
    """A message of which nothing was read."""
    return Decoded(refusals=[Refused(trouble.code, None, "", trouble.note)])
