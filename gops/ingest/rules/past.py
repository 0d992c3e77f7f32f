"""The readings before those of a batch, with which these are compared.

Of each Datastream the newest comparable reading is remembered, and since when its value has been the same; the
longest silent ones are forgotten. What is not remembered, or lies before what is, is read from the store: the same
part of the past that a verdict depends on, so that a restart and a repetition change none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from gops.clock import HOUR
from gops.ingest.rules.judging import SUSPECT, Chain, Flags, Floats, Ints, Mask, Ruled
from gops.ingest.rules.memory import Memory
from gops.store.port import READINGS, Read, Series, Store
from gops.store.rows import NONE

TOGETHER = 100  # Datastreams whose past is read together
ROWS = 200_000  # of one such read; of one that has more, the newest are looked at
NO_ROWS = np.zeros(0, np.int64)
NO_CHAIN = Chain(NO_ROWS, NO_ROWS, np.zeros(0), NO_ROWS)


@dataclass(frozen=True, slots=True)
class Coming:
    """What a batch has of each Datastream, in the order of their ids: its first and last comparable t, and its first
    value. ``known`` has the rules of all."""

    who: Ints
    first: Ints
    last: Ints
    value: Floats
    known: Mapping[int, Ruled]


class Past:
    """Of at most ``size`` Datastreams the newest reading is remembered."""

    def __init__(self, store: Store, size: int) -> None:
        self._store = store
        self._memory = Memory(size)

    def __len__(self) -> int:
        return len(self._memory)

    def before(self, coming: Coming) -> Chain:
        """Comparable readings up to the last of each, ``who`` being the Datastream. Raises ``Unavailable``."""
        found, remembered = self._memory.find(coming.who)
        fresh = found & (remembered.t < coming.first)
        if fresh.all():
            return remembered
        return _joined((_some(remembered, fresh), self._looked_up(coming, ~found, ~fresh)))

    def _looked_up(self, coming: Coming, cold: Mask, asked: Mask) -> Chain:
        """What the store has of those ``asked``; ``cold`` are those of them that were not remembered."""
        newest = self._newest(coming, cold) if cold.any() else {}
        states: dict[int, tuple[int, float]] = {}
        ranges: dict[int, tuple[int, int]] = {}
        columns = (column[asked].tolist() for column in (coming.who, coming.first, coming.last, coming.value))
        for one, first, last, value in zip(*columns, strict=True):
            ruled, state = coming.known[one], newest.get(one)
            frozen = ruled.rules.frozen
            if one in newest and state is None:
                continue
            if state is None:
                ranges[one] = (first - ruled.reach, last + 1)
            elif frozen is None or state[1] != value or first - state[0] >= frozen:
                states[one] = state
            else:  # since when that value?
                ranges[one] = (first - 2 * frozen, last + 1)
        read = self._read(ranges, coming.known) if ranges else NO_CHAIN
        return _joined((_chain_of(states), read))

    def _newest(self, coming: Coming, cold: Mask) -> dict[int, tuple[int, float] | None]:
        """Of those whose newest stored reading settles it: nothing stands, or a comparable one before the batch."""
        firsts = dict(zip(coming.who[cold].tolist(), coming.first[cold].tolist(), strict=True))
        table = self._store.latest(list(firsts))
        found: dict[int, tuple[int, float] | None] = dict.fromkeys(firsts)
        for one, t, value, quality in zip(*(table[name].to_pylist() for name in _COLUMNS), strict=True):
            ruled = coming.known[one]
            if t < firsts[one] and value is not None and quality <= SUSPECT and ruled.low <= value <= ruled.high:
                found[one] = (t, value)
            else:
                del found[one]
        return found

    def _read(self, ranges: Mapping[int, tuple[int, int]], ruled: Mapping[int, Ruled]) -> Chain:
        """Those of like ranges together: a feed brings the same hours of all its stations."""
        alike: dict[tuple[int, int], list[int]] = {}
        for one, (start, end) in ranges.items():
            alike.setdefault((start // HOUR * HOUR, -(-end // HOUR) * HOUR), []).append(one)
        tables: list[pa.Table] = []
        for (start, end), ids in sorted(alike.items()):
            for first in range(0, len(ids), TOGETHER):
                tables += self._read_together(sorted(ids)[first : first + TOGETHER], start, end, ranges)
        return _comparable(pa.concat_tables(tables), ruled, ranges)

    def _read_together(
        self, ids: Sequence[int], start: int, end: int, ranges: Mapping[int, tuple[int, int]]
    ) -> Iterable[pa.Table]:
        table = self._store.read(Read([Series(one) for one in ids], start, end, limit=ROWS))
        if table.num_rows < ROWS:
            return [table]
        return [self._store.read(Read([Series(one)], *ranges[one], limit=ROWS, descending=True))[::-1] for one in ids]

    def settle(self, ends: Chain, coming: Coming) -> None:
        """A batch is on its way into the store: ``ends`` is how its Datastreams stand behind its last readings."""
        found, known = self._memory.find(ends.who)
        late = found & (ends.t < known.t)
        if late.any():
            touched = late & ((ends.t >= known.since) | (ends.value == known.value))  # the run is shorter or longer now
            self.forget(one for one in ends.who[touched].tolist() if coming.known[one].rules.frozen is not None)
        self._memory.keep(_some(ends, ~late))

    def forget(self, datastreams: Iterable[int]) -> None:
        """What is stored of these, or what is said of them, has changed."""
        self._memory.forget(datastreams)


_COLUMNS = ("datastream", "t", "value", "quality")


def _chain_of(states: Mapping[int, tuple[int, float]]) -> Chain:
    if not states:
        return NO_CHAIN
    t, value = zip(*states.values(), strict=True)
    ids = np.fromiter(states, np.int64, len(states))
    return Chain(ids, np.array(t, np.int64), np.array(value, np.float64), np.full(len(states), NONE, np.int64))


def _some(chain: Chain, which: Mask) -> Chain:
    return Chain(chain.who[which], chain.t[which], chain.value[which], chain.since[which])


def _joined(chains: Sequence[Chain]) -> Chain:
    return Chain(*(np.concatenate([getattr(one, name) for one in chains]) for name in ("who", "t", "value", "since")))


def _comparable(table: pa.Table, ruled: Mapping[int, Ruled], ranges: Mapping[int, tuple[int, int]]) -> Chain:
    who: Ints = table["datastream"].to_numpy()
    t: Ints = table["t"].to_numpy()
    value: Floats = table["value"].fill_null(np.nan).to_numpy()
    quality: Flags = table["quality"].to_numpy()
    ids, place = np.unique(who, return_inverse=True)
    low, high = (np.array([getattr(ruled[int(one)], name) for one in ids], np.float64) for name in ("low", "high"))
    start, end = (np.array([ranges[int(one)][edge] for one in ids], np.int64) for edge in (0, 1))
    good = (quality <= SUSPECT) & (t >= start[place]) & (t < end[place])
    good &= (value >= low[place]) & (value <= high[place])
    return Chain(who[good], t[good], value[good], np.full(int(good.sum()), NONE, np.int64))


assert set(_COLUMNS) <= set(READINGS.names)
