"""Late rows: what is written over frozen and sealed ranges. One row a key at most, in the transaction of the caller."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from gops.store.duckdb.database import rows
from gops.store.duckdb.schema import COLUMNS
from gops.store.duckdb.sources import Parameters
from gops.store.duckdb.standing import Cold
from gops.store.resolve import Flags

_ADD = f"INSERT INTO late SELECT {COLUMNS}, false, base, ? FROM batch"
_STAGE = "CREATE OR REPLACE TEMP TABLE staged AS {rows}"
_STAGED_KEYS = "DELETE FROM late USING staged s WHERE late.datastream = s.datastream AND late.t = s.t"
_GONE = "INSERT INTO late SELECT datastream, t, NULL, NULL, 0, NULL, true, base, ? FROM staged"
_STAND = f"INSERT INTO late SELECT {COLUMNS}, false, base, ? FROM staged"
_WITH_BASE = f"""
    SELECT {", ".join("b." + name.strip() for name in COLUMNS.split(","))}, coalesce(l.base, false) AS base
    FROM batch b LEFT JOIN late l ON l.datastream = b.datastream AND l.t = b.t"""


def put(connection: duckdb.DuckDBPyConnection, batch: pa.Table, where: Flags, cold: Cold, seq: int) -> None:
    """Write the rows of a batch that ``where`` marks, in place of the late rows of their keys."""
    taken = cold.late[where]
    taken = taken[taken >= 0]
    if len(taken):
        connection.register("taken", pa.table({"place": taken}))
        connection.execute("DELETE FROM late WHERE rowid IN (SELECT place FROM taken)")
        connection.unregister("taken")
    written = batch.filter(pa.array(where)).append_column("base", pa.array(cold.base[where]))
    connection.register("batch", written)
    connection.execute(_ADD, [seq])
    connection.unregister("batch")


def stage(connection: duckdb.DuckDBPyConnection, sql: str, parameters: Parameters) -> dict[int, int]:
    """Set aside the rows of a SELECT (columns of ``READINGS`` and ``base``); how many there are of each Datastream."""
    connection.execute(_STAGE.format(rows=sql), parameters)
    return dict(rows(connection, "SELECT datastream, count(*) FROM staged GROUP BY datastream"))


def put_staged(connection: duckdb.DuckDBPyConnection, seq: int, gone: bool) -> None:
    """Let the staged rows stand, or be gone; the stage is empty then."""
    connection.execute(_STAGED_KEYS)
    connection.execute(_GONE if gone else _STAND, [seq])
    connection.execute("DROP TABLE staged")


def put_over(connection: duckdb.DuckDBPyConnection, batch: pa.Table, seq: int) -> None:
    """Write rows whose keys have nothing that stands; what lay beneath of old is known to their late rows."""
    connection.register("batch", batch)
    stage(connection, _WITH_BASE, [])
    connection.unregister("batch")
    put_staged(connection, seq, gone=False)
