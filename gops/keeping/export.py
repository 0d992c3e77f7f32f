"""Readings as files that any tool reads: Parquet or CSV, one file a month of a zone, with a manifest of hashes.

::

    <folder>/readings-2026-05.parquet   rows of ``SCHEMA`` by (datastream, time)
    <folder>/datastreams.csv            what each Datastream is
    <folder>/manifest.json              written last: without it the export is not complete

A month is one consistent view of the store; readings that come in while it runs may be in a later month's file.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, Protocol
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from gops.clock import from_micros
from gops.keeping.writing import appearing, empty_folder, sha256_of
from gops.quality import WORDS
from gops.store.port import Extent, Read, Series, Store
from gops.timetext import write_times
from gops.windows import edges

Form = Literal["parquet", "csv"]
BATCH_ROWS = 131_072  # a row group of Parquet
CSV_OPTIONS = pacsv.WriteOptions(quoting_style="needed", quoting_header="none")  # texts in quotes, nulls empty


@dataclass(frozen=True)
class Asked:
    """Which readings: of these Datastreams, with ``start <= t < end`` in microseconds; None is no bound."""

    form: Form
    start: int | None
    end: int | None


@dataclass(frozen=True)
class Month:
    """``start <= t < end`` in microseconds; ``name`` is of the local month, such as 2026-05."""

    name: str
    start: int
    end: int


class _Writer(Protocol):
    def write_table(self, table: pa.Table) -> None: ...

    def close(self) -> None: ...


def export(
    store: Store,
    folder: Path,
    about: Mapping[int, Mapping[str, Any]],
    asked: Asked,
    zone: ZoneInfo,
    told: Callable[[int, int], None],
) -> dict[str, Any]:
    """Write the files of the Datastreams in ``about`` (id -> what is said of it); rows, Datastreams and files.

    ``told`` gets rows done, and rows in all where no range is asked. Raises ``Invalid`` for a folder that is not empty.
    """
    empty_folder(folder, "FOLDER")
    extents = store.extent(sorted(about))
    of = sum(one.rows for one in extents.values()) if asked.start is None and asked.end is None else 0
    files: list[dict[str, Any]] = []
    done = 0
    for month in months(extents, asked, zone):
        ids = sorted(one for one, extent in extents.items() if extent.first < month.end and extent.last >= month.start)
        written = _month(store, folder, ids, month, asked.form, zone, partial(_add, told, done, of))
        files += written
        done += sum(int(file["rows"]) for file in written)
    files.append(_describe(folder, about, extents, zone))
    return {"rows": done, "datastreams": len(extents), "files": files}


def _add(told: Callable[[int, int], None], before: int, of: int, rows: int) -> None:
    told(before + rows, of)


def months(extents: Mapping[int, Extent], asked: Asked, zone: ZoneInfo) -> Iterator[Month]:
    """The local months that hold what was asked for, cut to it, oldest first."""
    if not extents:
        return
    first = min(one.first for one in extents.values())
    last = max(one.last for one in extents.values())
    start = first if asked.start is None else max(first, asked.start)
    end = last + 1 if asked.end is None else min(last + 1, asked.end)
    if start >= end:
        return
    for begin, finish in pairwise(edges(start, end, "1mo", zone)):
        name = f"{from_micros(begin).astimezone(zone):%Y-%m}"
        yield Month(name, max(begin, start), min(finish, end))


def schema(zone: ZoneInfo) -> pa.Schema:
    """Of the Parquet files. CSV has the same columns, times as ISO 8601 text."""
    moment = pa.timestamp("us", zone.key)
    return pa.schema(
        [
            pa.field("datastream", pa.int64(), nullable=False),
            pa.field("time", moment, nullable=False),
            pa.field("value", pa.float64()),
            pa.field("text", pa.string()),
            pa.field("quality", pa.dictionary(pa.int8(), pa.string()), nullable=False),
            pa.field("result_time", moment),
        ]
    )


def _month(
    store: Store,
    folder: Path,
    ids: Sequence[int],
    month: Month,
    form: Form,
    zone: ZoneInfo,
    told: Callable[[int], None],
) -> list[dict[str, Any]]:
    """One file; none where there is nothing in the month."""
    batches = store.stream(Read([Series(one) for one in ids], month.start, month.end), BATCH_ROWS)
    head = next(batches, None)
    if head is None:
        return []
    name, shape = f"readings-{month.name}.{form}", _csv_table if form == "csv" else _parquet_table
    rows = 0
    with appearing(folder / name) as path, path.open("xb") as file:
        writer: _Writer | None = None
        for batch in _chain(head, batches):
            table = shape(pa.Table.from_batches([batch]), zone)
            writer = writer or _writer(file, table.schema, form)
            writer.write_table(table)
            rows += batch.num_rows
            told(rows)
        assert writer is not None
        writer.close()
    return [{"name": name, "from": _time(month.start, zone), "to": _time(month.end, zone), **_of(folder / name, rows)}]


def _writer(file: Any, shape: pa.Schema, form: Form) -> _Writer:
    if form == "csv":
        written: _Writer = pacsv.CSVWriter(file, shape, write_options=CSV_OPTIONS)
        return written
    return pq.ParquetWriter(file, shape, compression="zstd")


def _chain(head: pa.RecordBatch, rest: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield head
    yield from rest


def _parquet_table(table: pa.Table, zone: ZoneInfo) -> pa.Table:
    moment = pa.timestamp("us", zone.key)
    codes = table["quality"].combine_chunks().cast(pa.int8())
    columns = [
        table["datastream"],
        table["t"].cast(moment),
        table["value"],
        table["text"],
        pa.DictionaryArray.from_arrays(codes, pa.array(WORDS, pa.string())),
        table["result_time"].cast(moment),
    ]
    return pa.table(columns, schema=schema(zone))


def _csv_table(table: pa.Table, zone: ZoneInfo) -> pa.Table:
    return pa.table(
        {
            "datastream": table["datastream"],
            "time": write_times(table["t"].to_numpy(), zone),
            "value": table["value"],
            "text": table["text"],
            "quality": pa.array(WORDS, pa.string()).take(table["quality"].combine_chunks()),
            "result_time": _optional_times(table["result_time"].combine_chunks(), zone),
        }
    )


def _optional_times(column: pa.Array, zone: ZoneInfo) -> pa.Array:
    present = column.is_valid().to_numpy(zero_copy_only=False)
    texts = write_times(column.drop_null().to_numpy(), zone)
    return texts.take(pa.array(np.cumsum(present) - 1, mask=~present))


def _describe(
    folder: Path, about: Mapping[int, Mapping[str, Any]], extents: Mapping[int, Extent], zone: ZoneInfo
) -> dict[str, Any]:
    """``datastreams.csv``: of each Datastream that has readings."""
    name = "datastreams.csv"
    with appearing(folder / name) as path, path.open("x", newline="", encoding="utf-8") as file:
        said = [*next(iter(about.values()), {})]
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(["datastream", *said, "first", "last", "rows"])
        for one, extent in sorted(extents.items()):
            whole = [_time(extent.first, zone), _time(extent.last, zone), extent.rows]
            lines.writerow([one, *about[one].values(), *whole])
    return {"name": name, **_of(folder / name, len(extents))}


def _of(path: Path, rows: int) -> dict[str, Any]:
    path.chmod(0o600)
    return {"rows": rows, "bytes": path.stat().st_size, "sha256": sha256_of(path)}


def _time(micros: int, zone: ZoneInfo) -> str:
    return from_micros(micros).astimezone(zone).isoformat()
