"""The mechanism ``fair``: who gets what, by hand."""

from __future__ import annotations

import pytest

from gops.errors import Invalid
from gops.testbed.allocation import fair
from gops.testbed.allocation.instance import Application, Band, Demands, Instance, Limit, Near, Share
from gops.testbed.allocation.outcome import Allocation, Change, Lack
from tests.unit.testbed.instances import SEED, application, instance, places, site


def allocated(made: Instance) -> Allocation:
    return fair.allocate(made, SEED.seed)


def scored(name: str, need: int, **scores: int) -> Application:
    """By municipality: the sites in the order of the arguments."""
    return Application(name, (need,), 1, 0, 0, tuple(scores), tuple(scores.values()))


def test_the_three_pilots_of_the_papers_example_leave_nobody_in_envy() -> None:
    """X has 2 and ranks c, a, b; Y has 1 and ranks a, b, c. No outcome is stable; b has Y, which nobody above it at
    Y wants, c has X, and a, which needs all of X, is behind c there."""
    rows = [scored("a", 2, X=20), scored("b", 1, X=10, Y=20), scored("c", 1, Y=10, X=30)]
    result = allocated(instance([site("X", 2), site("Y", 1)], rows))
    assert places(result) == {"b": ("Y", 0), "c": ("X", 0)}
    (reason,) = result.refusals[0].sites
    assert (reason.score, reason.cutoff) == (20, 30)
    assert reason.lacks == (Lack("area_m2", ((0, 1),), ("c",)),)


def test_a_smaller_pilot_does_not_pass_a_better_one_that_did_not_fit() -> None:
    rows = [application("a", [6], "X", 90), application("b", [6], "X", 80), application("c", [4], "X", 70)]
    result = allocated(instance([site("X", 10)], rows))
    assert places(result) == {"a": ("X", 0)}
    told = {row.application: row for row in result.refusals}
    assert told["c"].sites[0].lacks == (Lack("cutoff", (), ("b",)),)
    assert (told["c"].sites[0].score, told["c"].sites[0].cutoff, told["c"].changes) == (70, 90, ())
    assert told["b"].changes == (Change("start", "X", 1, 1), Change("less", "X", 0, 34, "area_m2", 4))


def test_who_could_not_stand_at_a_site_even_alone_closes_it_for_nobody() -> None:
    rows = [application("a", [11], "X", 90), application("b", [6], "X", 80)]
    assert places(allocated(instance([site("X", 10)], rows))) == {"b": ("X", 0)}


def test_a_higher_score_that_asks_later_displaces() -> None:
    rows = [application("a", [1], "XY", 50), application("b", [1], "YX", 90), application("c", [1], "Y", 95)]
    assert places(allocated(instance([site("X", 1), site("Y", 1)], rows))) == {"b": ("X", 0), "c": ("Y", 0)}


def test_room_made_in_vain_is_given_back() -> None:
    """b at Y disturbs a at X until c displaces it from Y; then a fits at X after all."""
    rows = [
        application("a", [1], "X", 50, band="b920"),
        application("b", [1], "ZY", 60, band="b920"),
        application("c", [1], "WY", 70),
        application("d", [1], "Z", 80),
        application("e", [1], "VW", 85),
        application("f", [1], "V", 90),
    ]
    made = instance([site(name, 1) for name in "VWXYZ"], rows, bands=[Band("b920", 10)], near=[Near("X", "Y", 5)])
    assert places(allocated(made))["a"] == ("X", 0)


def test_municipalities_score_apart() -> None:
    rows = [scored("a", 1, X=90, Y=10), scored("b", 1, X=20, Y=95), scored("c", 1, X=50, Y=50)]
    assert places(allocated(instance([site("X", 1), site("Y", 1)], rows))) == {"a": ("X", 0), "b": ("Y", 0)}


def test_a_budget_is_one_more_capacity() -> None:
    rows = [Application(name, (1,), 1, 0, 0, (where,), (score,), cost=6) for name, where, score in
            (("a", "X", 90), ("b", "Y", 80))]  # fmt: skip
    made = instance([site("X", 1), site("Y", 1)], rows, demands=Demands(budget=10))
    result = allocated(made)
    assert places(result) == {"a": ("X", 0)}
    assert result.refusals[0].sites[0].lacks == (Lack("budget", ((0, 1),), ("a",)),)
    assert Change("less", "Y", 0, 34, "budget", 4) in result.refusals[0].changes


def test_the_most_of_a_company_is_kept() -> None:
    rows = [Application(name, (1,), 1, 0, 0, ("X",), (score,), company="robots") for name, score in
            (("a", 90), ("b", 80))]  # fmt: skip
    made = instance([site("X", 5)], rows, demands=Demands((Limit("company", "robots", most=1),)))
    assert places(allocated(made)) == {"a": ("X", 0)}


def test_a_share_is_filled_first_and_envied_by_nobody() -> None:
    rows = [
        application("a", [1], "X", 90),
        Application("b", (1,), 1, 0, 0, ("X",), (10,), labels=("small",)),
        Application("c", (1,), 1, 0, 0, ("X",), (20,), labels=("small",)),
    ]
    result = allocated(instance([site("X", 1)], rows, demands=Demands(shares=(Share("small", 1),))))
    assert places(result) == {"c": ("X", 0)}
    assert result.guaranteed == (("small", "c"),)
    told = {row.application: row.sites[0].cutoff for row in result.refusals}
    assert told == {"a": None, "b": None}


@pytest.mark.parametrize(("made", "field"), [
    (instance([site("X", 9)], [Application(name, (1,), 1, 0, 0, ("X",), (1,), group="g") for name in "ab"]),
     "applications[a].group"),
    (instance([site("X", 9)], [], demands=Demands((Limit("theme", "green", 1),))), "limits[theme,green].least"),
])  # fmt: skip
def test_joint_pilots_and_lower_quotas_need_optimal(made: Instance, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        allocated(made)
    assert (refused.value.code, refused.value.field) == ("needs_optimal", field)
