"""Which ranges are frozen or sealed and which files count: the tables of ``schema``, read at start, changed in commits.

Functions that change something do so in the transaction of their caller.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, fields

import duckdb

from gops.clock import DAY
from gops.store.duckdb.calendar import Calendar
from gops.store.duckdb.database import rows
from gops.store.duckdb.schema import DAY_OFFSET
from gops.store.duckdb.tiers import NEVER, File, Layout, Range, Stain, Tiers

_FILE = ", ".join(field.name for field in fields(File))
_STAINS = """
    SELECT min(datastream), max(datastream), min(t), max(t) FROM late WHERE t >= ? AND t < ? GROUP BY (t + ?) // ?"""
_PURGE = "DELETE FROM reading WHERE rowid IN (SELECT rowid FROM reading WHERE {within} LIMIT ?)"
_HOT = "SELECT min(t), max(t) FROM reading WHERE {where}"


def calendar(connection: duckdb.DuckDBPyConnection) -> Calendar:
    [(offset,)] = rows(connection, "SELECT value FROM store WHERE name = ?", [DAY_OFFSET])
    return Calendar(offset)


def layout(connection: duckdb.DuckDBPyConnection) -> Layout:
    ranges = [Range(*row) for row in rows(connection, "SELECT start, stop, frozen FROM sealed_range")]
    return Layout(ranges, [File(*row) for row in rows(connection, f"SELECT {_FILE} FROM sealed_file WHERE NOT broken")])


def broken(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Names of the files that were set aside."""
    return [name for (name,) in rows(connection, "SELECT name FROM sealed_file WHERE broken ORDER BY name")]


def aside(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, int, str]]:
    """Name, bytes and SHA-256, when they were whole, of the files that were set aside."""
    found = rows(connection, "SELECT name, bytes, sha256 FROM sealed_file WHERE broken ORDER BY name")
    return [(name, size, digest) for name, size, digest in found]


def forget_aside(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    connection.execute("DELETE FROM sealed_file WHERE name = ? AND broken", [name])


def summary(connection: duckdb.DuckDBPyConnection) -> tuple[str, str] | None:
    """Name and SHA-256 of the file that sums up all sealed files; None when it has to be made anew."""
    found = rows(connection, "SELECT name, sha256 FROM sealed_summary")
    return found[0] if found else None


def unsealed(of: Layout) -> str:
    """SQL that holds for rows of ``reading`` that are no garbage."""
    spans = of.sealed_spans()
    return " AND ".join(f"(t < {start} OR t >= {stop})" for start, stop in spans) or "true"


def tiers(connection: duckdb.DuckDBPyConnection, of: Layout) -> Tiers:
    """The layout with stains and hot times as exact as the database knows them."""
    [(first, last)] = rows(connection, _HOT.format(where=unsealed(of)))
    hot = (NEVER, -NEVER) if first is None else (first, last)
    return Tiers(of, stains(connection, of), *hot)


def stains(connection: duckdb.DuckDBPyConnection, of: Layout) -> dict[int, Stain]:
    """By the start of each range that has late rows."""
    found: dict[int, Stain] = {}
    shift = calendar(connection).shift
    for low, high, first, last in rows(connection, _STAINS, [-NEVER, NEVER, shift, DAY]):
        for one in of.overlapping(first, last + 1):
            new = Stain(low, high, first, last)
            found[one.start] = found[one.start].widened(new) if one.start in found else new
    return found


def freeze(connection: duckdb.DuckDBPyConnection, spans: Sequence[tuple[int, int]]) -> None:
    for start, stop in spans:
        connection.execute("INSERT INTO sealed_range VALUES (?, ?, true)", [start, stop])


def replace(
    connection: duckdb.DuckDBPyConnection,
    start: int,
    stop: int,
    removed: Sequence[File],
    added: Sequence[File],
    summed_up: tuple[str, str],
) -> None:
    """Make one sealed range of all between, with these files less and these more."""
    connection.execute("DELETE FROM sealed_range WHERE start >= ? AND stop <= ?", [start, stop])
    connection.execute("INSERT INTO sealed_range VALUES (?, ?, false)", [start, stop])
    names = [one.name for one in removed]
    connection.execute("DELETE FROM sealed_file WHERE name IN (SELECT unnest(?::VARCHAR[]))", [names])
    connection.execute("UPDATE sealed_file SET start = ?, stop = ? WHERE start >= ? AND stop <= ?", [start, stop] * 2)
    for one in added:
        marks = ", ".join("?" * len(fields(File)))
        connection.execute(f"INSERT INTO sealed_file ({_FILE}, broken) VALUES ({marks}, false)", list(astuple(one)))
    connection.execute("DELETE FROM sealed_summary")
    connection.execute("INSERT INTO sealed_summary VALUES (?, ?)", list(summed_up))


def purge(connection: duckdb.DuckDBPyConnection, spans: Sequence[tuple[int, int]], limit: int) -> int:
    """Remove so many hot rows of these times; how many there were."""
    within = " OR ".join(f"(t >= {start} AND t < {stop})" for start, stop in spans)
    [(removed,)] = rows(connection, _PURGE.format(within=within), [limit])
    return int(removed)


def set_aside(connection: duckdb.DuckDBPyConnection, files: Sequence[File]) -> None:
    """These count no more: nothing lies beneath late rows there, and what sums up all files is to be made anew."""
    for one in files:
        connection.execute("UPDATE sealed_file SET broken = true WHERE name = ?", [one.name])
        connection.execute(
            "UPDATE late SET base = false WHERE datastream BETWEEN ? AND ? AND t BETWEEN ? AND ?",
            [one.low, one.high, one.first, one.last],
        )
    connection.execute("DELETE FROM sealed_summary")
