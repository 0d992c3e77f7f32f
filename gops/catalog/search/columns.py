"""The facts of all that can be found, as columns in memory, so that facets of any number of hits are counted at once.

``Shelf`` keeps them in step with ``search_entry`` by its ``changed`` alone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
from sqlalchemy import Text, func, select, type_coerce
from sqlalchemy.orm import Session

from gops.catalog.search.model import SearchEntry

Numbers = npt.NDArray[Any]
SINGLE = ("theme", "licence", "publisher", "quality", "kind")
MULTI = ("format", "place")
FACETS = ("theme", "place", "publisher", "format", "licence", "quality", "kind")
OPEN_END = 2**63 - 1
NEVER = -(2**63)
BITS = 64
AT_ONCE = 10_000  # entries read before they become columns: they take ten times as much memory
OTHER = "other"
EDGES = ("west", "south", "east", "north")
Places = Callable[[Sequence[Any]], Sequence[Sequence[str]]]
"""Boxes (or None) to the places in which their centres lie."""


@dataclass(frozen=True, slots=True)
class Row:
    """One entry as it is read; ``facts`` as ``entries.facts`` wrote them."""

    id: int
    listed: bool
    facts: Mapping[str, Any]
    modified: int
    first: int | None
    last: int | None


@dataclass(frozen=True)
class Columns:
    """Arrays of one length in the order of ``ids``. A facet is a number into ``values`` of its name; of ``format`` and
    ``place``, of which one has several, a bit for each value. Boxes are NaN where nothing has a place. ``publishers``
    has the names of each, in Korean and English."""

    ids: npt.NDArray[np.int64]
    plain: Mapping[str, Numbers]
    facets: Mapping[str, Numbers]
    values: Mapping[str, tuple[str, ...]]
    publishers: Mapping[str, tuple[str, str]]

    @classmethod
    def none(cls) -> Columns:
        return _of([], dict.fromkeys(FACETS, ()), {})

    def __len__(self) -> int:
        return len(self.ids)

    def merged(self, rows: Sequence[Row]) -> Columns:
        """With what these rows say; those that are not listed are gone."""
        kept = ~np.isin(self.ids, [row.id for row in rows])
        new = _of([row for row in rows if row.listed], self.values, self.publishers)
        ids = np.concatenate([self.ids[kept], new.ids])
        order = np.argsort(ids, kind="stable")

        def join(old: Mapping[str, Numbers], more: Mapping[str, Numbers]) -> dict[str, Numbers]:
            return {name: np.concatenate([old[name][kept], more[name]])[order] for name in old}

        facets = join(self.facets, new.facets)
        return Columns(ids[order], join(self.plain, new.plain), facets, new.values, new.publishers)

    def at(self, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.intp]:
        """Where these stand; what is not here is left out."""
        if not len(self.ids):
            return np.zeros(0, np.intp)
        found: npt.NDArray[np.intp] = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        there: npt.NDArray[np.intp] = found[self.ids[found] == ids]
        return there

    @cached_property
    def by_title(self) -> npt.NDArray[np.intp]:
        """The rank of each in the order of titles."""
        order = np.argsort(np.array([str(one) for one in self.plain["title"]]), kind="stable")
        ranks = np.empty(len(order), np.intp)
        ranks[order] = np.arange(len(order))
        return ranks


def _of(
    rows: Sequence[Row], known: Mapping[str, tuple[str, ...]], publishers: Mapping[str, tuple[str, str]]
) -> Columns:
    values = {name: dict(zip(known[name], range(len(known[name])), strict=True)) for name in FACETS}
    facets: dict[str, Numbers] = {}
    for name in SINGLE:
        numbers = values[name]
        codes = (numbers.setdefault(row.facts[name], len(numbers)) for row in rows)
        facets[name] = np.fromiter(codes, np.int32, len(rows))
    for name in MULTI:
        facets[name] = np.fromiter((_bits(values[name], row.facts[name]) for row in rows), np.uint64, len(rows))
    boxes = np.array([row.facts["box"] or (np.nan,) * 4 for row in rows], np.float64).reshape(-1, 4)
    plain: dict[str, Numbers] = {
        "modified": np.array([row.modified for row in rows], np.int64),
        "first": np.array([NEVER if row.first is None else row.first for row in rows], np.int64),
        "last": np.array([OPEN_END if row.last is None else row.last for row in rows], np.int64),
        "timed": np.array([row.first is not None for row in rows], bool),
        "length": np.array([row.facts["length"] for row in rows], np.float32),
        "deprecated": np.array([row.facts["state"] == "deprecated" for row in rows], bool),
        "title": np.array([row.facts["title"] for row in rows], object),
        **{edge: boxes[:, place] for place, edge in enumerate(EDGES)},
    }
    ids = np.array([row.id for row in rows], np.int64)
    named = {row.facts["publisher"]: tuple(row.facts["publisher_names"]) for row in rows}
    return Columns(ids, plain, facets, {name: tuple(values[name]) for name in FACETS}, {**publishers, **named})


def _bits(numbers: dict[str, int], words: Sequence[str]) -> int:
    found = 0
    for word in words:
        fits = word in numbers or len(numbers) < BITS - 1
        found |= 1 << numbers.setdefault(word if fits else OTHER, len(numbers))
    return found


class Shelf:
    """The columns of these records, brought up to date by whoever asks."""

    def __init__(self, places: Places | None = None) -> None:
        self._places = places
        self._lock = threading.Lock()
        self._number = 0
        self._columns = Columns.none()

    def columns(self, session: Session) -> Columns:
        """As the records of this session have them, or later: another may have come by with newer ones."""
        newest = session.scalar(select(func.max(SearchEntry.changed))) or 0
        if newest <= self._number:
            return self._columns
        with self._lock:
            while newest > self._number:
                rows, last = self._read(session, self._number)
                self._columns = self._columns.merged(rows)
                self._number = last if len(rows) == AT_ONCE else newest
            return self._columns

    def _read(self, session: Session, after: int) -> tuple[list[Row], int]:
        """Some that changed after that number, and the number of the last of them."""
        table = SearchEntry.__table__.c  # no entities, and orjson: with 100,000 entries it is twice as quick
        names = (
            table.dataset_id,
            table.listed,
            type_coerce(table.facts, Text),
            table.modified,
            table.first,
            table.last,
        )
        query = select(table.changed, *names).where(table.changed > after).order_by(table.changed).limit(AT_ONCE)
        found = session.execute(query).all()
        rows = [
            Row(one, listed, orjson.loads(facts) if isinstance(facts, str) else facts, *times)
            for _number, one, listed, facts, *times in found
        ]
        return self._placed(rows), found[-1][0] if found else after

    def _placed(self, rows: list[Row]) -> list[Row]:
        if self._places is None:
            return rows
        lying = self._places([row.facts.get("box") for row in rows])
        return [_with(row, places) for row, places in zip(rows, lying, strict=True)]


def _with(row: Row, places: Sequence[str]) -> Row:
    if not places or not row.listed:
        return row
    every = list(dict.fromkeys([*row.facts["place"], *places]))
    return Row(row.id, row.listed, {**row.facts, "place": every}, row.modified, row.first, row.last)
