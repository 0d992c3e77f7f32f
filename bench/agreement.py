"""Agreement: small calls solved by `optimal` and by CP-SAT (OR-Tools); the optimal values must be equal in every stage.

Seeded calls of up to 12 applications with two resources, bands, joint pilots, limits above and below, a budget and
kept places. OR-Tools lives in an environment of its own and reads nothing but the round files.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from bench.matching import FIRST_WEEK, SEED
from gops.testbed.allocation import optimal, roundfile
from gops.testbed.allocation.checking import check
from gops.testbed.allocation.choice import Choice
from gops.testbed.allocation.instance import (
    Application,
    Band,
    Demands,
    Instance,
    Limit,
    Near,
    Share,
    Site,
    arranged,
)
from gops.testbed.allocation.verify import verify

PYTHON = Path(os.environ.get("GOPS_BENCH_ORTOOLS", "~/.cache/gops-ortools/bin/python")).expanduser()
WEEKS, ROUNDS, SECONDS = 8, 60, 600.0
BANDS = (Band("b920", 30_000), Band("lora", 60_000))


def instance(seed: int) -> Instance:
    """A crowded call: two to four sites, and of everything that a call may ask each by chance."""
    chance = random.Random(seed)
    sites = [_site(chance, f"s{number}") for number in range(chance.randint(2, 4))]
    names = [site.id for site in sites]
    rows = [_application(chance, number, names) for number in range(chance.randint(5, 12))]
    for number, group in enumerate(("pair", "trio")[: chance.randint(0, 2)]):
        members = range(number * 2, number * 2 + 2 + number)
        rows = [replace(row, group=group) if at in members else row for at, row in enumerate(rows)]
    near = [Near(*pair, chance.choice((0, 29_999, 30_000, 59_999, 60_000)))
            for pair in itertools.combinations(names, 2) if chance.random() < 0.6]  # fmt: skip
    return check(
        arranged(FIRST_WEEK, WEEKS, ("area_m2", "power_w"), sites, rows, BANDS, near, demands=_demands(chance))
    )


def _site(chance: random.Random, name: str) -> Site:
    amounts, closed = (chance.randint(8, 20), chance.randint(8, 20)), chance.randrange(-4, WEEKS)
    capacity = tuple((0, 0) if week == closed else amounts for week in range(WEEKS))
    return Site(name, capacity, chance.choice((None, "suwon", "ansan")))


def _application(chance: random.Random, number: int, names: Sequence[str]) -> Application:
    duration = chance.randint(1, 5)
    first = chance.randint(0, WEEKS - duration)
    ranks = tuple(chance.sample(names, chance.randint(1, len(names))))
    scores = tuple(chance.choice((0, 10, 40, 41, 90)) * 100 + chance.randint(0, 2) for _ in ranks)
    return Application(
        f"a{number:02}",
        (chance.randint(1, 12), chance.randint(0, 12)),
        duration,
        first,
        chance.randint(first, min(first + 3, WEEKS - duration)),
        ranks,
        tuple(score if score > 9 else 0 for score in scores),
        chance.choice((None, None, "b920", "lora")),
        company=chance.choice((None, "robots", "drones")),
        theme=chance.choice(("green", "blue")),
        cost=chance.randint(0, 5),
        labels=tuple(label for label in ("small", "unusual") if chance.random() < 0.3),
    )


def _demands(chance: random.Random) -> Demands:
    keys: Any = (("company", "robots"), ("municipality", "suwon"), ("theme", "green"))
    limits = [Limit(*key, *chance.choice(((0, None), (0, 2), (2, None), (3, 4), (0, 1)))) for key in keys]
    labels: Any = (("small", "score"), ("unusual", "lot"))
    shares = [Share(label, chance.randint(1, 2), by) for label, by in labels if chance.random() < 0.5]
    return Demands(tuple(limits), tuple(shares), chance.choice((None, 8, 15)))


def compared(seeds: Sequence[int]) -> list[tuple[int, Any, dict[str, int], dict[str, int]]]:
    """(seed, round file as a document, values of `optimal`, those of CP-SAT). Raises where a round is untrue, or one
    of the two has no proof."""
    rounds = [_round(seed) for seed in seeds]
    done = subprocess.run(
        [PYTHON, str(Path(__file__).with_name("_cpsat.py"))],
        input=json.dumps(rounds), capture_output=True, text=True, timeout=SECONDS,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return [
        (seed, document, {row["name"]: row["value"] for row in document["findings"]["proof"]["stages"]}, theirs)
        for seed, document, theirs in zip(seeds, rounds, json.loads(done.stdout), strict=True)
    ]


def _round(seed: int) -> Any:
    made = instance(seed)
    found = optimal.allocate(made, SEED.seed)
    assert found.proof is not None
    unproven = [stage.name for stage in found.proof.stages if not stage.is_proven]
    data = roundfile.write(made, SEED, Choice("optimal"), found)
    report = verify(data)
    if unproven or not report.is_true:
        raise RuntimeError(f"call {seed}: not proven: {unproven}; findings: {[str(row) for row in report.findings]}")
    return orjson.loads(data)


def differing(ours: dict[str, int], theirs: dict[str, int]) -> list[str]:
    """Stages whose values differ; a stage that `optimal` left out must be worth nothing."""
    return [name for name, value in theirs.items() if ours.get(name, 0) != value]


def main() -> int:
    """Exit status 1 when a value differs, 0 with a printed reason where OR-Tools is not there."""
    parser = argparse.ArgumentParser(prog="python -m bench.agreement", description=__doc__)
    parser.add_argument("--full", action="store_true", help="five times as many calls")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    if not PYTHON.exists():
        print(f"skipped: no interpreter with OR-Tools at {PYTHON} (GOPS_BENCH_ORTOOLS names another)")
        return 0
    began, count = time.process_time(), options.rounds * (5 if options.full else 1)
    found = compared(range(count))
    demands: Counter[str] = Counter()
    for _, document, ours, _ in found:
        rows, asked = document["inputs"]["instance"]["applications"], document["inputs"]["instance"]["demands"]
        demands["joint pilots"] += any("group" in row for row in rows)
        demands["caps"] += any(limit["most"] is not None for limit in asked["limits"])
        demands["lower quotas"] += any(limit["least"] for limit in asked["limits"])
        demands["lower quotas not met"] += bool(ours.get("quotas"))
        demands["kept places given"] += bool(document["findings"]["guaranteed"])
        demands["a budget"] += asked["budget"] is not None
        demands["worth nothing"] += "placed" in ours
    print(f"{count} calls, {sum(len(row[1]['outcome']) for row in found)} applications")
    print("of them with: " + ", ".join(f"{name} {number}" for name, number in demands.items()))
    print("stage    calls  equal")
    for stage in ("quotas", "scores", "placed", "ranks", "starts"):
        there = [row for row in found if stage in row[2]]
        print(f"{stage:7}  {len(there):5}  {sum(row[2][stage] == row[3][stage] for row in there):5}")
    wrong = [(seed, differing(ours, theirs)) for seed, _, ours, theirs in found if differing(ours, theirs)]
    for seed, stages in wrong:
        print(f"call {seed} DIFFERS in {', '.join(stages)}")
    print(f"processor time without CP-SAT's: {time.process_time() - began:.1f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
