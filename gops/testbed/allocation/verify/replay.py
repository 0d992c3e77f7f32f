"""The outcome against the inputs. ``ranked`` is replayed: turn by turn the stated outcome is feasible, nothing better
was free, every reason is true. The other mechanisms are judged as all stand in the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from gops.testbed.allocation.verify import hashes, judging, turns
from gops.testbed.allocation.verify.alone import Alone
from gops.testbed.allocation.verify.finding import Findings
from gops.testbed.allocation.verify.ground import Ground, good_starts
from gops.testbed.allocation.verify.refusing import Ask, ask, told
from gops.testbed.allocation.verify.standing import Standing, Stated, refusals


def check(document: Any, eligible: Alone, digest: str, findings: Findings) -> None:
    """``eligible``: where each could stand alone. ``digest``: of the refusals as they stand there."""
    instance = document["inputs"]["instance"]
    stated = _outcome(instance, document["outcome"], findings)
    said = _refusals(document["refusals"], stated, findings)
    if document["inputs"]["mechanism"]["id"] == "ranked":
        _same(_ranked(document, stated, said, findings), digest, len(document["refusals"]), findings)
        return
    standing = Standing(document, stated, eligible, findings)
    by_cutoffs = document["inputs"]["mechanism"]["id"] == "fair"
    next_in_line = judging.claims(standing) if by_cutoffs else None
    _same(refusals(standing, said, next_in_line), digest, len(document["refusals"]), findings)
    if next_in_line is not None:
        judging.fair(standing, next_in_line)
    else:
        judging.optimal(standing, document["findings"]["proof"], document["inputs"]["mechanism"]["fairness"])


def _same(judged: Iterable[tuple[int, Any, Any]], digest: str, count: int, findings: Findings) -> None:
    """Of each refusal its place, what is stated and what is true. Where all are true, one hash says so."""
    rows, trues = list(judged), [None] * count
    for at, _, true in rows:
        trues[at] = true
    if hashes.sha256(trues) != digest:
        for at, stated, true in rows:
            if stated != true:
                _compare(f"refusals[{at}]", stated, true, findings)


def _ranked(
    document: Any, stated: Stated, said: dict[str, tuple[int, Any]], findings: Findings
) -> Iterator[tuple[int, Any, Any]]:
    instance = document["inputs"]["instance"]
    ground, seen = Ground(instance), set()
    asks: list[Ask] = []
    seed = bytes.fromhex(document["inputs"]["seed"]["seed"])

    def turn(row: Any) -> bool:
        seen.add(row["id"])
        if row["id"] not in stated:
            return False
        index, site, start = stated[row["id"]]
        if site is None:
            asks.extend(_refused(ground, row, index, said, findings))
        else:
            _placed(ground, row, (index, site, start), findings)
        return site is not None

    promised = turns.shares(instance, seed, turn)
    for row in turns.by_score(instance["applications"], seed):
        if row["id"] not in seen:
            turn(row)
    if "findings" in document and document["findings"]["guaranteed"] != promised:
        findings.add("guaranteed", "findings.guaranteed", document["findings"]["guaranteed"], promised)
    for one, true in zip(asks, told(ground, asks), strict=True):
        yield (*said[one.row["id"]], true)


def _outcome(instance: Any, rows: list[Any], findings: Findings) -> dict[str, tuple[int, int | None, int]]:
    """By application: its place in the outcome, the site's number or None, the start."""
    sites = {site["id"]: index for index, site in enumerate(instance["sites"])}
    applications = instance["applications"]
    if len(rows) != len(applications):
        findings.add("outcome", "outcome", f"{len(rows)} rows", f"{len(applications)}, one of each application")
    stated: dict[str, tuple[int, int | None, int]] = {}
    for index, (row, application) in enumerate(zip(rows, applications, strict=False)):
        expected = f"[{application['id']}, a site or null, a start or null]"
        if type(row) is not list or len(row) != 3 or row[0] != application["id"]:
            findings.add("outcome", f"outcome[{index}]", row, expected)
        elif row[1] is None and row[2] is None:
            stated[row[0]] = (index, None, 0)
        elif type(row[1]) is str and row[1] in sites and type(row[2]) is int:
            stated[row[0]] = (index, sites[row[1]], row[2])
        else:
            findings.add("outcome", f"outcome[{index}]", row, expected)
    return stated


def _refusals(rows: list[Any], stated: Any, findings: Findings) -> dict[str, tuple[int, Any]]:
    """By application: its place among the refusals, and the refusal. Exactly the refused have one, in order."""
    told: dict[str, tuple[int, Any]] = {}
    last = ""
    for index, row in enumerate(rows):
        name = row.get("application") if type(row) is dict else None
        if type(name) is not str or name not in stated or stated[name][1] is not None or not last < name:
            findings.add("refusal", f"refusals[{index}]", name, "a refused application, each once, ascending")
            continue
        told[name], last = (index, row), name
    return told


def _placed(ground: Ground, row: Any, stated: tuple[int, int, int], findings: Findings) -> None:
    index, site, start = stated
    place, name = f"outcome[{index}]", ground.names[site]
    span = slice(row["first_start"], row["last_start"] + row["duration"])
    if name not in row["sites"]:
        findings.add("outcome", place, name, f"a site that {row['id']} ranked")
        return
    if not row["first_start"] <= start <= row["last_start"]:
        expected = f"a start from {row['first_start']} to {row['last_start']}"
        findings.add("outcome", place, start, expected)
        return
    ranked = row["sites"][: row["sites"].index(name) + 1]
    good = good_starts(ground.bad(row, span, np.array([ground.number[better] for better in ranked])), row["duration"])
    offset = start - row["first_start"]
    if not good[offset, -1]:
        findings.add("infeasible", place, f"{row['id']} at {name} from week {start}", "a contract that is feasible")
    better = [(rank, int(good[:, rank].argmax())) for rank in range(len(ranked)) if good[:, rank].any()]
    if better and better[0] < (len(ranked) - 1, offset):
        rank, week = better[0]
        free = f"{ranked[rank]} from week {row['first_start'] + week}, which was free and better"
        findings.add("better_free", place, f"{row['id']} at {name} from week {start}", free)
    ground.put(row, site, start)


def _refused(
    ground: Ground, row: Any, index: int, said: dict[str, tuple[int, Any]], findings: Findings
) -> Iterator[Ask]:
    """What its refusal must be judged by; nothing where it should not have been refused, or is told nothing."""
    sites = [ground.number[name] for name in row["sites"]]
    span = slice(row["first_start"], row["last_start"] + ground.shift_max + row["duration"])
    good = good_starts(ground.bad(row, span, None), row["duration"])
    ranked = good[: row["last_start"] + 1 - row["first_start"]].take(sites, axis=1)
    if ranked.any():
        rank = int(ranked.any(axis=0).argmax())
        week = row["first_start"] + int(ranked[:, rank].argmax())
        free = f"{row['sites'][rank]} from week {week}, which was free"
        findings.add("better_free", f"outcome[{index}]", f"{row['id']} refused", free)
    elif row["id"] not in said:
        findings.add("refusal", "refusals", f"none of {row['id']}", "a refusal of every application not placed")
    else:
        yield ask(ground, row, sites, good)


def _compare(place: str, stated: Any, true: Any, findings: Findings) -> None:
    """The innermost places at which two documents differ."""
    if type(stated) is dict and type(true) is dict and stated.keys() == true.keys():
        for key in true:
            _compare(f"{place}.{key}", stated[key], true[key], findings)
    elif type(stated) is list and type(true) is list and len(stated) == len(true):
        for index, (left, right) in enumerate(zip(stated, true, strict=True)):
            _compare(f"{place}[{index}]", left, right, findings)
    elif stated != true or type(stated) is not type(true):
        findings.add("untrue", place, stated, true)
