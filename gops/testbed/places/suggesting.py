"""Which sites would do for a requirement, and which nearly. Pure: arrays of all sites in, a few sites with reasons out.

A site does when every criterion holds and it has enough in every week of some start. Of those that do, the nearest come
first where a point is given, then the earliest start, then the one with the least left over (larger ones stay free for
who needs them). A near miss fails in one criterion or a few; where it is one, the least change of the requirement that
would make it do is told. Limits: a later start is looked for within ``LATER`` weeks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from gops.testbed.places.index import Flags, SiteIndex

LATER = 26
Ints = npt.NDArray[np.int64]
Criterion = Literal["kind", "organisation", "band", "tags", "equipment", "distance", "amount", "weeks"]


@dataclass(frozen=True)
class Requirement:
    """``needs`` by resource, in each of ``weeks`` weeks that begin between two starts, both included; None: any.

    ``place``: metres on the plane of EPSG:5186; ``within_m``: how far from it.
    """

    needs: Mapping[str, int]
    weeks: int
    first_start: int
    last_start: int
    kind: str | None = None
    organisation: int | None = None
    band: str | None = None
    tags: Sequence[str] = ()
    equipment: Sequence[str] = ()
    place: tuple[float, float] | None = None
    within_m: int | None = None

    @property
    def end_week(self) -> int:
        """Behind the last week that is looked at."""
        return self.last_start + LATER + self.weeks


@dataclass(frozen=True)
class Busy:
    """Sites of which something is held or closed: their rows in the index, what is held, when they are closed.

    ``held``: int64 [row, resource of the needs, week from the first start]; ``closed``: bool [row, week].
    """

    rows: Ints
    held: Ints
    closed: Flags


@dataclass(frozen=True)
class Fit:
    """``start``: the earliest; ``starts``: how many of those asked for do; ``spare``: least left over, by resource."""

    row: int
    start: int
    starts: int
    distance_m: int | None
    spare: Mapping[str, int]


@dataclass(frozen=True)
class Lack:
    """What does not hold. ``found`` is what the site has, ``expected`` what was asked."""

    criterion: Criterion
    field: str
    found: Any
    expected: Any


@dataclass(frozen=True)
class Miss:
    """``change``: the field of the requirement and the value that would make the site do; None where several fail."""

    row: int
    distance_m: int | None
    lacks: Sequence[Lack]
    change: tuple[str, Any] | None


def suggest(index: SiteIndex, busy: Busy, asked: Requirement, fits: int, misses: int) -> tuple[list[Fit], list[Miss]]:
    """At most so many of each."""
    return _Search(index, busy, asked).best(fits, misses)


class _Search:
    def __init__(self, index: SiteIndex, busy: Busy, asked: Requirement) -> None:
        self.index, self.busy, self.asked = index, busy, asked
        self.names = list(asked.needs)
        self.need = np.array([asked.needs[name] for name in self.names], dtype=np.int64)
        self.has = np.stack([self._capacity(name) for name in self.names], axis=1)
        self.enough = self.has >= self.need
        self.distance = self._distance()
        self.holds = self._holds()
        self.first, self.count = self._starts()

    def best(self, fits: int, misses: int) -> tuple[list[Fit], list[Miss]]:
        in_time = self.count > 0
        every = [*self.holds.values(), self.enough.all(axis=1), in_time | ~self.enough.all(axis=1)]
        failed = np.sum([~one for one in every], axis=0)
        order = self.distance if self.asked.place else np.zeros(len(failed))
        waste = (self.has / self.need).sum(axis=1)
        good = np.flatnonzero(failed == 0)
        good = good[np.lexsort((self.index.ids[good], waste[good], self.first[good], order[good]))[:fits]]
        bad = np.flatnonzero(failed > 0)
        cost = self._cost()
        bad = bad[np.lexsort((self.index.ids[bad], order[bad], cost[bad], failed[bad]))[:misses]]
        return [self._fit(int(row)) for row in good], [self._miss(int(row)) for row in bad]

    def _capacity(self, name: str) -> Ints:
        at = self.index.resources.get(name)
        return np.zeros(len(self.index.ids), dtype=np.int64) if at is None else self.index.capacity[:, at]

    def _distance(self) -> npt.NDArray[np.float64]:
        """Metres, rounded; 0 without a point."""
        if self.asked.place is None:
            return np.zeros(len(self.index.ids))
        east, north = self.asked.place
        return np.asarray(np.round(np.hypot(self.index.east - east, self.index.north - north)), dtype=np.float64)

    def _holds(self) -> dict[Criterion, Flags]:
        """By criterion that was given, the sites for which it holds."""
        asked, index = self.asked, self.index
        found: dict[Criterion, Flags] = {}
        if asked.kind is not None:
            found["kind"] = index.having(index.kinds, asked.kind)
        if asked.organisation is not None:
            found["organisation"] = index.having(index.organisations, asked.organisation)
        if asked.band is not None:
            found["band"] = index.having(index.bands, asked.band)
        if asked.tags:
            found["tags"] = np.logical_and.reduce([index.having(index.tags, tag) for tag in asked.tags])
        if asked.equipment:
            found["equipment"] = np.logical_and.reduce([self._equipped(kind) for kind in asked.equipment])
        if asked.place is not None and asked.within_m is not None:
            found["distance"] = self.distance < asked.within_m
        return found

    def _equipped(self, kind: str) -> Flags:
        there = self.index.equipment.get(kind)
        return np.zeros(len(self.index.ids), dtype=np.bool_) if there is None else there > 0

    def _starts(self) -> tuple[Ints, Ints]:
        """By site the earliest start (from the first one; -1: none within ``LATER``), and how many asked ones do."""
        asked = self.asked
        wide = asked.last_start - asked.first_start + 1
        enough = self.enough.all(axis=1)
        first = np.where(enough, 0, -1)
        count = np.where(enough, wide, 0)
        if len(self.busy.rows):
            able = self._able()
            first[self.busy.rows] = np.where(able.any(axis=1), able.argmax(axis=1), -1)
            count[self.busy.rows] = able[:, :wide].sum(axis=1)
        return first, count

    def _able(self) -> Flags:
        """Of busy sites: can it begin in that week? bool [row, start]."""
        left = self.has[self.busy.rows][:, :, None] - self.busy.held
        good = (left >= self.need[:, None]).all(axis=1) & ~self.busy.closed
        run = np.zeros((good.shape[0], good.shape[1] + 1), dtype=np.int32)
        np.cumsum(good, axis=1, out=run[:, 1:])
        length: Flags = run[:, self.asked.weeks :] - run[:, : -self.asked.weeks] == self.asked.weeks
        return length

    def _cost(self) -> npt.NDArray[np.float64]:
        """How far a site is from doing: a criterion costs 1; what can be a little off costs that little."""
        short = np.clip(1 - self.has / self.need, 0, 1).sum(axis=1)
        wide = self.asked.last_start - self.asked.first_start
        late = np.where(self.first >= 0, np.maximum(self.first - wide, 0) / LATER, 1.0)
        late[~self.enough.all(axis=1)] = 0
        cost = short + late
        for name, flags in self.holds.items():
            if name == "distance" and self.asked.within_m:
                cost = cost + np.clip(self.distance / self.asked.within_m - 1, 0, 1)
            else:
                cost = cost + ~flags
        return np.asarray(cost, dtype=np.float64)

    def _fit(self, row: int) -> Fit:
        start = int(self.first[row])
        least = self._left(row)[:, start : start + self.asked.weeks].min(axis=1) - self.need
        spare = {name: int(amount) for name, amount in zip(self.names, least, strict=True)}
        return Fit(row, self.asked.first_start + start, int(self.count[row]), self._metres(row), spare)

    def _miss(self, row: int) -> Miss:
        lacks = [self._lack(name, row) for name, flags in self.holds.items() if not flags[row]]
        for at, name in enumerate(self.names):
            if not self.enough[row, at]:
                lacks.append(Lack("amount", f"needs.{name}", int(self.has[row, at]), int(self.need[at])))
        if self.enough[row].all() and self.count[row] == 0:
            lacks.append(Lack("weeks", "start", None, self.asked.weeks))
        return Miss(row, self._metres(row), lacks, self._change(row, lacks[0]) if len(lacks) == 1 else None)

    def _lack(self, criterion: Criterion, row: int) -> Lack:
        asked, index = self.asked, self.index
        if criterion == "distance":
            return Lack(criterion, "within_m", self._metres(row), asked.within_m)
        if criterion == "tags":
            return Lack(criterion, criterion, _words(index.tags, row), list(asked.tags))
        if criterion == "equipment":
            there = sorted(kind for kind, counts in index.equipment.items() if counts[row])
            return Lack(criterion, criterion, there, list(asked.equipment))
        if criterion == "band":
            return Lack(criterion, criterion, _words(index.bands, row), asked.band)
        table: Mapping[Any, Flags] = index.kinds if criterion == "kind" else index.organisations
        return Lack(criterion, criterion, _words(table, row)[0], getattr(asked, criterion))

    def _change(self, row: int, lack: Lack) -> tuple[str, Any] | None:
        """What would have to be asked instead, everything else as it is."""
        if lack.criterion == "amount" or (lack.criterion == "weeks" and self.first[row] < 0):
            return self._less(row)
        if lack.criterion == "weeks":
            return "start", self.asked.first_start + int(self.first[row])
        if lack.criterion == "distance":
            return "within_m", int(self.distance[row]) + 1
        if lack.criterion in ("tags", "equipment"):
            return lack.field, [word for word in lack.expected if word in lack.found]
        return (lack.field, None) if lack.criterion == "band" else (lack.field, lack.found)

    def _less(self, row: int) -> tuple[str, int] | None:
        """The one resource of which less must be asked, and the most that some asked start has of it."""
        left = self._left(row)
        best: tuple[str, int] | None = None
        for start in range(self.asked.last_start - self.asked.first_start + 1):
            least = left[:, start : start + self.asked.weeks].min(axis=1)
            short = np.flatnonzero(least < self.need)
            if len(short) == 1 and least[short[0]] > 0 and (best is None or least[short[0]] > best[1]):
                best = f"needs.{self.names[short[0]]}", int(least[short[0]])
        return best

    def _left(self, row: int) -> Ints:
        """Of one site what is left: [resource, week], 0 in closed weeks."""
        weeks = self.asked.end_week - self.asked.first_start
        left = np.repeat(self.has[row][:, None], weeks, axis=1)
        at = np.flatnonzero(self.busy.rows == row)
        if len(at):
            left = np.maximum(left - self.busy.held[at[0]], 0)
            left[:, self.busy.closed[at[0]]] = 0
        return left

    def _metres(self, row: int) -> int | None:
        return int(self.distance[row]) if self.asked.place is not None else None


def _words(table: Mapping[Any, Flags], row: int) -> list[Any]:
    return [word for word, flags in table.items() if flags[row]]
