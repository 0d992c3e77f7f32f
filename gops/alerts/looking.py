"""What the store has that no rule has seen: every reading since the last look, not the newest alone.

Where several processes commit readings of one Datastream, the later reading may be there before the earlier one. There
a look goes as far as the newest reading that the look before it knew of: what was on its way then has come by now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
import pyarrow as pa

from gops import logs
from gops.store.port import Read, Series, Store

Row = tuple[int, int, float | None, str | None, int]
"""datastream, t, value, text, quality"""
TOGETHER = 100  # Datastreams in one question
NEVER = -(2**62)  # before all time
log = logs.get(__name__)


@dataclass(frozen=True)
class Seen:
    """``tips`` are the newest rows, ``rows`` those since the last look, ``first`` Datastreams that were never looked
    at. ``upto`` is how far the look went."""

    tips: Mapping[int, Row] = field(default_factory=dict)
    rows: Mapping[int, Sequence[Row]] = field(default_factory=dict)
    first: frozenset[int] = frozenset()
    upto: Mapping[int, int] = field(default_factory=dict)


class Looking:
    """``shared``: other processes commit too. A look reads ``most`` rows at most; of Datastreams beyond that the newest
    row stands for all."""

    def __init__(self, store: Store, most: int, *, shared: bool) -> None:
        self._store = store
        self._most = most
        self._shared = shared
        self._looked: dict[int, int] = {}
        self._known: dict[int, int] = {}

    def forget(self) -> None:
        self._looked, self._known = {}, {}

    def keep(self, datastreams: Iterable[int]) -> None:
        """Of these alone; the others are watched no longer."""
        some = set(datastreams)
        self._looked = {one: t for one, t in self._looked.items() if one in some}
        self._known = {one: t for one, t in self._known.items() if one in some}

    def committed(self, datastream: int, t: int) -> None:
        """A commit that was evaluated brought readings up to ``t``."""
        self._looked[datastream] = max(t, self._looked.get(datastream, t))

    def look(self, datastreams: Sequence[int], since: Mapping[int, int]) -> Seen:
        """``since`` is where each stood that was never looked at, if it stood anywhere. Raises ``Unavailable``."""
        tips = {row[0]: row for row in ordered(self._store.latest(datastreams))}
        first = frozenset(one for one in tips if one not in self._looked)
        start = {one: self._looked.get(one, since.get(one)) for one in tips}
        upto = {one: self._upto(one, row[1], one in first) for one, row in tips.items()}
        behind = {one: t for one, t in start.items() if t is not None and upto[one] > t}
        rows = self._between(behind, upto, tips)
        for one in datastreams:
            if one not in tips:
                self._looked.setdefault(one, NEVER)
        return Seen(tips, rows, first, upto)

    def done(self, seen: Seen) -> None:
        """It was evaluated."""
        for one, t in seen.upto.items():
            self._looked[one] = max(t, self._looked.get(one, t))
            self._known[one] = seen.tips[one][1]

    def _upto(self, datastream: int, newest: int, first: bool) -> int:
        return newest if first or not self._shared else min(newest, self._known.get(datastream, NEVER))

    def _between(
        self, behind: Mapping[int, int], upto: Mapping[int, int], tips: Mapping[int, Row]
    ) -> Mapping[int, Sequence[Row]]:
        """Rows after ``behind`` and up to ``upto``; those that stood at about the same time are read together."""
        found: dict[int, Sequence[Row]] = {}
        ids, left = sorted(behind, key=lambda one: behind[one]), self._most
        for first in range(0, len(ids), TOGETHER):
            some = sorted(ids[first : first + TOGETHER])
            left -= self._read(some, behind, upto, max(left, 0), found)
        passed = [one for one in ids if one not in found]
        for one in passed:
            found[one] = [tips[one]]
        if passed:
            expected = f"at most {self._most} readings in one look (GOPS_ALERT_QUEUE)"
            log.warning("alerts_overflow", datastreams=len(passed), expected=expected)
        return found

    def _read(
        self,
        some: Sequence[int],
        behind: Mapping[int, int],
        upto: Mapping[int, int],
        most: int,
        found: dict[int, Sequence[Row]],
    ) -> int:
        """How many rows were read. What did not come whole is not in ``found``."""
        start, end = min(behind[one] for one in some), max(upto[one] for one in some)
        asked = Read([Series(one) for one in some], None if start == NEVER else start + 1, end + 1, limit=most + 1)
        table = self._store.read(asked)
        whole = table.num_rows <= most
        last = some[-1] if whole else int(table["datastream"][-1].as_py())
        for one, group in groupby(ordered(table), key=lambda row: row[0]):
            if whole or one < last:
                found[one] = [row for row in group if behind[one] < row[1] <= upto[one]]
        for one in some:
            if whole or one < last:
                found.setdefault(one, [])
        return table.num_rows


def ordered(readings: pa.Table) -> Iterator[Row]:
    """Rows by (datastream, t); of equal ones the later row last."""
    who, t = readings["datastream"].to_numpy(), readings["t"].to_numpy()
    if len(who) > 1:
        readings = readings.take(pa.array(np.lexsort((t, who))))
    names = ("datastream", "t", "value", "text", "quality")
    return zip(*(readings[name].to_pylist() for name in names), strict=True)
