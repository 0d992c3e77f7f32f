"""NDJSON: a line for each object of the JSON codec (``gops.ingest.decoders.json``). Empty lines are passed over."""

from __future__ import annotations

from gops.ingest.decoded import Decoded, Frame
from gops.ingest.decoders import json, lenient
from gops.ingest.decoders.lenient import misfit
from gops.ingest.refused import Refused, Unreadable


def decode(payload: bytes, frame: Frame) -> Decoded:
    """The readings of all lines; one that cannot be read costs itself alone."""
    out = Decoded()
    for number, line in enumerate(payload.removeprefix(lenient.BOM).split(b"\n"), 1):
        if not line or line.isspace():
            continue
        try:
            item = lenient.load(line, frame.max_depth)
            if type(item) is not dict:
                raise misfit(item, "an object in each line")
        except Unreadable as trouble:
            out.refusals.append(Refused(trouble.code, None, f"line {number}", trouble.note))
        else:
            out.keep = out.keep or json.repeats(item)
            json.read_object(item, f"line {number}: ", out, frame)
        if len(out.fields) + len(out.refusals) > frame.max_readings:
            out.cut(frame.max_readings)
            break
    if not out.fields and not out.refusals:
        out.refusals.append(Refused("empty", None, "", "found no line; expected an object in each"))
    return out
