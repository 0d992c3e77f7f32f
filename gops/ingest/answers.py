"""What GOPS tells a device: receipts after the commit, and what was refused.

::

    .../down/receipt   {"receipt": "a7", "stored": 3, "refused": 0}
    .../down/refused   {"refused": [{"code", "field", "place", "note"}, ...], "total": 12}

A receipt means that the readings of its message are committed; ``stored`` counts them. Answers are a service, not a
guarantee: a device that hears none sends its message again, with the same times.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from gops.ingest.refused import Refused

REFUSED_SHOWN = 10


def receipt(name: str, stored: int, refused: int) -> bytes:
    return orjson.dumps({"receipt": name, "stored": stored, "refused": refused})


def refused(refusals: Sequence[Refused]) -> bytes:
    """The first few refusals of one message, and how many there were."""
    first = [
        {"code": one.code, "field": one.field, "place": one.place, "note": one.note} for one in refusals[:REFUSED_SHOWN]
    ]
    return orjson.dumps({"refused": first, "total": len(refusals)})
