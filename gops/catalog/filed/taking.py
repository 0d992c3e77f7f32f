"""From the bytes that were handed in to a table: looked at, typed, summed up, and written as Parquet.

Two passes: the first reads the file once, finds the types over all rows and lays the batches on the disk; the second
turns them into values of these types. Memory holds a batch at a time, GeoJSON and the texts of a workbook apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gops.catalog.filed import csv_source, geojson_source, parquet_source, xlsx_source
from gops.catalog.filed.bounds import Bounds, Wrongs, bad_file
from gops.catalog.filed.dictionary import Said
from gops.catalog.filed.source import Source
from gops.catalog.filed.summing import Summary
from gops.catalog.filed.types import GEOJSON, OF_ARROW, TEXT, TYPES, Guess, as_type

READERS: Mapping[str, Callable[[BinaryIO, Bounds], Source]] = {
    "csv": csv_source.source,
    "geojson": geojson_source.source,
    "parquet": parquet_source.source,
    "xlsx": xlsx_source.source,
}
ROW_GROUP = 65_536
LONGITUDE, LATITUDE = "longitude", "latitude"


@dataclass(frozen=True, slots=True)
class Taken:
    """``columns``: name, type, nullable (were there nulls), and the summary of each."""

    rows: int
    columns: list[dict[str, Any]]
    encoding: str
    bbox: list[float] | None


def take(file: BinaryIO, form: str, said: Sequence[Said], bounds: Bounds, into: Any) -> Taken:
    """Read ``file`` and write it as Parquet into the stream ``into``, which stays open.

    Raises ``Invalid``: ``wrong_type``, ``bad_file`` with the first wrong places in ``extra``; ``TooLarge``, also when
    it takes longer than ``bounds`` allow (``upload_too_slow``).
    """
    bounds = bounds.begun()
    source = READERS[form](file, bounds)
    declared = {one.name: one for one in said}
    with closing(source), TemporaryFile() as laid:
        _check_declared(source, declared)
        rows, guessed = _lay(source, bounds, cast(BinaryIO, laid))
        types = {name: _type(name, guessed[name], source, declared) for name in source.names}
        laid.seek(0)
        columns = _write(_timed(pa.ipc.open_stream(laid), bounds), source, types, declared, into)
    return Taken(rows, columns, source.encoding, source.bbox or _box(columns))


def _check_declared(source: Source, declared: Mapping[str, Said]) -> None:
    """What is declared of a column that is not there contradicts the file, unless it says nothing but words."""
    wrongs = Wrongs()
    for name, one in declared.items():
        if name not in source.names and (one.type is not None or one.codes or not one.nullable):
            some = ", ".join(source.names[:20])
            wrongs.add(1, name, some, f"a column {name}, as the dictionary declares", f"there is no column {name}")
    wrongs.refuse()


def _lay(source: Source, bounds: Bounds, laid: BinaryIO) -> tuple[int, dict[str, str]]:
    """Lay all batches; how many rows, and the type of each column."""
    rows, guesses, kinds = 0, {name: Guess() for name in source.names}, dict[str, str]()
    writer: Any = None
    for batch in _timed(source.batches(), bounds):
        if writer is None:
            writer = pa.ipc.new_stream(laid, batch.schema, options=pa.ipc.IpcWriteOptions(compression="lz4"))
            kinds = {field.name: OF_ARROW[field.type] for field in batch.schema}
        rows += batch.num_rows
        bounds.check_rows(rows, len(source.names))
        for name, column in zip(source.names, batch.columns, strict=True):
            if kinds[name] == TEXT and name not in source.textual:
                guesses[name].look(column)
        writer.write_batch(batch)
    source.wrongs.refuse()
    if not rows:
        raise bad_file("there are no rows", 0, "at least one row below the names of the columns")
    writer.close()
    return rows, {name: guesses[name].type if kinds[name] == TEXT else kinds[name] for name in source.names}


def _timed(batches: Any, bounds: Bounds) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        bounds.check_time()
        yield batch


def _type(name: str, guessed: str, source: Source, declared: Mapping[str, Said]) -> str:
    if name in source.geometry:
        return GEOJSON
    one = declared.get(name)
    if one is not None and one.type is not None:
        return one.type
    return TEXT if one is not None and one.codes and guessed != "integer" else guessed


def _write(
    batches: Any, source: Source, types: Mapping[str, str], declared: Mapping[str, Said], into: Any
) -> list[dict[str, Any]]:
    arrow = {name: pa.string() if kind == GEOJSON else TYPES[kind].arrow for name, kind in types.items()}
    schema = pa.schema([pa.field(name, arrow[name]) for name in source.names])
    summaries = {name: Summary(types[name]) for name in source.names}
    wrongs, row = Wrongs(), source.first_row
    with pq.ParquetWriter(into, schema, compression="zstd", write_page_checksum=True) as writer:
        for batch in _grouped(batches):
            columns = []
            for name, column in zip(source.names, batch.columns, strict=True):
                values = _valued(name, column, types[name], declared.get(name), row, wrongs)
                summaries[name].add(values)
                columns.append(values)
            if not wrongs.count:
                writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema), row_group_size=ROW_GROUP)
            row += batch.num_rows
    wrongs.refuse()
    return [_column(name, types[name], summaries[name]) for name in source.names]


def _grouped(batches: Any) -> Iterator[pa.RecordBatch]:
    """Batches of about ``ROW_GROUP`` rows."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(one.num_rows for one in held) >= ROW_GROUP:
            yield from pa.Table.from_batches(held).combine_chunks().to_batches()
            held = []
    if held:
        yield from pa.Table.from_batches(held).combine_chunks().to_batches()


def _valued(name: str, column: pa.Array, kind: str, said: Said | None, row: int, wrongs: Wrongs) -> pa.Array:
    """The column in its type; what is no value of it, or not as declared, is told by row."""
    expected = "text" if kind == GEOJSON else TYPES[kind].expected
    if kind == GEOJSON or column.type == TYPES[kind].arrow:
        values, bad = column, None
    elif column.type == pa.string():
        values, bad = as_type(column, TYPES[kind])
    else:
        values, bad = _converted(name, column, kind)
    _tell(bad, column, name, expected, row, wrongs)
    if said is not None and not said.nullable and values.null_count:
        _tell(pc.and_not(values.is_null(), bad) if bad is not None else values.is_null(), column, name,
              "a value: the dictionary says that none is missing", row, wrongs)  # fmt: skip
    if said is not None and said.codes:
        codes = pa.array([one.value for one in said.codes], pa.string())
        unknown = pc.invert(pc.is_in(values.cast(pa.string()), codes))
        _tell(pc.and_(unknown, values.is_valid()), column, name, _listed(said), row, wrongs)
    return values


def _converted(name: str, column: pa.Array, kind: str) -> tuple[pa.Array, None]:
    """A column that the file itself gives another type than is declared."""
    try:
        return column.cast(TYPES[kind].arrow), None
    except pa.ArrowException as error:
        raise bad_file(f"column {name} does not fit the type {kind}", str(column.type),
                       f"values of the declared type {kind}", f"column {name}") from error  # fmt: skip


def _tell(bad: pa.Array | None, column: pa.Array, name: str, expected: str, row: int, wrongs: Wrongs) -> None:
    if bad is None:
        return
    places = pc.indices_nonzero(pc.fill_null(bad, False)).to_pylist()
    for place in places[:20]:
        found = column[place].as_py()
        message = f"row {row + place}, column {name} is not {expected}"
        wrongs.add(row + place, name, "nothing" if found is None else found, expected, message)
    wrongs.more(len(places[20:]))


def _listed(said: Said) -> str:
    some = ", ".join(one.value for one in said.codes[:20])
    return f"one of {some}" + (" and others" if len(said.codes) > 20 else "")


def _column(name: str, kind: str, summary: Summary) -> dict[str, Any]:
    told = summary.document()
    return {"name": name, "type": kind, "nullable": told["nulls"] > 0, "summary": told}


def _box(columns: Sequence[Mapping[str, Any]]) -> list[float] | None:
    """Around the places of a file that has columns ``longitude`` and ``latitude``."""
    edges = {one["name"]: one["summary"] for one in columns if one["type"] in ("number", "integer")}
    if not {LONGITUDE, LATITUDE} <= set(edges) or edges[LONGITUDE]["min"] is None or edges[LATITUDE]["min"] is None:
        return None
    x, y = edges[LONGITUDE], edges[LATITUDE]
    box = [float(x["min"]), float(y["min"]), float(x["max"]), float(y["max"])]
    return box if box[0] >= -180 and box[2] <= 180 and box[1] >= -90 and box[3] <= 90 else None
