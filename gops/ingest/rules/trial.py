"""Quality rules on readings that are stored: which they would have flagged. In flat memory; changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from gops.ingest.rules.columns import ends_of
from gops.ingest.rules.judging import FROZEN, RANGE, RATE, STEP, SUSPECT, WORDS, Bounds, Chain, Flags, Ruled, judge
from gops.sensors.spans import shift
from gops.store.port import Read, Series, Store
from gops.store.rows import NONE

EXAMPLES = 20
TRIED = (RANGE, STEP, RATE, FROZEN)


@dataclass(frozen=True, slots=True)
class Example:
    """A reading that would be flagged, and by which rules. ``t`` in microseconds."""

    t: int
    value: float
    rules: tuple[str, ...]


@dataclass(slots=True)
class Tried:
    """``readings`` of the range; those of them that have a number and that no source declared worse than suspect were
    ``compared``; ``flagged`` of these by any rule, and ``by_rule`` by each. The first examples."""

    readings: int = 0
    compared: int = 0
    flagged: int = 0
    by_rule: Counter[str] = field(default_factory=Counter)
    examples: list[Example] = field(default_factory=list)


def try_on(store: Store, series: Series, ruled: Ruled, start: int, end: int) -> Tried:
    """Judge the readings of a range as if they came in now, in the order of their times."""
    tried = Tried()
    bounds = Bounds.of([ruled])
    own = start + shift(series)
    last = _chain(np.zeros(0, np.int64), np.zeros(0), NONE)
    for batch in store.stream(Read([Series(series.datastream)], own - ruled.reach, end + shift(series))):
        last = _judge(tried, batch, bounds, last, own)
    return tried


def _judge(tried: Tried, batch: pa.RecordBatch, bounds: Bounds, last: Chain, start: int) -> Chain:
    """Judge a part behind the ``last`` reading of those before; the last of this one."""
    t = batch["t"].to_numpy()
    value = batch["value"].fill_null(np.nan).to_numpy()
    quality: Flags = batch["quality"].to_numpy()
    nobody = np.zeros(len(t), np.int64)
    numbers = (quality <= SUSPECT) & ~np.isnan(value)
    comparable = bounds.comparable(nobody, value, quality)
    own = _chain(t[comparable], value[comparable], NONE)
    chain = Chain(*(np.concatenate((getattr(last, name), getattr(own, name))) for name in last.__slots__))
    broken, since = judge(chain, bounds, np.zeros(len(chain.t), np.int64))
    flags = np.where(numbers & ~comparable, np.uint8(RANGE), np.uint8(0))
    flags[comparable] = broken[len(last.t) :]
    asked = t >= start
    _count(tried, t[asked], value[asked], flags[asked], numbers[asked])
    return ends_of(chain, since)


def _chain(t: np.ndarray, value: np.ndarray, since: int) -> Chain:
    return Chain(np.zeros(len(t), np.int64), t, value, np.full(len(t), since, np.int64))


def _count(tried: Tried, t: np.ndarray, value: np.ndarray, flags: Flags, numbers: np.ndarray) -> None:
    tried.readings += len(t)
    tried.compared += int(numbers.sum())
    flagged = np.flatnonzero(flags)
    tried.flagged += len(flagged)
    for bit in TRIED:
        tried.by_rule[WORDS[bit]] += int(np.count_nonzero(flags & bit))
    for index in flagged[: EXAMPLES - len(tried.examples)].tolist():
        rules = tuple(WORDS[bit] for bit in TRIED if flags[index] & bit)
        tried.examples.append(Example(int(t[index]), float(value[index]), rules))


def as_document(tried: Tried) -> Mapping[str, object]:
    """As plain values, for the admin socket."""
    return {
        "readings": tried.readings,
        "compared": tried.compared,
        "flagged": tried.flagged,
        "by_rule": dict(tried.by_rule),
        "examples": [[one.t, one.value, list(one.rules)] for one in tried.examples],
    }
