"""Which rows a question is about: a span of t of each Datastream, and the SQL condition for some of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gops.quality import ANY, Quality
from gops.store.checks import EARLIEST, LATEST, by_datastream, shift
from gops.store.duckdb.sources import Parameters, Where, given
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


def condition(spans: Sequence[Span], parameters: Parameters) -> Where:
    """What holds for the rows of these spans, one at least.

    Clipped to what there is: a Datastream that has not spoken for long must not make all time since be searched.
    """
    first, last = min(span.extent.first for span in spans), max(span.extent.last for span in spans)
    bounds: dict[tuple[int, int], list[int]] = {}
    for span in spans:
        bounds.setdefault((span.low, span.high), []).append(span.datastream)
    parts = []
    for (low, high), datastreams in bounds.items():
        start, stop = given(parameters, max(low, first)), given(parameters, min(high, last + 1))
        parts.append(f"({_one_of(datastreams, parameters)} AND t >= {start} AND t < {stop})")
    begin = max(first, min(low for low, _ in bounds))
    end = min(last + 1, max(high for _, high in bounds))
    sql = parts[0]
    if len(parts) > 1:
        outer = f"t >= {given(parameters, begin)} AND t < {given(parameters, end)}"
        sql = f"{outer} AND ({' OR '.join(parts)})"
    return Where(sql, min(span.datastream for span in spans), max(span.datastream for span in spans), begin, end)


def _one_of(datastreams: Sequence[int], parameters: Parameters) -> str:
    if len(datastreams) == 1:
        return f"datastream = {given(parameters, datastreams[0])}"
    low, high = given(parameters, min(datastreams)), given(parameters, max(datastreams))  # these skip row groups
    if len(datastreams) == max(datastreams) - min(datastreams) + 1:
        return f"datastream >= {low} AND datastream <= {high}"
    one_of = f"datastream IN (SELECT unnest({given(parameters, list(datastreams))}::BIGINT[]))"
    return f"datastream >= {low} AND datastream <= {high} AND {one_of}"


def of_quality(quality: frozenset[Quality]) -> str:
    """SQL that holds for rows of these qualities."""
    if quality == ANY:
        return "true"
    return f"quality IN ({', '.join(str(int(one)) for one in sorted(quality))})" if quality else "false"
