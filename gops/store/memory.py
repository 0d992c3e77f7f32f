"""The store in memory: plain dictionaries, one row after the other. The twin that every other store is held against.

It forgets everything at the end of the process, and it is slow; what it answers is meant to be obviously right.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from gops.errors import Unavailable
from gops.kinds import Kind
from gops.quality import Quality
from gops.store.checks import (
    by_datastream,
    check_batch,
    check_read,
    check_requalify,
    check_swap,
    check_unchanged,
    check_windows,
    receipt,
    shift,
    windows_schema,
)
from gops.store.memory_windows import Reading, window_rows
from gops.store.port import (
    INSERTED,
    KEPT,
    READINGS,
    REPLACED,
    UNCHANGED,
    Capabilities,
    Delivery,
    Extent,
    Health,
    Mode,
    Read,
    Receipt,
    Series,
    Windows,
)

DELIVERIES_KEPT = 32_767


class _Row(NamedTuple):
    """A reading with its Datastream; the columns of ``READINGS``."""

    datastream: int
    t: int
    value: float | None
    text: str | None
    quality: int
    result_time: int | None


class MemoryStore:
    """A ``Store`` that lives as long as its process. ``deliveries_kept`` bounds what is remembered of a session."""

    capabilities = Capabilities(
        durable=False,
        replaces=True,
        deletes_range=True,
        text=True,
        microseconds=True,
        atomic=True,
        visible_after_s=0.0,
        retention_scope="datastream",
    )

    def __init__(self, deliveries_kept: int = DELIVERIES_KEPT) -> None:
        self._kept = deliveries_kept
        self._lock = threading.RLock()
        self._open = True
        self._rows: dict[int, dict[int, _Row]] = {}
        self._sessions: dict[str, dict[int, int]] = {}
        self._versions: dict[int, int] = {}
        self._commits = 0

    # writing

    def submit(self, batch: pa.Table, mode: Mode, deliveries: Sequence[Delivery] = ()) -> Future[Receipt]:
        rows = [_Row(**row) for row in check_batch(batch).to_pylist()]
        done: Future[Receipt] = Future()
        with self._while_open():
            outcomes = [self._put(row, mode) for row in rows]
            changed = {row.datastream for row, outcome in zip(rows, outcomes, strict=True) if outcome <= REPLACED}
            self._note_change(changed)
            for delivery in deliveries:
                self._remember(delivery)
        done.set_result(receipt(np.array(outcomes, np.uint8)))
        return done

    def write(self, batch: pa.Table, mode: Mode, deliveries: Sequence[Delivery] = ()) -> Receipt:
        return self.submit(batch, mode, deliveries).result()

    def _put(self, row: _Row, mode: Mode) -> int:
        rows = self._rows.setdefault(row.datastream, {})
        standing = rows.get(row.t)
        if standing is None:
            rows[row.t] = row
            return INSERTED
        if (row.value, row.text, row.quality) == (standing.value, standing.text, standing.quality):
            rows[row.t] = standing._replace(result_time=_later(standing.result_time, row.result_time))
            return UNCHANGED
        if not _wins(row, standing, mode):
            return KEPT
        rows[row.t] = row
        return REPLACED

    def delete(self, datastreams: Sequence[int], start: int, end: int) -> int:
        with self._while_open():
            doomed = [
                (datastream, t)
                for datastream in set(datastreams)
                for t in self._rows.get(datastream, {})
                if start <= t < end
            ]
            for datastream, t in doomed:
                del self._rows[datastream][t]
            self._note_change({datastream for datastream, _ in doomed})
        return len(doomed)

    def requalify(
        self,
        datastreams: Sequence[int],
        start: int,
        end: int,
        quality: Quality,
        only: frozenset[Quality] = frozenset(Quality),
    ) -> int:
        check_requalify(quality)
        with self._while_open():
            changed = [
                row._replace(quality=int(quality))
                for datastream in set(datastreams)
                for t, row in self._rows.get(datastream, {}).items()
                if start <= t < end and row.quality in only and row.quality != quality
                if quality > Quality.estimated or (row.value, row.text) != (None, None)
            ]
            for row in changed:
                self._rows[row.datastream][row.t] = row
            self._note_change({row.datastream for row in changed})
        return len(changed)

    def swap(self, datastream: int, start: int, end: int, rows: pa.Table, version: int) -> int:
        new = {row["t"]: _Row(**row) for row in check_swap(datastream, start, end, rows).to_pylist()}
        with self._while_open():
            check_unchanged(self._versions.get(datastream, 0), version)
            standing = self._rows.setdefault(datastream, {})
            gone = [t for t in standing if start <= t < end]
            for t in gone:
                del standing[t]
            standing |= new
            self._note_change({datastream} if gone or new else set())
        return len(gone)

    def _note_change(self, changed: set[int]) -> None:
        if changed:
            self._commits += 1
            self._versions.update(dict.fromkeys(changed, self._commits))

    # deliveries

    def _remember(self, delivery: Delivery) -> None:
        session = self._sessions.setdefault(delivery.session, {})
        session.pop(delivery.packet_id, None)
        session[delivery.packet_id] = delivery.digest
        while len(session) > self._kept:
            del session[next(iter(session))]

    def delivered(self, deliveries: Sequence[Delivery]) -> Sequence[bool]:
        with self._while_open():
            return [self._sessions.get(one.session, {}).get(one.packet_id) == one.digest for one in deliveries]

    def forget_deliveries(self, session: str) -> None:
        with self._while_open():
            self._sessions.pop(session, None)

    # reading

    def read(self, query: Read) -> pa.Table:
        check_read(query)
        with self._while_open():
            rows = [row for series in by_datastream(query.series).values() for row in self._between(series, query)]
        rows.sort(reverse=query.descending)
        if query.after is not None:
            past = query.after
            rows = [row for row in rows if (row[:2] < past if query.descending else row[:2] > past)]
        return _table(rows[: query.limit])

    def _between(self, series: Series, query: Read) -> list[_Row]:
        back = shift(series)
        return [
            row
            for t, row in self._rows.get(series.datastream, {}).items()
            if (query.start is None or query.start <= t - back)
            and (query.end is None or t - back < query.end)
            and row.quality in query.quality
        ]

    def stream(self, query: Read, rows: int = 65_536) -> Iterator[pa.RecordBatch]:
        return iter(self.read(query).to_batches(max_chunksize=rows))

    def aggregate(self, query: Windows) -> pa.Table:
        kind = check_windows(query)
        with self._while_open():
            found = {one: self._readings(one, kind) for one in by_datastream(query.series)}
        answer = [
            row
            for datastream, series in by_datastream(query.series).items()
            for row in window_rows(series, found[datastream], query)
        ]
        return pa.Table.from_pylist(answer, schema=windows_schema(query, kind))

    def _readings(self, datastream: int, kind: Kind) -> list[Reading]:
        rows = sorted(self._rows.get(datastream, {}).values())
        return [Reading(row.t, row.text if kind == "state" else row.value, row.quality) for row in rows]

    def latest(self, datastreams: Sequence[int]) -> pa.Table:
        with self._while_open():
            return _table([max(self._rows[one].values()) for one in sorted(set(datastreams)) if self._rows.get(one)])

    def extent(self, datastreams: Sequence[int]) -> dict[int, Extent]:
        with self._while_open():
            found = {one: self._rows[one] for one in datastreams if self._rows.get(one)}
            return {one: Extent(min(rows), max(rows), len(rows)) for one, rows in found.items()}

    def version(self, datastreams: Sequence[int]) -> int:
        with self._while_open():
            return max((self._versions.get(one, 0) for one in datastreams), default=0)

    # life

    def _while_open(self) -> threading.RLock:
        if not self._open:
            raise Unavailable("the store is closed")
        return self._lock

    def health(self) -> Health:
        with self._while_open():
            return Health(True, {"engine": "memory", "rows": sum(map(len, self._rows.values()))})

    def close(self) -> None:
        self._open = False


def _wins(row: _Row, standing: _Row, mode: Mode) -> bool:
    """Does a row that differs take the place of the one that stands?"""
    if row.result_time is None or standing.result_time is None:
        return mode == "replace"
    return row.result_time >= standing.result_time if mode == "replace" else row.result_time > standing.result_time


def _later(one: int | None, other: int | None) -> int | None:
    return max((time for time in (one, other) if time is not None), default=None)


def _table(rows: Sequence[_Row]) -> pa.Table:
    return pa.Table.from_pylist([row._asdict() for row in rows], schema=READINGS)
