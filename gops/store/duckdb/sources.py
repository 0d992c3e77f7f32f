"""SQL for the rows that stand: of the hot table, of files, and of late rows, which hide what lies beneath them.

Only what the question touches is named, so that a question about sealed days opens their files and nothing else; and
late rows are looked for only in ranges that may have some.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gops.store.duckdb.schema import COLUMNS, SEALED
from gops.store.duckdb.tiers import File, Range, Tiers

Parameters = list[Any]
_BENEATH = "NOT EXISTS (SELECT 1 FROM late l WHERE l.datastream = b.datastream AND l.t = b.t)"


@dataclass(frozen=True)
class Where:
    """A condition on ``datastream``, ``t`` and ``quality`` in SQL, and bounds that what meets it lies within.

    Datastreams ``low`` to ``high``, ``start <= t < stop``.
    """

    sql: str
    low: int
    high: int
    start: int
    stop: int


@dataclass(frozen=True)
class Sources:
    """What a view of the store is read from. ``folder`` is that of the store."""

    folder: Path
    tiers: Tiers

    def rows(self, where: Where, columns: str = COLUMNS) -> str:
        """A SELECT of the rows that stand and meet the condition; ``columns`` begin with ``datastream, t``."""
        clean, stained = self._parted(where)
        parts = self._hot(where, columns)
        parts += self._plain(where, clean, columns)
        if stained:
            parts += self._shadowed(where, stained, columns)
            parts.append(f"SELECT {columns} FROM late WHERE {where.sql} AND NOT gone")
        return " UNION ALL ".join(parts) or f"SELECT {columns} FROM reading WHERE false AND {where.sql}"

    def sealed_alone(self, where: Where) -> list[File] | None:
        """The files that have all rows which meet the condition; None when other rows may meet it."""
        clean, stained = self._parted(where)
        if stained or not clean or any(one.frozen for one in clean) or self._hot(where, COLUMNS):
            return None
        return self.tiers.layout.files_of(where.low, where.high, where.start, where.stop)

    def sealed_until(self, where: Where) -> int:
        """Up to which t the rows that meet the condition lie in sealed files alone, if those behind are hot alone."""
        ranges = self.tiers.layout.overlapping(where.start, where.stop)
        end = ranges[-1].stop if ranges else where.start
        hot = any(True for _ in self.tiers.layout.gaps(max(where.start, self.tiers.hot_first), min(end, where.stop)))
        return where.start if hot else min(end, where.stop)

    def cold_rows(self, where: Where) -> str:
        """The same in all columns, of frozen and sealed ranges only, with ``base`` (see ``schema``)."""
        ranges = self.tiers.layout.overlapping(where.start, where.stop)
        if not ranges:
            return f"SELECT {COLUMNS}, false AS base FROM reading WHERE false AND {where.sql}"
        parts = [f"SELECT *, true AS base FROM ({part})" for part in self._shadowed(where, ranges, COLUMNS)]
        return " UNION ALL ".join([*parts, f"SELECT {COLUMNS}, base FROM late WHERE {where.sql} AND NOT gone"])

    def scan(self, files: Sequence[File]) -> str:
        """``read_parquet`` of these files."""
        return f"read_parquet([{', '.join(quoted(self.folder / SEALED / one.name) for one in files)}])"

    def _parted(self, where: Where) -> tuple[list[Range], list[Range]]:
        """Ranges that the question touches: without late rows for it, and with."""
        ranges = self.tiers.layout.overlapping(where.start, where.stop)
        if not self.tiers.stains:
            return list(ranges), []
        stained = [one for one in ranges if self.tiers.stain(one, where.low, where.high, where.start, where.stop)]
        return [one for one in ranges if one not in stained], stained

    def _hot(self, where: Where, columns: str) -> list[str]:
        start, stop = max(where.start, self.tiers.hot_first), min(where.stop, self.tiers.hot_last + 1)
        if start >= stop:
            return []
        if not self.tiers.layout.overlapping(where.start, where.stop):
            return [f"SELECT {columns} FROM reading WHERE {where.sql}"]
        gaps = list(self.tiers.layout.gaps(start, stop))
        return [f"SELECT {columns} FROM reading WHERE {where.sql} AND ({_in_one_of(gaps)})"] if gaps else []

    def _plain(self, where: Where, ranges: Sequence[Range], columns: str) -> list[str]:
        """One SELECT a source: rows of frozen ranges in the hot table, rows of files."""
        frozen = [(one.start, one.stop) for one in ranges if one.frozen]
        parts = [f"SELECT {columns} FROM reading WHERE {where.sql} AND ({_in_one_of(frozen)})"] if frozen else []
        sealed = {one.start for one in ranges if not one.frozen}
        near = self.tiers.layout.files_of(where.low, where.high, where.start, where.stop) if sealed else []
        files = [one for one in near if one.start in sealed]
        return [*parts, f"SELECT {columns} FROM {self.scan(files)} WHERE {where.sql}"] if files else parts

    def _shadowed(self, where: Where, ranges: Sequence[Range], columns: str) -> list[str]:
        return [f"SELECT * FROM ({part}) b WHERE {_BENEATH}" for part in self._plain(where, ranges, columns)]


def _in_one_of(spans: Sequence[tuple[int, int]]) -> str:
    return " OR ".join(f"(t >= {start} AND t < {stop})" for start, stop in spans)


def quoted(path: Path) -> str:
    """A path as a literal of SQL."""
    return "'" + str(path).replace("'", "''") + "'"


def given(parameters: Parameters, value: object) -> str:
    """Add a parameter; how SQL names it."""
    parameters.append(value)
    return f"${len(parameters)}"
