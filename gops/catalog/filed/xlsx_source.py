"""XLSX (ECMA-376): the first sheet with something in it, values alone; formulas give the value that was saved.

The container is looked at before anything is unpacked: how many parts, how large, how often smaller when packed; no
macros, no encryption, and no part of XML with a document type, which is where entities would be declared.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from typing import Any, BinaryIO

import pyarrow as pa

from gops.catalog.filed import names
from gops.catalog.filed.bounds import Bounds, Wrongs, bad_file, too_large, wrong_type
from gops.catalog.filed.source import BATCH, Source

PARTS = 2_000
RATIO = 200
"""Times that a part may be larger than packed, beyond ``SMALL`` bytes; sheets of equal cells reach about 60."""
SMALL = 1 << 20
PROLOG = 65_536
_ROOT = re.compile(rb"<[A-Za-z_]")
EXPECTED = "a workbook (xlsx) as spreadsheet programs save it"


def source(file: BinaryIO, bounds: Bounds) -> Source:
    """Raises ``Invalid`` (``wrong_type``, ``bad_file``), ``TooLarge``."""
    _check_container(file, bounds)
    from openpyxl import load_workbook

    try:
        book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
        begun = ((rows, next(rows, None)) for rows in (_rows(sheet, bounds) for sheet in book.worksheets))
        rows, header = next((one for one in begun if one[1] is not None), (None, None))
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, SyntaxError, zipfile.BadZipFile) as error:
        raise bad_file("the workbook cannot be read", type(error).__name__, EXPECTED) from error
    if rows is None or header is None:
        raise bad_file("the workbook is empty", "no cells", "a first row with names of columns, and rows below")
    found = names.checked(_without_end(header), bounds)
    wrongs = Wrongs()
    return Source(found, lambda: _batches(rows, found, wrongs, bounds), wrongs, first_row=2, close=book.close)


def _check_container(file: BinaryIO, bounds: Bounds) -> None:
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as packed:
            parts = packed.infolist()
            if len(parts) > PARTS:
                raise bad_file("the workbook has too many parts", len(parts), f"at most {PARTS} parts")
            _check_sizes(parts, bounds)
            known = {part.filename for part in parts}
            if not {"[Content_Types].xml", "xl/workbook.xml"} <= known:
                raise wrong_type("a ZIP file that is no workbook", "CSV, GeoJSON, Parquet or XLSX")
            if any(name.lower().endswith("vbaproject.bin") for name in known):
                raise wrong_type("a workbook with macros", "the same workbook saved as xlsx, without macros")
            for part in parts:
                if part.filename.lower().endswith((".xml", ".rels", ".vml")):
                    _check_xml(packed, part)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, OSError, EOFError) as error:
        raise bad_file("the workbook cannot be unpacked", type(error).__name__, EXPECTED) from error
    file.seek(0)


def _check_sizes(parts: Sequence[zipfile.ZipInfo], bounds: Bounds) -> None:
    whole = sum(part.file_size for part in parts)
    if whole > bounds.unpacked:
        too_large("bytes when it is unpacked", whole, bounds.unpacked, "GOPS_UPLOAD_UNPACKED_BYTES")
    for part in parts:
        if part.file_size > SMALL and part.file_size > RATIO * max(1, part.compress_size):
            ratio = part.file_size // max(1, part.compress_size)
            raise bad_file(f"a part of the workbook unpacks to {ratio} times its size", part.filename,
                           f"at most {RATIO} times, as sheets do")  # fmt: skip


def _check_xml(packed: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """No document type before the root element, so no entity is declared."""
    with packed.open(part) as opened:
        prolog = opened.read(PROLOG)
    root = _ROOT.search(prolog)
    if b"\x00" in prolog or (root is None and prolog.strip()):
        raise bad_file("a part of the workbook is no plain XML", part.filename, "XML in UTF-8")
    if b"<!DOCTYPE" in prolog[: root.start() if root else None].upper():
        raise bad_file("a part of the workbook declares a document type", part.filename, "XML without <!DOCTYPE>")


def _rows(sheet: Any, bounds: Bounds) -> Iterator[tuple[Any, ...]]:
    """Rows of the sheet, those without a value passed over; a row may have as many cells as there may be columns."""
    sheet.reset_dimensions()  # what the sheet says of its size is not believed
    for row in sheet.iter_rows(max_col=bounds.columns + 1, values_only=True):
        bounds.check_time()  # rows that are passed over make no batch
        if any(cell is not None for cell in row):
            yield row


def _without_end(cells: Sequence[Any]) -> list[Any]:
    """Without empty cells at the end."""
    last = max((place for place, cell in enumerate(cells, 1) if cell is not None), default=0)
    return list(cells[:last])


def _batches(
    rows: Iterator[tuple[Any, ...]], header: list[str], wrongs: Wrongs, bounds: Bounds
) -> Iterator[pa.RecordBatch]:
    schema = pa.schema([pa.field(name, pa.string()) for name in header])
    held: list[list[str | None]] = []
    number = 1
    try:
        for row in rows:
            number += 1
            bounds.check_rows(number - 1, len(header))
            held.append(_cells(row, header, number, wrongs))
            if len(held) == BATCH:
                yield _batch(held, schema)
                held = []
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, SyntaxError, zipfile.BadZipFile) as error:
        raise bad_file(
            f"row {number + 1} cannot be read", type(error).__name__, EXPECTED, f"row {number + 1}"
        ) from error
    yield _batch(held, schema)


def _batch(rows: list[list[str | None]], schema: pa.Schema) -> pa.RecordBatch:
    columns = zip(*rows, strict=True) if rows else [[] for _ in schema]
    return pa.RecordBatch.from_arrays([pa.array(list(one), pa.string()) for one in columns], schema=schema)


def _cells(row: Sequence[Any], header: list[str], number: int, wrongs: Wrongs) -> list[str | None]:
    extra = _without_end(row)[len(header) :]
    if extra:
        wrongs.add(number, None, extra[-1], f"{len(header)} cells, as many as the header has names",
                   f"row {number} has {len(header) + len(extra)} cells")  # fmt: skip
    padded = [*row[: len(header)], *([None] * (len(header) - len(row)))]
    return [_text(cell, number, name, wrongs) for cell, name in zip(padded, header, strict=True)]


def _text(cell: Any, row: int, column: str, wrongs: Wrongs) -> str | None:
    """The cell as text; what it looks like decides its type, as in CSV."""
    match cell:
        case None | "":
            return None
        case bool():
            return "true" if cell else "false"
        case float():
            return repr(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
        case datetime():
            return cell.date().isoformat() if cell.time() == time() else cell.isoformat()
        case date() | time():
            return cell.isoformat()
        case str() if cell in _ERRORS:
            wrongs.add(row, column, cell, "a value, or an empty cell", f"row {row}, column {column} is an error")
            return None
    return str(cell)


_ERRORS = frozenset({"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"})
