"""Parquet files, in pieces of some rows. They are read from a file on disk: what a footer says stands at the end."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from gops.errors import Invalid, Malformed, TooLarge
from gops.ingest.checks import EXACT
from gops.ingest.push import arrays
from gops.ingest.push.blocks import BLOCK_BYTES, Text
from gops.ingest.push.cells import Reading, columns_of, name_of, read_row, way_of
from gops.ingest.push.chunk import BadRow, Chunk, Columns, Name, Said

ROWS = 100_000
ROW_BYTES = 8  # that a row takes at least when it is unpacked
IN_MEMORY = 8 << 20


def chunks(text: Text, reading: Reading, device: str, most: int) -> Iterator[Chunk]:
    """``most`` bytes when it is unpacked. Raises ``Malformed`` (``bad_parquet``), ``Invalid`` (``bad_header``),
    ``TooLarge``."""
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as file:
        while piece := text.read(BLOCK_BYTES):
            file.write(piece)
        file.seek(0)
        try:
            opened = pq.ParquetFile(file)
            meanings = columns_of(opened.schema_arrow.names, device)
            _bound(opened, most)
            first = 1
            for batch in opened.iter_batches(ROWS):
                yield _chunk(batch, first, meanings, reading, device)
                first += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            raise Malformed(
                "the body is no Parquet file", code="bad_parquet", field="body", expected="a whole Parquet file"
            ) from error


def _bound(file: Any, most: int) -> None:
    groups = [file.metadata.row_group(index) for index in range(file.metadata.num_row_groups)]
    size = max(sum(group.total_byte_size for group in groups), file.metadata.num_rows * ROW_BYTES)
    if size > most:
        raise TooLarge(
            "the Parquet file is too large when it is unpacked",
            field="body",
            found=size,
            expected=f"at most {most} bytes (GOPS_PUSH_UNPACKED_BYTES)",
        )


def _chunk(batch: Any, first: int, meanings: dict[str, str], reading: Reading, device: str) -> Chunk:
    columns = {meanings[name]: _readable(name, batch.column(name)) for name in batch.schema.names}
    columns.pop("id", None)
    moments: dict[str, Any] = {}
    for name in ("time", "result_time"):
        if name in columns and pa.types.is_timestamp(columns[name].type):
            moments[name] = arrays.stamps(columns[name], reading)

    def row(index: int) -> Said:
        cells = {name: _cell(column, index) for name, column in columns.items() if name not in moments}
        said = read_row(
            {**cells, "time": 0, "result_time": None} if "time" in moments else cells, reading, device=device
        )
        if not moments:
            return said
        found = {"t": said.t, "result_time": said.result_time, **_moments(index)}
        return said._replace(t=found["t"], result_time=found["result_time"])

    def _moments(index: int) -> dict[str, int | None]:
        found: dict[str, int | None] = {}
        for name, (micros, held) in moments.items():
            valid = columns[name][index].is_valid
            if not held[index] and (valid or name == "time"):
                raise _bad_time(name, valid, reading)
            found["t" if name == "time" else name] = int(micros[index]) if valid else None
        return found

    numbers = np.arange(first, first + batch.num_rows, dtype=np.int64)
    plain = _plain(columns, moments, batch.num_rows, reading, device)
    return Chunk(
        numbers, "row {}", row, plain, raw=lambda index: _text({n: c[index].as_py() for n, c in columns.items()})
    )


def _text(cells: dict[str, Any]) -> str:
    """The row as a line of NDJSON, which says the same."""
    return orjson.dumps(cells, default=str).decode()


def _bad_time(name: str, valid: bool, reading: Reading) -> BadRow:
    column = "time" if name == "time" else "resultTime"
    if not valid:
        return BadRow("missing_member", column, "found no time; expected one in every row")
    if reading.zone is None:
        return BadRow(
            "time_without_zone", column, "found a timestamp without zone; expected one, or zone= in the address"
        )
    return BadRow("bad_time", column, "found a timestamp that its zone never showed, or outside the years 1 to 9999")


def _cell(column: Any, index: int) -> Any:
    value = column[index].as_py()
    return int(value) if isinstance(value, np.integer) else value


def _readable(name: str, column: Any) -> Any:
    """The column in one of a few types. Raises ``Invalid`` (``bad_header``) for any other."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.dictionary_decode(), kind.value_type
    if pa.types.is_timestamp(kind) or pa.types.is_boolean(kind):
        return column
    for fits, wanted in (
        (pa.types.is_integer, pa.int64()),
        (pa.types.is_floating, pa.float64()),
        (lambda one: pa.types.is_string(one) or pa.types.is_large_string(one), pa.string()),
    ):
        if fits(kind):
            return column.cast(wanted)
    raise Invalid(
        f"the column {name} is of a type that no reading has",
        code="bad_header",
        field="body",
        found=str(kind)[:100],
        expected="integers, floats, texts or timestamps",
    )


def _plain(
    columns: dict[str, Any], moments: dict[str, Any], rows: int, reading: Reading, device: str
) -> Columns | None:
    there = columns.keys() | ({"device"} if device else set())
    way = way_of(set(there))
    value = columns.get("value")
    naming = {"datastream", "thing", "property", "device", "field"} & columns.keys()
    if value is None or not (pa.types.is_floating(value.type) or pa.types.is_integer(value.type)):
        return None
    if not naming <= set(way) or not ("time" in moments or pa.types.is_string(columns["time"].type)):
        return None
    named = [name for name in way if name in columns]

    def make(*values: Any) -> Name:
        return name_of(dict(zip(named, values, strict=True)), device)

    names, who, plain = arrays.names([columns[name] for name in named], make)
    t, held = moments["time"] if "time" in moments else arrays.times(columns["time"], reading)
    plain &= held
    floats = np.array(value.cast(pa.float64(), safe=False).fill_null(np.nan).to_numpy(zero_copy_only=False))
    nothing = ~np.asarray(value.is_valid().to_numpy(zero_copy_only=False))
    if pa.types.is_integer(value.type):
        plain &= np.abs(floats) < EXACT  # of a larger one resolve says whether it is rounded
    if "text" in columns:
        plain &= ~np.asarray(columns["text"].is_valid().to_numpy(zero_copy_only=False))
    quality, held = _qualities(columns.get("quality"), rows)
    plain &= held
    result_time, held = _result_times(columns.get("result_time"), moments, rows)
    return Columns(names, who, t, floats, quality, result_time, plain & held, nothing)


def _qualities(column: Any, rows: int) -> Any:
    if column is None:
        return np.full(rows, arrays.NO_QUALITY, np.uint8), np.ones(rows, np.bool_)
    if pa.types.is_string(column.type):
        return arrays.qualities(column)
    if not pa.types.is_integer(column.type):
        return np.full(rows, arrays.NO_QUALITY, np.uint8), np.zeros(rows, np.bool_)
    codes = column.fill_null(arrays.NO_QUALITY).to_numpy(zero_copy_only=False)
    held = ((codes >= 0) & (codes <= 5)) | ~np.asarray(column.is_valid().to_numpy(zero_copy_only=False))
    return np.where(held, codes, arrays.NO_QUALITY).astype(np.uint8), held


def _result_times(column: Any, moments: dict[str, Any], rows: int) -> Any:
    if column is None or column.null_count == rows:
        return arrays.no_times(rows)
    nothing = ~np.asarray(column.is_valid().to_numpy(zero_copy_only=False))
    if "result_time" not in moments:
        return np.full(rows, arrays.NONE, np.int64), nothing
    found, held = moments["result_time"]
    return np.where(nothing, arrays.NONE, found), held | nothing
