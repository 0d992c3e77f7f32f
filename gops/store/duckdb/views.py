"""One view of the store: of the database, of where rows lie, and an outline of what is there that leaves nothing out.

See ``Heads`` for the outline and ``Tiers`` for where rows lie.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import duckdb
import pyarrow as pa

from gops.store.duckdb.database import Database
from gops.store.duckdb.heads import Heads, Outline
from gops.store.duckdb.slices import Slices, in_order
from gops.store.duckdb.sources import Parameters, Sources
from gops.store.duckdb.spans import Span, condition
from gops.store.port import READINGS, Extent

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class View:
    """A cursor, what SQL reads from, rows without SQL, and the extents of the Datastreams that were asked for."""

    connection: duckdb.DuckDBPyConnection
    sources: Sources
    slices: Slices
    extents: Mapping[int, Extent]

    @classmethod
    def of(cls, database: Database, connection: duckdb.DuckDBPyConnection, outline: Outline) -> View:
        return cls(connection, Sources(database.folder, outline.tiers), database.slices, outline.extents)

    def sliced(self, spans: Sequence[Span], schema: pa.Schema = READINGS) -> pa.Table | None:
        """All rows of a span, ascending, when it is one, they lie in sealed files alone, and are not too many."""
        if len(spans) != 1:
            return None
        where = condition(spans, [])
        files = self.sources.sealed_alone(where)
        return None if files is None else self.slices.rows(files, where.low, where.start, where.stop, schema)

    def in_two(self, spans: Sequence[Span], schema: pa.Schema, limit: int) -> pa.Table | None:
        """All rows of a span, ascending, when it is one, its older rows are as ``sliced`` wants them, and the rest is
        hot and less than ``limit``."""
        if len(spans) != 1:
            return None
        where = condition(spans, [])
        cut = self.sources.sealed_until(where)
        if cut <= where.start:
            return None
        older = self.sliced([replace(spans[0], high=min(spans[0].high, cut))], schema)
        if older is None or cut >= where.stop:
            return older
        parameters: Parameters = []
        newer = self.sources.rows(condition([replace(spans[0], low=cut)], parameters), ", ".join(schema.names))
        found = self.connection.sql(f"SELECT * FROM ({newer}) LIMIT {int(limit)}", params=parameters).to_arrow_table()
        return None if len(found) == limit else pa.concat_tables([older, in_order(found.cast(schema))])


Work = Callable[[View], Answer]


def in_one_view(database: Database, heads: Heads, datastreams: Sequence[int], work: Work[Answer]) -> Answer:
    """What ``work`` answers, all its statements in one view of these Datastreams."""
    with database.lend() as connection:
        outline = begin_view(connection, heads, datastreams)
        try:
            answer = work(View.of(database, connection, outline))
            connection.execute("COMMIT")
        finally:
            outline.let_go()
        return answer


def in_one_statement(database: Database, heads: Heads, datastreams: Sequence[int], work: Work[Answer]) -> Answer:
    """The same for ``work`` whose last statement alone decides, without a transaction unless a commit came between."""
    outline = heads.outline(datastreams)
    try:
        with database.lend() as connection:
            answer = work(View.of(database, connection, outline))
    finally:
        outline.let_go()
    return answer if heads.holds(outline) else in_one_view(database, heads, datastreams, work)


def begin_view(connection: duckdb.DuckDBPyConnection, heads: Heads, datastreams: Sequence[int]) -> Outline:
    """Begin a transaction, whose view DuckDB takes with its first look at a table. The outline is to be let go."""
    while True:
        outline = heads.outline(datastreams)
        try:
            connection.execute("BEGIN")
            connection.execute("SELECT t FROM reading LIMIT 0")
        except BaseException:
            outline.let_go()
            raise
        if heads.holds(outline):
            return outline
        outline.let_go()
        connection.execute("ROLLBACK")
