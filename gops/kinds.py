"""Kinds of Datastream and what may be asked of each.

=========  =====================================================  ==========================
kind       what its readings are                                  default aggregate
=========  =====================================================  ==========================
gauge      a level at a moment: temperature, PM10                 mean
amount     an amount per period: rain, footfall                   sum
counter    a count that only grows, and may be reset to 0         increase (resets handled)
angle      a direction in degrees                                 vector mean
state      a word or a code                                       last, share of time
=========  =====================================================  ==========================
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from gops.errors import Invalid

Kind = Literal["gauge", "amount", "counter", "angle", "state"]
Label = Literal["instant", "start", "end"]
Aggregate = Literal["mean", "sum", "min", "max", "stddev", "median", "first", "last", "increase", "share"]

KINDS: tuple[Kind, ...] = get_args(Kind)
LABELS: tuple[Label, ...] = get_args(Label)
AGGREGATES: tuple[Aggregate, ...] = get_args(Aggregate)

DEFAULT_AGGREGATES: dict[Kind, tuple[Aggregate, ...]] = {
    "gauge": ("mean",),
    "amount": ("sum",),
    "counter": ("increase",),
    "angle": ("mean",),
    "state": ("last", "share"),
}
ALLOWED_AGGREGATES: dict[Kind, tuple[Aggregate, ...]] = {
    "gauge": ("mean", "min", "max", "stddev", "median", "first", "last"),
    "amount": ("sum", "mean", "min", "max", "stddev", "median", "first", "last"),
    "counter": ("increase", "min", "max", "first", "last"),
    "angle": ("mean", "first", "last"),
    "state": ("last", "first", "share"),
}


def check_aggregates(kind: Kind, asked: Sequence[str]) -> tuple[Aggregate, ...]:
    """The aggregates to compute for ``kind``: what was asked, or its default when nothing was.

    Raises ``Invalid`` (``unknown_aggregate``, or ``aggregate_of_kind`` naming the right ones).
    """
    for name in asked:
        if name not in AGGREGATES:
            raise Invalid(
                f"there is no aggregate {name!r}",
                code="unknown_aggregate",
                field="aggregate",
                found=name,
                expected="one of " + ", ".join(AGGREGATES),
            )
        if name not in ALLOWED_AGGREGATES[kind]:
            right = ", ".join(DEFAULT_AGGREGATES[kind])
            raise Invalid(
                f"{name} makes no sense for a Datastream of kind {kind}; the right one is {right}",
                code="aggregate_of_kind",
                field="aggregate",
                found=name,
                expected="one of " + ", ".join(ALLOWED_AGGREGATES[kind]),
            )
    return tuple(name for name in AGGREGATES if name in asked) if asked else DEFAULT_AGGREGATES[kind]
