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

from gops.formats.cells import Shown, disarmed, disarmed_name, is_number, is_text, moments, shown, texts, words
from gops.formats.weaving import Piece, Words, woven

BROKEN = b'\n"BROKEN OFF: this file is not whole'
CODINGS = {"utf-8": "utf-8", "cp949": "windows-949"}
_MUST_QUOTE = '[,"\r\n]|^$'


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
    cells = quoted(pa.array(plain, pa.string())).to_pylist()
    return (",".join(cells) + "\n").encode()


def lines(columns: Sequence[Shown], batch: pa.RecordBatch, escape: bool = False) -> bytes:
    """Lines of a batch that has rows."""
    pieces: list[Piece] = []
    for one in columns:
        pieces += [*_cells(one, batch, escape), ","]
    return woven([*pieces[:-1], "\n"])


def quoted(column: pa.Array) -> pa.Array:
    """In quotes where a cell holds a comma, a quote or a line break, or is an empty text (a null is no text)."""
    must = pc.match_substring_regex(column, _MUST_QUOTE)
    if not pc.any(must).as_py():
        return column
    inside = pc.binary_join_element_wise('"', pc.replace_substring(column, '"', '""'), '"', "")
    return pc.if_else(must, inside, column)


def _cells(one: Shown, batch: pa.RecordBatch, escape: bool) -> list[Words]:
    column = batch.column(one.place)
    if one.other is None or batch.column(one.other).null_count == batch.num_rows:
        return moments(column) or [_words(column, escape)]
    return [_words(batch.column(one.other), escape).or_else(_words(column, escape))]


def _words(column: pa.Array, escape: bool) -> Words:
    kind = column.type
    if is_number(kind) or pa.types.is_timestamp(kind) or pa.types.is_boolean(kind):
        return words(column, texts)
    is_armed = escape and is_text(kind)
    return words(column, lambda some: quoted(disarmed(texts(some)) if is_armed else texts(some)))


def _coded(piece: bytes, options: CsvOptions) -> bytes:
    return piece if options.encoding == "utf-8" else piece.decode().encode(options.encoding, "replace")
