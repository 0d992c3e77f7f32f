"""Reading: rows in the order of (datastream, t), in pieces that memory holds.

Before rows are fetched they are counted, so that one answer of the server has at most ``PIECE_ROWS`` of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gops.clock import HOUR, MINUTE, Clock
from gops.kinds import Kind
from gops.store.checks import by_datastream, shift
from gops.store.port import READINGS, Extent, Read, Series, Windows
from gops.store.victoria.lines import AHEAD, EARLIEST, MILLI
from gops.store.victoria.newest import LOOKBACKS, back
from gops.store.victoria.rows import Samples, export, in_parts, join, matching
from gops.store.victoria.server import Server
from gops.store.windowing import aggregate_rows, needed, newest_used

PIECE_ROWS = 300_000
FIRST = EARLIEST // MILLI
FEW = 4  # Datastreams of a page that are looked at from its edge on, instead of being counted
FIRST_LOOK, GROWTH = 10 * MINUTE // MILLI, 8
BEFORE = 6 * HOUR // MILLI  # in which the readings before a range of counters are looked for together


class Reader:
    """Times within are milliseconds, ranges include both ends."""

    def __init__(self, server: Server, name: str, clock: Clock, piece_rows: int = PIECE_ROWS) -> None:
        self._server = server
        self._name = name
        self._clock = clock
        self._piece_rows = piece_rows

    def stream(self, query: Read) -> Iterator[pa.Table]:
        """The rows that ``query`` asks for, in its order."""
        series = by_datastream(query.series)
        wanted = [one for one in series if _may_follow(one, query)]
        low, high = self._bounds(query)
        left = query.limit
        for piece in self._pieces(wanted, low, high, query.descending, few=left is not None and len(wanted) <= FEW):
            table = _asked(piece, query, series)
            if left is not None:
                table = table.slice(0, left)
                left -= table.num_rows
            if table.num_rows:
                yield table
            if left == 0:
                return

    def aggregate(self, query: Windows, kind: Kind) -> pa.Table:
        span = needed(query)
        low, high = max(FIRST, _up(span.low)), _up(span.high) - 1
        ids = list(by_datastream(query.series))
        before = self._before(ids, low - 1, query, kind) if span.before else READINGS.empty_table()
        return aggregate_rows(query, kind, self._pieces(ids, low, high), before)

    def latest(self, ids: Sequence[int]) -> pa.Table:
        tables = [self._latest(part) for part in in_parts(ids)]
        return pa.concat_tables(tables).combine_chunks() if tables else READINGS.empty_table()

    def extent(self, ids: Sequence[int]) -> dict[int, Extent]:
        moment = (self._clock.micros() + AHEAD) // MILLI
        span = back(moment, LOOKBACKS[-1])
        found: dict[int, Extent] = {}
        for part in in_parts(ids):
            series = matching(self._name, part, "q")
            first, last, rows = (
                {int(one["d"]): value for one, value in self._server.ask(f"{of}_over_time({series}[{span}ms])", moment)}
                for of in ("tfirst", "tlast", "count")
            )
            for one in sorted(first.keys() & last.keys() & rows.keys()):
                found[one] = Extent(_micros(first[one]), _micros(last[one]), int(rows[one]))
        return found

    def _bounds(self, query: Read) -> tuple[int, int]:
        """A range that holds what is asked for, whatever the labels."""
        low = FIRST if query.start is None else max(FIRST, _up(query.start))
        high = (self._clock.micros() + AHEAD) // MILLI if query.end is None else query.end // MILLI
        return low, high

    # rows in pieces

    def _pieces(
        self, ids: Sequence[int], low: int, high: int, descending: bool = False, few: bool = False
    ) -> Iterator[pa.Table]:
        if low > high:
            return
        ordered = sorted(ids, reverse=descending)
        if few:
            for one in ordered:
                yield from self._from_edge(one, low, high, descending)
            return
        parts = list(in_parts(ordered))
        for part in reversed(parts) if descending else parts:
            counts = self._counts(part, low, high)
            for group in _packed(sorted(counts, reverse=descending), counts, self._piece_rows):
                if counts[group[0]] > self._piece_rows:
                    yield from self._split(group[0], low, high, counts[group[0]], descending)
                else:
                    yield self._fetch(group, low, high, descending)

    def _from_edge(self, one: int, low: int, high: int, descending: bool) -> Iterator[pa.Table]:
        """Rows from one end of the range on, in steps that grow; what lies ahead of now is no step of its own."""
        now = self._clock.micros() // MILLI
        length = FIRST_LOOK + (max(0, high - now) if descending else 0)
        while low <= high:
            start, end = (max(low, high - length), high) if descending else (low, min(high, low + length))
            count = self._counts([one], start, end).get(one, 0)
            if count:
                yield from self._split(one, start, end, count, descending)
            low, high = (low, start - 1) if descending else (end + 1, high)
            length *= GROWTH

    def _split(self, one: int, low: int, high: int, count: int, descending: bool) -> Iterator[pa.Table]:
        """Rows of a range that has ``count`` of them, halved until a piece is small enough."""
        if count <= self._piece_rows or low == high:
            if count:
                yield self._fetch([one], low, high, descending)
            return
        middle = (low + high) // 2
        first = self._counts([one], low, middle).get(one, 0)
        halves = [(low, middle, first), (middle + 1, high, count - first)]
        for start, end, rows in reversed(halves) if descending else halves:
            yield from self._split(one, start, end, rows, descending)

    def _fetch(self, ids: Sequence[int], low: int, high: int, descending: bool) -> pa.Table:
        table = export(self._server, self._name, ids, low, high)
        return table.take(pa.array(np.arange(table.num_rows)[::-1])) if descending else table

    def _counts(self, ids: Sequence[int], low: int, high: int) -> dict[int, int]:
        """How many rows each of these Datastreams has, if any; at most ``IDS_AT_ONCE`` of them."""
        if not ids:
            return {}
        query = f"count_over_time({matching(self._name, ids, 'q')}[{high - low + 1}ms])"
        return {int(one["d"]): int(count) for one, count in self._server.ask(query, high)}

    # single rows

    def _before(self, ids: Sequence[int], high: int, query: Windows, kind: Kind) -> pa.Table:
        """Of each Datastream the newest used row until ``high``. Of kind state nothing is ever used here."""
        if kind == "state":
            return READINGS.empty_table()
        found = [newest_used(piece, query, kind) for piece in self._pieces(ids, max(FIRST, high - BEFORE), high)]
        seen = {one for table in found for one in table["datastream"].to_pylist()}
        for one in ids:
            if one not in seen:
                older = self._from_edge(one, FIRST, high - BEFORE - 1, descending=True)
                used = (newest_used(piece.take(_backwards(piece)), query, kind) for piece in older)
                found.append(next((table for table in used if table.num_rows), READINGS.empty_table()))
        return pa.concat_tables(found) if found else READINGS.empty_table()

    def _latest(self, ids: Sequence[int]) -> pa.Table:
        """From the newest sample of every part; what is not whole there is looked for among the rows."""
        moment = (self._clock.micros() + AHEAD) // MILLI
        samples: dict[int, dict[str, Samples]] = {}
        for lookback in LOOKBACKS:
            missing = [one for one in ids if one not in samples]
            if not missing:
                break
            span = f"{matching(self._name, missing)}[{back(moment, lookback)}ms]"
            values = self._server.ask(f"last_over_time({span}) keep_metric_names", moment)
            times = self._server.ask(f"tlast_over_time({span}) keep_metric_names", moment)
            when = {(one["d"], one["__name__"]): _millis(t) for one, t in times}
            for one, value in values:
                t = when.get((one["d"], one["__name__"]))
                if t is not None:
                    part = samples.setdefault(int(one["d"]), {})
                    part[one["__name__"][-1]] = (np.array([t], np.int64), np.array([value]))
        table = join(samples)
        lacking = samples.keys() - set(table["datastream"].to_pylist())
        others = [self._newest_whole(one) for one in sorted(lacking)]
        whole = pa.concat_tables([table, *others])
        return whole.take(pc.sort_indices(whole["datastream"])) if others else whole

    def _newest_whole(self, one: int) -> pa.Table:
        pieces = self._from_edge(one, FIRST, (self._clock.micros() + AHEAD) // MILLI, descending=True)
        return next((piece.slice(0, 1) for piece in pieces if piece.num_rows), READINGS.empty_table())


def _may_follow(datastream: int, query: Read) -> bool:
    if query.after is None:
        return True
    return datastream <= query.after[0] if query.descending else datastream >= query.after[0]


def _asked(table: pa.Table, query: Read, series: dict[int, Series]) -> pa.Table:
    """The rows of ``table`` that lie in the asked range, have an asked quality, and follow ``after``."""
    ids, t = table["datastream"].to_numpy(), table["t"].to_numpy()
    known = np.array(list(series), np.int64)
    back = np.array([shift(one) for one in series.values()], np.int64)[np.searchsorted(known, ids)]
    wanted = np.isin(table["quality"].to_numpy(), [int(one) for one in query.quality])
    if query.start is not None:
        wanted &= t - back >= query.start
    if query.end is not None:
        wanted &= t - back < query.end
    if query.after is not None:
        one, seen = query.after
        later = (ids > one) | ((ids == one) & (t > seen))
        wanted &= (~later & ~((ids == one) & (t == seen))) if query.descending else later
    return table if wanted.all() else table.filter(pa.array(wanted))


def _packed(ids: Sequence[int], counts: dict[int, int], rows: int) -> Iterator[Sequence[int]]:
    """Neighbours whose rows fit one piece; one with more rows alone."""
    group: list[int] = []
    size = 0
    for one in ids:
        if group and size + counts[one] > rows:
            yield group
            group, size = [], 0
        group.append(one)
        size += counts[one]
    if group:
        yield group


def _backwards(table: pa.Table) -> pa.Array:
    return pa.array(np.arange(table.num_rows)[::-1])


def _up(micros: int) -> int:
    """The first whole millisecond that is not before ``micros``."""
    return -(-micros // MILLI)


def _millis(seconds: float) -> int:
    return round(seconds * 1000)


def _micros(seconds: float) -> int:
    return _millis(seconds) * MILLI
