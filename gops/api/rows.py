"""Columns of readings and of windows to JSON and CSV, without a Python object of each cell in between.

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

from gops.api import few
from gops.quality import WORDS
from gops.timetext import write_times

READING_COLUMNS = ("datastream", "time", "value", "quality", "result_time")
_WORDS = pa.array(WORDS)
_MUST_QUOTE = '[,"\r\n]|^$'


def readings(table: pa.Table, zone: ZoneInfo) -> list[dict[str, Any]]:
    """Rows of ``READINGS`` as the objects of an answer; few of them, for those who add to each."""
    found: list[dict[str, Any]] = orjson.loads(readings_json(table, zone))
    return found


def readings_json(table: pa.Table, zone: ZoneInfo) -> bytes:
    """Rows of ``READINGS`` as a JSON array."""
    if 0 < table.num_rows <= few.MOST:
        return few.readings(table, zone)
    return many_readings_json(table, zone)


def many_readings_json(table: pa.Table, zone: ZoneInfo) -> bytes:
    """The same, column by column."""
    datastreams, moments = _ids(table["datastream"]), _text(table["t"])
    return _array(
        [
            ('"id":"', datastreams, "_", moments, '"'),
            (',"datastream":', datastreams),
            (',"time":"', write_times(table["t"].to_numpy(), zone), '"'),
            (',"value":', _values(table)),
            (',"quality":"', _words(table), '"'),
            (',"result_time":', _quoted_times(table["result_time"], zone)),
        ],
        table.num_rows,
    )


def _values(table: pa.Table) -> pa.Array:
    numbers, texts = _text(table["value"]), table["text"].combine_chunks()
    return pc.fill_null(numbers if texts.null_count == len(texts) else pc.coalesce(_json_texts(texts), numbers), "null")


def _ids(column: pa.ChunkedArray) -> pa.Array | str:
    """Of one Datastream it is the same text in all rows."""
    ids = column.to_numpy()
    return str(ids[0]) if len(ids) and (ids == ids[0]).all() else _text(column)


def _json_texts(texts: pa.Array) -> pa.Array:
    return pa.array([None if one is None else orjson.dumps(one).decode() for one in texts.to_pylist()], pa.string())


def _words(table: pa.Table) -> pa.Array:
    return _WORDS.take(table["quality"].combine_chunks())


def _quoted_times(column: pa.ChunkedArray, zone: ZoneInfo) -> pa.Array | str:
    if column.null_count == len(column):
        return "null"
    return pc.fill_null(pc.binary_join_element_wise('"', _optional_times(column, zone), '"', ""), "null")


def _optional_times(column: pa.ChunkedArray, zone: ZoneInfo) -> pa.StringArray:
    if column.null_count == len(column):
        return pa.nulls(len(column), pa.string())
    texts = write_times(column.drop_null().to_numpy(), zone)
    present = pc.is_valid(column).to_numpy(zero_copy_only=False)
    places = np.where(present, np.cumsum(present) - 1, -1)
    return texts.take(pa.array(places, mask=~present))


def windows_json(table: pa.Table, zone: ZoneInfo) -> bytes:
    """Rows of an aggregate (see ``store.port.Windows``) as a JSON array; ``share`` is an object."""
    members: list[Sequence[pa.Array | str]] = []
    for name in table.column_names:
        begin = f'{"," if members else ""}"{name}":'
        if name in ("start", "end"):
            members.append((begin + '"', write_times(table[name].to_numpy(), zone), '"'))
        elif name == "datastream":
            members.append((begin, _ids(table[name])))
        else:
            members.append((begin, pc.fill_null(_json(table[name], name), "null")))
    return _array(members, table.num_rows)


def _json(column: pa.ChunkedArray, name: str) -> pa.Array:
    if pa.types.is_string(column.type):
        return column.combine_chunks() if name == "share" else _json_texts(column.combine_chunks())
    return _text(column)


def _array(members: Sequence[Sequence[pa.Array | str]], rows: int) -> bytes:
    """A JSON array of ``rows`` objects; each member of them is cells and what stands between, the same in all rows."""
    if not rows:
        return b"[]"
    pieces = ["{", *(piece for member in members for piece in member), "},"]
    cells = [_large(piece) for piece in _merged(pieces)]
    return b"[" + _characters(pc.binary_join_element_wise(*cells, _large("")))[:-1] + b"]"


def _merged(pieces: Sequence[pa.Array | str]) -> list[pa.Array | str]:
    """The same with neighbouring texts in one."""
    merged: list[pa.Array | str] = []
    for piece in pieces:
        if isinstance(piece, str) and merged and isinstance(merged[-1], str):
            merged[-1] += piece
        else:
            merged.append(piece)
    return merged


def _large(piece: pa.Array | str) -> pa.Array | pa.Scalar:
    return pa.scalar(piece, pa.large_string()) if isinstance(piece, str) else pc.cast(piece, pa.large_string())


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
            _words(table),
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
    cells = [_large(column) for column in columns]
    joined = pc.binary_join_element_wise(*cells, _large(","), null_handling="replace")
    return _characters(pc.binary_join_element_wise(joined, _large("\n"), _large("")))


def _characters(column: pa.LargeStringArray) -> bytes:
    """All of its texts, one behind the other."""
    _validity, _offsets, characters = column.buffers()
    return bytes(characters)
