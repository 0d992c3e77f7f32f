"""What the refusals of a round must say, from the verifier's own picture of each one's turn.

A turn leaves an ``Ask``: how many stood at each of its sites by then, and the changes that the whole ground allows.
All asks are then judged together, each against the room that the first so many of a site's holders had left.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gops.testbed.allocation.verify.asking import BUDGET, Ask
from gops.testbed.allocation.verify.ground import Grid, Ground
from gops.testbed.allocation.verify.wishes import Wishes

__all__ = ["Ask", "ask", "told"]


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
    if not asks:
        return
    by_wish, best = Wishes(ground, asks).judge()
    since = 0
    for number, one in enumerate(asks):
        names = one.row["sites"]
        lacks = by_wish[since : since + len(names)]
        since += len(names)
        yield {
            "application": one.row["id"],
            "changes": [*one.changes, _less(ground, one.row, best[number])] if number in best else one.changes,
            "sites": [{"lacks": lack, "site": name} for lack, name in zip(lacks, names, strict=True)],
        }


def _less(ground: Ground, row: Any, best: tuple[int, int, int, int, int]) -> dict[str, Any]:
    percent, index, rank, start, to = best
    return {
        "kind": "less",
        "percent": percent,
        "resource": [*ground.resources, BUDGET][index],
        "site": row["sites"][rank],
        "start": start,
        "to": to,
    }
