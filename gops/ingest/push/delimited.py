"""CSV (RFC 4180) in blocks: by Arrow, and line by line where a block has something that Arrow and we see otherwise."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv

from gops.errors import Malformed
from gops.ingest.push import arrays
from gops.ingest.push.blocks import Block, Text, lines
from gops.ingest.push.cells import Reading, columns_of, name_of, read_row, way_of
from gops.ingest.push.chunk import BadRow, Chunk, Columns, Name, Said
from gops.ingest.refused import Refused

PLACE = "line {}"
NAMING = frozenset({"datastream", "thing", "property", "device", "field"})
JOINED_LINES = 20  # of one row, whose cells have line breaks


@dataclass(frozen=True, slots=True)
class _Header:
    """``names`` of the columns in their order, by meaning."""

    names: tuple[str, ...]
    way: tuple[str, ...]
    reading: Reading
    device: str
    delimiter: str


def chunks(text: Text, reading: Reading, device: str = "", delimiter: str = ",") -> Iterator[Chunk]:
    """The rows of a CSV whose first row names its columns. Raises ``Invalid`` (``bad_header``), ``Malformed``."""
    header: _Header | None = None
    for block in lines(text, quoted=True):
        if header is None:
            first, _, rest = block.data.partition(b"\n")
            header = _header(first, reading, device, delimiter)
            block = Block(rest, block.first + 1)
        if block.data:
            yield _chunk(block, header)
    if header is None:
        raise Malformed("the body is empty", code="empty", field="body", expected="a first row that names the columns")


def _header(line: bytes, reading: Reading, device: str, delimiter: str) -> _Header:
    try:
        names = next(csv.reader([line.decode().strip("\r")], delimiter=delimiter, strict=True), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise Malformed(
            "the first row is no row of CSV", code="bad_header", field="body", expected="names of columns in UTF-8"
        ) from error
    found = columns_of([name.strip() for name in names], device)
    there = set(found.values()) | ({"device"} if device else set())
    return _Header(tuple(found.values()), way_of(there), reading, device, delimiter)


def _chunk(block: Block, header: _Header) -> Chunk:
    return _by_arrow(block, header) or _line_by_line(block, header)


def _by_arrow(block: Block, header: _Header) -> Chunk | None:
    """None where Arrow does not see one row in every line."""
    bad: list[Any] = []

    def skip(row: Any) -> str:
        bad.append((row.number, row.actual_columns))
        return "skip"

    try:
        block.data.decode()  # of a bad row that is no UTF-8 the handler would not be told
        table = arrow_csv.read_csv(
            pa.BufferReader(block.data),
            read_options=arrow_csv.ReadOptions(
                column_names=header.names, use_threads=False, block_size=len(block.data) + 1
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=header.delimiter, ignore_empty_lines=False, invalid_row_handler=skip
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(header.names, pa.string()), strings_can_be_null=False
            ),
        )
    except (UnicodeDecodeError, pa.ArrowException):
        return None
    there = block.data.count(b"\n") + (not block.data.endswith(b"\n"))
    if table.num_rows + len(bad) != there or any(number is None for number, _ in bad):
        return None
    numbers = np.arange(block.first, block.first + there, dtype=np.int64)
    if bad:
        numbers = np.delete(numbers, [number - 1 for number, _ in bad])
    columns = {name: arrays.flat(table[name]) for name in header.names}
    empty = _empty(columns)
    if empty is not None:
        numbers = numbers[~empty]
        columns = {name: column.filter(pa.array(~empty)) for name, column in columns.items()}
    refusals = [_cells(block.first + number - 1, actual, header) for number, actual in bad]
    return _of_columns(columns, numbers, refusals, header)


def _empty(columns: dict[str, Any]) -> Any:
    """Which rows are empty lines; None for none."""
    there = None
    for column in columns.values():
        nothing = arrays.empty(column)
        there = nothing if there is None else there & nothing
        if not there.any():
            return None
    return there


def _of_columns(columns: dict[str, Any], numbers: Any, refusals: list[Refused], header: _Header) -> Chunk:
    def row(index: int) -> Said:
        cells = {name: column[index].as_py() for name, column in columns.items()}
        return read_row(cells, header.reading, device=header.device, is_text=True)

    def raw(index: int) -> str:
        """With its header, as a body of its own."""
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows([header.names, [one[index].as_py() for one in columns.values()]])
        return out.getvalue()

    return Chunk(numbers, PLACE, row, _plain(columns, len(numbers), header), refusals, raw)


def _plain(columns: dict[str, Any], rows: int, header: _Header) -> Columns | None:
    if "value" not in columns or "text" in columns:
        return None
    names, who, plain = _names(columns, header)
    t, held = arrays.times(columns["time"], header.reading)
    plain &= held
    value, held = arrays.numbers(columns["value"])
    plain &= held
    quality = np.full(rows, arrays.NO_QUALITY, np.uint8)
    if "quality" in columns:
        quality, held = arrays.qualities(columns["quality"])
        plain &= held
    result_time, held = _result_times(columns, rows, header.reading)
    return Columns(names, who, t, value, quality, result_time, plain & held)


def _result_times(columns: dict[str, Any], rows: int, reading: Reading) -> Any:
    texts = columns.get("result_time")
    if texts is None:
        return arrays.no_times(rows)
    empty = arrays.empty(texts)
    if empty.all():
        return arrays.no_times(rows)
    found, held = arrays.times(texts, reading)
    return np.where(empty, arrays.NONE, found), held | empty


def _names(columns: dict[str, Any], header: _Header) -> Any:
    """As ``cells.name_of`` for rows that have nothing but one way of naming."""
    named = [name for name in header.way if name in columns]
    if len(named) != sum(name in NAMING for name in columns):
        rows = len(columns["time"])
        return [], np.full(rows, -1, np.int32), np.zeros(rows, np.bool_)

    def make(*values: str | None) -> Name:
        return name_of(dict(zip(named, values, strict=True)), header.device)

    return arrays.names([columns[name] for name in named], make)


def _line_by_line(block: Block, header: _Header) -> Chunk:
    """Every row by itself: slower, and a row that cannot be read costs itself alone."""
    rows: list[list[str]] = []
    numbers: list[int] = []
    refusals: list[Refused] = []
    for number, text in _logical(block):
        try:
            cells = _split(text, header)
        except BadRow as trouble:
            refusals.append(Refused(trouble.code, None, PLACE.format(number), trouble.note))
            continue
        if not cells or all(not cell for cell in cells):
            continue
        if len(cells) != len(header.names):
            refusals.append(_cells(number, len(cells), header))
            continue
        rows.append(cells)
        numbers.append(number)

    def row(index: int) -> Said:
        cells = dict(zip(header.names, rows[index], strict=True))
        return read_row(cells, header.reading, device=header.device, is_text=True)

    return Chunk(
        np.array(numbers, np.int64), PLACE, row, None, refusals, lambda index: header.delimiter.join(rows[index])
    )


def _logical(block: Block) -> Iterator[tuple[int, bytes]]:
    """Rows as bytes, each with the number of its first line; lines whose quotes do not pair are joined, a few."""
    physical = block.data.split(b"\n")
    at = 0
    while at < len(physical):
        end = at + 1
        if physical[at].count(b'"') % 2:
            joined = _joined(physical, at)
            end = at + 1 if joined is None else joined
        yield block.first + at, b"\n".join(physical[at:end])
        at = end


def _joined(physical: Sequence[bytes], at: int) -> int | None:
    for end in range(at + 1, min(at + JOINED_LINES, len(physical))):
        if physical[end].count(b'"') % 2:
            return end + 1
    return None


def _split(text: bytes, header: _Header) -> list[str]:
    try:
        row = text.decode().removesuffix("\r")
        found = list(csv.reader([row], delimiter=header.delimiter, strict=True))
    except UnicodeDecodeError as error:
        raise BadRow("bad_utf8", "", f"the byte at {error.start} does not belong to UTF-8 text") from error
    except csv.Error as error:
        raise BadRow("bad_line", "", f"this is no row of CSV: {error}") from error
    if len(found) > 1:
        raise BadRow("bad_line", "", "found a carriage return within a row")
    return found[0] if found else []


def _cells(number: int, found: int, header: _Header) -> Refused:
    note = f"found {found} cells; expected {len(header.names)}, as in the first row"
    return Refused("bad_line", None, PLACE.format(number), note)
