"""What GOPS tells a device: receipts after the commit, and what was refused.

::

    .../down/receipt   {"receipt": "a7", "inserted": 2, "replaced": 0, "unchanged": 1, "kept": 0, "refused": 0}
    .../down/refused   {"refused": [{"code", "field", "place", "note"}, ...], "total": 12}

A receipt means that the readings of its message are committed, and counts what became of them; a count is null where
the store cannot know. A redelivery that was recognised counts as unchanged. Answers are a service, not a
guarantee: a device that hears none sends its message again, with the same times.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import orjson
import pyarrow as pa

from gops.ingest.refused import Refused
from gops.store.port import INSERTED, KEPT, REPLACED, UNCHANGED

REFUSED_SHOWN = 10
OUTCOMES = ("inserted", "replaced", "unchanged", "kept")
assert tuple(range(4)) == (INSERTED, REPLACED, UNCHANGED, KEPT), "OUTCOMES stand in the order of the store's codes"


def receipt(name: str, counts: Mapping[str, int | None], refused: int) -> bytes:
    return orjson.dumps({"receipt": name, **counts, "refused": refused})


def counted(outcomes: pa.UInt8Array | None) -> dict[str, int | None]:
    """How many rows were inserted, replaced, unchanged and kept, of ``store.port.Receipt.outcomes``."""
    if outcomes is None:
        return dict.fromkeys(OUTCOMES)
    found = Counter(outcomes.to_pylist())
    return {name: found[code] for code, name in enumerate(OUTCOMES)}


def refused(refusals: Sequence[Refused]) -> bytes:
    """The first few refusals of one message, and how many there were."""
    first = [
        {"code": one.code, "field": one.field, "place": one.place, "note": one.note} for one in refusals[:REFUSED_SHOWN]
    ]
    return orjson.dumps({"refused": first, "total": len(refusals)})
