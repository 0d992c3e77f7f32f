"""What every store refuses before it does anything: batches that are no readings, questions without an answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gops.errors import Conflict, Invalid
from gops.kinds import Kind, check_aggregates
from gops.quality import Quality
from gops.store.port import INSERTED, KEPT, READINGS, REPLACED, UNCHANGED, Read, Receipt, Series, Windows

EARLIEST = -62_135_596_800_000_000  # 0001-01-01T00:00:00Z; outside of these years no ISO 8601 time can be written
LATEST = 253_402_300_799_999_999  # 9999-12-31T23:59:59.999999Z


def check_batch(batch: pa.Table) -> pa.Table:
    """The batch with the exact schema ``READINGS``. Raises ``Invalid`` (see ``Store.submit``)."""
    if batch.schema.names != READINGS.names or batch.schema.types != READINGS.types:
        raise Invalid(
            "a batch of readings has other columns than the store's",
            code="wrong_columns",
            field="batch",
            found=str(dict(zip(batch.schema.names, map(str, batch.schema.types), strict=True))),
            expected=str(dict(zip(READINGS.names, map(str, READINGS.types), strict=True))),
        )
    for column in READINGS:
        if not column.nullable and batch[column.name].null_count:
            raise _refusal(column.name, "null", "a value in every row")
    _check_span(batch, "t", EARLIEST, LATEST)
    _check_span(batch, "quality", min(Quality), max(Quality))
    _check_span(batch, "result_time", EARLIEST, LATEST)
    _check_finite(batch["value"])
    return batch.cast(READINGS)


def _check_span(batch: pa.Table, name: str, low: int, high: int) -> None:
    if batch[name].null_count == batch.num_rows:
        return
    span = pc.min_max(batch[name]).as_py()
    for found in (span["min"], span["max"]):
        if not low <= found <= high:
            raise _refusal(name, found, f"{low} to {high}")


def _check_finite(values: pa.ChunkedArray) -> None:
    for chunk in values.chunks:
        numbers = chunk.drop_null().to_numpy(zero_copy_only=False)
        finite = np.isfinite(numbers)
        if not finite.all():
            raise _refusal("value", str(numbers[~finite][0]), "a finite number or null")


def _refusal(name: str, found: object, expected: str) -> Invalid:
    return Invalid(
        f"a reading's {name} is {found}; expected {expected}",
        code="bad_reading",
        field=name,
        found=found,
        expected=expected,
    )


def check_requalify(quality: Quality) -> None:
    """Raises ``Invalid`` (see ``Store.requalify``)."""
    if quality is Quality.missing:
        raise Invalid(
            "readings can't be declared missing; delete them",
            code="bad_quality",
            field="quality",
            found=quality.name,
            expected=", ".join(one.name for one in Quality if one is not Quality.missing),
        )


def check_swap(datastream: int, start: int, end: int, rows: pa.Table) -> pa.Table:
    """The rows with the exact schema ``READINGS``. Raises ``Invalid`` (see ``Store.swap``)."""
    table = check_batch(rows)
    if pc.any(pc.not_equal(table["datastream"], datastream)).as_py():
        raise _refusal("datastream", "another one", f"{datastream} in every row")
    if table.num_rows and not (start <= pc.min(table["t"]).as_py() and pc.max(table["t"]).as_py() < end):
        raise _refusal("t", "outside of the range", f"{start} to {end}, the end excluded")
    if pc.count_distinct(table["t"]).as_py() != table.num_rows:
        raise _refusal("t", "twice the same", "each t once")
    return table


def check_unchanged(found: int, version: int) -> None:
    """Raises ``Conflict`` (see ``Store.swap``)."""
    if found != version:
        raise Conflict(
            "readings of this Datastream changed meanwhile",
            code="changed_meanwhile",
            field="version",
            found=found,
            expected=str(version),
        )


def receipt(outcomes: np.ndarray[tuple[int], np.dtype[np.uint8]]) -> Receipt:
    """The receipt of a batch from the outcome of each of its rows."""
    counts = np.bincount(outcomes, minlength=4).tolist()
    return Receipt(
        inserted=counts[INSERTED],
        replaced=counts[REPLACED],
        unchanged=counts[UNCHANGED],
        kept=counts[KEPT],
        outcomes=pa.array(outcomes, pa.uint8()),
    )


def by_datastream(series: Sequence[Series]) -> dict[int, Series]:
    """The series in ascending order of their Datastream, each once."""
    return dict(sorted({one.datastream: one for one in series}.items()))


def shift(series: Series) -> int:
    """What to take from t so that ``(from, to]`` of label ``end`` becomes ``[from, to)``: microseconds are whole."""
    return 1 if series.label == "end" else 0


def check_read(query: Read) -> None:
    """Raises ``Invalid`` for a negative limit."""
    if query.limit is not None and query.limit < 0:
        raise Invalid("a limit is not negative", field="limit", found=query.limit, expected="0 or more")


def check_windows(query: Windows) -> Kind:
    """The one kind of the series asked for (gauge for none).

    Raises ``Invalid``: ``bad_windows`` for edges that do not ascend, ``mixed_kinds``, and those of
    ``kinds.check_aggregates``.
    """
    if len(query.edges) < 2 or (np.diff(np.asarray(query.edges, np.int64)) <= 0).any():
        raise Invalid(
            "the edges of windows ascend, and there are two at least",
            code="bad_windows",
            field="edges",
            found=len(query.edges),
            expected="two or more ascending moments",
        )
    kinds = {series.kind for series in query.series}
    if len(kinds) > 1:
        raise Invalid(
            "Datastreams of several kinds can't be aggregated in one question",
            code="mixed_kinds",
            field="datastream",
            found=", ".join(sorted(kinds)),
            expected="Datastreams of one kind",
        )
    kind: Kind = kinds.pop() if kinds else "gauge"
    check_aggregates(kind, query.aggregates)
    return kind


def windows_schema(query: Windows, kind: Kind) -> pa.Schema:
    """The columns of the answer to ``query``; see ``Windows``."""
    result = pa.string() if kind == "state" else pa.float64()
    return pa.schema(
        [
            *(pa.field(name, pa.int64(), nullable=False) for name in ("datastream", "start", "end")),
            *(pa.field(name, result) for name in dict.fromkeys(query.aggregates)),
            *(pa.field(name, pa.int64(), nullable=False) for name in ("count", "good")),
            pa.field("coverage", pa.float64()),
        ]
    )
