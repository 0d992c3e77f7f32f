"""The mechanism ``optimal``: against every outcome there is, where there are few."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from gops.testbed.allocation import optimal, roundfile
from gops.testbed.allocation.checking import check
from gops.testbed.allocation.choice import Choice
from gops.testbed.allocation.instance import Application, Band, Demands, Instance, Limit, Near, Share, Site, arranged
from gops.testbed.allocation.occupancy import Occupancy
from gops.testbed.allocation.optimal import cliques
from gops.testbed.allocation.outcome import Allocation, Lack
from gops.testbed.allocation.verify import verify
from tests.unit.testbed.instances import MONDAY, SEED, application, instance, places, site

Outcome = dict[str, tuple[int, int]]
"""Rank and start of the placed."""


def allocated(made: Instance, fairness: Any = "none") -> Allocation:
    return optimal.allocate(made, SEED.seed, fairness, 20)


def outcomes(made: Instance, occupancy: Occupancy, left: list[Application], so_far: Outcome) -> Iterator[Outcome]:
    """Every one that is feasible, groups and limits of the least left aside."""
    if not left:
        yield dict(so_far)
        return
    application, rest = left[0], left[1:]
    yield from outcomes(made, occupancy, rest, so_far)
    for rank, name in enumerate(application.sites):
        where = made.site_index[name]
        for start in range(application.first_start, application.last_start + 1):
            one = Application(application.id, application.needs, application.duration, start, start,
                              application.sites, application.scores, application.band, application.company,
                              application.theme, application.group, application.cost)  # fmt: skip
            if occupancy.first_start(one, where) == start:
                occupancy.place(application, where, start)
                yield from outcomes(made, occupancy, rest, {**so_far, application.id: (rank, start)})
                occupancy.remove(application, where, start)


def best(made: Instance) -> tuple[int, ...]:
    """The least of (missing from lower quotas, -scores, -placed of score 0, ranks, starts) over all outcomes."""
    rows = {row.id: row for row in made.applications}
    groups = {row.group for row in made.applications if row.group}
    found = []
    for outcome in outcomes(made, Occupancy(made), list(made.applications), {}):
        joint = [{row.id in outcome for row in made.applications if row.group == group} for group in groups]
        if any(len(both) > 1 for both in joint):
            continue
        missing = sum(
            max(0, limit.least - sum(rows[name].theme == limit.key for name in outcome))
            for limit in made.demands.limits
        )
        scores = sum(rows[name].scores[rank] for name, (rank, _) in outcome.items())
        worthless = sum(rows[name].scores[rank] == 0 for name, (rank, _) in outcome.items())
        ranks = sum(rank + 1 for rank, _ in outcome.values())
        found.append((missing, -scores, -worthless, ranks, sum(start for _, start in outcome.values())))
    return min(found)


def crowded(seed: int) -> Instance:
    chance = random.Random(seed)
    names = ["X", "Y", "Z"][: chance.randint(1, 3)]
    sites = [Site(name, tuple((chance.randint(0, 5), chance.randint(1, 5)) for _ in range(4))) for name in names]
    rows = []
    for number in range(5):
        duration = chance.randint(1, 3)
        first = chance.randint(0, 4 - duration)
        last = min(first + chance.randint(0, 1), 4 - duration)
        ranked = tuple(chance.sample(names, chance.randint(1, len(names))))
        scores = tuple(chance.randint(0, 4) for _ in ranked)
        rows.append(
            Application(f"p{number}", (chance.randint(1, 4), chance.randint(0, 3)), duration, first, last, ranked,
                        scores, chance.choice((None, "b")), None, chance.choice(("green", "blue")),
                        "g" if number < 2 and seed % 3 == 0 else None, chance.randint(0, 3))
        )  # fmt: skip
    demands = Demands((Limit("theme", "green", seed % 2, 2),) if seed % 4 else (), (), 6 if seed % 5 == 0 else None)
    near = [Near("X", "Y", chance.choice((99, 100)))] if len(names) > 1 else []
    return check(arranged(MONDAY, 4, ("a", "b"), sites, rows, [Band("b", 100)], near, 2, demands))


@pytest.mark.parametrize("seed", range(12))
def test_every_stage_is_what_trying_everything_finds(seed: int) -> None:
    made = crowded(seed)
    result = allocated(made)
    assert result.proof is not None
    assert all(stage.is_proven for stage in result.proof.stages)
    got = {stage.name: stage.value for stage in result.proof.stages}
    found = (got.get("quotas", 0), -got["scores"], -got.get("placed", 0), got["ranks"], got["starts"])
    assert found == best(made)


def test_the_three_pilots_of_the_papers_example_are_placed_for_the_most_together() -> None:
    rows = [application("a", [2], "X", 50), application("b", [1], "XY", 40), application("c", [1], "YX", 90)]
    assert places(allocated(instance([site("X", 2), site("Y", 1)], rows))) == {"a": ("X", 0), "c": ("Y", 0)}
    rows[0] = application("a", [2], "X", 30)
    assert places(allocated(instance([site("X", 2), site("Y", 1)], rows))) == {"b": ("X", 0), "c": ("Y", 0)}


def test_of_a_group_all_are_placed_or_none_and_the_refused_are_told() -> None:
    rows = [Application(name, (need,), 1, 0, 0, (where,), (score,), group=group) for name, need, where, score, group in
            (("a", 1, "X", 90, "g"), ("b", 9, "Y", 90, "g"), ("c", 1, "Y", 10, None))]  # fmt: skip
    result = allocated(instance([site("X", 1), site("Y", 2)], rows))
    assert places(result) == {"c": ("Y", 0)}
    told = {row.application: row for row in result.refusals}
    assert told["a"].sites[0].lacks == (Lack("group", (), ("b",)),)
    assert (told["a"].changes, told["b"].changes) == ((), ())


def test_a_lower_quota_comes_before_scores() -> None:
    rows = [Application(name, (1,), 1, 0, 0, ("X",), (score,), theme=theme) for name, score, theme in
            (("a", 90, "blue"), ("b", 10, "green"))]  # fmt: skip
    made = instance([site("X", 1)], rows, demands=Demands((Limit("theme", "green", 1),)))
    result = allocated(made)
    assert places(result) == {"b": ("X", 0)}
    assert allocated(made, "resource").placements[0].application == "a"


def test_the_price_of_fairness_is_told() -> None:
    """Joint pilots worth 90 + 30 hold X; the single one worth 60 would fit if the member worth 30 made way."""
    rows = [Application("a", (1,), 1, 0, 0, ("Y",), (90,), group="g"),
            Application("b", (1,), 1, 0, 0, ("X",), (30,), group="g"),
            Application("c", (1,), 1, 0, 0, ("X",), (60,))]  # fmt: skip
    made = instance([site("X", 1), site("Y", 1)], rows)
    assert places(allocated(made)) == {"a": ("Y", 0), "b": ("X", 0)}
    fair = allocated(made, "resource")
    assert places(fair) == {"c": ("X", 0)}
    assert fair.proof is not None
    assert fair.proof.price == 60


def test_a_share_promises_a_place_to_the_best_of_its_label() -> None:
    rows = [application("a", [1], "X", 90), application("b", [1], "X", 80),
            Application("c", (1,), 1, 0, 0, ("X",), (10,), labels=("small",)),
            Application("d", (1,), 1, 0, 0, ("X",), (20,), labels=("small",))]  # fmt: skip
    result = allocated(instance([site("X", 2)], rows, demands=Demands(shares=(Share("small", 1),))))
    assert places(result) == {"a": ("X", 0), "d": ("X", 0)}


def test_no_application_and_no_room_are_no_error() -> None:
    assert allocated(instance([site("X", 1)], [])).placements == ()
    assert allocated(instance([site("X", 1)], [application("a", [2], "X")])).placements == ()


@pytest.mark.parametrize("seed", range(6))
def test_cliques_are_all_maximal_ones(seed: int) -> None:
    chance = random.Random(seed)
    near = {pair for pair in itertools.combinations(range(7), 2) if chance.random() < 0.5}
    reach = [[at, *[b if a == at else a for a, b in near if at in (a, b)]] for at in range(7)]

    def close(sites: tuple[int, ...]) -> bool:
        return all(pair in near for pair in itertools.combinations(sites, 2))

    every = [some for size in range(1, 8) for some in itertools.combinations(range(7), size) if close(some)]
    assert cliques.maximal(reach) == sorted(one for one in every if not any(set(one) < set(two) for two in every))


def test_fairness_holds_also_where_time_ends_before_it_was_proven() -> None:
    """Joint pilots worth 90 + 30 hold X; time ends before a row can forbid it, so the one worth 60 takes X at once."""
    rows = [Application("a", (1,), 1, 0, 0, ("Y",), (90,), group="g"),
            Application("b", (1,), 1, 0, 0, ("X",), (30,), group="g"),
            Application("c", (1,), 1, 0, 0, ("X",), (60,)),
            Application("d", (1,), 1, 0, 0, ("Y",), (10,))]  # fmt: skip
    made = instance([site("X", 1), site("Y", 1)], rows)
    result = optimal.allocate(made, SEED.seed, "resource", 0)
    assert places(result) == {"c": ("X", 0), "d": ("Y", 0)}
    assert result.proof is not None
    assert (result.proof.price, [stage.is_proven for stage in result.proof.stages]) == (50, [False] * 3)
    data = roundfile.write(made, SEED, Choice("optimal", "resource"), result)
    assert verify(data).is_true
    assert verify(data).is_by_clock
    assert orjson.loads(data)["findings"]["proof"]["limited_by"] == "clock"


def test_a_round_that_is_proven_names_no_clock() -> None:
    made = instance([site("X", 1)], [application("a", [1], "X", 90)])
    data = roundfile.write(made, SEED, Choice("optimal"), allocated(made))
    assert "limited_by" not in orjson.loads(data)["findings"]["proof"]
    assert not verify(data).is_by_clock
