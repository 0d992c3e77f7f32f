"""What the refusals of a round must say, from the verifier's own picture of each one's turn.

A turn leaves an ``Ask``: how many stood at each of its sites by then, and the changes that the whole ground allows.
All asks of one site are then judged together, each against the room that the first so many of its holders had left.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import compress, pairwise
from typing import Any

import numpy as np

from gops.testbed.allocation.verify.ground import Grid, Ground, Holding

AT_ONCE = 1_000_000  # asks x (holders + weeks) of one step; bounds its memory
BUDGET = "budget"
Best = dict[int, dict[int, tuple[int, int, int]]]
"""By ask and resource: what may be asked at most, negative; the rank; the start. The least is the best."""


@dataclass(slots=True)
class Ask:
    """``held`` and ``heard`` count who stood at each ranked site, and who was heard there on the band. ``full``: by
    word the holders of what a limit left nothing of, by rank. ``may``: ranks that a change may name (None: all)."""

    row: Any
    sites: list[int]
    held: list[int]
    heard: list[int] | None
    full: dict[str, dict[int, list[str]]]
    money: int
    changes: list[dict[str, Any]]
    may: list[bool] | None
    lacks: list[list[Any]] = field(default_factory=list)


def ask(ground: Ground, row: Any, sites: list[int], good: Grid | None, may: Grid | None = None) -> Ask:
    """As the ground is now. ``good``: (start from the window's first, site) of all sites, as far as a change may look;
    None: no change is told. ``may``: the sites that one may name (None: all)."""
    full = {
        word: {rank: ground.tally.holders(word, row, site) for rank, site in enumerate(sites) if shut[site]}
        for word, shut in ground.tally.full(row).items()
    }
    band = None if row["band"] is None else ground.heard[row["band"]]
    return Ask(
        row,
        sites,
        [len(ground.held[site]) for site in sites],
        None if band is None else [len(band[site]) for site in sites],
        full,
        max(0, ground.tally.money() or 0) if BUDGET in full else 0,
        [] if good is None else _moved(ground, row, sites, good if may is None else good & may),
        [False] * len(sites) if good is None else None if may is None else may[sites].tolist(),
        [[] for _ in sites],
    )


def _moved(ground: Ground, row: Any, sites: list[int], good: Grid) -> list[dict[str, Any]]:
    window = row["last_start"] + 1 - row["first_start"]
    found = (_later(row, good[window:].take(sites, axis=1)), _elsewhere(ground, row, good[:window]))
    return [change for change in found if change is not None]


def _later(row: Any, good: Grid) -> dict[str, Any] | None:
    """Rows of ``good`` are the starts after the window, columns the ranked sites."""
    at = int(good.argmax()) if good.size else 0
    weeks, rank = divmod(at, good.shape[1])
    if not good.size or not good[weeks, rank]:
        return None
    return {
        "kind": "start",
        "site": row["sites"][rank],
        "start": row["last_start"] + 1 + weeks,
        "weeks_later": weeks + 1,
    }


def _elsewhere(ground: Ground, row: Any, good: Grid) -> dict[str, Any] | None:
    """No ranked site has a good start in the window, so the first that has is another."""
    week, site = divmod(int(good.argmax()), good.shape[1])
    if not good[week, site]:
        return None
    return {"kind": "site", "site": ground.names[site], "start": row["first_start"] + week}


def told(ground: Ground, asks: list[Ask]) -> Iterator[dict[str, Any]]:
    """The refusal of each."""
    best: Best = defaultdict(dict)
    short_of: set[tuple[int, int]] = set()
    at_site: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for number, one in enumerate(asks):
        for rank, site in enumerate(one.sites):
            at_site[site].append((number, rank))
    for site, places in at_site.items():
        step = max(1, AT_ONCE // (len(ground.held[site]) + ground.weeks))
        for since in range(0, len(places), step):
            _AtSite(ground, site, asks, places[since : since + step]).judge(best, short_of)
    for number, one in enumerate(asks):
        less = _less(
            ground, one.row, {index: key for index, key in best[number].items() if (number, index) in short_of}
        )
        yield {
            "application": one.row["id"],
            "changes": one.changes if less is None else [*one.changes, less],
            "sites": [{"lacks": lacks, "site": name} for lacks, name in zip(one.lacks, one.row["sites"], strict=True)],
        }


def _less(ground: Ground, row: Any, best: dict[int, tuple[int, int, int]]) -> dict[str, Any] | None:
    """Of each resource, and of the budget, the most that some good contract leaves; of these the least cut. What is
    nowhere short is no help to cut."""
    found = []
    for index, (most, rank, start) in best.items():
        need = row["needs"][index] if index < len(ground.resources) else row["cost"]
        percent = (100 * (need + most) + need - 1) // need
        if percent < 100:
            found.append((percent, index, rank, start, -most))
    if not found:
        return None
    percent, index, rank, start, to = min(found)
    return {
        "kind": "less",
        "percent": percent,
        "resource": [*ground.resources, BUDGET][index],
        "site": row["sites"][rank],
        "start": start,
        "to": to,
    }


class _AtSite:
    """Some asks at one site. Arrays are (ask, week) and (holder, week) over the whole calendar."""

    def __init__(self, ground: Ground, site: int, asks: list[Ask], places: list[tuple[int, int]]) -> None:
        self._ground, self._site = ground, site
        self._places = sorted(places, key=lambda place: asks[place[0]].row["duration"])
        self._asks = [asks[number] for number, _ in self._places]
        self._ranks = [rank for _, rank in self._places]
        self._weeks = np.arange(ground.weeks)
        first, last, self._duration = (self._column(key) for key in ("first_start", "last_start", "duration"))
        self._inside = (self._weeks >= first) & (self._weeks < last + self._duration)
        edges = [0, *(np.flatnonzero(np.diff(self._duration[:, 0])) + 1).tolist(), len(self._asks)]
        self._runs = [(int(self._duration[low, 0]), low, high) for low, high in pairwise(edges)]
        self._may = np.array([one.may is None or one.may[rank] for one, rank in self._each()], bool)

    def judge(self, best: Best, short_of: set[tuple[int, int]]) -> None:
        """Write what lacked into the asks; note what is the best to ask for instead, and what was short at all."""
        held, needs = self._ground.held[self._site], np.array([one.row["needs"] for one in self._asks])
        by_then = np.array([one.held[rank] for one, rank in self._each()])
        present = _present(held, self._weeks)
        rooms = [self._room(index, present, by_then) for index in range(len(self._ground.resources))]
        shorts = [self._inside & (room < needs[:, index, None]) for index, room in enumerate(rooms)]
        blocked = np.zeros(self._inside.shape, np.int16)
        for index, short in enumerate(shorts):
            useful = np.array([holding[3][index] > 0 for holding in held], bool)
            self._write(self._ground.resources[index], short, self._names(held, present, short, by_then, useful))
            blocked += short
        blocked += self._on_band()
        spent = self._limits(blocked)
        for index, (room, short) in enumerate(zip(rooms, shorts, strict=True)):
            some = np.logical_or.reduce(short, axis=1)
            short_of.update([(self._places[at][0], index) for at in np.flatnonzero(some).tolist()])
            self._most(index, np.where(self._inside & (blocked == short), room, 0), best)
        if spent.any():
            short_of.update([(self._places[at][0], len(rooms)) for at in np.flatnonzero(spent).tolist()])
            money = np.array([one.money for one in self._asks]) * spent
            self._most(len(rooms), np.where(self._inside & (blocked == 1), money[:, None], 0), best)

    def _each(self) -> Iterator[tuple[Ask, int]]:
        return zip(self._asks, self._ranks, strict=True)

    def _column(self, key: str) -> Grid:
        return np.array([one.row[key] for one in self._asks])[:, None]

    def _room(self, index: int, present: Grid, by_then: Grid) -> Grid:
        """What the first so many holders had left of a resource."""
        site, held = self._ground.capacity[index][:, self._site], self._ground.held[self._site]
        used = np.zeros((len(held) + 1, len(site)), np.int64)
        np.cumsum(present * np.array([holding[3][index] for holding in held], np.int64)[:, None], axis=0, out=used[1:])
        return site - used[by_then]

    def _on_band(self) -> Grid:
        """Where somebody was heard."""
        found = np.zeros(self._inside.shape, bool)
        by_band = defaultdict(list)
        for at, one in enumerate(self._asks):
            if one.heard is not None:
                by_band[one.row["band"]].append(at)
        for band, some in by_band.items():
            heard = self._ground.heard[band][self._site]
            present = _present(heard, self._weeks)
            by_then = np.array([(self._asks[at].heard or [])[self._ranks[at]] for at in some])
            taken = np.zeros((len(heard) + 1, len(self._weeks)), bool)
            np.logical_or.accumulate(present, axis=0, out=taken[1:])
            short = self._inside[some] & taken[by_then]
            found[some] = short
            self._write("band", short, self._names(heard, present, short, by_then, None), some)
        return found

    def _limits(self, blocked: Grid) -> Grid:
        """Counted into ``blocked``. Of which asks the budget leaves too little."""
        spent = np.zeros(len(self._asks), bool)
        for at, (one, rank) in enumerate(self._each()):
            for word, holders in one.full.items():
                if rank in holders:
                    blocked[at] += 1
                    spent[at] |= word == BUDGET and one.row.get("cost", 0) > 0
                    first, end = one.row["first_start"], one.row["last_start"] + one.row["duration"]
                    one.lacks[rank].append({"holders": holders[rank], "weeks": [[first, end]], "what": word})
        return spent

    def _names(self, held: list[Holding], present: Grid, short: Grid, by_then: Grid, useful: Grid | None) -> Any:
        """By ask the holders of that time who were there in a week that is short; ``useful`` ones."""
        if not held:
            return [[] for _ in by_then]
        weeks, lanes = np.packbits(short, axis=1), np.packbits(present, axis=1)
        meets = np.zeros((len(weeks), len(held)), bool)
        for lane in range(weeks.shape[1]):
            meets |= (weeks[:, lane, None] & lanes[:, lane]) > 0
        meets &= np.arange(len(held)) < by_then[:, None]
        if useful is not None:
            meets &= useful
        names, width, flat = [holding[2] for holding in held], len(held), meets.tobytes()
        return [list(compress(names, flat[at : at + width])) for at in range(0, len(flat), width)]

    def _write(self, what: str, short: Grid, names: list[list[str]], some: list[int] | None = None) -> None:
        """``some``: the numbers of the rows, where they are not all."""
        edges = np.zeros((len(short), short.shape[1] + 2), np.int8)
        edges[:, 1:-1] = short
        step = np.diff(edges, axis=1)
        rows, starts = np.nonzero(step == 1)
        spans = np.stack([starts, np.nonzero(step == -1)[1]], axis=1).tolist()
        bounds = np.searchsorted(rows, np.arange(len(short) + 1)).tolist()
        for at in [at for at in range(len(short)) if bounds[at] < bounds[at + 1]]:
            place = at if some is None else some[at]
            lack = {"holders": names[at], "weeks": spans[bounds[at] : bounds[at + 1]], "what": what}
            self._asks[place].lacks[self._ranks[place]].append(lack)

    def _most(self, index: int, room: Grid, best: Best) -> None:
        """Of each ask the most that some start here leaves. Rows are ascending by duration."""
        room[~self._may] = 0
        for duration, low, high in self._runs:
            least = _least(room[low:high], duration)
            most, start = least.max(axis=1), least.argmax(axis=1)
            for at in np.flatnonzero(most).tolist():
                number, rank = self._places[low + at]
                key = (-int(most[at]), rank, int(start[at]))
                if index not in best[number] or key < best[number][index]:
                    best[number][index] = key


def _present(held: list[Holding], weeks: Grid) -> Grid:
    """(holder, week)."""
    starts, ends = (np.array([holding[part] for holding in held], int)[:, None] for part in (0, 1))
    present: Grid = (weeks >= starts) & (weeks < ends)
    return present


def _least(room: Grid, duration: int) -> Grid:
    """(row, start): the least of ``duration`` weeks, of spans of 1, 2, 4, ... and of two such that overlap."""
    span = 1
    while 2 * span <= duration:
        room = np.minimum(room[:, :-span], room[:, span:])
        span *= 2
    rest = duration - span
    return np.minimum(room[:, : room.shape[1] - rest], room[:, rest:]) if rest else room
