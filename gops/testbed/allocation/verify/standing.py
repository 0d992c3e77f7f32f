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
from gops.testbed.allocation.verify.alone import Alone
from gops.testbed.allocation.verify.finding import Findings
from gops.testbed.allocation.verify.ground import Grid, Ground, good_starts
from gops.testbed.allocation.verify.refusing import Ask, ask, told

Stated = dict[str, tuple[int, int | None, int]]
Claim = tuple[tuple[int, bytes], Any]
"""(-score, tie) at a site, and the application."""


class Standing:
    def __init__(self, document: Any, stated: Stated, eligible: Alone, findings: Findings) -> None:
        self.instance = document["inputs"]["instance"]
        self.seed = bytes.fromhex(document["inputs"]["seed"]["seed"])
        self.stated = stated
        self.eligible = eligible
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


def refusals(
    standing: Standing, said: dict[str, tuple[int, Any]], claims: dict[int, Claim] | None
) -> Iterator[tuple[int, Any, Any]]:
    """(place, stated, true) of every refusal. ``claims``: under ``fair``, who is next in line at each site."""
    queue = None if claims is None else Queue(claims, len(standing.ground.names))
    asks = []
    for row in standing.rows:
        if standing.stated[row["id"]][1] is not None:
            continue
        if row["id"] in said:
            asks.append(_alone_or_joint(standing, row) if queue is None else _by_numbers(standing, row, queue))
        else:
            expected = "a refusal of every application not placed"
            standing.findings.add("refusal", "refusals", f"none of {row['id']}", expected)
    lowest = _lowest(standing)
    for one, true in zip(asks, told(standing.ground, asks), strict=True):
        if queue is None:
            _join(standing, one, true)
        else:
            _number(standing, one, true, queue, lowest)
        yield (*said[one.row["id"]], true)


def _good(ground: Ground, row: Any) -> Grid:
    span = slice(row["first_start"], row["last_start"] + ground.shift_max + row["duration"])
    return good_starts(ground.bad(row, span, None), row["duration"])


def _alone_or_joint(standing: Standing, row: Any) -> Ask:
    ground = standing.ground
    sites = [ground.number[name] for name in row["sites"]]
    if "group" in row:
        return ask(ground, row, sites, None)
    good = _good(ground, row)
    fits = good[: row["last_start"] + 1 - row["first_start"]].take(sites, axis=1).any(axis=0)
    if fits.any():
        free = f"{row['sites'][int(fits.argmax())]}, which still has room"
        place = f"outcome[{standing.stated[row['id']][0]}]"
        standing.findings.add("better_free", place, f"{row['id']} refused", free)
    return ask(ground, row, sites, good)


def _join(standing: Standing, one: Ask, true: Any) -> None:
    """Where a member of a group would fit itself, the others are what lacked."""
    if "group" not in one.row:
        return
    others = [row["id"] for row in standing.instance["applications"]
              if row.get("group") == one.row["group"] and row is not one.row]  # fmt: skip
    for reason, site in zip(true["sites"], one.sites, strict=True):
        if standing.ground.first(one.row, site) is not None:
            reason["lacks"].append({"holders": others, "weeks": [], "what": "group"})


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
        scores, lowest = row["scores"], min(row["scores"])
        may: Grid = self.number >= bisect_left(self.keys, (-lowest, tie))
        for site, score in zip(sites, scores, strict=True):
            if score != lowest:
                may[site] = self.number[site] >= bisect_left(self.keys, (-score, tie))
        return may

    def before(self, row: Any, site: int, key: tuple[int, bytes]) -> list[Any]:
        if site not in self.claims or self.claims[site][1] is row or key < self.claims[site][0]:
            return []
        return [{"holders": [self.claims[site][1]["id"]], "weeks": [], "what": "cutoff"}]


def _by_numbers(standing: Standing, row: Any, queue: Queue) -> Ask:
    ground = standing.ground
    sites = [ground.number[name] for name in row["sites"]]
    may = queue.may(row, sites, turns.tie(standing.seed, row["id"]))
    return ask(ground, row, sites, _good(ground, row), may) if may.any() else ask(ground, row, sites, None)


def _number(standing: Standing, one: Ask, true: Any, queue: Queue, lowest: dict[int, int]) -> None:
    """Its score at every site, the cutoff there, and who stands before it."""
    tie = turns.tie(standing.seed, one.row["id"])
    for reason, site, score in zip(true["sites"], one.sites, one.row["scores"], strict=True):
        reason["cutoff"], reason["score"] = lowest.get(site), score
        reason["lacks"] += queue.before(one.row, site, (-score, tie))


def _lowest(standing: Standing) -> dict[int, int]:
    """By site the lowest score that has a place there without a share."""
    found: dict[int, int] = {}
    for row in standing.rows:
        site = standing.stated[row["id"]][1]
        if site is not None and row["id"] not in standing.guaranteed:
            score = row["scores"][standing.rank(row)]
            found[site] = min(score, found.get(site, score))
    return found
