"""Which requests count as use, and of what: handlers say so, by what they found."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
from flask import request

from gops.api.context import services
from gops.usage.tally import Kind, Tally


def used(kind: Kind, dataset: int = 0, rows: int = 0) -> None:
    """Count this request; HEAD gives nothing and counts for nothing."""
    if request.method != "HEAD":
        services().usage.tally.note(kind, dataset, rows)


def rows_of(batches: Iterator[pa.RecordBatch], kind: Kind, dataset: int) -> Iterator[pa.RecordBatch]:
    """The batches of a stream; their rows are counted when it ends, also where it is left half-way."""
    return _counted(services().usage.tally, batches, kind, dataset)


def _counted(tally: Tally, batches: Iterator[pa.RecordBatch], kind: Kind, dataset: int) -> Iterator[pa.RecordBatch]:
    rows = 0
    try:
        for batch in batches:
            rows += batch.num_rows
            yield batch
    finally:
        tally.add_rows(kind, dataset, rows)
        close = getattr(batches, "close", None)
        if close is not None:
            close()
