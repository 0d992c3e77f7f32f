"""Pairs (p, q) with p's envy justified: p preferred q's site to what it got, and had the higher score there."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any


def pairs(document: Any) -> int:
    """How many there are. ``ranked`` allows them: a smaller pilot may fit where a larger, better one did not."""
    rows = document["inputs"]["instance"]["applications"]
    place = {name: site for name, site, _ in document["outcome"]}
    scores: dict[str, list[int]] = {}
    for row in rows:
        if place[row["id"]] is not None:
            scores.setdefault(place[row["id"]], []).append(row["scores"][0])
    for held in scores.values():
        held.sort()
    return sum(
        bisect_left(scores.get(site, []), row["scores"][0])
        for row in rows
        for site in _preferred(row["sites"], place[row["id"]])
    )


def _preferred(ranked: list[str], got: str | None) -> list[str]:
    return ranked if got is None else ranked[: ranked.index(got)]
