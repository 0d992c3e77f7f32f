"""The mechanism ``ranked``: who gets what, by hand."""

from __future__ import annotations

import pytest

from gops.errors import Invalid
from gops.testbed.allocation import ranked
from gops.testbed.allocation.instance import Application, Band, Near
from gops.testbed.allocation.outcome import Change, Lack
from gops.testbed.allocation.ties import tie
from tests.unit.testbed.instances import SEED, allocated, application, instance, places, site


def test_the_higher_score_chooses_first() -> None:
    made = instance([site("X", 10)], [application("a", [10], "X", 60), application("b", [10], "X", 70)])
    assert places(allocated(made)) == {"b": ("X", 0)}


def test_an_earlier_ranked_site_is_better_than_an_earlier_start() -> None:
    held = application("a", [10], "X", 90)
    made = instance([site("X", 10), site("Y", 10)], [held, application("b", [10], "XY", 10, last=1)])
    assert places(allocated(made))["b"] == ("X", 1)


def test_at_one_site_the_earlier_start_is_better() -> None:
    made = instance([site("X", 10)], [application("a", [10], "X", first=1, last=3)])
    assert places(allocated(made)) == {"a": ("X", 1)}


def test_a_tie_goes_to_the_smaller_hash_of_seed_and_id() -> None:
    names = ["a", "b", "c", "d", "e"]
    made = instance([site("X", 10)], [application(name, [10], "X") for name in names])
    first = min(names, key=lambda name: tie(SEED.seed, name))
    assert places(allocated(made)) == {first: ("X", 0)}


def test_weeks_are_half_open() -> None:
    """A contract that ends where another begins does not overlap it."""
    early = application("a", [10], "X", 90, duration=2)
    late = application("b", [10], "X", 10, duration=2, first=2, last=2)
    assert places(allocated(instance([site("X", 10)], [early, late]))) == {"a": ("X", 0), "b": ("X", 2)}


def test_a_closed_week_divides_the_calendar() -> None:
    made = instance([site("X", 10, closed=[1])], [application("a", [1], "X", duration=2, last=2)])
    assert places(allocated(made)) == {"a": ("X", 2)}


def test_every_resource_counts() -> None:
    rows = [application("a", [1, 8], "X", 90), application("b", [1, 3], "X", 10)]
    made = instance([site("X", 10, 10)], rows, resources=("area_m2", "power_w"))
    refusal = allocated(made).refusals[0]
    assert refusal.sites[0].lacks == (Lack("power_w", ((0, 1),), ("a",)),)


def test_one_band_at_one_site_is_for_one() -> None:
    rows = [application(name, [1], "X", score, band="b920") for name, score in (("a", 90), ("b", 10))]
    refusal = allocated(instance([site("X", 10)], rows, bands=[Band("b920", 0)])).refusals[0]
    assert refusal.sites[0].lacks == (Lack("band", ((0, 1),), ("a",)),)


@pytest.mark.parametrize(("distance", "placed"), [(49_999, 1), (50_000, 2), (50_001, 2)])
def test_at_the_separation_sites_do_not_disturb_each_other(distance: int, placed: int) -> None:
    rows = [application("a", [1], "X", 90, band="b920"), application("b", [1], "Y", 10, band="b920")]
    near = [Near("Y", "X", distance)]
    made = instance([site("X", 1), site("Y", 1)], rows, bands=[Band("b920", 50_000)], near=near)
    assert len(allocated(made).placements) == placed


def test_other_bands_do_not_disturb() -> None:
    rows = [application("a", [1], "X", 90, band="b920"), application("b", [1], "X", 10, band="lora")]
    made = instance([site("X", 2)], rows, bands=[Band("b920", 5), Band("lora", 5)])
    assert len(allocated(made).placements) == 2


def test_every_band_has_its_own_separation() -> None:
    rows = [application(name, [1], where, band=band) for name, where, band in
            (("a", "X", "far"), ("b", "Y", "far"), ("c", "X", "close"), ("d", "Y", "close"))]  # fmt: skip
    made = instance(
        [site("X", 4), site("Y", 4)], rows, bands=[Band("far", 200), Band("close", 50)], near=[Near("X", "Y", 100)]
    )
    assert {row.application for row in allocated(made).refusals} < {"a", "b"}


def test_the_three_pilots_of_the_papers_example() -> None:
    """Sizes a=2, b=1, c=1; X has 2, Y has 1. By one list of scores c, a, b: c takes Y; a takes X; b finds none."""
    rows = [application("a", [2], "X", 50), application("b", [1], "XY", 10), application("c", [1], "YX", 90)]
    made = instance([site("X", 2), site("Y", 1)], rows)
    result = allocated(made)
    assert places(result) == {"a": ("X", 0), "c": ("Y", 0)}
    reasons = {row.site: row.lacks[0].holders for row in result.refusals[0].sites}
    assert reasons == {"X": ("a",), "Y": ("c",)}


def test_a_site_too_small_in_itself_is_lacking_without_holders() -> None:
    made = instance([site("X", 3)], [application("a", [5], "X")])
    assert allocated(made).refusals[0].sites[0].lacks == (Lack("area_m2", ((0, 1),), ()),)


def test_scores_that_differ_between_sites_are_refused() -> None:
    row = Application("a", (1,), 1, 0, 0, ("X", "Y"), (10, 20))
    with pytest.raises(Invalid) as refused:
        ranked.allocate(instance([site("X", 1), site("Y", 1)], [row]), SEED.seed)
    assert (refused.value.code, refused.value.field) == ("several_scores", "applications[a].scores")


def changes(*applications: Application) -> tuple[Change, ...]:
    made = instance([site("X", 10), site("Y", 4), site("Z", 10)], applications)
    return allocated(made).refusals[0].changes


def test_the_nearest_change_may_be_a_later_start() -> None:
    held = application("a", [10], "X", 90, duration=2)
    assert changes(held, application("b", [10], "X", 10))[0] == Change("start", "X", 2, 2)


def test_a_later_start_lies_within_the_calls_limit() -> None:
    held = application("a", [10], "X", 90, duration=3)
    assert [change.kind for change in changes(held, application("b", [10], "X", 10))] == ["site"]


def test_the_nearest_change_may_be_a_site_that_was_not_ranked() -> None:
    held = application("a", [10], "X", 90, duration=4)
    assert changes(held, application("b", [5], "X", 10)) == (Change("site", "Z", 0),)


def test_the_nearest_change_may_be_a_smaller_need() -> None:
    held = application("a", [7], "X", 90, duration=4)
    others = application("c", [10], "Z", 80, duration=4)
    assert changes(held, others, application("b", [10], "XY", 10)) == (Change("less", "Y", 0, 60, "area_m2", 4),)


def test_percent_are_rounded_up_so_that_the_cut_is_enough() -> None:
    row = application("a", [3], "X")
    assert allocated(instance([site("X", 2)], [row])).refusals[0].changes == (Change("less", "X", 0, 34, "area_m2", 2),)


def test_what_a_change_promises_holds() -> None:
    """Changed as told, and nothing else, the application is placed at that site and start."""
    rows = [application("a", [7], "X", 90, duration=2), application("b", [5], "X", 80, last=1)]
    told = allocated(instance([site("X", 10), site("Y", 4)], rows)).refusals[0].changes
    by_kind = {change.kind: change for change in told}
    start = by_kind["start"].start
    later = [rows[0], application("b", [5], "X", 80, first=start, last=start)]
    smaller = [rows[0], application("b", [by_kind["less"].to or 0], "X", 80, last=1)]
    assert places(allocated(instance([site("X", 10), site("Y", 4)], later)))["b"] == ("X", start)
    assert places(allocated(instance([site("X", 10), site("Y", 4)], smaller)))["b"] == ("X", by_kind["less"].start)


def test_an_instance_without_applications_has_an_empty_outcome() -> None:
    assert allocated(instance([site("X", 1)], [])).placements == ()
