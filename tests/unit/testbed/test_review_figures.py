"""Who judges what by arithmetic, and what the forms add up to; against published figures and all possibilities."""

from __future__ import annotations

import itertools
from fractions import Fraction

import pytest

from gops.testbed.review.assigning import COSTS, Assigned, Pair, Panel, assign
from gops.testbed.review.totals import agreement, correlation, habits_seen, half_up, mean, summaries, weighted

# Krippendorff (2011), section C: four observers, twelve units, . is missing
PUBLISHED = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")


def test_alpha_is_that_of_the_published_example() -> None:
    units = [[int(sign) for sign in unit if sign != "."] for unit in zip(*PUBLISHED, strict=True)]
    found = agreement(units)
    assert found is not None
    assert round(float(found), 3) == 0.849


def test_alpha_of_perfect_agreement_is_one_and_of_nothing_to_compare_none() -> None:
    assert agreement([[1, 1, 1], [5, 5]]) == 1
    assert agreement([[3, 3], [3, 3]]) is None
    assert agreement([[3], [4]]) is None
    assert agreement([]) is None


# Shrout and Fleiss (1979), table 2: six targets, four judges; table 4: ICC(1, 1) .17, ICC(1, 4) .44
JUDGED = ((9, 2, 5, 8), (6, 1, 3, 2), (8, 4, 6, 8), (7, 1, 2, 6), (10, 5, 6, 9), (6, 2, 4, 7))


def test_the_intraclass_correlation_is_that_of_the_published_table() -> None:
    found = correlation(JUDGED)
    assert found is not None
    single, together = found
    assert together is not None
    assert (round(float(single), 2), round(float(together), 2)) == (0.17, 0.44)


def test_unequal_numbers_of_reviews_count_for_what_they_are_worth() -> None:
    """By hand: between 128 / 15, within 8 / 9; two and three reviews are worth 2.4 each; [9] has nothing to compare."""
    assert correlation([[1, 1], [3, 3, 5], [9]]) == (Fraction(43, 55), Fraction(43, 48))


def test_the_intraclass_correlation_of_equal_reviews_is_one_and_of_nothing_to_compare_none() -> None:
    assert correlation([[2, 2], [7, 7, 7]]) == (1, 1)
    assert correlation([[4, 4], [4, 4]]) is None
    assert correlation([[1, 2]]) is None
    assert correlation([[1, 3], [3, 1]]) == (-1, None)


def test_totals_are_whole_and_means_are_rounded_half_up() -> None:
    assert weighted([100, 100, 100], [50, 30, 20]) == 10_000
    assert weighted([71, 0, 33], [50, 30, 20]) == 4210
    assert mean([1, 2]) == 2
    assert mean([1, 1, 2]) == 1
    assert half_up(Fraction(-1, 2)) == 0


def test_a_habit_is_taken_out_beside_the_mean_that_decides() -> None:
    """Evaluator 3 gives 1,000 less than the others, everywhere."""
    found = summaries({(1, 1): 8000, (1, 2): 8000, (1, 3): 7000, (2, 1): 5000, (2, 2): 5000, (2, 3): 4000})
    assert [(row.application, row.mean, row.levelled, row.spread) for row in found] == [
        (1, 7667, 7667, 1000), (2, 4667, 4667, 1000)
    ]  # fmt: skip
    uneven = {(1, 1): 8000, (1, 3): 7000, (2, 1): 6000, (2, 3): 5000, (3, 1): 9000, (4, 3): 8000}
    levels = {row.application: (row.mean, row.levelled) for row in summaries(uneven)}
    assert levels[3] == (9000, 8500)
    assert levels[4] == (8000, 8500)
    assert habits_seen(uneven) == {1: (3, 333), 3: (3, -333)}


def test_who_is_far_from_the_median_is_an_outlier() -> None:
    (found,) = summaries({(1, 1): 8000, (1, 2): 7900, (1, 3): 2000})
    assert found.outliers == (3,)
    (near,) = summaries({(1, 1): 8000, (1, 2): 8000, (1, 3): 6000})
    assert near.outliers == ()
    (two,) = summaries({(1, 1): 9000, (1, 2): 1000})
    assert two.outliers == ()


def check(panel: Panel, found: Assigned) -> None:
    """Written apart from the programme: nobody twice, none in conflict, nobody above the load."""
    everyone = [*panel.kept, *found.added]
    assert len(set(everyone)) == len(everyone)
    assert not set(found.added) & panel.blocked
    for one, most in panel.loads.items():
        assert sum(judge == one for _, judge in found.added) <= max(0, most - sum(j == one for _, j in panel.kept))
    short = {row.application: row.lacking for row in found.shortages}
    for row in panel.applications:
        has = sum(application == row for application, _ in everyone)
        assert has + short.get(row, 0) >= panel.wanted
        assert row not in short or has + short[row] == panel.wanted


def best(panel: Panel) -> tuple[int, int] | None:
    """Every possibility: the least cost of bids, and of those the least sum of squares; None where there is none."""
    free = [[one for one in panel.loads if (row, one) not in panel.blocked] for row in panel.applications]
    trios = [list(itertools.combinations(ones, panel.wanted)) for ones in free]
    found: list[tuple[int, int]] = []
    for choice in itertools.product(*trios):
        loads = {one: sum(one in trio for trio in choice) for one in panel.loads}
        if all(loads[one] <= most for one, most in panel.loads.items()):
            cost = sum(COSTS[panel.bids.get((row, one), "none")]
                       for row, trio in zip(panel.applications, choice, strict=True) for one in trio)  # fmt: skip
            found.append((cost, sum(load * load for load in loads.values())))
    return min(found, default=None)


WORDS = ("yes", "no", "maybe", "none", "yes", "none", "no", "maybe", "maybe", "yes", "none")


@pytest.mark.parametrize("turn", range(6))
def test_no_assignment_is_better_than_the_one_found(turn: int) -> None:
    """Against every possibility of four applications and five evaluators."""
    pairs: list[Pair] = list(itertools.product(range(1, 5), range(10, 15)))
    bids = {pair: WORDS[(index * (turn + 2) + turn) % 11] for index, pair in enumerate(pairs)}
    blocked = frozenset(pair for index, pair in enumerate(pairs) if (index + turn) % 7 == 0)
    panel = Panel(range(1, 5), {one: 2 + (one + turn) % 3 for one in range(10, 15)}, 3, bids, blocked)
    found, wanted = assign(panel), best(panel)
    check(panel, found)
    assert (wanted is None) == bool(found.shortages)
    if wanted is not None:
        loads = [sum(judge == one for _, judge in found.added) for one in panel.loads]
        assert (found.cost, sum(load * load for load in loads)) == wanted
    assert assign(Panel([4, 2, 3, 1], dict(reversed(list(panel.loads.items()))), 3, bids, blocked)) == found


def test_what_is_kept_stays_and_only_what_lacks_is_added() -> None:
    panel = Panel([1, 2], {10: 2, 11: 2, 12: 2}, 3, {}, kept=frozenset({(1, 10), (1, 11), (1, 12), (2, 10)}))
    found = assign(panel)
    assert found.added == ((2, 11), (2, 12))
    check(panel, found)


def test_what_cannot_be_is_explained() -> None:
    """Application 2 has a conflict with one of three; loads leave nobody for the last one of application 1."""
    blocked = frozenset({(2, 12)})
    found = assign(Panel([1, 2], {10: 2, 11: 2, 12: 2}, 3, {}, blocked))
    assert [(row.application, row.lacking, row.free) for row in found.shortages] == [(2, 1, 2)]
    tight = assign(Panel([1, 2], {10: 1, 11: 2, 12: 2}, 3, {}))
    assert [(row.lacking, row.free) for row in tight.shortages] == [(1, 3)]
    nobody = assign(Panel([1], {}, 3, {}))
    assert [(row.lacking, row.free) for row in nobody.shortages] == [(3, 0)]
