"""Why many applications were refused, told at once: each as things stood when it had its turn.

A turn is remembered by how many held each of its sites by then. Rows of arrays are wishes, an application at one of
its ranked sites; columns are the weeks of the calendar. Limits and a budget tie all sites together: not told here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np

from gops.testbed.allocation.instance import Application
from gops.testbed.allocation.occupancy import Grid, Holder, Occupancy, lowest
from gops.testbed.allocation.outcome import BAND, Change, Lack
from gops.testbed.allocation.reasons import bits, ranges

AT_ONCE = 1_000_000  # wishes x (weeks + holders) of one step; bounds its memory
WORD = 8  # bytes
Lacks = tuple[Lack, ...]


@dataclass(frozen=True, slots=True)
class Turn:
    """``held``: by rank how many held the site; ``heard``: how many were heard there on the application's band."""

    application: Application
    sites: list[int]
    held: list[int]
    heard: list[int]


def turn(occupancy: Occupancy, application: Application, sites: list[int]) -> Turn:
    """As things stand now."""
    heard = occupancy.on_band[application.band] if application.band is not None else [[]] * len(occupancy.holders)
    return Turn(
        application,
        sites,
        [len(occupancy.holders[site]) for site in sites],
        [len(heard[site]) for site in sites],
    )


def told(
    occupancy: Occupancy, turns: Sequence[Turn], *, cuts: bool = True
) -> Iterator[tuple[list[Lacks], Change | None]]:
    """Of each turn what lacked, by rank, and (with ``cuts``) the least cut of one resource that would have done.
    Nobody who held a site may have been removed since."""
    for some in _steps(occupancy, turns):
        wishes = _Wishes(occupancy, some)
        wishes.judge(cuts)
        yield from wishes.each()


def _steps(occupancy: Occupancy, turns: Sequence[Turn]) -> Iterator[Sequence[Turn]]:
    since, cost = 0, 0
    for at, one in enumerate(turns):
        more = occupancy.instance.weeks * len(one.sites) + sum(one.held) + sum(one.heard)
        if at > since and cost + more > AT_ONCE:
            yield turns[since:at]
            since, cost = at, 0
        cost += more
    if since < len(turns):
        yield turns[since:]


class _Wishes:
    def __init__(self, occupancy: Occupancy, turns: Sequence[Turn]) -> None:
        self._occupancy, self._turns = occupancy, turns
        counts = np.array([len(one.sites) for one in turns], dtype=np.int64)
        self._since = np.cumsum(counts) - counts
        self._whose = np.repeat(np.arange(len(turns)), counts)
        self._sites = _flat([one.sites for one in turns])
        self._held = _flat([one.held for one in turns])
        self._heard = _flat([one.heard for one in turns])
        rows = [one.application for one in turns]
        self._duration = np.array([row.duration for row in rows])[self._whose]
        first = np.array([row.first_start for row in rows])[self._whose]
        last = np.array([row.last_start for row in rows])[self._whose]
        self._needs = np.array([row.needs for row in rows], dtype=np.int64)
        weeks = np.arange(occupancy.instance.weeks)
        self._inside = (weeks >= first[:, None]) & (weeks < (last + self._duration)[:, None])
        self._lacks: list[list[Lack]] = [[] for _ in self._sites]
        self._less: list[Change | None] = [None] * len(turns)

    def each(self) -> Iterator[tuple[list[Lacks], Change | None]]:
        since = 0
        for one, less in zip(self._turns, self._less, strict=True):
            until = since + len(one.sites)
            yield [tuple(lacks) for lacks in self._lacks[since:until]], less
            since = until

    def judge(self, cuts: bool) -> None:
        sites, at = np.unique(self._sites, return_inverse=True)
        stood = _Stood([self._occupancy.holders[site] for site in sites.tolist()], self._inside.shape[1])
        rooms, shorts = [], []
        for resource, name in enumerate(self._occupancy.instance.resources):
            rooms.append(
                stood.left(resource, self._occupancy.capacity[sites, :, resource])[stood.rows[at] + self._held]
            )
            shorts.append((rooms[-1] < self._needs[self._whose, resource, None]) & self._inside)
            rows = np.flatnonzero(shorts[-1].any(axis=1))
            self._write(name, rows, shorts[-1][rows], stood, at[rows], self._held[rows], resource)
        band = self._on_band()
        for resource, room in enumerate(rooms if cuts else ()):
            others = band.copy()
            for other, short in enumerate(shorts):
                if other != resource:
                    others |= short
            self._cut(resource, room * (self._inside & ~others))

    def _on_band(self) -> Grid:
        found = np.zeros(self._inside.shape, dtype=bool)
        heard_on = self._occupancy.on_band
        numbers = {name: number for number, name in enumerate(heard_on)}
        on = np.array([numbers.get(one.application.band or "", -1) for one in self._turns])[self._whose]
        for name, number in numbers.items():
            some = np.flatnonzero((on == number) & (self._heard > 0))
            if len(some):
                sites, at = np.unique(self._sites[some], return_inverse=True)
                stood = _Stood([heard_on[name][site] for site in sites.tolist()], found.shape[1])
                found[some] = stood.taken()[stood.rows[at] + self._heard[some]] & self._inside[some]
                rows = np.flatnonzero(found[some].any(axis=1))
                self._write(BAND, some[rows], found[some[rows]], stood, at[rows], self._heard[some[rows]], None)
        return found

    def _write(
        self, what: str, some: Grid, short: Grid, stood: _Stood, at: Grid, by_then: Grid, resource: int | None
    ) -> None:
        """What lacked at ``some`` wishes, of which each has a week that is short."""
        names, ends = stood.met(short, at, by_then, resource)
        since = 0
        for wish, weeks, end in zip(some.tolist(), bits(short), ends, strict=True):
            self._lacks[wish].append(Lack(what, ranges(weeks), names[since:end]))
            since = end

    def _cut(self, resource: int, room: Grid) -> None:
        """Of each turn the most that some start leaves of a resource, at the better rank; kept if it is less to cut."""
        most, start = np.zeros(len(room), dtype=np.int64), np.zeros(len(room), dtype=np.int64)
        order = np.argsort(self._duration, kind="stable")
        edges = [0, *(np.flatnonzero(np.diff(self._duration[order])) + 1).tolist(), len(order)]
        for low, high in pairwise(edges):
            some = order[low:high]
            least = lowest(room[some], int(self._duration[some[0]]))
            start[some] = least.argmax(axis=1)
            most[some] = least[np.arange(len(some)), start[some]]
        best = np.maximum.reduceat(most, self._since)
        where = np.where(most == best[self._whose], np.arange(len(most)), len(most))
        chosen = np.minimum.reduceat(where, self._since)
        columns = zip(best.tolist(), (chosen - self._since).tolist(), start[chosen].tolist(), strict=True)
        for number, (to, rank, week) in enumerate(columns):
            row, found = self._turns[number].application, self._less[number]
            if to:
                percent = -(-100 * (row.needs[resource] - to) // row.needs[resource]) if row.needs[resource] else 0
                if 0 < percent < 100 and (found is None or percent < found.amount):
                    name = self._occupancy.instance.resources[resource]
                    self._less[number] = Change("less", row.sites[rank], week, percent, name, to)


class _Stood:
    """Who stood at some places, one place after the other. ``rows[place]``: the row of nobody, in what is told by how
    many stood there; there is one row more than holders."""

    def __init__(self, places: list[list[Holder]], weeks: int) -> None:
        self._holders = list(chain.from_iterable(places))
        counts = np.array([len(held) for held in places], dtype=np.int64)
        self._before = np.cumsum(counts) - counts
        self._counts = counts + 1
        self.rows = np.cumsum(self._counts) - self._counts
        width = -(-weeks // 64) * WORD
        packed = b"".join([held.to_bytes(width, "little") for held, _, _ in self._holders])
        octets = np.frombuffer(packed, dtype=np.uint8).reshape(len(self._holders), width)
        self._present = np.unpackbits(octets, axis=1, count=weeks, bitorder="little")
        self._words = octets.view(np.uint64)
        self._names = np.array([name for _, name, _ in self._holders], dtype=object)

    def left(self, resource: int, capacity: Grid) -> Grid:
        """(row, week). ``capacity``: (place, week)."""
        left: Grid = np.repeat(capacity, self._counts, axis=0) - self._sums(
            self._present * self._need(resource)[:, None]
        )
        return left

    def taken(self) -> Grid:
        taken: Grid = self._sums(self._present) > 0
        return taken

    def met(self, short: Grid, at: Grid, by_then: Grid, resource: int | None) -> tuple[tuple[str, ...], list[int]]:
        """Who of the first ``by_then`` was there in a week that is short, row after row, and where each row's end."""
        whose = np.repeat(np.arange(len(at)), by_then)
        holder = np.arange(len(whose)) + np.repeat(self._before[at] - (np.cumsum(by_then) - by_then), by_then)
        octets = np.zeros((len(short), self._words.shape[1] * WORD), dtype=np.uint8)
        packed = np.packbits(short, axis=1, bitorder="little")
        octets[:, : packed.shape[1]] = packed
        words = octets.view(np.uint64)
        meets = np.zeros(len(whose), dtype=bool)
        for word in range(words.shape[1]):
            meets |= (words[whose, word] & self._words[holder, word]) != 0
        if resource is not None:
            meets &= (self._need(resource) > 0)[holder]
        ends = np.cumsum(np.bincount(whose[meets], minlength=len(at)))
        return tuple(self._names[holder[meets]].tolist()), ends.tolist()

    def _need(self, resource: int) -> Grid:
        return np.array([needs[resource] for _, _, needs in self._holders], dtype=np.int32)

    def _sums(self, amounts: Grid) -> Grid:
        """(row, week): of all at the place by then; of those that fit together, so 32 bits hold them."""
        total = np.zeros((int(self._counts.sum()), self._present.shape[1]), dtype=np.int64)
        total[np.arange(len(amounts)) + np.repeat(np.arange(len(self._counts)), self._counts - 1) + 1] = amounts
        np.cumsum(total, axis=0, out=total)
        total -= np.repeat(total[self.rows], self._counts, axis=0)
        return total.astype(np.int32)


def _flat(lists: list[list[int]]) -> Grid:
    return np.array(list(chain.from_iterable(lists)), dtype=np.int64)
