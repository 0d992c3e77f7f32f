"""The embedded time-series store, on DuckDB: hot table, sealed Parquet files, one writer, locked down.

::

    submit -> writer (queue, thread) -> commits (one transaction) -> heads, deliveries (memory)
                                          |  standing -> resolve (pure) -> hot table | late
                                          |  corrections -> hot table | late
    read, stream, aggregate -> views -> sources (tiers: hot, files, late) -> database (cursors lent) -> DuckDB
    seal, merge, compact -> keeper -> sealing -> shelf (files) -> installing (one commit)
"""

from gops.store.duckdb.keeping import PACE, Pace
from gops.store.duckdb.store import DuckdbStore

__all__ = ["PACE", "DuckdbStore", "Pace"]
