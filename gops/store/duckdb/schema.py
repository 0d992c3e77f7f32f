"""What is on disk: names of files, tables, and how the database is opened and locked down.

::

    <folder>/                 mode 0700
      readings.duckdb         readings, deliveries, and what the store knows of itself; mode 0600
      readings.duckdb.wal     commits since the last checkpoint; mode 0600
      readings.lock           held (flock) by the process that has the store open; holds its pid
      spill/                  what a large question puts out of memory; bounded
      sealed/                 Parquet files of past days and months that never change; see ``tiers``
        2026-03.8f3a91c2.parquet
        broken/               files that could not be read, set aside

``reading`` holds what is not sealed. A range of days in ``sealed_range`` is *frozen* (its rows in ``reading`` don't
change any more, because they are being written to files) or *sealed* (its rows are those of the files in
``sealed_file``; rows of that range in ``reading`` are garbage). What is written into such a range goes to ``late``,
which has one row a key at most and shadows what lies beneath: ``base`` says whether a row does, ``gone`` that there
is none any more; ``seq`` is the number of its commit. A file counts only when its row in ``sealed_file`` is committed.
``sealed_summary`` names the file that has first t, newest row and number of rows of each Datastream in all files.

``reading`` has no key and no index: a DuckDB primary key cut writes to a tenth and grew in memory. One row per
(datastream, t) is the writer's work.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from gops.errors import Unavailable
from gops.store.holding import SPILL

DATABASE = "readings.duckdb"
SPILL_PER_MEMORY = 4  # the spill folder may hold this many times the memory bound
SEALED = "sealed"
BROKEN = "broken"
COPYING = "copying."  # begins the name of an unfinished copy of the database; removed at start
FORMAT = 2  # 1 had no sealed files
FORMAT_NAME = "format"
VERSION_FLOOR = "version_floor"
DAY_OFFSET = "day_offset_s"  # seconds east of UTC of the days that files are cut at; never changes

COLUMNS = "datastream, t, value, text, quality, result_time"
TABLES = (
    """CREATE TABLE IF NOT EXISTS reading (
        datastream BIGINT NOT NULL, t BIGINT NOT NULL, value DOUBLE, text VARCHAR, quality UTINYINT NOT NULL,
        result_time BIGINT)""",
    """CREATE TABLE IF NOT EXISTS delivery (
        session VARCHAR NOT NULL, packet_id BIGINT NOT NULL, digest BIGINT NOT NULL, seq BIGINT NOT NULL)""",
    "CREATE TABLE IF NOT EXISTS store (name VARCHAR NOT NULL, value BIGINT NOT NULL)",
    """CREATE TABLE IF NOT EXISTS late (
        datastream BIGINT NOT NULL, t BIGINT NOT NULL, value DOUBLE, text VARCHAR, quality UTINYINT NOT NULL,
        result_time BIGINT, gone BOOLEAN NOT NULL, base BOOLEAN NOT NULL, seq BIGINT NOT NULL)""",
    "CREATE TABLE IF NOT EXISTS sealed_range (start BIGINT NOT NULL, stop BIGINT NOT NULL, frozen BOOLEAN NOT NULL)",
    """CREATE TABLE IF NOT EXISTS sealed_file (
        name VARCHAR NOT NULL, start BIGINT NOT NULL, stop BIGINT NOT NULL, low BIGINT NOT NULL,
        high BIGINT NOT NULL, first BIGINT NOT NULL, last BIGINT NOT NULL, rows BIGINT NOT NULL,
        bytes BIGINT NOT NULL, sha256 VARCHAR NOT NULL, broken BOOLEAN NOT NULL)""",
    "CREATE TABLE IF NOT EXISTS sealed_summary (name VARCHAR NOT NULL, sha256 VARCHAR NOT NULL)",
)


def connect(folder: Path, memory_mb: int, threads: int, day_offset_s: int = 0) -> duckdb.DuckDBPyConnection:
    """Open the database in ``folder``, let it reach nothing outside, and make its tables.

    ``day_offset_s`` counts when they are made. Raises ``duckdb.Error``, and ``Unavailable`` (``store_format``) for a
    store that a later version made.

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
        _make_tables(connection, day_offset_s)
    except (duckdb.Error, Unavailable):
        connection.close()
        raise
    return connection


def _lock_down(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    quoted = str(folder).replace("'", "''")
    connection.execute("SET parquet_metadata_cache = true")  # halves a question to one file of 2 MB
    connection.execute(f"SET allowed_directories = ['{quoted}']")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _make_tables(connection: duckdb.DuckDBPyConnection, day_offset_s: int) -> None:
    for table in TABLES:
        connection.execute(table)
    known = dict(connection.execute("SELECT name, value FROM store").fetchall())
    found = known.get(FORMAT_NAME, FORMAT)
    if found > FORMAT:
        raise Unavailable(
            f"the store's files have format {found}; this version of GOPS reads up to {FORMAT}",
            code="store_format",
            found=found,
            expected=f"{FORMAT} or less",
        )
    connection.execute("BEGIN")
    for name, value in ((VERSION_FLOOR, 0), (DAY_OFFSET, day_offset_s), (FORMAT_NAME, FORMAT)):
        if name not in known:
            connection.execute("INSERT INTO store VALUES (?, ?)", [name, value])
    connection.execute("UPDATE store SET value = ? WHERE name = ? AND value < ?", [FORMAT, FORMAT_NAME, FORMAT])
    connection.execute("COMMIT")
