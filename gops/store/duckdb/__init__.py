"""The embedded time-series store, on DuckDB: hot table, one writer, locked down.

::

    submit -> writer (queue, thread) -> commits (one transaction) -> heads, deliveries (memory)
                                           resolve (pure)
    read, stream, aggregate -> spans -> database (cursors lent) -> DuckDB
"""

from gops.store.duckdb.store import DuckdbStore

__all__ = ["DuckdbStore"]
