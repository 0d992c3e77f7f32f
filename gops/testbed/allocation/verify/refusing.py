"""What the refusal of an application must say, from the verifier's own picture of its turn."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from gops.testbed.allocation.verify.ground import Grid, Ground, Holding, cut, lanes

Shorts = list[tuple[int | str, Grid]]
"""A resource's number, or a word, and (week of the window, rank): True where it is in the way."""


def refusal(ground: Ground, row: Any, sites: Grid, good: Grid, may: Grid | None = None) -> dict[str, Any]:
    """``good``: (start from the window's first, site) of the whole ground, as far as a change may look. ``may``: the
    sites that a change may name (None: all)."""
    window = row["last_start"] + 1 - row["first_start"]
    if may is not None:
        good = good & may
    shorts = _shorts(ground, row, sites)
    less = _less(ground, row, sites, shorts, None if may is None else may[sites])
    changes = [_later(row, good[window:, sites]), _elsewhere(ground, row, good[:window]), less]
    return {
        "application": row["id"],
        "changes": [change for change in changes if change is not None],
        "sites": _reasons(ground, row, sites, shorts),
    }


def reasons(ground: Ground, row: Any, sites: Grid) -> list[dict[str, Any]]:
    """Of a refusal of which no change can be told."""
    return _reasons(ground, row, sites, _shorts(ground, row, sites))


def _shorts(ground: Ground, row: Any, sites: Grid) -> Shorts:
    weeks = slice(row["first_start"], row["last_start"] + row["duration"])
    found: Shorts = [
        (index, cut(ground.room[index], weeks, sites) < need) for index, need in enumerate(row["needs"]) if need
    ]
    if row["band"] is not None:
        found.append(("band", cut(ground.taken[row["band"]], weeks, sites)))
    shape = (weeks.stop - weeks.start, len(sites))
    return found + [(word, np.broadcast_to(full[sites], shape)) for word, full in ground.tally.full(row).items()]


def _reasons(ground: Ground, row: Any, sites: Grid, shorts: Shorts) -> list[dict[str, Any]]:
    since = row["first_start"]
    lacks: list[list[Any]] = [[] for _ in row["sites"]]
    places = sites.tolist()
    for what, short in shorts:
        for rank, line in _lines(short):
            site = places[rank]
            if isinstance(what, int):
                lack = _lack(ground.resources[what], line, since, ground.held[site], what)
            elif what == "band":
                lack = _lack("band", line, since, ground.heard[row["band"]][site], None)
            else:
                names = ground.tally.holders(what, row, site)
                lack = {"holders": names, "weeks": [list(span) for span in _spans(line, since)], "what": what}
            lacks[rank].append(lack)
    return [{"lacks": lacks[rank], "site": name} for rank, name in enumerate(row["sites"])]


def _lines(short: Grid) -> Iterator[tuple[int, bytes]]:
    """Of (week, rank): each rank that has a True, with its weeks as bytes 0 and 1."""
    weeks = short.shape[0]
    flat = short.tobytes("F")
    for rank in range(short.shape[1]):
        line = flat[rank * weeks : (rank + 1) * weeks]
        if 1 in line:
            yield rank, line


def _lack(what: str, line: bytes, since: int, holders: list[Holding], index: int | None) -> dict[str, Any]:
    """``line`` has a byte 1 for every week from ``since`` in which something lacked; ``index`` is the resource's."""
    weeks = lanes(line, since)
    if index is None:
        names = [name for held, name, _ in holders if held & weeks]
    else:
        names = [name for held, name, needs in holders if held & weeks and needs[index]]
    return {"holders": names, "weeks": [list(span) for span in _spans(line, since)], "what": what}


@lru_cache(maxsize=65_536)
def _spans(line: bytes, since: int) -> tuple[tuple[int, int], ...]:
    spans = []
    at = line.find(1)
    while at >= 0:
        end = line.find(0, at)
        end = len(line) if end < 0 else end
        spans.append((since + at, since + end))
        at = line.find(1, end)
    return tuple(spans)


def _later(row: Any, good: Grid) -> dict[str, Any] | None:
    """Rows of ``good`` are the starts after the window, columns the ranked sites."""
    flat = good.ravel().nonzero()[0]
    if not len(flat):
        return None
    weeks, rank = divmod(int(flat[0]), good.shape[1])
    return {
        "kind": "start",
        "site": row["sites"][rank],
        "start": row["last_start"] + 1 + weeks,
        "weeks_later": weeks + 1,
    }


def _elsewhere(ground: Ground, row: Any, good: Grid) -> dict[str, Any] | None:
    """No ranked site has a good start in the window, so the first that has is another."""
    at = int(good.argmax())
    week, site = divmod(at, good.shape[1])
    if not good[week, site]:
        return None
    return {"kind": "site", "site": ground.names[site], "start": row["first_start"] + week}


def _less(ground: Ground, row: Any, sites: Grid, shorts: Shorts, may: Grid | None) -> dict[str, Any] | None:
    """Of each resource, and of the budget, the most that some good contract leaves; of these the least cut. What is
    nowhere short is no help to cut."""
    found: list[tuple[int, int, int, int, int]] = []
    duration = row["duration"]
    for what, short in shorts:
        if (isinstance(what, int) or what == "budget") and short.any():
            index = what if isinstance(what, int) else len(ground.resources)
            need = row["needs"][what] if isinstance(what, int) else row["cost"]
            room = _room(ground, row, sites, shorts, what, may)
            starts = room.shape[0] - duration + 1
            most = np.array([np.minimum.reduce(room[start : start + duration]) for start in range(starts)]).T
            to = int(most.max())
            percent = (100 * (need - to) + need - 1) // need
            if percent < 100:
                rank, start = (int(part[0]) for part in np.nonzero(most == to))
                found.append((percent, index, rank, start, to))
    if not found:
        return None
    percent, index, rank, start, to = min(found)
    return {
        "kind": "less",
        "percent": percent,
        "resource": [*ground.resources, "budget"][index],
        "site": row["sites"][rank],
        "start": row["first_start"] + start,
        "to": to,
    }


def _room(ground: Ground, row: Any, sites: Grid, shorts: Shorts, what: int | str, may: Grid | None) -> Grid:
    """(week, rank): what is left of a resource, or of the budget, where nothing else is in the way; else 0."""
    if isinstance(what, int):
        room = cut(ground.room[what], slice(row["first_start"], row["last_start"] + row["duration"]), sites)
    else:
        room = np.full(shorts[0][1].shape, max(0, ground.tally.money() or 0))
    for other, short in shorts:
        if other != what:
            room[short] = 0
    if may is not None:
        room[:, ~may] = 0
    return room
