"""Pairs of an application and a site that it would rather have: with envy justified, blocking, or simply left free."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import Any

import numpy as np

from gops.testbed.allocation.verify.ground import Ground, good_starts

MOST = 3_000  # applications; blocking pairs and waste take a look at every one of them with others lifted
Held = dict[int, list[tuple[int, Any, int]]]
"""By site: (score there, application, start), ascending by score, places of shares left out."""


@dataclass(frozen=True)
class Pairs:
    envy: int
    blocking: int | None
    waste: int | None


def count(document: Any) -> Pairs:
    """Of a round that was found true."""
    instance = document["inputs"]["instance"]
    empty, ground = Ground(instance), Ground(instance)
    guaranteed = {name for _, name in document.get("findings", {}).get("guaranteed", ())}
    place = {name: (site, start) for name, site, start in document["outcome"]}
    held = _settle(ground, instance["applications"], place, guaranteed)
    look = len(instance["applications"]) <= MOST
    envy = blocking = waste = 0
    for row in instance["applications"]:
        site, start = place[row["id"]]
        better = row["sites"][: len(row["sites"]) if site is None else row["sites"].index(site)]
        sites = _alone(empty, row, better)
        if not sites:
            continue
        envy += sum(bisect_left(held.get(at, []), score, key=lambda item: item[0]) for at, score in sites)
        if look:
            if site is not None:
                ground.lift(row, ground.number[site], start)
            free = [ground.first(row, at) is not None for at, _ in sites]
            waste += sum(free)
            blocking += sum(fits or _blocks(ground, row, at, held.get(at, []), score)
                            for fits, (at, score) in zip(free, sites, strict=True))  # fmt: skip
            if site is not None:
                ground.put(row, ground.number[site], start)
    return Pairs(envy, blocking if look else None, waste if look else None)


def _settle(ground: Ground, rows: list[Any], place: Any, guaranteed: set[str]) -> Held:
    held: Held = {}
    for row in rows:
        site, start = place[row["id"]]
        if site is not None:
            ground.put(row, ground.number[site], start)
            if row["id"] not in guaranteed:
                score = row["scores"][row["sites"].index(site)]
                held.setdefault(ground.number[site], []).append((score, row, start))
    for line in held.values():
        line.sort(key=lambda item: item[0])
    return held


def _alone(empty: Ground, row: Any, names: list[str]) -> list[tuple[int, int]]:
    """(site, score) of those where it could stand if nobody else did."""
    if not names:
        return []
    sites = np.array([empty.number[name] for name in names])
    span = slice(row["first_start"], row["last_start"] + row["duration"])
    good = good_starts(empty.bad(row, span, sites), row["duration"])
    fits = [bool(column.any()) for column in good.T]
    return [(site, score) for site, score, fit in zip(map(int, sites), row["scores"], fits, strict=False) if fit]


def _blocks(ground: Ground, row: Any, site: int, line: list[tuple[int, Any, int]], score: int) -> bool:
    lower = [(other, start) for rival, other, start in line if rival < score and other is not row]
    for other, start in lower:
        ground.lift(other, site, start)
    fits = bool(lower) and ground.first(row, site) is not None
    for other, start in lower:
        ground.put(other, site, start)
    return fits
