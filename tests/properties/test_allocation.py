"""What holds of `ranked`, its reasons and its verifier for any instance."""

from __future__ import annotations

import itertools
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from gops.testbed.allocation import ranked, roundfile
from gops.testbed.allocation.checking import check
from gops.testbed.allocation.choice import RANKED
from gops.testbed.allocation.instance import Application, Band, Instance, Near, Site, arranged
from gops.testbed.allocation.outcome import Allocation, Change
from gops.testbed.allocation.verify import verify
from tests.unit.testbed.instances import MONDAY, SEED, places

WEEKS = 6
BANDS = (Band("one", 100), Band("two", 250))


@st.composite
def instances(draw: st.DrawFn, most: int = 8, resources: int = 2) -> Instance:
    """Crowded ones: up to four sites, six weeks, small capacities, two bands and distances about their separations."""
    names = [f"s{number}" for number in range(draw(st.integers(1, 4)))]
    amounts = st.tuples(*[st.integers(0, 6)] * resources)
    sites = [Site(name, tuple(draw(amounts) for _ in range(WEEKS))) for name in names]
    near = [
        Near(first, second, draw(st.sampled_from((0, 99, 100, 101, 249, 250))))
        for first, second in itertools.combinations(names, 2)
        if draw(st.booleans())
    ]
    applications = [draw(application(number, names, resources)) for number in range(draw(st.integers(0, most)))]
    words = [f"resource {number}" for number in range(resources)]
    return check(arranged(MONDAY, WEEKS, words, sites, applications, BANDS, near, draw(st.integers(0, 4))))


@st.composite
def application(draw: st.DrawFn, number: int, names: list[str], resources: int) -> Application:
    duration = draw(st.integers(1, 4))
    first = draw(st.integers(0, WEEKS - duration))
    last = draw(st.integers(first, WEEKS - duration))
    needs = draw(st.tuples(*[st.integers(0, 5)] * resources).filter(any))
    sites = draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
    band = draw(st.sampled_from((None, "one", "two")))
    score = draw(st.integers(0, 4))  # ties are common
    return Application(f"p{number}", needs, duration, first, last, tuple(sites), (score,) * len(sites), band)


def feasible(made: Instance, held: list[tuple[Application, str, int]]) -> bool:
    """By the words of the definition alone, week by week and pair by pair."""
    distance = {frozenset((pair.first, pair.second)): pair.distance_cm for pair in made.near}
    separation = {band.id: band.separation_cm for band in made.bands}
    for site, week in itertools.product(made.sites, range(made.weeks)):
        present = [row for row, where, start in held if where == site.id and start <= week < start + row.duration]
        for index in range(len(made.resources)):
            if sum(row.needs[index] for row in present) > site.capacity[week][index]:
                return False
    for (one, here, start), (other, there, since) in itertools.combinations(held, 2):
        overlap = start < since + other.duration and since < start + one.duration
        if overlap and one.band is not None and one.band == other.band:
            apart = 0 if here == there else distance.get(frozenset((here, there)))
            if here == there or (apart is not None and apart < separation[one.band]):
                return False
    return True


def contracts(row: Application) -> list[tuple[str, int]]:
    return [(site, start) for site in row.sites for start in range(row.first_start, row.last_start + 1)]


def by_id(made: Instance) -> dict[str, Application]:
    return {row.id: row for row in made.applications}


def held_before(made: Instance, result: Allocation, name: str) -> list[tuple[Application, str, int]]:
    """Who stood where when the turn came to ``name``."""
    found, rows = places(result), by_id(made)
    before = itertools.takewhile(lambda other: other != name, result.order)
    return [(rows[other], *found[other]) for other in before if other in found]


@settings(deadline=None)
@given(instances())
def test_the_outcome_is_feasible_and_within_every_window(made: Instance) -> None:
    result = ranked.allocate(made, SEED.seed)
    rows = by_id(made)
    assert feasible(made, [(rows[row.application], row.site, row.start) for row in result.placements])
    assert all((row.site, row.start) in contracts(rows[row.application]) for row in result.placements)
    assert sorted(rows) == sorted([row.application for row in (*result.placements, *result.refusals)])


@settings(deadline=None)
@given(instances())
def test_nothing_better_was_free_at_anybodys_turn(made: Instance) -> None:
    result = ranked.allocate(made, SEED.seed)
    found = places(result)
    for row in made.applications:
        before = held_before(made, result, row.id)
        free = [contract for contract in contracts(row) if feasible(made, [*before, (row, *contract)])]
        assert found.get(row.id) == (free[0] if free else None)


@settings(deadline=None)
@given(instances())
def test_the_reasons_are_what_lacked_and_who_held_it(made: Instance) -> None:
    result = ranked.allocate(made, SEED.seed)
    rows = by_id(made)
    for refusal in result.refusals:
        row, before = rows[refusal.application], held_before(made, result, refusal.application)
        assert [reason.site for reason in refusal.sites] == list(row.sites)
        for reason in refusal.sites:
            told = {lack.what: lack for lack in reason.lacks}
            for index, name in enumerate(made.resources):
                weeks, holders = _short(made, row, reason.site, before, index)
                assert _weeks(told.pop(name).weeks if name in told else ()) == weeks
                assert _named(reason, name) == holders
            assert set(told) <= {"band"}


def _short(made: Instance, row: Application, site: str, before: Any, index: int) -> tuple[set[int], list[str]]:
    capacity = made.sites[made.site_index[site]].capacity
    here = [(other, start) for other, where, start in before if where == site and other.needs[index]]
    short = set()
    for week in range(row.first_start, row.last_start + row.duration):
        used = sum(other.needs[index] for other, start in here if start <= week < start + other.duration)
        if row.needs[index] and capacity[week][index] - used < row.needs[index]:
            short.add(week)
    return short, [other.id for other, start in here if short & set(range(start, start + other.duration))]


def _weeks(spans: Any) -> set[int]:
    return {week for since, until in spans for week in range(since, until)}


def _named(reason: Any, what: str) -> list[str]:
    return [name for lack in reason.lacks if lack.what == what for name in lack.holders]


@settings(deadline=None)
@given(instances())
def test_the_nearest_changes_are_true_and_least(made: Instance) -> None:
    result = ranked.allocate(made, SEED.seed)
    rows = by_id(made)
    for refusal in result.refusals:
        row, before = rows[refusal.application], held_before(made, result, refusal.application)
        assert list(refusal.changes) == [
            change for change in (_later(made, row, before), _elsewhere(made, row, before), _less(made, row, before))
            if change
        ]  # fmt: skip


def _later(made: Instance, row: Application, before: Any) -> Change | None:
    for weeks in range(1, made.shift_max + 1):
        start = row.last_start + weeks
        for site in row.sites:
            if start + row.duration <= made.weeks and feasible(made, [*before, (row, site, start)]):
                return Change("start", site, start, weeks)
    return None


def _elsewhere(made: Instance, row: Application, before: Any) -> Change | None:
    for start in range(row.first_start, row.last_start + 1):
        for site in made.sites:
            if feasible(made, [*before, (row, site.id, start)]):
                return Change("site", site.id, start)
    return None


def _less(made: Instance, row: Application, before: Any) -> Change | None:
    best: Change | None = None
    for index, name in enumerate(made.resources):
        for to in range(row.needs[index] - 1, 0, -1):
            needs = (*row.needs[:index], to, *row.needs[index + 1 :])
            smaller = Application(row.id, needs, row.duration, row.first_start, row.last_start, row.sites, row.scores,
                                  row.band)  # fmt: skip
            good = next((c for c in contracts(row) if feasible(made, [*before, (smaller, *c)])), None)
            if good:
                percent = -(-100 * (row.needs[index] - to) // row.needs[index])
                if best is None or percent < best.amount:
                    best = Change("less", *good, percent, name, to)
                break
    return best


@settings(deadline=None, max_examples=40)
@given(instances(most=5, resources=1))
def test_no_other_list_of_sites_gets_anybody_a_better_place(made: Instance) -> None:
    """Strategy-proof: every misreport of the ranked sites, of every applicant, judged by the true list."""
    truth = places(ranked.allocate(made, SEED.seed))
    for row in made.applications:
        honest = contracts(row).index(truth[row.id]) if row.id in truth else len(contracts(row))
        for lie in _lists(row.sites):
            told = Application(row.id, row.needs, row.duration, row.first_start, row.last_start, lie,
                               (row.scores[0],) * len(lie), row.band)  # fmt: skip
            others = [other for other in made.applications if other.id != row.id]
            found = places(ranked.allocate(_with(made, [*others, told]), SEED.seed)).get(row.id)
            assert found is None or contracts(row).index(found) >= honest


def _lists(sites: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Every order of every selection of them, and only of them: a site that was not ranked is worth nothing."""
    return [lie for size in range(1, len(sites) + 1) for lie in itertools.permutations(sites, size)]


def _with(made: Instance, applications: list[Application]) -> Instance:
    return arranged(made.first_week, made.weeks, made.resources, made.sites, applications, made.bands, made.near,
                    made.shift_max)  # fmt: skip


@settings(deadline=None)
@given(instances(), st.randoms(use_true_random=False))
def test_any_order_of_the_inputs_gives_one_outcome_hash(made: Instance, chance: Any) -> None:
    parts = {name: list(getattr(made, name)) for name in ("sites", "applications", "bands", "near")}
    for part in parts.values():
        chance.shuffle(part)
    parts["near"] = [Near(pair.second, pair.first, pair.distance_cm) for pair in parts["near"]]
    other = arranged(made.first_week, made.weeks, made.resources, **parts, shift_max=made.shift_max)
    first, second = (ranked.allocate(which, SEED.seed) for which in (made, other))
    assert roundfile.outcome_hash(first) == roundfile.outcome_hash(second)
    assert write(made, first) == write(other, second)


@settings(deadline=None)
@given(instances(), st.data())
def test_without_one_application_the_rest_is_still_feasible(made: Instance, data: st.DataObject) -> None:
    if made.applications:
        gone = data.draw(st.sampled_from(made.applications))
        fewer = _with(made, [row for row in made.applications if row.id != gone.id])
        assert verify(write(fewer, ranked.allocate(fewer, SEED.seed))).is_true


def write(made: Instance, result: Allocation) -> bytes:
    return roundfile.write(made, SEED, RANKED, result)


@settings(deadline=None)
@given(instances())
def test_the_verifier_believes_every_true_round(made: Instance) -> None:
    report = verify(write(made, ranked.allocate(made, SEED.seed)))
    assert report.is_true, [str(finding) for finding in report.findings]


@settings(deadline=None)
@given(instances(), st.data())
def test_the_verifier_rejects_any_single_change_of_a_value(made: Instance, data: st.DataObject) -> None:
    document = orjson.loads(write(made, ranked.allocate(made, SEED.seed)))
    parent, key = data.draw(st.sampled_from(_leaves(document)))
    old = parent[key]
    parent[key] = old + 1 if isinstance(old, int) else None if old is not None else 0 if key == 2 else "s0"
    report = verify(roundfile.canonical(document))
    assert not report.is_true
    assert all(finding.where for finding in report.findings)


def _leaves(value: Any) -> list[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    found: list[tuple[Any, Any]] = []
    for key, inner in items:
        found += _leaves(inner) if isinstance(inner, dict | list) else [(value, key)]
    return found
