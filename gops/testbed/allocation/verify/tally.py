"""The verifier's own count of what a call allows at most: of companies, themes and municipalities, and of money."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

WORDS = ("company", "theme", "municipality", "budget")  # in the order in which a refusal names them


class Tally:
    def __init__(self, instance: Any) -> None:
        demands = instance.get("demands") or {"budget": None, "limits": [], "shares": []}
        self.budget: int | None = demands["budget"]
        self.most = {(row["kind"], row["key"]): row["most"] for row in demands["limits"] if row["most"] is not None}
        self.least = {(row["kind"], row["key"]): row["least"] for row in demands["limits"] if row["least"]}
        self.towns: list[str | None] = [site.get("municipality") for site in instance["sites"]]
        self.held: list[tuple[Any, int]] = []
        self.limited = bool(self.most) or self.budget is not None

    def put(self, row: Any, site: int) -> None:
        self.held.append((row, site))

    def lift(self, row: Any) -> None:
        self.held = [(other, site) for other, site in self.held if other is not row]

    def members(self, kind: str, key: str | None) -> list[str]:
        """Who counts in a limit, in the order in which they were put."""
        if kind == "municipality":
            return [row["id"] for row, site in self.held if self.towns[site] == key]
        return [row["id"] for row, _ in self.held if row.get(kind) == key]

    def payers(self) -> list[str]:
        return [row["id"] for row, _ in self.held if row.get("cost")]

    def money(self) -> int | None:
        return None if self.budget is None else self.budget - sum(row.get("cost", 0) for row, _ in self.held)

    def full(self, row: Any) -> dict[str, NDArray[Any]]:
        """By word, the sites (of all) where it is in the row's way."""
        if not self.limited:
            return {}
        everywhere = np.ones(len(self.towns), bool)
        found = {}
        for word in WORDS[:2]:
            key = row.get(word)
            if key is not None and (word, key) in self.most and len(self.members(word, key)) >= self.most[word, key]:
                found[word] = everywhere
        shut = {key for (kind, key), most in self.most.items()
                if kind == "municipality" and len(self.members(kind, key)) >= most}  # fmt: skip
        if shut:
            found["municipality"] = np.array([town in shut for town in self.towns])
        money = self.money()
        if money is not None and row.get("cost", 0) > money:
            found["budget"] = everywhere
        return found

    def holders(self, word: str, row: Any, site: int) -> list[str]:
        if word == "budget":
            return self.payers()
        return self.members(word, self.towns[site] if word == "municipality" else row.get(word))
