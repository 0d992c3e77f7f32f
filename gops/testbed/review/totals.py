"""From forms to figures: weighted totals, their mean, the mean without each evaluator's habit, how far reviews agree.

Exact: whole numbers and fractions, rounded half up once at the end. Only the mean of the weighted totals decides; the
rest stands beside it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import median

from gops.testbed.allocation.instance import SCORE_MAX

FAR = 2_000
"""A review further than this from the median of its application's is an outlier: 20 of 100 points, two steps of
judgement on the usual scale of ten. The median, because one wild review moves the mean towards itself."""
Totals = Mapping[tuple[int, int], int]
"""By (application, evaluator), 0..10000."""


@dataclass(frozen=True)
class Summary:
    """Of one application. ``mean`` decides; ``levelled`` is the mean with each evaluator's habit taken out; ``spread``
    the largest total less the smallest; ``outliers``: evaluators who are far from the median."""

    application: int
    reviews: int
    mean: int
    levelled: int
    spread: int
    outliers: tuple[int, ...]


def weighted(scores: Sequence[int], weights: Sequence[int]) -> int:
    """0..10000 from scores of 0..100 and weights in percent, 100 together: no rounding is needed."""
    return sum(score * weight for score, weight in zip(scores, weights, strict=True))


def mean(values: Iterable[int]) -> int:
    """Rounded half up."""
    return half_up(_mean(list(values)))


def half_up(value: Fraction) -> int:
    return int((2 * value + 1) // 2)


def summaries(totals: Totals) -> list[Summary]:
    """In the order of applications. A habit is an evaluator's mean less the mean of all reviews; where an evaluator
    judged one application alone, nothing is known of a habit and the review stands as it is."""
    by_application, by_evaluator = _grouped(totals)
    everything = _mean(list(totals.values())) if totals else Fraction(0)
    habits = {
        one: _mean(list(rows.values())) - everything if len(rows) > 1 else Fraction(0)
        for one, rows in by_evaluator.items()
    }
    return [_summary(row, by_application[row], habits) for row in sorted(by_application)]


def _summary(application: int, totals: Mapping[int, int], habits: Mapping[int, Fraction]) -> Summary:
    levelled = _mean([total - habits[one] for one, total in totals.items()])
    return Summary(
        application,
        len(totals),
        mean(totals.values()),
        min(SCORE_MAX, max(0, half_up(levelled))),
        max(totals.values()) - min(totals.values()),
        tuple(sorted(one for one in totals if _is_far(one, totals))),
    )


def _is_far(one: int, totals: Mapping[int, int]) -> bool:
    """Of two reviews that differ neither is the one that is far."""
    return len(totals) > 2 and abs(totals[one] - median(totals.values())) > FAR


def habits_seen(totals: Totals) -> dict[int, tuple[int, int]]:
    """Of each evaluator how many reviews, and the mean of its totals less that of the same applications, rounded: above
    0 is milder than the others were."""
    by_application, by_evaluator = _grouped(totals)
    means = {row: _mean(list(found.values())) for row, found in by_application.items()}
    return {
        one: (len(rows), half_up(_mean([total - means[row] for row, total in rows.items()])))
        for one, rows in sorted(by_evaluator.items())
    }


def agreement(ratings: Sequence[Sequence[Fraction | int]]) -> Fraction | None:
    """Krippendorff's alpha of values on an interval scale: for each unit the values that it was given, without missing
    ones. 1 is perfect agreement, 0 what chance gives, less is disagreement. None without two values on some unit, or
    where all values are equal.

    Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), form C with the interval difference.
    """
    paired = [list(map(Fraction, values)) for values in ratings if len(values) > 1]
    everything = [value for values in paired for value in values]
    count = len(everything)
    if count < 2:
        return None
    observed = sum((_squares(values) / (len(values) - 1) for values in paired), Fraction(0)) / count
    expected = _squares(everything) / (count * (count - 1))
    return 1 - observed / expected if expected else None


def correlation(ratings: Sequence[Sequence[int]]) -> tuple[Fraction, Fraction | None] | None:
    """The intraclass correlation of one review and that of the mean of all of an application's: how much of the spread
    is the applications' own. One-way, ICC(1, 1) and ICC(1, k), since each application has other evaluators; with
    unequal numbers of reviews k is what they are worth together. None without two applications of two reviews, or
    where all values are equal; no second figure where the means are equal.

    Shrout and Fleiss, Intraclass Correlations (1979); unequal groups: Donner, A Review (1986).
    """
    units = [list(map(Fraction, values)) for values in ratings if len(values) > 1]
    count = sum(map(len, units))
    if len(units) < 2:
        return None
    means = [_mean(values) for values in units]
    middle = sum((sum(values, Fraction(0)) for values in units), Fraction(0)) / count
    between = sum((len(values) * (mean - middle) ** 2 for values, mean in zip(units, means, strict=True)), Fraction(0))
    within = sum(((value - mean) ** 2 for values, mean in zip(units, means, strict=True) for value in values),
                 Fraction(0))  # fmt: skip
    between, within = between / (len(units) - 1), within / (count - len(units))
    each = (count - Fraction(sum(len(values) ** 2 for values in units), count)) / (len(units) - 1)
    spread = between + (each - 1) * within
    if not spread:
        return None
    return (between - within) / spread, (between - within) / between if between else None


def _squares(values: Sequence[Fraction]) -> Fraction:
    """The sum over all ordered pairs of the square of the difference."""
    total = sum(values, Fraction(0))
    return 2 * (len(values) * sum((value * value for value in values), Fraction(0)) - total * total)


def _mean(values: Sequence[Fraction | int]) -> Fraction:
    return Fraction(sum(map(Fraction, values)), 1) / len(values)


def _grouped(totals: Totals) -> tuple[dict[int, dict[int, int]], dict[int, dict[int, int]]]:
    by_application: defaultdict[int, dict[int, int]] = defaultdict(dict)
    by_evaluator: defaultdict[int, dict[int, int]] = defaultdict(dict)
    for (row, one), total in totals.items():
        by_application[row][one] = total
        by_evaluator[one][row] = total
    return by_application, by_evaluator
