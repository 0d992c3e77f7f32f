"""Uplinks of The Things Stack v3, as its MQTT server and webhooks send them (its documentation, "Data Formats").

A reading's field is the device's id and its path in ``uplink_message.decoded_payload``: ``node-1/temperature``. Its
time is that of the network server (``uplink_message.received_at``), or else that of the application server. An uplink
that was simulated in the console is refused: nobody measured it.
"""

from __future__ import annotations

from gops.ingest.decoded import Decoded, Frame
from gops.ingest.decoders.uplinks import Uplink, document, member, read, refused
from gops.ingest.refused import Unreadable

FORMATTER = ", made by a payload formatter in the application"


def decode(payload: bytes, frame: Frame) -> Decoded:
    """The readings of one uplink."""
    try:
        message = document(payload, frame)
        ids = member(message, "end_device_ids", "")
        inner = member(message, "uplink_message", "", ", other events have no readings")
        if message.get("simulated"):
            raise Unreadable("unsupported", "this uplink is simulated; expected one that a device sent")
        found = Uplink(
            ids.get("device_id"),
            inner.get("received_at", message.get("received_at")),
            member(inner, "decoded_payload", "uplink_message.", FORMATTER),
            "uplink_message.decoded_payload: ",
            inner.get("rx_metadata"),
            inner.get("f_cnt"),
        )
        return read(found, frame)
    except Unreadable as trouble:
        return refused(trouble)
