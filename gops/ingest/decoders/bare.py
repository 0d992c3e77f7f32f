"""A bare value: the payload is one reading, as many small devices publish it (``21.5``, ``ON``, ``true``).

Its field is ``value``, or as the feed says; its time is the arrival. A number is a number, ``true`` and ``false`` are
bools, anything else is text; white space around it is no part of it.
"""

from __future__ import annotations

from gops.ingest.decoded import Decoded, Frame, Value
from gops.ingest.decoders import lenient, spelled
from gops.ingest.refused import Refused, Unreadable

WORDS: dict[str, Value] = {"true": True, "false": False, "null": None}


def decode(payload: bytes, frame: Frame) -> Decoded:
    """The one reading of a payload."""
    field = frame.options.field
    try:
        text = lenient.read_text(payload, "a value").strip()
        value = WORDS[text] if text in WORDS else spelled.value(text, frame.options.decimal)
    except Unreadable as trouble:
        return Decoded(refusals=[Refused(trouble.code, field, field, trouble.note)])
    return Decoded([field], [value], [None], [None], [None])
