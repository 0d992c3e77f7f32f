"""What lacked at every site that the refused had ranked, who held it, and the most that could be asked for instead.

A wish is an ask and one of its sites. Wishes of many sites are judged together, each against the room that the first
so many holders of its site had left. Arrays are (wish, week) over the whole calendar; of weeks also as bits of words.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, pairwise
from typing import Any

import numpy as np

from gops.testbed.allocation.verify.asking import BUDGET, Ask
from gops.testbed.allocation.verify.ground import Grid, Ground, Holding

AT_ONCE = 1_000_000  # wishes x (weeks + who stood at the site) of one step; bounds its memory
WORD = 64  # weeks
Best = dict[int, tuple[int, int, int, int, int]]
"""By ask: the least cut in percent, the resource's number (the budget's is the last), the rank, the start, to what."""


class Wishes:
    """Laid end to end, ask by ask, by rank. There is at least one ask, and every one ranked a site."""

    def __init__(self, ground: Ground, asks: list[Ask]) -> None:
        self._ground, self._asks = ground, asks
        sizes = np.array([len(one.sites) for one in asks], int)
        self._starts = np.cumsum(sizes) - sizes
        self._whose = np.repeat(np.arange(len(asks)), sizes)
        self._site = _flat([one.sites for one in asks])
        self._held = _flat([one.held for one in asks])
        self._heard = _flat([one.heard or [0] * len(one.sites) for one in asks])
        bands = {name: number for number, name in enumerate(ground.heard)}
        self._bands = list(ground.heard)
        self._band = np.array([bands.get(one.row["band"], -1) for one in asks], int)
        self._first, self._last, self._duration = (
            np.array([one.row[key] for one in asks], np.int32) for key in ("first_start", "last_start", "duration")
        )
        self._needs = np.array([[*one.row["needs"], one.row.get("cost", 0)] for one in asks], np.int64)
        self._may = _flat([[True] * len(one.sites) if one.may is None else one.may for one in asks]) > 0
        self._weeks = np.arange(ground.weeks, dtype=np.int32)
        self._most = np.zeros((self._needs.shape[1], len(self._site)), np.int64)
        self._start = np.zeros(self._most.shape, np.int32)
        self._short = np.zeros(self._most.shape, bool)
        self._found: list[tuple[Grid, ...]] = []  # as ``_write`` leaves it

    def judge(self) -> tuple[list[list[Any]], Best]:
        """Of each wish what lacked; and the best to ask for instead. What is nowhere short is no help to cut."""
        for some in self._steps():
            self._judge(some)
        return self._lacks(), self._best()

    def _steps(self) -> Iterator[Grid]:
        """Wishes of few sites at a time, those of one duration together."""
        order = np.argsort(self._site, kind="stable")
        cost = self._ground.weeks + self._held[order] + self._heard[order]
        fresh = np.diff(self._site[order], prepend=-1) > 0
        stood = np.array([len(held) for held in self._ground.held], int)
        cost += np.where(fresh, stood[self._site[order]] * self._ground.weeks, 0)
        step = np.cumsum(cost) // AT_ONCE
        for some in np.split(order, np.flatnonzero(np.diff(step)) + 1):
            yield some[np.argsort(self._duration[self._whose[some]], kind="stable")]

    def _judge(self, some: Grid) -> None:
        whose, resources = self._whose[some], self._ground.resources
        first, end = self._first[whose], (self._last + self._duration)[whose]
        inside = (self._weeks >= first[:, None]) & (self._weeks < end[:, None])
        sites, at = np.unique(self._site[some], return_inverse=True)
        stood = _Stood([self._ground.held[site] for site in sites.tolist()], self._ground.weeks)
        rooms, shorts = [], []
        blocked = np.zeros(inside.shape, np.int16)
        for index in range(len(resources)):
            room = stood.room(index, self._ground.capacity[index][:, sites].T)[stood.rows[at] + self._held[some]]
            short = (room < self._needs[whose, index, None]) & inside
            self._write(some, index, short, stood, at, self._held[some], index)
            self._short[index, some] = short.any(axis=1)
            blocked += short
            rooms.append(room)
            shorts.append(short)
        blocked += self._on_band(some, inside)
        self._limits(some, blocked)
        for index, (room, short) in enumerate(zip(rooms, shorts, strict=True)):
            self._leaves(some, index, room * (inside & (blocked == short)))
        if self._short[-1, some].any():
            money = np.array([one.money for one in self._asks], np.int64)[whose] * self._short[-1, some]
            self._leaves(some, len(resources), money[:, None] * (inside & (blocked == 1)))

    def _on_band(self, some: Grid, inside: Grid) -> Grid:
        """Where somebody was heard."""
        found = np.zeros(inside.shape, bool)
        band = self._band[self._whose[some]]
        on = np.flatnonzero(band >= 0)
        if len(on):
            keys = band[on] * len(self._ground.names) + self._site[some[on]]
            places, at = np.unique(keys, return_inverse=True)
            pairs = [divmod(key, len(self._ground.names)) for key in places.tolist()]
            stood = _Stood([self._ground.heard[self._bands[one]][site] for one, site in pairs], self._ground.weeks)
            heard = self._heard[some[on]]
            found[on] = short = stood.taken()[stood.rows[at] + heard] & inside[on]
            self._write(some[on], len(self._ground.resources), short, stood, at, heard, None)
        return found

    def _limits(self, some: Grid, blocked: Grid) -> None:
        """Counted into ``blocked``; the budget is short where it leaves too little of somebody's cost."""
        if not self._ground.tally.limited:
            return
        for at, wish in enumerate(some.tolist()):
            number = self._whose[wish]
            one, rank = self._asks[number], int(wish - self._starts[number])
            for word in [word for word, holders in one.full.items() if rank in holders]:
                blocked[at] += 1
                self._short[-1, wish] |= word == BUDGET and one.row.get("cost", 0) > 0

    def _write(
        self, some: Grid, what: int, short: Grid, stood: _Stood, at: Grid, by_then: Grid, useful: int | None
    ) -> None:
        """The weeks that are short, and who of the first ``by_then`` was there in one of them: (wish, what, number of
        spans, number of names, spans, names), the last two end to end."""
        bits = _words(short)
        rows = np.flatnonzero(bits.any(axis=1))
        spans, span_counts = _spans(short[rows])
        names, name_counts = stood.met(bits[rows], at[rows], by_then[rows], useful)
        self._found.append((some[rows], np.full(len(rows), what), span_counts, name_counts, spans, names))

    def _lacks(self) -> list[list[Any]]:
        """By wish. What is compared together lies together in memory: each is made in its turn."""
        wish, what, span_counts, name_counts, spans, names = map(np.concatenate, zip(*self._found, strict=True))
        order = np.lexsort((what, wish))
        spans = spans[_ordered(span_counts, order)].tolist()
        names = names[_ordered(name_counts, order)].tolist()
        ends = (np.cumsum(span_counts[order]), np.cumsum(name_counts[order]))
        rows = zip(*(column.tolist() for column in (wish[order], what[order], *ends)), strict=True)
        words = [*self._ground.resources, "band"]
        lacks: list[list[Any]] = [[] for _ in self._site]
        since = name = 0
        for number, word, span_end, name_end in rows:
            lack = {"holders": names[name:name_end], "weeks": spans[since:span_end], "what": words[word]}
            lacks[number].append(lack)
            since, name = span_end, name_end
        for start, one in zip(self._starts.tolist(), self._asks, strict=True):
            for word, by_rank in one.full.items():
                weeks = [[one.row["first_start"], one.row["last_start"] + one.row["duration"]]]
                for rank, holders in by_rank.items():
                    lacks[start + rank].append({"holders": holders, "weeks": weeks, "what": word})
        return lacks

    def _leaves(self, some: Grid, index: int, room: Grid) -> None:
        """Of each wish the most that some start leaves, where a change may name it."""
        rows = np.flatnonzero(self._may[some])
        some, room = some[rows], room[rows]
        durations = self._duration[self._whose[some]]
        edges = [0, *(np.flatnonzero(np.diff(durations)) + 1).tolist(), len(rows)] if len(rows) else []
        for low, high in pairwise(edges):
            least = _least(room[low:high], int(durations[low]))
            start = least.argmax(axis=1)
            self._start[index, some[low:high]] = start
            self._most[index, some[low:high]] = np.take_along_axis(least, start[:, None], axis=1)[:, 0]

    def _best(self) -> Best:
        """Of each resource, and of the budget, the most that some good contract leaves, at the better rank; of these
        the least cut, of what is named first."""
        most = np.maximum.reduceat(self._most, self._starts, axis=1)
        numbers = np.where(self._most == most[:, self._whose], np.arange(len(self._site)), len(self._site))
        wish = np.minimum.reduceat(numbers, self._starts, axis=1)
        needs = np.maximum(self._needs.T, 1)
        percent = (100 * (needs - most) + needs - 1) // needs
        helps = np.logical_or.reduceat(self._short, self._starts, axis=1) & (self._needs.T > 0) & (most != 0)
        percent[~helps] = 100
        index, every = percent.argmin(axis=0), np.arange(len(self._asks))
        chosen = wish[index, every]
        columns = (percent[index, every], index, chosen - self._starts, self._start[index, chosen], most[index, every])
        rows = zip(*(column.tolist() for column in columns), strict=True)
        return {number: row for number, row in enumerate(rows) if row[0] < 100}


class _Stood:
    """Who stood at some places, place after place, each time in the order of their turns.

    ``rows[place]`` is the row of nobody yet in what is told by how many stood there: one row more than holders.
    """

    def __init__(self, places: list[list[Holding]], weeks: int) -> None:
        self._all = list(chain.from_iterable(places))
        sizes = np.array([len(held) for held in places], int)
        self._ends = np.cumsum(sizes)
        self._since = self._ends - sizes
        self.rows = self._since + np.arange(len(places))
        self._sizes = sizes + 1
        self._row = np.arange(len(self._all)) + np.repeat(np.arange(len(places)), sizes) + 1
        starts, ends = (np.array([holding[part] for holding in self._all], int)[:, None] for part in (0, 1))
        calendar = np.arange(weeks)
        self._present: Grid = (calendar >= starts) & (calendar < ends)
        self._bits = _words(self._present)
        self._names = np.array([holding[2] for holding in self._all], object)

    def room(self, index: int, capacity: Grid) -> Grid:
        """What was left of a resource; where it is less than nothing, -1."""
        left = np.repeat(capacity, self._sizes, axis=0) - self._summed(self._amounts(index))
        room: Grid = np.maximum(left, -1).astype(np.int32)
        return room

    def taken(self) -> Grid:
        """Whether somebody was there."""
        taken: Grid = self._summed(np.ones(len(self._all), np.int64)) > 0
        return taken

    def met(self, bits: Grid, at: Grid, by_then: Grid, useful: int | None) -> tuple[Grid, Grid]:
        """By row the names of those of the first ``by_then`` at its place who were there in one of its weeks, end to
        end, and how many each row has. ``useful``: only who needs something of that resource."""
        pair_ends = np.cumsum(by_then)
        whose = np.repeat(np.arange(len(by_then)), by_then)
        holder = np.arange(len(whose)) + np.repeat(self._since[at] - (pair_ends - by_then), by_then)
        meets = np.zeros(len(whose), bool)
        for lane in range(bits.shape[1]):
            meets |= (bits[whose, lane] & self._bits[holder, lane]) > 0
        if useful is not None:
            meets &= (self._amounts(useful) > 0)[holder]
        return self._names[holder[meets]], np.bincount(whose[meets], minlength=len(by_then))

    def _amounts(self, index: int) -> Grid:
        return np.array([holding[3][index] for holding in self._all], np.int64)

    def _summed(self, amounts: Grid) -> Grid:
        """(row, week): of all who stood at the place by then."""
        total = np.zeros((len(self._all) + len(self.rows), self._present.shape[1]), np.int64)
        total[self._row] = self._present * amounts[:, None]
        np.cumsum(total, axis=0, out=total)
        before = total[self.rows - 1]
        before[0] = 0
        total -= np.repeat(before, self._sizes, axis=0)
        return total


def _flat(lists: list[list[Any]]) -> Grid:
    return np.array(list(chain.from_iterable(lists)), int)


def _words(weeks: Grid) -> Grid:
    """(row, word): the weeks of each row as bits."""
    packed = np.packbits(weeks, axis=1, bitorder="little")
    words = np.zeros((len(weeks), -(-weeks.shape[1] // WORD) * WORD // 8), np.uint8)
    words[:, : packed.shape[1]] = packed
    bits: Grid = words.view(np.uint64)
    return bits


def _ordered(counts: Grid, order: Grid) -> Grid:
    """Where the items of rows lie that have so many each, row after row in another order."""
    before, taken = (np.cumsum(counts) - counts)[order], counts[order]
    places: Grid = np.arange(counts.sum()) + np.repeat(before - (np.cumsum(taken) - taken), taken)
    return places


def _spans(short: Grid) -> tuple[Grid, Grid]:
    """[from, until] of every run of weeks, row after row, and how many each row has."""
    opens, closes = short.copy(), short.copy()
    opens[:, 1:] &= ~short[:, :-1]
    closes[:, :-1] &= ~short[:, 1:]
    rows, starts = np.nonzero(opens)
    return np.stack([starts, np.nonzero(closes)[1] + 1], axis=1), np.bincount(rows, minlength=len(short))


def _least(room: Grid, duration: int) -> Grid:
    """(row, start): the least of ``duration`` weeks, of spans of 1, 2, 4, ... and of two such that overlap."""
    span = 1
    while 2 * span <= duration:
        room = np.minimum(room[:, :-span], room[:, span:])
        span *= 2
    rest = duration - span
    return np.minimum(room[:, : room.shape[1] - rest], room[:, rest:]) if rest else room
