"""What stands already: only rows that are not newer than everything of their Datastream can stand on something.

Of each Datastream that this process writes the newest time is kept in memory, asked for once. What was written in the
last seconds is kept too, since the engine does not show new series at once.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gops.clock import DAY, HOUR, Clock
from gops.store.resolve import Standing, doubled
from gops.store.rows import Ints, Rows
from gops.store.victoria.lines import AHEAD, EARLIEST, MILLI
from gops.store.victoria.rows import export, in_parts, matching
from gops.store.victoria.server import Server

HIDDEN_SECONDS = 15.0  # 1.79 shows a new series after up to 10 s
SPANS = 50  # questions at most about the late rows of one batch
GAP = HOUR  # between late rows, from which they are asked for apart
LOOKBACKS = (3 * DAY, 60 * DAY, 730 * DAY, 36_525 * DAY)  # microseconds before now in which the newest is looked for
NEVER = -1


def back(moment: int, lookback: int) -> int:
    """Milliseconds from ``moment`` to ``lookback`` microseconds before now, or to the earliest time that there is."""
    return min((lookback + AHEAD) // MILLI, moment - EARLIEST // MILLI + 1)


def newest_times(server: Server, name: str, ids: Sequence[int], now: int) -> dict[int, int]:
    """The newest t in microseconds of each of these Datastreams that has one."""
    found: dict[int, int] = {}
    moment = (now + AHEAD) // MILLI
    for part in in_parts(ids):
        for lookback in LOOKBACKS:
            missing = [one for one in part if one not in found]
            if missing:
                query = f"tlast_over_time({matching(name, missing, 'q')}[{back(moment, lookback)}ms])"
                found |= {int(one["d"]): round(t * 1000) * MILLI for one, t in server.ask(query, moment)}
    return found


@dataclass(frozen=True)
class _Written:
    at: float
    rows: Rows


class Known:
    """Only the writer uses this. ``datastreams`` bounds how many are remembered; the oldest are asked for again."""

    def __init__(self, server: Server, name: str, clock: Clock, datastreams: int = 1_000_000) -> None:
        self._server = server
        self._name = name
        self._clock = clock
        self._limit = datastreams
        self._newest: dict[int, int] = {}
        self._recent: deque[_Written] = deque()

    def standing(self, batch: Rows) -> tuple[Standing, npt.NDArray[np.bool_]]:
        """What stands in place of each row, and which rows share their key with another of the batch."""
        ids, place = np.unique(batch.datastream, return_inverse=True)
        newest = np.array(self._newest_of(ids.tolist()), np.int64)
        standing = Standing.nothing(batch)
        suspects = np.flatnonzero(batch.t <= newest[place])
        if len(suspects):
            found = self._look_up(batch.datastream[suspects], batch.t[suspects])
            _fill(standing, batch, suspects, found)
        return standing, doubled(batch)

    def note(self, rows: Rows) -> None:
        """These were handed in."""
        if not len(rows):
            return
        ids, place = np.unique(rows.datastream, return_inverse=True)
        tops = np.full(len(ids), NEVER, np.int64)
        np.maximum.at(tops, place, rows.t)
        for one, top in zip(ids.tolist(), tops.tolist(), strict=True):
            self._newest[one] = max(top, self._newest.get(one, NEVER))
        self._drop_shown()
        self._recent.append(_Written(time.monotonic(), rows))

    def forget(self) -> None:
        """What was handed in may not be there: ask again."""
        self._newest.clear()
        self._recent.clear()

    def _newest_of(self, ids: Sequence[int]) -> Sequence[int]:
        unknown = [one for one in ids if one not in self._newest]
        if unknown:
            if len(self._newest) + len(unknown) > self._limit:
                self._newest.clear()
                unknown = list(ids)
            found = newest_times(self._server, self._name, unknown, self._clock.micros())
            self._newest |= {one: found.get(one, NEVER) for one in unknown}
            for written in self._recent:
                self._raise_to(written.rows.take(np.isin(written.rows.datastream, unknown)))
        return [self._newest[one] for one in ids]

    def _raise_to(self, rows: Rows) -> None:
        for one, t in zip(rows.datastream.tolist(), rows.t.tolist(), strict=True):
            self._newest[one] = max(t, self._newest[one])

    def _drop_shown(self) -> None:
        """What the engine shows by now is asked for there."""
        while self._recent and self._recent[0].at < time.monotonic() - HIDDEN_SECONDS:
            self._recent.popleft()

    def _look_up(self, ids: Ints, times: Ints) -> Rows:
        """All that stands at these keys, and perhaps more, in the order in which it was written."""
        tables = []
        for start, end in spans(times):
            within = (times >= start) & (times <= end)
            tables.append(
                export(self._server, self._name, np.unique(ids[within]).tolist(), start // MILLI, end // MILLI)
            )
        found = Rows.of(pa.concat_tables(tables).combine_chunks())
        self._drop_shown()
        recent = [one.rows.take(np.isin(one.rows.datastream, ids)) for one in self._recent]
        return _joined([*recent, found])


def spans(times: Ints) -> Iterator[tuple[int, int]]:
    """At most ``SPANS`` ranges, both ends included, that hold all of these; cut at the widest gaps."""
    ordered = np.unique(times)
    gaps = np.diff(ordered)
    cuts = np.sort(np.argsort(gaps)[::-1][: SPANS - 1])
    cuts = cuts[gaps[cuts] > GAP]
    starts, ends = np.concatenate(([0], cuts + 1)), np.append(cuts, len(ordered) - 1)
    yield from zip(ordered[starts].tolist(), ordered[ends].tolist(), strict=True)


def _joined(parts: Sequence[Rows]) -> Rows:
    return Rows(**{name: np.concatenate([vars(one)[name] for one in parts]) for name in vars(parts[0])})


def _fill(standing: Standing, batch: Rows, suspects: Ints, found: Rows) -> None:
    """Put each row found in the place of the suspects of its key."""
    keys = {key: n for n, key in enumerate(zip(found.datastream.tolist(), found.t.tolist(), strict=True))}
    wanted = zip(batch.datastream[suspects].tolist(), batch.t[suspects].tolist(), strict=True)
    at = np.array([keys.get(key, -1) for key in wanted], np.int64)
    there = at >= 0
    places, at = suspects[there], at[there]
    standing.rowid[places] = at
    for name in ("value", "quality", "result_time"):
        vars(standing.rows)[name][places] = vars(found)[name][at]
