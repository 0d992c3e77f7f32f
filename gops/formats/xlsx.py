"""XLSX: one sheet of rows, written through a temporary file since its directory stands at its end.

Text is text: never a formula, a link or a number, and an apostrophe stands before what looks like a formula, because
a sheet saved as CSV would run it. Moments are Excel's own on the clock of their zone (Excel knows no zones); years
before 1900 and whole numbers beyond 15 digits, which Excel cannot hold, are text.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, BinaryIO

import pyarrow as pa

from gops.formats.cells import Shown, disarmed, disarmed_name, is_number, is_text, shown, texts

MOST_ROWS = 1_048_575  # of Excel, its header apart
MOST_CHARACTERS = 32_767  # in a cell
EXACT = 10**15
PIECE = 1 << 18
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "nan_inf_to_errors": False,
}


def write(
    schema: pa.Schema, batches: Iterator[pa.RecordBatch], about: Mapping[str, str], escape: bool = True
) -> Iterator[bytes]:
    """The whole file is made before its first piece comes; ``about`` is a sheet of its own."""
    with tempfile.TemporaryFile(prefix="gops-xlsx-") as file:
        _fill(file, schema, batches, about, escape)
        file.seek(0)
        while piece := file.read(PIECE):
            yield piece


def _fill(
    file: BinaryIO, schema: pa.Schema, batches: Iterator[pa.RecordBatch], about: Mapping[str, str], escape: bool
) -> None:
    from xlsxwriter import Workbook

    columns = shown(schema)
    with Workbook(file, _OPTIONS) as book:
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        sheet = book.add_worksheet("data")
        for place, one in enumerate(columns):
            sheet.write_string(0, place, disarmed_name(one.name) if escape else one.name)
        line = 1
        for batch in batches:
            for row in zip(*(_values(one, batch, escape) for one in columns), strict=True):
                _write_row(sheet, line, row, moment)
                line += 1
        words = book.add_worksheet("about")
        for line, (name, text) in enumerate(about.items()):
            words.write_string(line, 0, name)
            words.write_string(line, 1, text[:MOST_CHARACTERS])


def _write_row(sheet: Any, line: int, row: tuple[Any, ...], moment: Any) -> None:
    for place, value in enumerate(row):
        if isinstance(value, str):
            sheet.write_string(line, place, value[:MOST_CHARACTERS])
        elif isinstance(value, bool):
            sheet.write_boolean(line, place, value)
        elif isinstance(value, datetime):
            sheet.write_datetime(line, place, value, moment)
        elif value is not None:
            sheet.write_number(line, place, value)


def _values(one: Shown, batch: pa.RecordBatch, escape: bool) -> list[Any]:
    values = _plain(batch.column(one.place), escape)
    if one.other is None or batch.column(one.other).null_count == batch.num_rows:
        return values
    others = _plain(batch.column(one.other), escape)
    return [value if other is None else other for value, other in zip(values, others, strict=True)]


def _plain(column: pa.Array, escape: bool) -> list[Any]:
    kind = column.type
    found: list[Any]
    if is_text(kind):
        found = (disarmed(column) if escape else column).to_pylist()
    elif pa.types.is_timestamp(kind):
        found = [_moment(one) for one in column.cast(pa.timestamp("us", kind.tz), safe=False).to_pylist()]
    elif pa.types.is_integer(kind):
        found = [one if one is None or abs(one) < EXACT else str(one) for one in column.to_pylist()]
    elif pa.types.is_floating(kind):
        found = [one if one is None or one - one == 0 else None for one in column.to_pylist()]  # no NaN, no infinity
    elif pa.types.is_boolean(kind):
        found = column.to_pylist()
    else:
        found = _text_or_number(column, is_number(kind))
    return found


def _moment(one: datetime | None) -> datetime | str | None:
    if one is None:
        return None
    plain = one.replace(tzinfo=None)
    return plain if plain.year >= 1900 else one.isoformat()


def _text_or_number(column: pa.Array, number: bool) -> list[Any]:
    read: Callable[[str], Any] = float if number else str
    return [None if one is None else read(one) for one in texts(column).to_pylist()]
