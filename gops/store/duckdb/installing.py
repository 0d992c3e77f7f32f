"""The commit that lets sealed files take the place of what they were written from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from gops.store.duckdb import manifest
from gops.store.duckdb.database import rows
from gops.store.duckdb.sealing import Part
from gops.store.duckdb.sources import Sources
from gops.store.duckdb.tiers import File, Layout

_MERGED = "DELETE FROM late WHERE seq <= ? AND {where}"
_AFTERWARDS = "SELECT count(*) FROM late WHERE {where}"
_BENEATH = """
    UPDATE late SET base = rowid IN (
        SELECT l.rowid FROM late l SEMI JOIN {files} f ON f.datastream = l.datastream AND f.t = l.t WHERE {where_l})
    WHERE {where}"""


@dataclass(frozen=True)
class Sealed:
    """Files ``added`` in place of ``removed`` with all that stood in ``tiles`` when commit ``seq`` was the last.

    Rows lay as in ``layout`` then, and still do when it is installed.

    All between ``start`` and ``stop`` is one sealed range then. ``summary`` names what sums up all files afterwards.
    """

    layout: Layout
    start: int
    stop: int
    tiles: Sequence[Part]
    removed: Sequence[File]
    added: Sequence[File]
    seq: int
    summary: tuple[str, str]


def install(connection: duckdb.DuckDBPyConnection, sources: Sources, sealed: Sealed) -> None:
    """In the caller's transaction. Late rows that are in the files go; later ones learn what lies beneath them now."""
    manifest.replace(connection, sealed.start, sealed.stop, sealed.removed, sealed.added, sealed.summary)
    for tile in sealed.tiles:
        where = tile.where
        connection.execute(_MERGED.format(where=where.sql), [sealed.seq])
        [(left,)] = rows(connection, _AFTERWARDS.format(where=where.sql))
        if not left:
            continue
        files = [one for one in sealed.added if tile.low <= one.low and one.high <= tile.high]
        if files:
            sql = _BENEATH.format(files=sources.scan(files), where=where.sql, where_l=tile.of("l."))
            connection.execute(sql)
        else:
            connection.execute(f"UPDATE late SET base = false WHERE {where.sql}")
