"""In which order applications have their turns, and whom shares promise a place."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from gops.testbed.allocation.verify.ground import Ground


@lru_cache(maxsize=16_384)
def tie(seed: bytes, name: str) -> bytes:
    return hashlib.sha256(seed + name.encode("utf-8")).digest()


def by_score(rows: list[Any], seed: bytes) -> list[Any]:
    return sorted(rows, key=lambda row: (-max(row["scores"]), tie(seed, row["id"])))


def shares(instance: Any, seed: bytes, turn: Callable[[Any], bool]) -> list[list[str]]:
    """[label, application] of each promised place; ``turn`` says whether the application has one."""
    promised: list[list[str]] = []
    asked: set[str] = set()
    for share in instance["demands"]["shares"] if "demands" in instance else ():
        alone = [row for row in instance["applications"] if "group" not in row]
        line = [row for row in by_score(alone, seed) if share["label"] in row.get("labels", ())]
        if share["by"] == "lot":
            line.sort(key=lambda row: tie(seed, row["id"]))
        have = {name for _, name in promised}
        open_places = share["places"] - sum(row["id"] in have for row in line)
        for row in line:
            if open_places <= 0:
                break
            if row["id"] not in asked:
                asked.add(row["id"])
                if turn(row):
                    promised.append([share["label"], row["id"]])
                    open_places -= 1
    return promised


def promised(instance: Any, seed: bytes) -> tuple[list[list[str]], dict[str, int]]:
    """As ``shares``, each at its best contract of what is free at its turn; and the rank that each had so."""
    if not instance.get("demands", {}).get("shares"):
        return [], {}
    ground, ranks = Ground(instance), {}

    def turn(row: Any) -> bool:
        for rank, name in enumerate(row["sites"]):
            start = ground.first(row, ground.number[name])
            if start is not None:
                ground.put(row, ground.number[name], start)
                ranks[row["id"]] = rank
                return True
        return False

    return shares(instance, seed, turn), ranks
