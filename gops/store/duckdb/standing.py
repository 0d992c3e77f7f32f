"""What stands in place of the rows of a batch: looked up in the hot table, in late rows, and beneath these."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from gops.clock import HOUR
from gops.store.duckdb.schema import COLUMNS
from gops.store.duckdb.sources import Sources
from gops.store.resolve import Flags, Standing
from gops.store.rows import NONE, Ints, Rows

SPANS = 16  # most ranges of time in which a batch is compared with what stands
GAP = HOUR  # microseconds without a row of the batch from which a new range begins
ELSEWHERE = 1 << 62
"""Stands for the rowid of what lies in late rows, a frozen range or a file."""
_HOT = """
    SELECT s.place, r.rowid, r.value, r.text, r.quality, r.result_time
    FROM reading r JOIN suspect s ON r.datastream = s.datastream AND r.t = s.t WHERE {within}"""
_LATE = """
    SELECT s.place, l.rowid, l.value, l.text, l.quality, l.result_time, l.gone, l.base
    FROM late l JOIN suspect s ON l.datastream = s.datastream AND l.t = s.t"""
_BASE = """
    SELECT s.place, b.value, b.text, b.quality, b.result_time
    FROM ({rows}) b JOIN suspect s ON b.datastream = s.datastream AND b.t = s.t"""


@dataclass(frozen=True)
class Cold:
    """Of each row of a batch: ``late`` is the rowid of the late row of its key, -1 for none; does a row lie beneath?"""

    late: Ints
    base: Flags


@dataclass(frozen=True)
class LookUp:
    """One look-up for ``given``. Raises ``duckdb.Error``."""

    connection: duckdb.DuckDBPyConnection
    sources: Sources
    given: Rows

    def standing(self, hot: Ints, cold: Ints) -> tuple[Standing, Cold]:
        """``hot`` and ``cold`` are the places of rows that may stand on something, in the hot table and elsewhere."""
        standing = Standing.nothing(self.given)
        beneath = Cold(np.full(len(self.given), -1, np.int64), np.zeros(len(self.given), bool))
        if len(hot):
            within = " OR ".join(["r.t BETWEEN ? AND ?"] * len(ranges := spans(self.given.t[hot])))
            found = self._joined(_HOT.format(within=within), hot, list(chain(*ranges)))
            _fill(standing, found, found["rowid"])
        if len(cold):
            self._find_cold(cold, standing, beneath)
        return standing, beneath

    def _find_cold(self, cold: Ints, standing: Standing, beneath: Cold) -> None:
        found = self._joined(_LATE, cold)
        at = found["place"]
        beneath.late[at], beneath.base[at] = found["rowid"], found["base"]
        stands = ~np.ma.getdata(found["gone"]).astype(bool)
        _fill(standing, {name: column[stands] for name, column in found.items()}, ELSEWHERE)
        rest = cold[beneath.late[cold] < 0]
        rows = self._beneath(rest)
        if rows:
            found = self._joined(_BASE.format(rows=rows), rest)
            beneath.base[found["place"]] = True
            _fill(standing, found, ELSEWHERE)

    def _beneath(self, places: Ints) -> str:
        """SQL of the rows of frozen ranges and files that may have these keys; empty when none can."""
        ids, moments = self.given.datastream[places], self.given.t[places]
        layout = self.sources.tiers.layout
        numbers = np.unique(layout.places(moments)).tolist()
        frozen = [one for one in (layout.ranges[n] for n in numbers) if one.frozen]
        parts = [f"SELECT {COLUMNS} FROM reading WHERE t >= {one.start} AND t < {one.stop}" for one in frozen]
        files = layout.files_with(ids, moments)
        if files:
            parts.append(f"SELECT {COLUMNS} FROM {self.sources.scan(files)}")
        return " UNION ALL ".join(parts)

    def _joined(self, sql: str, places: Ints, parameters: list[int] | None = None) -> dict[str, Any]:
        table = pa.table({"place": places, "datastream": self.given.datastream[places], "t": self.given.t[places]})
        self.connection.register("suspect", table)
        found: dict[str, Any] = self.connection.execute(sql, parameters or []).fetchnumpy()
        self.connection.unregister("suspect")
        return found


def _fill(standing: Standing, found: dict[str, Any], rowid: Any) -> None:
    at = found["place"]
    standing.rowid[at] = rowid
    standing.rows.value[at] = _filled(found["value"], np.nan)
    standing.rows.text[at] = _filled(found["text"], None)
    standing.rows.quality[at] = found["quality"]
    standing.rows.result_time[at] = _filled(found["result_time"], NONE)


def _filled(column: Any, null: Any) -> Any:
    """The column of a result with ``null`` for its nulls; numpy's own ``filled`` takes None for "the default"."""
    plain = np.ma.getdata(column).copy()
    plain[np.ma.getmaskarray(column)] = null
    return plain


def spans(times: Ints) -> list[tuple[int, int]]:
    """At most ``SPANS`` ranges that hold all of ``times``, with the widest gaps between them left out.

    One late row among fresh ones must not make the whole time in between be searched.
    """
    ordered = np.unique(times)
    gaps = np.diff(ordered)
    widest = np.sort(np.argsort(gaps)[-(SPANS - 1) :])
    cuts = widest[gaps[widest] > GAP] + 1
    return [(int(part[0]), int(part[-1])) for part in np.split(ordered, cuts)]
