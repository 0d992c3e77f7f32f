"""How long each state held in each window, from rows that come block after block; see ``port.Windows``."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from typing import Any

import pyarrow as pa

from gops.store.memory_windows import share
from gops.store.port import Windows

_Spell = tuple[int, str | None]
"""Since when a state is known, and its text; None while nothing is known."""


class Spells:
    """``add`` rows of ``READINGS`` in the order of (datastream, t), then ask for ``shares``. ``before`` has the newest
    row of each Datastream before the asked range. A state holds from its t on, whatever the label."""

    def __init__(self, query: Windows, before: pa.Table) -> None:
        self._edges = list(query.edges)
        self._low, self._high = max(query.asked[0], query.edges[0]), min(query.asked[1], query.edges[-1])
        self._held: dict[int, _Spell] = {
            row["datastream"]: (row["t"], row["text"] if row["quality"] in query.quality else None)
            for row in before.to_pylist()
        }
        self._spent: defaultdict[tuple[int, int], defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))

    def add(self, table: pa.Table, used: Any) -> None:
        columns = (table["datastream"].to_pylist(), table["t"].to_pylist(), table["text"].to_pylist(), used.tolist())
        for datastream, t, text, counts in zip(*columns, strict=True):
            self._end(datastream, t)
            self._held[datastream] = (t, text if counts else None)

    def _end(self, datastream: int, until: int) -> None:
        """What is held by a Datastream ends."""
        since, text = self._held.get(datastream, (0, None))
        if text is None:
            return
        low, high = max(since, self._low), min(until, self._high)
        while low < high:
            place = bisect_right(self._edges, low) - 1
            end = min(self._edges[place + 1], high)
            self._spent[datastream, place][text] += end - low
            low = end

    def shares(self) -> dict[tuple[int, int], str]:
        """JSON of text -> share of the known time, by (Datastream, number of the window)."""
        for datastream in self._held:
            self._end(datastream, self._high)
        self._held.clear()
        return {key: found for key, spent in self._spent.items() if (found := share(spent)) is not None}
