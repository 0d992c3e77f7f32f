"""Parquet: plain columns of the types that every format can show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gops.catalog.filed import names
from gops.catalog.filed.bounds import Bounds, Wrongs, bad_file, too_large
from gops.catalog.filed.source import BATCH, Source

EXPECTED = "columns of text, whole numbers, numbers, true and false, dates or times"
LONGEST = 1 << 20  # bytes of one text


def source(file: BinaryIO, bounds: Bounds) -> Source:
    """Raises ``Invalid`` (``bad_file``), ``TooLarge``."""
    file.seek(0)
    try:
        schema = pq.read_schema(file)
        file.seek(0)
        texts = [one.name for one in schema if _is_text(one.type)]
        opened = pq.ParquetFile(file, page_checksum_verification=True, read_dictionary=texts)
    except (pa.ArrowException, OSError) as error:
        raise bad_file("the Parquet file cannot be read", type(error).__name__, "a whole Parquet file") from error
    header = names.checked(schema.names, bounds)
    bounds.check_rows(opened.metadata.num_rows, len(header))
    groups = (opened.metadata.row_group(one) for one in range(opened.num_row_groups))
    unpacked = sum(group.total_byte_size for group in groups)
    if unpacked > bounds.unpacked:
        too_large("bytes when it is unpacked", unpacked, bounds.unpacked, "GOPS_UPLOAD_UNPACKED_BYTES")
    wrongs = Wrongs()
    for one in schema:
        if _plain(one.type) is None:
            wrongs.add(None, one.name, str(one.type), EXPECTED, f"column {one.name} is of a type that is not taken")
    wrongs.refuse()
    return Source(header, lambda: _batches(opened, header, bounds), wrongs, textual=set(header))


def _batches(opened: pq.ParquetFile, header: list[str], bounds: Bounds) -> Iterator[pa.RecordBatch]:
    spelt = 0
    try:
        for batch in opened.iter_batches(BATCH, use_threads=False):
            columns = []
            for column in batch.columns:
                spelt += _spelt(column)
                if spelt > bounds.unpacked:
                    too_large("bytes of text", spelt, bounds.unpacked, "GOPS_UPLOAD_UNPACKED_BYTES")
                columns.append(_cast(column))
            yield pa.RecordBatch.from_arrays(columns, names=header)
    except (pa.ArrowException, OSError) as error:
        raise bad_file("the Parquet file cannot be read", type(error).__name__, "a whole Parquet file") from error


def _spelt(column: pa.Array) -> int:
    """Bytes of the texts of a column, before they are written out one by one."""
    if not pa.types.is_dictionary(column.type):
        return 0
    lengths = pc.binary_length(column.dictionary)
    if (pc.max(lengths).as_py() or 0) > LONGEST:
        raise bad_file("a text is too long", f"{pc.max(lengths).as_py()} bytes", f"at most {LONGEST} bytes")
    return int(pc.sum(lengths.take(column.indices)).as_py() or 0)


def _cast(column: pa.Array) -> pa.Array:
    kind = _plain(column.type)
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column.cast(kind, safe=not pa.types.is_timestamp(column.type))  # of a time nanoseconds are cut off


def _is_text(kind: pa.DataType) -> bool:
    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(inner) or pa.types.is_large_string(inner))


def _plain(kind: pa.DataType) -> pa.DataType | None:
    """The type in which it is kept, if it is taken."""
    if _is_text(kind):
        return pa.string()
    if pa.types.is_integer(kind):
        return pa.int64()
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return pa.float64()
    if pa.types.is_boolean(kind):
        return pa.bool_()
    if pa.types.is_date(kind):
        return pa.date32()
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", "UTC" if kind.tz else None)
    return None
