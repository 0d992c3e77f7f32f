"""Which rows a question is about: a span of t of each Datastream, and the SQL condition for some of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gops.quality import ANY, Quality
from gops.store.checks import EARLIEST, LATEST, by_datastream, shift
from gops.store.port import Extent, Series


@dataclass(frozen=True)
class Span:
    """Rows of a Datastream with ``low <= t < high``, and the extent of all that it has."""

    datastream: int
    low: int
    high: int
    extent: Extent


def spans_of(series: Sequence[Series], start: int | None, end: int | None, extents: Mapping[int, Extent]) -> list[Span]:
    """Spans of the Datastreams that can have rows in the range, as each one's label takes it, in ascending order."""
    found = []
    for datastream, one in by_datastream(series).items():
        low = EARLIEST if start is None else start + shift(one)
        high = LATEST + 1 if end is None else end + shift(one)
        extent = extents.get(datastream)
        if extent is not None and max(low, extent.first) < min(high, extent.last + 1):
            found.append(Span(datastream, low, high, extent))
    return found


def condition(spans: Sequence[Span]) -> tuple[str, list[Any]]:
    """SQL that holds for the rows of these spans, one at least, and its parameters.

    Clipped to what there is: a Datastream that has not spoken for long must not make all time since be searched.
    """
    first, last = min(span.extent.first for span in spans), max(span.extent.last for span in spans)
    bounds: dict[tuple[int, int], list[int]] = {}
    for span in spans:
        bounds.setdefault((span.low, span.high), []).append(span.datastream)
    parts, parameters = [], list[Any]()
    for (low, high), datastreams in bounds.items():
        parts.append(f"({_one_of(datastreams)} AND t >= ? AND t < ?)")
        parameters += [datastreams if len(datastreams) > 1 else datastreams[0], max(low, first), min(high, last + 1)]
    if len(parts) == 1:
        return parts[0], parameters
    outer = [max(first, min(low for low, _ in bounds)), min(last + 1, max(high for _, high in bounds))]
    return f"t >= ? AND t < ? AND ({' OR '.join(parts)})", [*outer, *parameters]


def _one_of(datastreams: Sequence[int]) -> str:
    return "datastream = ?" if len(datastreams) == 1 else "datastream IN (SELECT unnest(?::BIGINT[]))"


def of_quality(quality: frozenset[Quality]) -> str:
    """SQL that holds for rows of these qualities."""
    if quality == ANY:
        return "true"
    return f"quality IN ({', '.join(str(int(one)) for one in sorted(quality))})" if quality else "false"
