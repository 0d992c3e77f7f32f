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
        site = place[row["id"]]
        if site is not None:
            scores.setdefault(site, []).append(row["scores"][row["sites"].index(site)])
    for held in scores.values():
        held.sort()
    return sum(
        bisect_left(scores.get(site, []), score)
        for row in rows
        for site, score in zip(_preferred(row["sites"], place[row["id"]]), row["scores"], strict=False)
    )


def _preferred(ranked: list[str], got: str | None) -> list[str]:
    return ranked if got is None else ranked[: ranked.index(got)]
