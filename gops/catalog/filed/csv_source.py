"""CSV (RFC 4180) with commas, semicolons, tabs or bars: a header, then rows of as many cells."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from functools import partial
from tempfile import TemporaryFile
from typing import BinaryIO, cast

import pyarrow as pa
import pyarrow.csv as pacsv

from gops.catalog.filed import coding, names
from gops.catalog.filed.bounds import Bounds, Wrongs, bad_file
from gops.catalog.filed.source import Source

BLOCK = 4 << 20  # bytes: a row may not be longer
HEADER = 1 << 20
DELIMITERS = ",;\t|"
_ROW = re.compile(r"Row #(\d+)")


def source(file: BinaryIO, bounds: Bounds) -> Source:
    """Raises ``Invalid`` (``bad_file``) for encodings and the header; rows are told as they are read."""
    encoding, wrongs = coding.encoding_of(file), Wrongs()
    text = cast(BinaryIO, TemporaryFile())  # noqa: SIM115 - it lives as long as the source
    try:
        coding.as_utf8(file, encoding, text)
        header, delimiter = _header(text, bounds)
    except BaseException:
        text.close()
        raise
    batches = partial(_batches, text, header, delimiter, wrongs)
    return Source(header, batches, wrongs, encoding, first_row=2, close=text.close)


def _header(text: BinaryIO, bounds: Bounds) -> tuple[list[str], str]:
    head = text.read(HEADER)
    text.seek(0)
    read = head.decode(errors="ignore")
    first = re.sub(r'"[^"]*"', "", read).lstrip("\r\n").partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    try:
        cells = next((row for row in csv.reader(io.StringIO(read, newline=""), delimiter=delimiter) if row), [])
    except csv.Error as error:
        raise bad_file("the header cannot be read", first[:60], "a first row with a name for each column") from error
    if len(head) == HEADER and "\n" not in read:
        bounds.check_columns(len(cells))
        raise bad_file(f"the first row is longer than {HEADER} bytes", first[:60], "a first row with names", "row 1")
    return names.checked(cells, bounds), delimiter


def _batches(text: BinaryIO, header: list[str], delimiter: str, wrongs: Wrongs) -> Iterator[pa.RecordBatch]:
    text.seek(0)

    def ragged(row: pacsv.InvalidRow) -> str:
        expected = f"{row.expected_columns} cells, as many as the header has names"
        wrongs.add(row.number, None, row.text[:60], expected, f"row {row.number} has {row.actual_columns} cells")
        return "skip"

    read = pacsv.ReadOptions(use_threads=False, block_size=BLOCK, column_names=header, skip_rows_after_names=1)
    parse = pacsv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=ragged)
    cells = pacsv.ConvertOptions(
        column_types=dict.fromkeys(header, pa.string()),
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=True,
    )
    try:
        yield from pacsv.open_csv(text, read, parse, cells)
    except pa.ArrowInvalid as error:
        raise _unreadable(str(error)) from error


def _unreadable(message: str) -> Exception:
    if "straddling" in message:
        expected = "every quote closed, and rows that end in a line break"
        return bad_file(f"a row is longer than {BLOCK} bytes", "no end of the row", expected)
    row = _ROW.search(message)
    place = f"row {row[1]}" if row else "body"
    return bad_file("the rows cannot be read", message.partition(":")[2][:60], "CSV after RFC 4180", place)
