"""Parquet in pieces, a row group a batch. What breaks off has no footer, so it is no Parquet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


def write(schema: pa.Schema, batches: Iterator[pa.RecordBatch], about: Mapping[str, str]) -> Iterator[bytes]:
    """``about`` goes into its metadata."""
    sink, named = Sink(), schema.with_metadata(dict(about))
    writer = pq.ParquetWriter(sink, named, compression="zstd", store_schema=True)
    for batch in batches:
        writer.write_table(pa.Table.from_batches([batch]).replace_schema_metadata(dict(about)))
        yield sink.take()
    writer.close()
    yield sink.take()


class Sink:
    """A file that gives away what was written to it."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._written = 0
        self.closed = False

    def write(self, piece: Any) -> int:
        self._pieces.append(bytes(piece))
        self._written += len(self._pieces[-1])
        return len(self._pieces[-1])

    def tell(self) -> int:
        return self._written

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def take(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)
