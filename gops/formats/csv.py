"""CSV after RFC 4180 with LF. What is the same in many rows is spelt once and looked up.

In the coding CP949 (its name on the web is windows-949) a character that it lacks becomes ``?``. A source that fails
on the way ends the file in a quote that is never closed: the length of a stream is not known before, so a reader must
be able to tell a file that is not whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from gops.formats.cells import Shown, disarmed, disarmed_name, few, is_number, is_text, joined, shown, texts

BROKEN = b'\n"BROKEN OFF: this file is not whole'
CODINGS = {"utf-8": "utf-8", "cp949": "windows-949"}
_MUST_QUOTE = '[,"\r\n]|^$'
_PLAIN = pacsv.WriteOptions(include_header=False, quoting_style="none", batch_size=1 << 20)
Cells = tuple[pa.Array, bool]


@dataclass(frozen=True, slots=True)
class CsvOptions:
    """``escape`` puts an apostrophe before text that a spreadsheet would take for a formula."""

    bom: bool = False
    encoding: str = "utf-8"
    escape: bool = False


def write(schema: pa.Schema, batches: Iterator[pa.RecordBatch], options: CsvOptions) -> Iterator[bytes]:
    """A header, then lines a batch."""
    columns = shown(schema)
    yield (b"\xef\xbb\xbf" if options.bom else b"") + _coded(header([one.name for one in columns], options), options)
    for batch in batches:
        if batch.num_rows:
            yield _coded(lines(columns, batch, options.escape), options)


def header(names: Sequence[str], options: CsvOptions) -> bytes:
    plain = [disarmed_name(name) if options.escape else name for name in names]
    cells = quoted(pa.array(plain, pa.string()))[0].to_pylist()
    return (",".join(cells) + "\n").encode()


def lines(columns: Sequence[Shown], batch: pa.RecordBatch, escape: bool = False) -> bytes:
    """Lines of a batch that has rows. Arrow's writer takes cells that need no quotes, half as long as joining takes."""
    cells = [_cells(one, batch, escape) for one in columns]
    if any(is_quoted for _texts, is_quoted in cells):
        pieces = [piece for column, _is_quoted in cells for piece in (column, ",")]
        return joined([*pieces[:-1], "\n"])
    sink, table = pa.BufferOutputStream(), pa.table([column for column, _ in cells], names=[""] * len(cells))
    pacsv.write_csv(table, sink, _PLAIN)
    return bytes(sink.getvalue())


def quoted(column: pa.Array) -> Cells:
    """In quotes where a cell holds a comma, a quote or a line break, or is an empty text (a null is no text)."""
    must = pc.match_substring_regex(column, _MUST_QUOTE)
    if not pc.any(must).as_py():
        return column, False
    inside = pc.binary_join_element_wise('"', pc.replace_substring(column, '"', '""'), '"', "")
    return pc.if_else(must, inside, column), True


def _cells(one: Shown, batch: pa.RecordBatch, escape: bool) -> Cells:
    """The texts of a column, and whether there are quotes in them."""
    plain, is_quoted = _plain(batch.column(one.place), escape)
    if one.other is None or batch.column(one.other).null_count == batch.num_rows:
        return plain, is_quoted
    other, has_quotes = _plain(batch.column(one.other), escape)
    return pc.coalesce(other, plain), is_quoted or has_quotes


def _plain(column: pa.Array, escape: bool) -> Cells:
    if is_text(column.type):
        words = few(column)
        if words is None:
            return _plain_text(column.cast(pa.string()), escape)
        cells, is_quoted = _plain_text(words.dictionary.cast(pa.string()), escape)
        return cells.take(words.indices), is_quoted
    if is_number(column.type) or pa.types.is_timestamp(column.type) or pa.types.is_boolean(column.type):
        return texts(column), False
    return quoted(texts(column))


def _plain_text(column: pa.Array, escape: bool) -> Cells:
    return quoted(disarmed(column) if escape else column)


def _coded(piece: bytes, options: CsvOptions) -> bytes:
    return piece if options.encoding == "utf-8" else piece.decode().encode(options.encoding, "replace")
