"""CP-SAT's answer to published rounds of `optimal`: run by an interpreter that has OR-Tools, and nothing of GOPS.

A list of round files comes in on standard input, a list of {stage: value} goes out. The programme is written from the
words of the definition: a variable for every contract, a row for every site, week and resource, one for every pair of
contracts that disturb each other; the stages one after the other, each fixed at its best.
"""

from __future__ import annotations

import importlib
import itertools
import json
import sys
from typing import Any

SECONDS = 60.0


class Model:
    def __init__(self, document: Any) -> None:
        self._cp: Any = importlib.import_module("ortools.sat.python.cp_model")
        self.model = self._cp.CpModel()
        self.instance = document["inputs"]["instance"]
        self.rows = {row["id"]: row for row in self.instance["applications"]}
        self.contracts: dict[tuple[str, int, int], Any] = {
            (row["id"], rank, start): self.model.new_bool_var("")
            for row in self.rows.values()
            for rank in range(len(row["sites"]))
            for start in range(row["first_start"], row["last_start"] + 1)
        }
        self._capacity()
        self._interference()
        self.placed = {name: self.model.new_bool_var("") for name in self.rows}
        for name, placed in self.placed.items():
            self.model.add(sum(self._of(name)) == placed)
        self.missing: list[Any] = []
        self._demands(self.instance.get("demands") or {"limits": [], "budget": None})
        for _, name in document["findings"]["guaranteed"]:
            self.model.add(self.placed[name] == 1)

    def _of(self, name: str) -> list[Any]:
        return [variable for (whose, _, _), variable in self.contracts.items() if whose == name]

    def _site(self, key: tuple[str, int, int]) -> str:
        site: str = self.rows[key[0]]["sites"][key[1]]
        return site

    def _weeks(self, key: tuple[str, int, int]) -> range:
        return range(key[2], key[2] + self.rows[key[0]]["duration"])

    def _capacity(self) -> None:
        for site in self.instance["sites"]:
            here = [key for key in self.contracts if self._site(key) == site["id"]]
            for week, amounts in enumerate(site["capacity"]):
                for index, amount in enumerate(amounts):
                    needs = [self.rows[key[0]]["needs"][index] * self.contracts[key] for key in here
                             if week in self._weeks(key)]  # fmt: skip
                    self.model.add(sum(needs) <= amount)

    def _interference(self) -> None:
        separation = {band["id"]: band["separation_cm"] for band in self.instance["bands"]}
        distance = {frozenset(pair[:2]): pair[2] for pair in self.instance["near"]}
        for one, other in itertools.combinations(self.contracts, 2):
            band = self.rows[one[0]]["band"]
            if one[0] == other[0] or band is None or band != self.rows[other[0]]["band"]:
                continue
            here, there = self._site(one), self._site(other)
            close = here == there or distance.get(frozenset((here, there)), separation[band]) < separation[band]
            if close and set(self._weeks(one)) & set(self._weeks(other)):
                self.model.add(self.contracts[one] + self.contracts[other] <= 1)

    def _demands(self, demands: Any) -> None:
        towns = {site["id"]: site.get("municipality") for site in self.instance["sites"]}
        for limit in demands["limits"]:
            counted = [
                variable
                for key, variable in self.contracts.items()
                if limit["key"] == (towns[self._site(key)] if limit["kind"] == "municipality"
                                    else self.rows[key[0]].get(limit["kind"]))
            ]  # fmt: skip
            if limit["most"] is not None:
                self.model.add(sum(counted) <= limit["most"])
            if limit["least"]:
                self.missing.append(self.model.new_int_var(0, limit["least"], ""))
                self.model.add(sum(counted) + self.missing[-1] >= limit["least"])
        if demands["budget"] is not None:
            costs = [row.get("cost", 0) * self.placed[name] for name, row in self.rows.items()]
            self.model.add(sum(costs) <= demands["budget"])
        for group in {row["group"] for row in self.rows.values() if "group" in row}:
            members = [self.placed[name] for name, row in self.rows.items() if row.get("group") == group]
            for member in members[1:]:
                self.model.add(member == members[0])

    def stages(self) -> dict[str, int]:
        """The best value of each stage with the earlier ones at theirs. Raises ``RuntimeError`` without a proof."""
        score = {key: self.rows[key[0]]["scores"][key[1]] for key in self.contracts}
        objectives = [
            ("quotas", 1, sum(self.missing)),
            ("scores", -1, sum(score[key] * variable for key, variable in self.contracts.items())),
            ("placed", -1, sum(variable for key, variable in self.contracts.items() if not score[key])),
            ("ranks", 1, sum((key[1] + 1) * variable for key, variable in self.contracts.items())),
            ("starts", 1, sum(key[2] * variable for key, variable in self.contracts.items())),
        ]
        found = {}
        for name, sign, value in objectives:
            self.model.minimize(sign * value)
            solver = self._cp.CpSolver()
            solver.parameters.num_workers, solver.parameters.linearization_level = 1, 2
            solver.parameters.max_time_in_seconds = SECONDS
            status = solver.solve(self.model)
            if status != self._cp.OPTIMAL:
                raise RuntimeError(f"{name}: {solver.status_name(status)}")
            found[name] = sign * round(solver.objective_value)
            self.model.add(value == found[name])
        return found


if __name__ == "__main__":
    json.dump([Model(document).stages() for document in json.load(sys.stdin)], sys.stdout)
