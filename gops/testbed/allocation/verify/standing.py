"""Rounds that are judged as all stand in the end: `fair` and `optimal`.

Both: every contract is one that was asked for and all fit together; shares gave what they had to; nobody alone was
refused what still fits; the reasons are true. ``fair``: nobody stands before another in the line of a site that the
other has, and who is next in line does not fit. ``optimal``: groups whole, the values of the stages those of this
outcome, none beyond its stated bound, and under fairness `resource` no lower score where a higher would fit instead.
That a bound holds for all outcomes cannot be checked without solving the programme again: it is a claim.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import Any

import numpy as np

from gops.testbed.allocation.verify import turns
from gops.testbed.allocation.verify.finding import Findings
from gops.testbed.allocation.verify.ground import Grid, Ground, good_starts
from gops.testbed.allocation.verify.refusing import reasons, refusal

Stated = dict[str, tuple[int, int | None, int]]
Claim = tuple[tuple[int, bytes], Any]
"""(-score, tie) at a site, and the application."""


class Standing:
    def __init__(self, document: Any, stated: Stated, findings: Findings) -> None:
        self.instance = document["inputs"]["instance"]
        self.seed = bytes.fromhex(document["inputs"]["seed"]["seed"])
        self.stated = stated
        self.findings = findings
        self.ground = Ground(self.instance)
        self.rows = turns.by_score([row for row in self.instance["applications"] if row["id"] in stated], self.seed)
        self.guaranteed = {name for _, name in document["findings"]["guaranteed"]}
        for row in self.rows:
            self._put(row)
        self._shares(document["findings"]["guaranteed"])

    def rank(self, row: Any) -> int:
        """Of the place it has; behind the last where it has none."""
        site = self.stated[row["id"]][1]
        return len(row["sites"]) if site is None else row["sites"].index(self.ground.names[site])

    def fits(self, row: Any, site: int) -> int | None:
        """The earliest start there, with its own place given up."""
        _, own, start = self.stated[row["id"]]
        if own is None:
            return self.ground.first(row, site)
        self.ground.lift(row, own, start)
        found = self.ground.first(row, site)
        self.ground.put(row, own, start)
        return found

    def _put(self, row: Any) -> None:
        index, site, start = self.stated[row["id"]]
        if site is None:
            return
        place, name = f"outcome[{index}]", self.ground.names[site]
        if name not in row["sites"]:
            self.findings.add("outcome", place, name, f"a site that {row['id']} ranked")
        elif not row["first_start"] <= start <= row["last_start"]:
            self.findings.add("outcome", place, start, f"a start from {row['first_start']} to {row['last_start']}")
        elif self.ground.bad(row, slice(start, start + row["duration"]), np.array([site])).any():
            found = f"{row['id']} at {name} from week {start}"
            self.findings.add("infeasible", place, found, "a contract that is feasible")
        else:
            self.ground.put(row, site, start)
            return
        self.stated[row["id"]] = (index, None, 0)

    def _shares(self, stated: Any) -> None:
        true, ranks = turns.promised(self.instance, self.seed)
        if stated != true:
            self.findings.add("guaranteed", "findings.guaranteed", stated, true)
        for row in self.rows:
            if row["id"] in ranks and self.stated[row["id"]][1] is None:
                place = f"outcome[{self.stated[row['id']][0]}]"
                self.findings.add("guaranteed", place, f"{row['id']} refused", "a place, which a share promised")


def refusals(standing: Standing, told: dict[str, tuple[int, Any]], claims: dict[int, Claim] | None) -> Iterator[Any]:
    """(place, stated, true) of every refusal. ``claims``: under ``fair``, who is next in line at each site."""
    lowest = _lowest(standing)
    queue = None if claims is None else Queue(claims, len(standing.ground.names))
    for row in standing.rows:
        if standing.stated[row["id"]][1] is not None:
            continue
        if row["id"] not in told:
            expected = "a refusal of every application not placed"
            standing.findings.add("refusal", "refusals", f"none of {row['id']}", expected)
            continue
        at, stated = told[row["id"]]
        true = _alone_or_joint(standing, row) if queue is None else _by_numbers(standing, row, queue, lowest)
        yield f"refusals[{at}]", stated, true


def _good(ground: Ground, row: Any) -> Grid:
    span = slice(row["first_start"], row["last_start"] + ground.shift_max + row["duration"])
    return good_starts(ground.bad(row, span, None), row["duration"])


def _sites(ground: Ground, row: Any) -> Grid:
    return np.array([ground.number[name] for name in row["sites"]])


def _alone_or_joint(standing: Standing, row: Any) -> Any:
    ground = standing.ground
    sites, good = _sites(ground, row), _good(ground, row)
    in_window = good[: row["last_start"] + 1 - row["first_start"], sites]
    fits = [bool(column.any()) for column in in_window.T]
    if "group" not in row:
        if any(fits):
            free = f"{row['sites'][fits.index(True)]}, which still has room"
            standing.findings.add(
                "better_free", f"outcome[{standing.stated[row['id']][0]}]", f"{row['id']} refused", free
            )
        return refusal(ground, row, sites, good)
    made = refusal(ground, row, sites, good, np.zeros(len(ground.names), bool))
    others = [other["id"] for other in standing.instance["applications"]
              if other.get("group") == row["group"] and other is not row]  # fmt: skip
    for reason, fit in zip(made["sites"], fits, strict=True):
        if fit:
            reason["lacks"].append({"holders": others, "weeks": [], "what": "group"})
    return made


class Queue:
    """Who is next in line at each site; ``number[site]`` orders them by their keys, the last for nobody."""

    def __init__(self, claims: dict[int, Claim], sites: int) -> None:
        self.claims = claims
        self.keys = sorted(key for key, _ in claims.values())
        self.number = np.full(sites, len(self.keys))
        for site, (key, _) in claims.items():
            self.number[site] = bisect_left(self.keys, key)

    def may(self, row: Any, sites: list[int], tie: bytes) -> Grid:
        """Sites where nobody stands before it; where it was not ranked by its lowest score."""
        may: Grid = self.number >= bisect_left(self.keys, (-min(row["scores"]), tie))
        for site, score in zip(sites, row["scores"], strict=True):
            may[site] = self.number[site] >= bisect_left(self.keys, (-score, tie))
        return may

    def before(self, row: Any, site: int, key: tuple[int, bytes]) -> list[Any]:
        if site not in self.claims or self.claims[site][1] is row or key < self.claims[site][0]:
            return []
        return [{"holders": [self.claims[site][1]["id"]], "weeks": [], "what": "cutoff"}]


def _by_numbers(standing: Standing, row: Any, queue: Queue, lowest: dict[int, int]) -> Any:
    ground, tie = standing.ground, turns.tie(standing.seed, row["id"])
    sites = _sites(ground, row)
    may = queue.may(row, sites.tolist(), tie)
    made = {"application": row["id"], "changes": [], "sites": reasons(ground, row, sites)}
    if may.any():
        made = refusal(ground, row, sites, _good(ground, row), may)
    for reason, site, score in zip(made["sites"], sites.tolist(), row["scores"], strict=True):
        reason |= {"cutoff": lowest.get(site), "score": score}
        reason["lacks"] += queue.before(row, site, (-score, tie))
    return made


def _lowest(standing: Standing) -> dict[int, int]:
    """By site the lowest score that has a place there without a share."""
    found: dict[int, int] = {}
    for row in standing.rows:
        site = standing.stated[row["id"]][1]
        if site is not None and row["id"] not in standing.guaranteed:
            score = row["scores"][standing.rank(row)]
            found[site] = min(score, found.get(site, score))
    return found
