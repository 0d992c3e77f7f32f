"""What holds of `fair` and `optimal`, of shares, limits and a budget, for any instance; all judged by the verifier."""

from __future__ import annotations

import importlib
import itertools
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gops.testbed.allocation import choice, fair, roundfile
from gops.testbed.allocation.checking import check
from gops.testbed.allocation.choice import Choice
from gops.testbed.allocation.instance import Application, Demands, Instance, Limit, Near, Share, Site, arranged
from gops.testbed.allocation.ties import tie
from gops.testbed.allocation.verify import verify
from tests.proof import needed
from tests.properties.test_allocation import contracts, feasible, instances
from tests.unit.testbed.instances import MONDAY, SEED, application, instance, places, site

CHOICES = (Choice("ranked"), Choice("fair"), Choice("optimal"), Choice("optimal", "resource"))
LABELS = ("small", "unusual")


@st.composite
def demanding(draw: st.DrawFn, mechanism: str, most: int = 7) -> Instance:
    """As ``instances``, with everything that a call may ask of this mechanism."""
    plain = draw(instances(most))
    joint = mechanism == "optimal"
    rows = [draw(marked(row, index, joint, mechanism != "ranked")) for index, row in enumerate(plain.applications)]
    groups = [row.group for row in rows]
    rows = [replace(row, group=None) if groups.count(row.group) < 2 else row for row in rows]
    limits = [
        Limit(kind, key, draw(st.integers(0, 1)) if joint else 0, draw(st.sampled_from((None, 1, 2))))
        for kind, key in (("theme", "green"), ("company", "robots"), ("municipality", "suwon"))
        if draw(st.booleans())
    ]
    shares = [Share(label, draw(st.integers(1, 2)), by) for label, by in zip(LABELS, ("score", "lot"), strict=True)
              if draw(st.booleans())]  # fmt: skip
    sites = [replace(row, municipality=draw(st.sampled_from((None, "suwon")))) for row in plain.sites]
    demands = Demands(tuple(limits), tuple(shares), draw(st.sampled_from((None, 4, 8))))
    return check(arranged(MONDAY, plain.weeks, plain.resources, sites, rows, plain.bands, plain.near, plain.shift_max,
                          demands))  # fmt: skip


@st.composite
def marked(draw: st.DrawFn, row: Application, index: int, joint: bool, municipal: bool) -> Application:
    return replace(
        row,
        scores=tuple(draw(st.integers(0, 4)) for _ in row.sites) if municipal else row.scores,
        company=draw(st.sampled_from((None, "robots"))),
        theme=draw(st.sampled_from(("green", "blue"))),
        group="pair" if joint and index < 2 and draw(st.booleans()) else None,
        cost=draw(st.integers(0, 4)),
        labels=tuple(label for label in LABELS if draw(st.booleans())),
    )


def written(made: Instance, chosen: Choice) -> bytes:
    return roundfile.write(made, SEED, chosen, choice.allocate(chosen, made, SEED.seed, 20))


@pytest.mark.parametrize("chosen", CHOICES, ids=lambda chosen: f"{chosen.name}-{chosen.fairness}")
@settings(deadline=None, max_examples=21)
@given(data=st.data())
def test_every_round_of_every_mechanism_is_true_and_permuted_the_same(chosen: Choice, data: st.DataObject) -> None:
    made = data.draw(demanding(chosen.name))
    first = written(made, chosen)
    report = verify(first)
    assert report.is_true, [str(finding) for finding in report.findings]
    parts = {name: data.draw(st.permutations(getattr(made, name))) for name in ("sites", "applications", "near")}
    parts["near"] = [Near(pair.second, pair.first, pair.distance_cm) for pair in parts["near"]]
    other = arranged(made.first_week, made.weeks, made.resources, **parts, bands=made.bands, shift_max=made.shift_max,
                     demands=made.demands)  # fmt: skip
    assert written(other, chosen) == first


@pytest.mark.parametrize("chosen", CHOICES[1:3], ids=lambda chosen: chosen.name)
@settings(deadline=None, max_examples=21)
@given(data=st.data())
def test_any_single_change_of_a_value_is_found(chosen: Choice, data: st.DataObject) -> None:
    document = orjson.loads(written(data.draw(demanding(chosen.name, 4)), chosen))
    parent, key = data.draw(st.sampled_from(_leaves(document)))
    old = parent[key]
    parent[key] = old + 1 if isinstance(old, int) else None if old is not None else 7
    assert not verify(roundfile.canonical(document)).is_true


def _leaves(value: Any) -> list[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    found: list[tuple[Any, Any]] = []
    for key, inner in items:
        found += _leaves(inner) if isinstance(inner, dict | list) else [(value, key)]
    return found


@settings(deadline=None, max_examples=45)
@given(instances(), st.data())
def test_fair_leaves_nobody_in_envy_of_a_lower_score(made: Instance, data: st.DataObject) -> None:
    """By the words of the definition alone; also of equal scores the smaller tie comes first."""
    rows = [replace(row, scores=tuple(data.draw(st.integers(0, 4)) for _ in row.sites)) for row in made.applications]
    made = replace(made, applications=tuple(rows))
    result = fair.allocate(made, SEED.seed)
    found = places(result)
    assert feasible(made, [(row, *found[row.id]) for row in rows if row.id in found])
    for one, other in itertools.permutations(rows, 2):
        if other.id not in found:
            continue
        where = found[other.id][0]
        wants = where in one.sites and (
            one.id not in found or one.sites.index(where) < one.sites.index(found[one.id][0])
        )
        alone = any(feasible(made, [(one, *contract)]) for contract in contracts(one) if contract[0] == where)
        if wants and alone:
            assert _line(one, where) > _line(other, where)


def _line(row: Application, where: str) -> tuple[int, bytes]:
    return -row.scores[row.sites.index(where)], tie(SEED.seed, row.id)


@settings(deadline=None, max_examples=45)
@given(st.data())
def test_where_each_takes_one_unit_fair_is_deferred_acceptance(data: st.DataObject) -> None:
    """Against the package `matching`: hospitals with capacities, applications as residents that propose."""
    needed("matching")
    games: Any = importlib.import_module("matching.games")
    names = "XYZ"[: data.draw(st.integers(1, 3))]
    sites = [Site(name, ((data.draw(st.integers(1, 2)),),)) for name in names]
    people = [f"p{number}" for number in range(data.draw(st.integers(1, 6)))]
    ranks = {one: data.draw(st.lists(st.sampled_from(names), min_size=1, unique=True)) for one in people}
    scores = {name: dict(zip(data.draw(st.permutations(people)), itertools.count(1), strict=False)) for name in names}
    rows = [Application(one, (1,), 1, 0, 0, tuple(ranks[one]), tuple(scores[name][one] for name in ranks[one]))
            for one in people]  # fmt: skip
    made = check(arranged(MONDAY, 1, ("units",), sites, rows))
    asked = {name: [one for one in sorted(people, key=lambda one: -scores[name][one]) if name in ranks[one]]
             for name in names}  # fmt: skip
    wanted = {row.id: row.capacity[0][0] for row in sites if asked[row.id]}
    game = games.HospitalResident.create_from_dictionaries(
        ranks, {name: line for name, line in asked.items() if line}, wanted
    )
    solved = {resident.name: hospital.name for hospital, there in game.solve("resident").items() for resident in there}
    assert {name: where for name, (where, _) in places(fair.allocate(made, SEED.seed)).items()} == solved


@settings(deadline=None, max_examples=20)
@given(demanding("ranked", 4))
def test_under_ranked_no_other_list_of_sites_is_better_whatever_the_call_asks(made: Instance) -> None:
    """Strategy-proof also with shares, limits and a budget: nothing that one ranks changes anybody's turn."""
    truth = places(choice.allocate(CHOICES[0], made, SEED.seed))
    for row in made.applications:
        mine = contracts(row)
        honest = mine.index(truth[row.id]) if row.id in truth else len(mine)
        for size in range(1, len(row.sites) + 1):
            for lie in itertools.permutations(row.sites, size):
                told = replace(row, sites=lie, scores=(row.scores[0],) * size)
                lied = replace(made, applications=tuple(told if one is row else one for one in made.applications))
                found = places(choice.allocate(CHOICES[0], lied, SEED.seed)).get(row.id)
                assert found is None or mine.index(found) >= honest


def test_removing_an_application_may_place_no_more_than_before_but_stays_feasible() -> None:
    """Of crowded instances each, every application in turn."""
    rows = [application(name, [need], where, score) for name, need, where, score in
            (("a", 6, "XY", 90), ("b", 6, "YX", 80), ("c", 4, "XY", 70), ("d", 9, "X", 60))]  # fmt: skip
    for chosen, gone in itertools.product(CHOICES, rows):
        fewer = instance([site("X", 10), site("Y", 7)], [row for row in rows if row is not gone])
        assert verify(written(fewer, chosen)).is_true
