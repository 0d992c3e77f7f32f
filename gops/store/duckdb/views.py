"""One view of the database, and an outline of what is in it that leaves nothing out (see ``Heads``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import duckdb

from gops.store.duckdb.database import Database
from gops.store.duckdb.heads import Heads, Outline
from gops.store.port import Extent

Answer = TypeVar("Answer")
Work = Callable[[duckdb.DuckDBPyConnection, Mapping[int, Extent]], Answer]


def in_one_view(database: Database, heads: Heads, datastreams: Sequence[int], work: Work[Answer]) -> Answer:
    """What ``work`` answers from a cursor and the extents of these Datastreams, all its statements in one view."""
    with database.lend() as connection:
        outline = begin_view(connection, heads, datastreams)
        answer = work(connection, outline.extents)
        connection.execute("COMMIT")
        return answer


def in_one_statement(database: Database, heads: Heads, datastreams: Sequence[int], work: Work[Answer]) -> Answer:
    """The same for ``work`` whose last statement alone decides, without a transaction unless a commit came between."""
    outline = heads.outline(datastreams)
    with database.lend() as connection:
        answer = work(connection, outline.extents)
    return answer if heads.holds(outline) else in_one_view(database, heads, datastreams, work)


def begin_view(connection: duckdb.DuckDBPyConnection, heads: Heads, datastreams: Sequence[int]) -> Outline:
    """Begin a transaction, whose view DuckDB takes with its first look at a table."""
    while True:
        outline = heads.outline(datastreams)
        connection.execute("BEGIN")
        connection.execute("SELECT t FROM reading LIMIT 0")
        if heads.holds(outline):
            return outline
        connection.execute("ROLLBACK")
