"""Columns of readings and of windows to JSON rows and CSV, without a Python object in between for CSV.

JSON of a reading: ``{"id", "datastream", "time", "value", "quality", "result_time"}``; ``value`` is a number, the text
of a state, or null. CSV has the same columns without ``id``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from gops.quality import WORDS
from gops.timetext import write_times

READING_COLUMNS = ("datastream", "time", "value", "quality", "result_time")
_WORDS = pa.array(WORDS)
_MUST_QUOTE = '[,"\r\n]|^$'


def readings_json(table: pa.Table, zone: ZoneInfo) -> list[dict[str, Any]]:
    """Rows of ``READINGS`` as the objects of an answer."""
    datastreams, moments = table["datastream"].to_pylist(), table["t"].to_pylist()
    return [
        {
            "id": f"{datastream}_{moment}",
            "datastream": datastream,
            "time": time,
            "value": value,
            "quality": WORDS[quality],
            "result_time": result,
        }
        for datastream, moment, time, value, quality, result in zip(
            datastreams,
            moments,
            write_times(table["t"].to_numpy(), zone).to_pylist(),
            _values(table),
            table["quality"].to_pylist(),
            _optional_times(table["result_time"], zone).to_pylist(),
            strict=True,
        )
    ]


def _values(table: pa.Table) -> list[float | str | None]:
    values: list[float | str | None] = table["value"].to_pylist()
    if table["text"].null_count == len(values):
        return values
    texts = table["text"].to_pylist()
    return [value if text is None else text for value, text in zip(values, texts, strict=True)]


def _optional_times(column: pa.ChunkedArray, zone: ZoneInfo) -> pa.StringArray:
    if column.null_count == len(column):
        return pa.nulls(len(column), pa.string())
    texts = write_times(column.drop_null().to_numpy(), zone)
    present = pc.is_valid(column).to_numpy(zero_copy_only=False)
    places = np.where(present, np.cumsum(present) - 1, -1)
    return texts.take(pa.array(places, mask=~present))


def windows_json(table: pa.Table, zone: ZoneInfo) -> list[dict[str, Any]]:
    """Rows of an aggregate (see ``store.port.Windows``) as the objects of an answer; ``share`` is an object."""
    columns = {name: table[name].to_pylist() for name in table.column_names}
    for name in ("start", "end"):
        columns[name] = write_times(table[name].to_numpy(), zone).to_pylist()
    if "share" in columns:
        columns["share"] = [None if one is None else orjson.Fragment(one) for one in columns["share"]]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def header(columns: Sequence[str]) -> bytes:
    return ",".join(columns).encode() + b"\n"


def readings_csv(batch: pa.RecordBatch | pa.Table, zone: ZoneInfo) -> bytes:
    """Rows of ``READINGS`` as CSV lines in the order of ``READING_COLUMNS``."""
    table = batch if isinstance(batch, pa.Table) else pa.Table.from_batches([batch])
    number, text = _text(table["value"]), _quoted(table["text"])
    return _lines(
        [
            _text(table["datastream"]),
            write_times(table["t"].to_numpy(), zone),
            pc.coalesce(text, number),
            _WORDS.take(table["quality"].combine_chunks()),
            _optional_times(table["result_time"], zone),
        ]
    )


def windows_csv(table: pa.Table, zone: ZoneInfo) -> bytes:
    """Rows of an aggregate as CSV lines, in the order of its columns."""
    return _lines([_cells(table[name], zone, is_time=name in ("start", "end")) for name in table.column_names])


def _cells(column: pa.ChunkedArray, zone: ZoneInfo, *, is_time: bool) -> pa.Array:
    if is_time:
        return write_times(column.to_numpy(), zone)
    return _quoted(column) if pa.types.is_string(column.type) else _text(column)


def _text(column: pa.ChunkedArray) -> pa.Array:
    return pc.cast(column.combine_chunks(), pa.string())


def _quoted(column: pa.ChunkedArray) -> pa.Array:
    """Text as RFC 4180 wants it: in quotes where it holds a comma, a quote or a line break."""
    plain = column.combine_chunks()
    if plain.null_count == len(plain):
        return plain
    doubled = pc.replace_substring(plain, '"', '""')
    inside = pc.binary_join_element_wise('"', doubled, '"', "")
    return pc.if_else(pc.match_substring_regex(plain, _MUST_QUOTE), inside, plain)


def _lines(columns: Sequence[pa.Array]) -> bytes:
    """The cells joined by commas; a null is an empty cell."""
    if not len(columns[0]):
        return b""
    cells = [pc.cast(column, pa.large_string()) for column in columns]
    joined = pc.binary_join_element_wise(*cells, pa.scalar(",", pa.large_string()), null_handling="replace")
    lines = pc.binary_join_element_wise(joined, pa.scalar("\n", pa.large_string()), pa.scalar("", pa.large_string()))
    _validity, _offsets, characters = lines.buffers()
    return bytes(characters)
