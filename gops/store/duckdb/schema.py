"""What is on disk: names of files, tables, and how the database is opened and locked down.

::

    <folder>/                 mode 0700
      readings.duckdb         readings, deliveries, and what the store knows of itself; mode 0600
      readings.duckdb.wal     commits since the last checkpoint; mode 0600
      readings.lock           held (flock) by the process that has the store open; holds its pid
      spill/                  what a large question puts out of memory; bounded

``reading`` has no key and no index: a DuckDB primary key cut writes to a tenth and grew in memory. One row per
(datastream, t) is the writer's work.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

DATABASE = "readings.duckdb"
LOCK = "readings.lock"
SPILL = "spill"
SPILL_PER_MEMORY = 4  # the spill folder may hold this many times the memory bound
FORMAT = 1
VERSION_FLOOR = "version_floor"

COLUMNS = "datastream, t, value, text, quality, result_time"
TABLES = (
    """CREATE TABLE IF NOT EXISTS reading (
        datastream BIGINT NOT NULL, t BIGINT NOT NULL, value DOUBLE, text VARCHAR, quality UTINYINT NOT NULL,
        result_time BIGINT)""",
    """CREATE TABLE IF NOT EXISTS delivery (
        session VARCHAR NOT NULL, packet_id BIGINT NOT NULL, digest BIGINT NOT NULL, seq BIGINT NOT NULL)""",
    "CREATE TABLE IF NOT EXISTS store (name VARCHAR NOT NULL, value BIGINT NOT NULL)",
)


def connect(folder: Path, memory_mb: int, threads: int) -> duckdb.DuckDBPyConnection:
    """Open the database in ``folder``, let it reach nothing outside, and make its tables.

    ``checkpoint_threshold`` is out of reach: the writer checkpoints itself between commits (see ``writer``), so that a
    checkpoint that fails can't be mistaken for a commit that fails.
    """
    connection = duckdb.connect(
        str(folder / DATABASE),
        config={
            "memory_limit": f"{memory_mb}MB",
            "threads": threads,
            "temp_directory": str(folder / SPILL),
            "max_temp_directory_size": f"{memory_mb * SPILL_PER_MEMORY}MB",
            "checkpoint_threshold": "1TB",
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
            "allow_persistent_secrets": False,
            "python_enable_replacements": False,
        },
    )
    try:
        _lock_down(connection, folder)
        _make_tables(connection)
    except duckdb.Error:
        connection.close()
        raise
    return connection


def _lock_down(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    quoted = str(folder).replace("'", "''")
    connection.execute(f"SET allowed_directories = ['{quoted}']")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _make_tables(connection: duckdb.DuckDBPyConnection) -> None:
    for table in TABLES:
        connection.execute(table)
    if not connection.execute("SELECT 1 FROM store").fetchall():
        connection.execute("INSERT INTO store VALUES ('format', ?), (?, 0)", [FORMAT, VERSION_FLOOR])
