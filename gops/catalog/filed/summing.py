"""What stands in a column, told in a few numbers: for readers who choose, and for publishers who look again."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

DISTINCT = 10_000
"""Different values that are counted; a column with more has no ``distinct`` and no ``top``."""
TOP = 10
SHOWN = 200  # characters of a text


class Summary:
    """Built batch by batch. ``document``: count (of values), nulls, distinct, min, max, top."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._rows = self._nulls = 0
        self._values: Counter[Any] | None = Counter()
        self._low: Any = None
        self._high: Any = None

    def add(self, values: pa.Array) -> None:
        self._rows += len(values)
        self._nulls += values.null_count
        there = values.drop_null()
        if pa.types.is_floating(there.type):
            there = there.filter(pc.is_finite(there))
        if not len(there):
            return
        self._widen(there)
        if self._values is not None:
            self._count(there)

    def _widen(self, there: pa.Array) -> None:
        if self._kind in ("boolean", "geojson"):
            return
        edges = pc.min_max(there)
        low, high = edges["min"].as_py(), edges["max"].as_py()
        self._low = low if self._low is None else min(self._low, low)
        self._high = high if self._high is None else max(self._high, high)

    def _count(self, there: pa.Array) -> None:
        assert self._values is not None
        found = pc.value_counts(there)
        if self._kind != "geojson" and len(found) <= DISTINCT:
            self._values.update(dict(zip(found.field(0).to_pylist(), found.field(1).to_pylist(), strict=True)))
        if self._kind == "geojson" or len(found) > DISTINCT or len(self._values) > DISTINCT:
            self._values = None

    def document(self) -> dict[str, Any]:
        ranked = [] if self._values is None else sorted(self._values.items(), key=lambda one: (-one[1], str(one[0])))
        return {
            "count": self._rows - self._nulls,
            "nulls": self._nulls,
            "distinct": None if self._values is None else len(self._values),
            "min": _shown(self._low),
            "max": _shown(self._high),
            "top": [{"value": _shown(value), "count": count} for value, count in ranked[:TOP]],
        }


def _shown(value: Any) -> Any:
    """As JSON: times as ISO 8601 text, those with a zone with their offset."""
    match value:
        case datetime() if value.tzinfo is not None:
            return value.astimezone(UTC).isoformat()
        case None | bool() | int() | float():
            return value
        case str():
            return value[:SHOWN]
    return str(value.isoformat())
