"""First and last row of Datastreams, when it is not in memory: looked for from either end in ever longer steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from gops.clock import DAY
from gops.store.duckdb.sources import Parameters, Sources
from gops.store.duckdb.spans import Span, condition
from gops.store.port import READINGS, Extent
from gops.store.rows import Ints, Rows

FIRST_STEP = DAY
LONGER = 8
_OUTERMOST = """
    SELECT * FROM ({rows})
    QUALIFY row_number() OVER (PARTITION BY datastream ORDER BY t {way}) = 1 ORDER BY datastream"""


@dataclass(frozen=True)
class Ends:
    """``newest`` ascends by Datastream; ``first`` is the least t of each of them."""

    newest: Rows
    first: Ints


def ends(connection: duckdb.DuckDBPyConnection, sources: Sources, within: Mapping[int, Extent]) -> Ends:
    """Of those Datastreams that have rows; none has one outside of its extent in ``within``."""
    newest = _outermost(connection, sources, within, down=True)
    found = set(newest["datastream"].to_pylist())
    oldest = _outermost(connection, sources, {one: at for one, at in within.items() if one in found}, down=False)
    return Ends(Rows.of(newest), oldest["t"].to_numpy())


def _outermost(
    connection: duckdb.DuckDBPyConnection, sources: Sources, within: Mapping[int, Extent], down: bool
) -> pa.Table:
    """The newest row of each (``down``) or the oldest, by Datastream; the table can't be changed in place."""
    wanted = dict(within)
    found = [READINGS.empty_table()]
    step = FIRST_STEP
    edge = max((at.last + 1 for at in wanted.values()), default=0) if down else _least(wanted)
    while wanted:
        low, high = (edge - step, edge) if down else (edge, edge + step)
        parameters: Parameters = []
        where = condition([Span(one, low, high, at) for one, at in wanted.items()], parameters)
        sql = _OUTERMOST.format(rows=sources.rows(where), way="DESC" if down else "ASC")
        found.append(connection.sql(sql, params=parameters).to_arrow_table().cast(READINGS))
        seen = set(found[-1]["datastream"].to_pylist())
        edge = low if down else high
        wanted = {
            one: at for one, at in wanted.items() if one not in seen and (at.first < edge if down else at.last >= edge)
        }
        step *= LONGER
    return pa.concat_tables(found).sort_by("datastream")


def _least(wanted: Mapping[int, Extent]) -> int:
    return min((at.first for at in wanted.values()), default=0)
