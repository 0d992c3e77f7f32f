"""Uplink events of ChirpStack v4 in JSON (its documentation, "Event types").

A reading's field is the device's EUI and its path in ``object``: ``0101010101010101/temperature``. Its time is the
event's.
"""

from __future__ import annotations

from gops.ingest.decoded import Decoded, Frame
from gops.ingest.decoders.uplinks import Uplink, document, member, read, refused
from gops.ingest.refused import Unreadable

CODEC = ", made by a codec in the device profile; other events have no readings"


def decode(payload: bytes, frame: Frame) -> Decoded:
    """The readings of one uplink."""
    try:
        event = document(payload, frame)
        device = member(event, "deviceInfo", "").get("devEui")
        tree = member(event, "object", "", CODEC)
        return read(Uplink(device, event.get("time"), tree, "object: ", event.get("rxInfo"), event.get("fCnt")), frame)
    except Unreadable as trouble:
        return refused(trouble)
