"""The verifier on rounds of `fair` and `optimal` whose hashes were made anew: only the judgement can tell."""

from __future__ import annotations

from typing import Any

import orjson

from gops.testbed.allocation import choice, roundfile
from gops.testbed.allocation.choice import Choice
from gops.testbed.allocation.instance import Application, Demands, Instance, Limit, Share
from gops.testbed.allocation.verify import verify
from tests.unit.testbed.instances import SEED, application, instance, site

OPTIMAL, RESOURCE, FAIR = Choice("optimal"), Choice("optimal", "resource"), Choice("fair")
ROWS = [application("a", [6], "XY", 90), application("b", [6], "X", 80), application("c", [4], "X", 70)]
MADE = instance([site("X", 10), site("Y", 5)], ROWS)


def document(made: Instance, chosen: Choice) -> Any:
    return orjson.loads(roundfile.write(made, SEED, chosen, choice.allocate(chosen, made, SEED.seed, 20)))


def codes(changed: Any) -> set[str]:
    """What the verifier finds in the round with hashes and marks that fit it."""
    made = changed["inputs"]["instance"]
    lists = {name: made[name] for name in ("applications", "near", "sites")}
    lists |= {name: changed[name] for name in ("outcome", "refusals")}
    changed["marks"] = {name: [roundfile.digest(row)[:8] for row in rows] for name, rows in lists.items()}
    parts = ("findings", "inputs", "marks", "outcome", "refusals")
    changed["hashes"] = {part: roundfile.digest(changed[part]) for part in parts}
    return {finding.code for finding in verify(roundfile.canonical(changed)).findings}


def test_resealing_an_unchanged_round_finds_nothing() -> None:
    for chosen in (FAIR, OPTIMAL, RESOURCE):
        assert codes(document(MADE, chosen)) == set()


def test_a_lower_score_before_a_higher_one_is_envy() -> None:
    changed = document(MADE, FAIR)
    assert changed["outcome"] == [["a", "X", 0], ["b", None, None], ["c", None, None]]
    changed["outcome"][2] = ["c", "X", 0]
    assert "envy" in codes(changed)


def test_who_is_next_in_line_and_fits_is_found() -> None:
    changed = document(MADE, FAIR)
    changed["outcome"][0] = ["a", None, None]
    assert "better_free" in codes(changed)


def test_a_number_of_an_explanation_is_checked() -> None:
    for key in ("score", "cutoff"):
        changed = document(MADE, FAIR)
        changed["refusals"][0]["sites"][0][key] += 1
        assert codes(changed) == {"untrue"}


def test_a_value_or_a_bound_that_this_outcome_denies_is_found() -> None:
    for key, by in (("value", 1), ("bound", -1)):
        changed = document(MADE, OPTIMAL)
        changed["findings"]["proof"]["stages"][0][key] += by
        assert codes(changed) == {"proof"}


def test_a_claimed_bound_beyond_the_value_is_believed_and_told() -> None:
    changed = document(MADE, OPTIMAL)
    changed["findings"]["proof"]["stages"][0]["bound"] += 7
    assert codes(changed) == set()
    name, value, bound = verify(roundfile.canonical(changed)).stages[0]
    assert (name, bound) == ("scores", value + 7)


def test_a_stage_left_out_or_a_price_where_none_is_asked_is_found() -> None:
    changed = document(MADE, OPTIMAL)
    del changed["findings"]["proof"]["stages"][1]
    assert "proof" in codes(changed)
    changed = document(MADE, OPTIMAL)
    changed["findings"]["proof"]["price"] = 0
    assert "proof" in codes(changed)


def test_a_clock_that_ended_nothing_is_found() -> None:
    for word in ("clock", "patience"):
        changed = document(MADE, OPTIMAL)
        changed["findings"]["proof"]["limited_by"] = word
        assert codes(changed) == {"proof"}


def test_a_higher_score_refused_for_a_lower_one_is_unfair_where_fairness_was_asked() -> None:
    for chosen, told in ((OPTIMAL, False), (RESOURCE, True)):
        changed = document(instance([site("X", 1)], [application("a", [1], "X", 90), application("b", [1], "X", 80)]),
                           chosen)  # fmt: skip
        changed["outcome"] = [["a", None, None], ["b", "X", 0]]
        assert ("unfair" in codes(changed)) == told


def test_half_a_group_is_found() -> None:
    rows = [Application(name, (1,), 1, 0, 0, ("X",), (50,), group="pair") for name in "ab"]
    changed = document(instance([site("X", 2)], rows), OPTIMAL)
    changed["outcome"][1] = ["b", None, None]
    assert "group" in codes(changed)


def test_a_limit_or_a_budget_that_is_overdrawn_is_infeasible() -> None:
    rows = [Application(name, (1,), 1, 0, 0, ("X",), (50,), theme="green", cost=5) for name in "ab"]
    for demands in (Demands((Limit("theme", "green", 0, 1),)), Demands(budget=9)):
        for chosen in (FAIR, OPTIMAL, Choice("ranked")):
            changed = document(instance([site("X", 5)], rows, demands=demands), chosen)
            changed["outcome"] = [["a", "X", 0], ["b", "X", 0]]
            changed["refusals"] = []
            assert "infeasible" in codes(changed)


def test_a_share_given_to_another_is_found() -> None:
    rows = [Application(name, (1,), 1, 0, 0, ("X",), (score,), labels=("small",)) for name, score in
            (("a", 90), ("b", 80))]  # fmt: skip
    made = instance([site("X", 1)], rows, demands=Demands(shares=(Share("small", 1, "lot"),)))
    for chosen in (FAIR, OPTIMAL, Choice("ranked")):
        changed = document(made, chosen)
        (label, winner) = changed["findings"]["guaranteed"][0]
        loser = "b" if winner == "a" else "a"
        changed["findings"]["guaranteed"] = [[label, loser]]
        changed["outcome"] = sorted([[loser, "X", 0], [winner, None, None]])
        assert codes(changed) & {"guaranteed", "better_free"}


def test_a_mechanism_that_gops_does_not_have_is_found() -> None:
    for mechanism in ({"id": "fair", "version": 2}, {"id": "drawn", "version": 1},
                      {"id": "optimal", "version": 1, "fairness": "all"}):  # fmt: skip
        changed = document(MADE, FAIR)
        changed["inputs"]["mechanism"] = mechanism
        assert "mechanism" in codes(changed)
