"""Filters and facets over columns: each facet is counted under all filters but its own. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gops.catalog.search.columns import FACETS, MULTI, Columns
from gops.geo import BBox

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Counted:
    """A value of a facet, and how many there are if it alone is chosen of it."""

    value: str
    count: int


def filtered(columns: Columns, wanted: Mapping[str, Sequence[str]]) -> dict[str, Mask]:
    """For each filter that is given which datasets have one of its values."""
    return {name: _having(columns, name, values) for name, values in wanted.items() if values}


def in_box(columns: Columns, box: BBox) -> Mask:
    """Those whose box touches this one; edges count."""
    edge = columns.plain
    touched = np.zeros(len(columns), bool)
    for west, east in box.longitudes:
        touched |= (edge["west"] <= east) & (edge["east"] >= west)
    return touched & (edge["south"] <= box.north) & (edge["north"] >= box.south)


def in_time(columns: Columns, start: int | None, end: int | None) -> Mask:
    """Those with readings in ``[start, end)``, as far as their first and last ones tell."""
    found: Mask = columns.plain["timed"].copy()
    if start is not None:
        found &= columns.plain["last"] >= start
    if end is not None:
        found &= columns.plain["first"] < end
    return found


def together(masks: Mapping[str, Mask], base: Mask, but: str = "") -> Mask:
    found = base
    for name, mask in masks.items():
        if name != but:
            found = found & mask
    return found


def counts(columns: Columns, base: Mask, masks: Mapping[str, Mask]) -> dict[str, tuple[Counted, ...]]:
    """Of each facet its values that occur, most frequent first."""
    all_of_them = np.flatnonzero(together(masks, base))
    return {
        name: _counted(columns, name, np.flatnonzero(together(masks, base, name)) if name in masks else all_of_them)
        for name in FACETS
    }


def _counted(columns: Columns, name: str, at: npt.NDArray[np.intp]) -> tuple[Counted, ...]:
    codes, values = columns.facets[name][at], columns.values[name]
    if name in MULTI:
        numbers = [int(np.count_nonzero(codes & np.uint64(1 << bit))) for bit in range(len(values))]
    else:
        numbers = np.bincount(codes, minlength=len(values)).tolist()
    found = [Counted(value, count) for value, count in zip(values, numbers, strict=True) if count and value]
    return tuple(sorted(found, key=lambda one: (-one.count, one.value)))


def _having(columns: Columns, name: str, wanted: Sequence[str]) -> Mask:
    codes, values = columns.facets[name], columns.values[name]
    numbers = [values.index(value) for value in wanted if value in values]
    if name in MULTI:
        codes, numbers = codes & np.uint64(sum(1 << number for number in numbers)), [0]
        return ~np.isin(codes, numbers)
    return np.isin(codes, numbers)
