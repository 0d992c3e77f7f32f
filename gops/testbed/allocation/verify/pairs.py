"""Pairs of an application and a site that it would rather have: with envy justified, blocking, or simply left free."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import Any

from gops.testbed.allocation.verify.alone import Alone
from gops.testbed.allocation.verify.ground import Ground

MOST = 3_000  # applications; blocking pairs and waste take a look at every one of them with others lifted
Held = dict[int, list[tuple[int, Any, int]]]
"""By site: (score there, application, start), ascending by score, places of shares left out."""


@dataclass(frozen=True)
class Pairs:
    envy: int
    blocking: int | None
    waste: int | None


def count(document: Any, eligible: Alone) -> Pairs:
    """Of a round that was found true."""
    instance = document["inputs"]["instance"]
    ground = Ground(instance)
    guaranteed = {name for _, name in document.get("findings", {}).get("guaranteed", ())}
    place = {name: (site, start) for name, site, start in document["outcome"]}
    look = len(instance["applications"]) <= MOST
    held = _settle(ground, instance["applications"], place, guaranteed, look)
    scores = {site: [score for score, _, _ in line] for site, line in held.items()}
    envy = blocking = waste = 0
    for row in instance["applications"]:
        site, start = place[row["id"]]
        better = len(row["sites"]) if site is None else row["sites"].index(site)
        sites = [
            (ground.number[name], score)
            for name, score, fits in zip(row["sites"][:better], row["scores"], eligible[row["id"]], strict=False)
            if fits
        ]
        if not sites:
            continue
        envy += sum([bisect_left(scores[at], score) for at, score in sites if at in scores])
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


def _settle(ground: Ground, rows: list[Any], place: Any, guaranteed: set[str], look: bool) -> Held:
    held: Held = {}
    for row in rows:
        site, start = place[row["id"]]
        if site is not None:
            if look:
                ground.put(row, ground.number[site], start)
            if row["id"] not in guaranteed:
                score = row["scores"][row["sites"].index(site)]
                held.setdefault(ground.number[site], []).append((score, row, start))
    for line in held.values():
        line.sort(key=lambda item: item[0])
    return held


def _blocks(ground: Ground, row: Any, site: int, line: list[tuple[int, Any, int]], score: int) -> bool:
    lower = [(other, start) for rival, other, start in line if rival < score and other is not row]
    for other, start in lower:
        ground.lift(other, site, start)
    fits = bool(lower) and ground.first(row, site) is not None
    for other, start in lower:
        ground.put(other, site, start)
    return fits
