"""What `fair` and `optimal` each promise beyond feasibility."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from gops.testbed.allocation.verify import turns
from gops.testbed.allocation.verify.standing import Claim, Standing


def claims(standing: Standing) -> dict[int, Claim]:
    """By site, who is next in line: the first that would rather be there, could be there alone, and is not."""
    found: dict[int, Claim] = {}
    for row in standing.rows:
        tie, better = turns.tie(standing.seed, row["id"]), standing.rank(row)
        for name, score, fits in zip(row["sites"][:better], row["scores"], standing.eligible[row["id"]], strict=False):
            site = standing.ground.number[name]
            if fits and (site not in found or (-score, tie) < found[site][0]):
                found[site] = ((-score, tie), row)
    return found


def fair(standing: Standing, next_in_line: dict[int, Claim]) -> None:
    """No justified envy; and nobody who is next in line would fit."""
    for row in standing.rows:
        index, site, _ = standing.stated[row["id"]]
        if site in next_in_line and row["id"] not in standing.guaranteed:
            own = (-row["scores"][standing.rank(row)], turns.tie(standing.seed, row["id"]))
            key, other = next_in_line[site]
            if key < own:
                found = f"{row['id']} at {standing.ground.names[site]}, score {-own[0]}"
                standing.findings.add("envy", f"outcome[{index}]", found, f"{other['id']} there, score {-key[0]}")
    for site, (_, row) in sorted(next_in_line.items(), key=lambda item: item[0]):
        start = standing.fits(row, site)
        if start is not None:
            index = standing.stated[row["id"]][0]
            free = f"{standing.ground.names[site]} from week {start}, which is free for the next in line"
            standing.findings.add("better_free", f"outcome[{index}]", f"{row['id']} elsewhere or refused", free)


def optimal(standing: Standing, proof: Any, fairness: str) -> None:
    _groups(standing)
    values = _values(standing)
    names = [name for name in ("quotas", "scores", "placed", "ranks", "starts") if name in values]
    if [stage["name"] for stage in proof["stages"]] != names:
        standing.findings.add("proof", "findings.proof.stages", [row["name"] for row in proof["stages"]], names)
        return
    for index, stage in enumerate(proof["stages"]):
        place, value = f"findings.proof.stages[{index}]", values[stage["name"]]
        if stage["value"] != value:
            standing.findings.add("proof", f"{place}.value", stage["value"], f"{value}, that of this outcome")
        beyond = stage["bound"] is not None and (
            stage["bound"] < value if stage["name"] in ("scores", "placed") else stage["bound"] > value
        )
        if beyond:
            standing.findings.add("proof", f"{place}.bound", stage["bound"], f"a bound that {value} keeps")
    if "limited_by" in proof and all(stage["value"] == stage["bound"] for stage in proof["stages"]):
        standing.findings.add("proof", "findings.proof.limited_by", proof["limited_by"], "nothing: all is proven")
    if (proof["price"] is None) != (fairness == "none"):
        standing.findings.add("proof", "findings.proof.price", proof["price"], f"that of fairness {fairness}")
    if fairness == "resource":
        _equal(standing)


def _groups(standing: Standing) -> None:
    members = defaultdict(list)
    for row in standing.rows:
        if "group" in row:
            members[row["group"]].append(row)
    for group, rows in sorted(members.items()):
        placed = [row["id"] for row in rows if standing.stated[row["id"]][1] is not None]
        if 0 < len(placed) < len(rows):
            index = standing.stated[placed[0]][0]
            standing.findings.add("group", f"outcome[{index}]", f"{len(placed)} of {group}", f"{len(rows)} or none")


def _values(standing: Standing) -> dict[str, int]:
    """What the stages count, added up from the outcome."""
    tally = standing.ground.tally
    placed = [row for row in standing.rows if standing.stated[row["id"]][1] is not None]
    values = {
        "scores": sum(row["scores"][standing.rank(row)] for row in placed),
        "ranks": sum(standing.rank(row) + 1 for row in placed),
        "starts": sum(standing.stated[row["id"]][2] for row in placed),
    }
    if tally.least:
        values["quotas"] = sum(max(0, least - len(tally.members(*key))) for key, least in tally.least.items())
    if _has_worthless_contract(standing):
        values["placed"] = sum(row["scores"][standing.rank(row)] == 0 for row in placed)
    return values


def _has_worthless_contract(standing: Standing) -> bool:
    """Whether somebody with a score of 0 at a site could stand there alone."""
    return any(
        score == 0 and fits
        for row in standing.rows
        for score, fits in zip(row["scores"], standing.eligible[row["id"]], strict=True)
    )


def _equal(standing: Standing) -> None:
    """Nobody is refused while a lower score holds what it could take; promised places are nobody's."""
    ground = standing.ground
    at_site = defaultdict(list)
    for row in standing.rows:
        site = standing.stated[row["id"]][1]
        if site is not None and row["id"] not in standing.guaranteed:
            at_site[site].append(row)
    for row in standing.rows:
        if standing.stated[row["id"]][1] is not None or "group" in row:
            continue
        for name, score in zip(row["sites"], row["scores"], strict=True):
            site = ground.number[name]
            for other in [other for other in at_site[site] if other["scores"][standing.rank(other)] < score]:
                index, _, start = standing.stated[other["id"]]
                ground.lift(other, site, start)
                free = ground.first(row, site)
                ground.put(other, site, start)
                if free is not None:
                    expected = f"{row['id']}, score {score}, which would fit from week {free}"
                    standing.findings.add("unfair", f"outcome[{index}]", f"{other['id']} at {name}", expected)
