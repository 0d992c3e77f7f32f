"""Which readings break the rules of their Datastream: step, rate and frozen. Pure, in columns.

A reading is compared with older ones alone, so what comes later out of order changes no verdict; and with none older
than ``reach``, so that the verdict is the same whether the past is remembered or read anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from gops.clock import DAY, HOUR
from gops.kinds import Kind
from gops.quality import Quality
from gops.sensors.quality_rules import EXCEPTIONS, NOTHING, QualityRules
from gops.sensors.routes import UNBOUNDED
from gops.store.rows import NONE

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

RANGE, STEP, RATE, FROZEN, SKEW, SOURCE = 1, 2, 4, 8, 16, 32
"""A bit for each rule. ``SOURCE``: the source itself says that a reading is suspect."""
WORDS = {RANGE: "range", STEP: "step", RATE: "rate", FROZEN: "frozen", SKEW: "skew", SOURCE: "source"}
SUSPECT = int(Quality.suspect)
INFINITY = float("inf")


@dataclass(frozen=True, eq=False)
class Ruled:
    """What is known of Datastreams that are ruled alike. A number outside ``low`` .. ``high`` is suspect; nothing is
    compared with it. (Equal to itself alone: batches look it up by the thousand.)

    ``reach``: how far back a reading is compared, in microseconds: a day, or twice the time that is frozen. A run of
    equal values is broken by a gap as long as that time. So one that began longer ago than twice as much has a reading
    in the older half of it, and is frozen either way. ``looks_back``: is anything compared? ``acts``: is anything
    flagged?
    """

    kind: Kind
    low: float
    high: float
    rules: QualityRules = NOTHING
    reach: int = field(init=False)
    looks_back: bool = field(init=False)
    acts: bool = field(init=False)

    def __post_init__(self) -> None:
        rules = self.rules
        object.__setattr__(self, "reach", max(DAY, 2 * (rules.frozen or 0)))
        object.__setattr__(self, "looks_back", rules.looks_back)
        object.__setattr__(self, "acts", rules.looks_back or rules.skew is not None)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Rules as columns, a row each. ``spared``: one column an exception, NaN for none. ``skew`` in microseconds."""

    angle: Mask
    counter: Mask
    step: Floats
    rate: Floats
    frozen: Ints
    spared: Floats
    low: Floats
    high: Floats
    reach: Ints
    skew: Ints
    looks_back: Mask

    @classmethod
    def of(cls, ruled: Sequence[Ruled]) -> Bounds:
        rules = [one.rules for one in ruled]
        most = max((len(one.frozen_except) for one in rules), default=0)
        spared = np.full((len(ruled), most), np.nan)
        for row, one in zip(spared, rules, strict=True):
            row[: len(one.frozen_except)] = one.frozen_except[:EXCEPTIONS]
        return cls(
            angle=np.array([one.kind == "angle" for one in ruled], np.bool_),
            counter=np.array([one.kind == "counter" for one in ruled], np.bool_),
            step=np.array([INFINITY if one.step is None else one.step for one in rules], np.float64),
            rate=np.array([INFINITY if one.rate is None else one.rate for one in rules], np.float64),
            frozen=np.array([UNBOUNDED if one.frozen is None else one.frozen for one in rules], np.int64),
            spared=spared,
            low=np.array([one.low for one in ruled], np.float64),
            high=np.array([one.high for one in ruled], np.float64),
            reach=np.array([one.reach for one in ruled], np.int64),
            skew=np.array([UNBOUNDED if one.skew is None else one.skew for one in rules], np.int64),
            looks_back=np.array([one.looks_back for one in ruled], np.bool_),
        )

    def comparable(self, rule: Ints, value: Floats, quality: Flags) -> Mask:
        """Which readings others are compared with: a number in its range, not worse than suspect. NaN is no number."""
        return (quality <= SUSPECT) & (value >= self.low[rule]) & (value <= self.high[rule])


@dataclass(frozen=True, slots=True)
class Chain:
    """Comparable readings, ordered by (who, t), each once. ``who`` is the Datastream, ``t`` microseconds.

    ``since``: when the run of equal values began that a reading is of, where it is known; else ``NONE``.
    """

    who: Ints
    t: Ints
    value: Floats
    since: Ints


def judge(chain: Chain, bounds: Bounds, rule: Ints) -> tuple[Flags, Ints]:
    """The rules that each reading breaks, as bits, and since when its value has been the same.

    ``rule``: the row of ``bounds`` that each reading is held against.
    """
    who, t, value = chain.who, chain.t, chain.value
    rows = len(t)
    if not rows:
        return np.zeros(0, np.uint8), np.zeros(0, np.int64)
    before = np.maximum(np.arange(rows) - 1, 0)
    first = who != who[before]
    first[0] = True
    gap = np.where(first, 1, t - t[before])
    near = ~first & (gap <= bounds.reach[rule])
    with np.errstate(over="ignore", invalid="ignore"):
        change = _change(value[before], value, bounds.angle[rule], bounds.counter[rule])
        step = near & (change > bounds.step[rule])
        rate = near & (change / gap * HOUR > bounds.rate[rule])
    broken = first | (value != value[before]) | (gap >= bounds.frozen[rule])
    begun = np.maximum.accumulate(np.where(broken, np.arange(rows), 0))
    since = np.where(chain.since[begun] == NONE, t[begun], chain.since[begun])
    frozen = (t - since >= bounds.frozen[rule]) & ~_spared(bounds, rule, value)
    return (STEP * step + RATE * rate + FROZEN * frozen).astype(np.uint8), since


def _change(before: Floats, value: Floats, angle: Mask, counter: Mask) -> Floats:
    """By how much each differs from the one before: the shorter way round, and upwards only of a counter."""
    plain = value - before
    turned = np.abs((plain + 180.0) % 360.0 - 180.0)
    return np.where(angle, turned, np.where(counter, np.maximum(plain, 0.0), np.abs(plain)))


def _spared(bounds: Bounds, rule: Ints, value: Floats) -> Mask:
    if not bounds.spared.shape[1]:
        return np.zeros(len(value), np.bool_)
    spared: Mask = (bounds.spared[rule] == value[:, None]).any(axis=1)
    return spared
