"""Corrections over a range of time: what is removed, gets another quality, or gives way to other rows.

Rows of the hot table are changed there, others by late rows; both in the transaction of the caller.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from gops.quality import Quality
from gops.store.duckdb import late
from gops.store.duckdb.database import rows
from gops.store.duckdb.schema import COLUMNS
from gops.store.duckdb.sources import Parameters, Sources, Where, given
from gops.store.duckdb.spans import of_quality

_COUNTED = "SELECT datastream, count(*) FROM reading WHERE {where} GROUP BY datastream"
_WITH_QUALITY = "SELECT datastream, t, value, text, {quality}::UTINYINT AS quality, result_time, base FROM ({rows})"


@dataclass(frozen=True)
class Correction:
    """Of these Datastreams with ``start <= t < stop``; ``seq`` is the number of the commit."""

    connection: duckdb.DuckDBPyConnection
    sources: Sources
    datastreams: Sequence[int]
    start: int
    stop: int
    seq: int

    def remove(self) -> Counter[int]:
        """How many rows went of each Datastream."""
        return self._hot("DELETE FROM reading") + self._cold("{rows}", "", gone=True)

    def requalify(self, quality: Quality, only: frozenset[Quality]) -> Counter[int]:
        """How many rows changed of each Datastream."""
        holds = f" AND {of_quality(only)} AND quality <> {int(quality)}"
        if quality <= Quality.estimated:
            holds += " AND (value IS NOT NULL OR text IS NOT NULL)"
        hot = self._hot(f"UPDATE reading SET quality = {int(quality)}", holds)
        return hot + self._cold(_WITH_QUALITY.replace("{quality}", str(int(quality))), holds, gone=False)

    def insert(self, new: pa.Table) -> None:
        """Rows with keys that nothing stands for any more."""
        cold = self.sources.tiers.layout.places(new["t"].to_numpy()) >= 0
        if cold.any():
            late.put_over(self.connection, new.filter(pa.array(cold)), self.seq)
        if not cold.all():
            self.connection.register("batch", new.filter(pa.array(~cold)))
            self.connection.execute(f"INSERT INTO reading SELECT {COLUMNS} FROM batch")
            self.connection.unregister("batch")

    def _where(self, parameters: Parameters, more: str) -> Where:
        ids = list(self.datastreams)
        sql = f"datastream IN (SELECT unnest({given(parameters, ids)}::BIGINT[]))"
        sql += f" AND t >= {given(parameters, self.start)} AND t < {given(parameters, self.stop)}{more}"
        return Where(sql, min(ids), max(ids), self.start, self.stop)

    def _hot(self, change: str, more: str = "") -> Counter[int]:
        """Change the rows outside of frozen and sealed ranges."""
        gaps = list(self.sources.tiers.layout.gaps(self.start, self.stop))
        if not gaps or not self.datastreams:
            return Counter()
        parameters: Parameters = []
        where = self._where(parameters, more).sql
        if gaps != [(self.start, self.stop)]:
            where += f" AND ({' OR '.join(f'(t >= {start} AND t < {stop})' for start, stop in gaps)})"
        counts = Counter(dict(rows(self.connection, _COUNTED.format(where=where), parameters)))
        if counts:
            self.connection.execute(f"{change} WHERE {where}", parameters)
        return counts

    def _cold(self, select: str, more: str, gone: bool) -> Counter[int]:
        if not self.datastreams or not self.sources.tiers.layout.overlapping(self.start, self.stop):
            return Counter()
        parameters: Parameters = []
        standing = self.sources.cold_rows(self._where(parameters, ""))
        sql = select.replace("{rows}", f"SELECT * FROM ({standing}) WHERE true{more}")
        counts = Counter(late.stage(self.connection, sql, parameters))
        late.put_staged(self.connection, self.seq, gone)
        return counts
