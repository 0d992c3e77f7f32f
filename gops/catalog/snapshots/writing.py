"""Readings into Parquet files, in flat memory: a stream ordered by (Datastream, time), dealt out to its periods.

The bytes of a file depend on its readings and on what the registry says of their Datastreams, not on when it is made or
what else the dataset has: so row groups are cut at fixed numbers of rows, words are plain text that Parquet itself
counts, and nothing of the snapshot stands in the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gops.catalog.long_shape import Member
from gops.catalog.snapshots.manifest import COLUMNS, FrozenFile
from gops.catalog.snapshots.periods import Period
from gops.files.port import Draft, Files
from gops.quality import WORDS
from gops.store.port import READINGS

ROW_GROUP = 65_536
ENDING = ".parquet"
MOMENT = pa.timestamp("us", "UTC")
TYPES = {
    "datastream": pa.int64(), "time": MOMENT, "thing": pa.string(), "property": pa.string(), "value": pa.float64(),
    "text": pa.string(), "unit": pa.string(), "quality": pa.string(), "result_time": MOMENT,
}  # fmt: skip
NULLABLE = frozenset({"value", "text", "result_time"})
SCHEMA = pa.schema([pa.field(name, TYPES[name], nullable=name in NULLABLE) for name in COLUMNS])
RISING = ("time", "result_time")


class Rows:
    """Turns readings of ``members`` into rows of ``SCHEMA``."""

    def __init__(self, members: Sequence[Member]) -> None:
        ordered = sorted(members, key=lambda one: one.id)
        self._ids = np.array([one.id for one in ordered], np.int64)
        self._things = pa.array([one.thing for one in ordered], pa.string())
        self._observed = pa.array([one.observed for one in ordered], pa.string())
        self._units = pa.array([one.unit for one in ordered], pa.string())
        self._words = pa.array(WORDS, pa.string())

    def of(self, batch: pa.Table) -> pa.Table:
        place = pa.array(np.searchsorted(self._ids, batch["datastream"].to_numpy()))
        columns = {
            "datastream": batch["datastream"],
            "time": batch["t"].cast(MOMENT),
            "thing": self._things.take(place),
            "property": self._observed.take(place),
            "value": batch["value"],
            "text": batch["text"],
            "unit": self._units.take(place),
            "quality": self._words.take(batch["quality"].combine_chunks()),
            "result_time": batch["result_time"].cast(MOMENT),
        }
        return pa.table([columns[name] for name in SCHEMA.names], schema=SCHEMA)


class _Sink:
    """What a Parquet writer writes into. It writes its end also when it is given up; that goes nowhere then."""

    def __init__(self, draft: Draft) -> None:
        self.closed = False
        self._draft = draft
        self._given_up = False

    def write(self, piece: Any) -> int:
        return len(piece) if self._given_up else self._draft.write(piece)

    def tell(self) -> int:
        return self._draft.tell()

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True

    def give_up(self) -> None:
        self._given_up = True
        self._draft.discard()


class _Part:
    """One file while it is written."""

    def __init__(self, period: Period, rows: Rows, draft: Draft) -> None:
        self._period = period
        self._rows = rows
        self._draft = draft
        self._sink = _Sink(draft)
        self._waiting: list[pa.RecordBatch] = []
        self._waits = 0
        self._written = 0
        self._first, self._last = period.start, period.end - 1
        self._writer = pq.ParquetWriter(
            self._sink,
            SCHEMA,
            compression="zstd",
            use_dictionary=[name for name in SCHEMA.names if name not in RISING],
            column_encoding=dict.fromkeys(RISING, "DELTA_BINARY_PACKED"),
            write_page_checksum=True,
            sorting_columns=pq.SortingColumn.from_ordering(
                SCHEMA, [("datastream", "ascending"), ("time", "ascending")]
            ),
        )

    def add(self, batch: pa.RecordBatch) -> None:
        t = batch["t"].to_numpy()
        self._first, self._last = min(self._first, int(t.min())), max(self._last, int(t.max()))
        self._waiting.append(batch)
        self._waits += batch.num_rows
        if self._waits >= ROW_GROUP:
            self._write(self._waits - self._waits % ROW_GROUP)

    def _write(self, count: int) -> None:
        """The first ``count`` rows that wait, in whole row groups."""
        table = pa.Table.from_batches(self._waiting, READINGS)
        for low in range(0, count, ROW_GROUP):
            group = table.slice(low, min(ROW_GROUP, count - low))
            self._writer.write_table(self._rows.of(group), row_group_size=ROW_GROUP)
        self._written += count
        rest = table.slice(count).combine_chunks()  # a copy: a slice would keep the whole batch in memory
        self._waiting, self._waits = rest.to_batches(), rest.num_rows

    def close(self) -> None:
        """Give the file its end."""
        if self._waits:
            self._write(self._waits)
        self._writer.close()

    def give_up(self) -> None:
        """Discard what is not kept."""
        self._sink.give_up()
        self._writer.close()

    @property
    def is_empty(self) -> bool:
        return not self._written

    def keep(self) -> FrozenFile:
        kept = self._draft.keep()
        name, span = self._period.name + ENDING, (self._first, self._last + 1)
        return FrozenFile(name, kept.sha256, kept.bytes, self._written, *span)


class Writing:
    """Files for ``cuts``. Use it in a ``with``: what was not kept at its end is discarded."""

    def __init__(self, files: Files, owner: str, cuts: Sequence[Period], members: Sequence[Member], most: int) -> None:
        self._begins = np.array([one.start for one in cuts], np.int64)
        self._counts: dict[int, int] = {}
        self._first: int | None = None
        self._last: int | None = None
        self._stack = ExitStack()
        rows = Rows(members)
        with self._stack as building:
            self._parts = []
            for cut in cuts:
                self._parts.append(_Part(cut, rows, files.begin(owner, most)))
                building.callback(self._parts[-1].give_up)
            self._stack = building.pop_all()

    def __enter__(self) -> Writing:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def add(self, batch: pa.RecordBatch) -> None:
        """The next readings, of ``store.port.READINGS``, in the order (Datastream, time)."""
        if not batch.num_rows:
            return
        self._count(batch)
        t = batch["t"].to_numpy()
        low, high = int(t.min()), int(t.max())
        self._first = low if self._first is None else min(self._first, low)
        self._last = high if self._last is None else max(self._last, high)
        if len(self._parts) == 1:
            self._parts[0].add(batch)
            return
        which = np.clip(np.searchsorted(self._begins, t, "right") - 1, 0, None)  # what came late and is older still
        for place in np.unique(which):
            self._parts[place].add(batch.filter(pa.array(which == place)))

    def _count(self, batch: pa.RecordBatch) -> None:
        ids, counts = np.unique(batch["datastream"].to_numpy(), return_counts=True)
        for one, count in zip(ids.tolist(), counts.tolist(), strict=True):
            self._counts[one] = self._counts.get(one, 0) + count

    @property
    def span(self) -> tuple[int | None, int | None]:
        """First and last time of a reading, in microseconds; None without any."""
        return self._first, self._last

    @property
    def counts(self) -> dict[int, int]:
        """Rows of each Datastream that has some."""
        return self._counts

    def keep(self) -> Sequence[FrozenFile]:
        """Finish the files and keep those that have rows, all of them durable."""
        for part in self._parts:
            part.close()
        return tuple(part.keep() for part in self._parts if not part.is_empty)
