"""The records as files: one state of all tables, taken while others write, and put back into an empty database.

SQLite becomes one file (``VACUUM INTO``: what was deleted is not in it). PostgreSQL becomes one file a table, in the
text format of COPY, all read in one transaction.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, inspect, text

from gops.errors import Conflict, Invalid, Unavailable
from gops.records import migrate
from gops.records.database import Database, plainly

SQLITE = "records.sqlite"
ENDING = ".copy"
LEAP = 1_000_000
"""Ids passed over when records are put back: those given since the copy are known outside, and never reused."""
Engine = Literal["sqlite", "postgresql"]


@dataclass(frozen=True)
class Copied:
    """What a copy holds: its engine, the migration step it stands at, rows by table; of PostgreSQL the next ids."""

    engine: Engine
    step: str
    tables: Mapping[str, int]
    sequences: Mapping[str, int]


def copy_out(database: Database, folder: Path) -> Copied:
    """Write the copy into ``folder``. Raises ``Unavailable``."""
    return _sqlite_out(database, folder) if database.is_sqlite else _postgresql_out(database, folder)


# SQLite


def sqlite_path(database: Database) -> Path:
    return Path(str(database.engine.url.database)).absolute()


def _sqlite_out(database: Database, folder: Path) -> Copied:
    target = folder / SQLITE
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))  # VACUUM INTO takes an empty file
    with _sqlite(sqlite_path(database), "ro") as connection:
        connection.execute("VACUUM INTO ?", [str(target)])
    with _sqlite(target, "ro") as connection:
        return _read_sqlite(connection)


def check_sqlite(path: Path, expected: Copied) -> None:
    """Raises ``Invalid`` (``backup_damaged``) when it is no sound database or holds something else."""
    with _sqlite(path, "ro") as connection:
        wrong = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(3)") if row[0] != "ok"]
        astray = connection.execute("PRAGMA foreign_key_check").fetchone()
        found = _read_sqlite(connection)
    if wrong or astray or found != expected:
        raise Invalid(
            "the records of the backup are not what its manifest says",
            code="backup_damaged",
            field=SQLITE,
            found="; ".join(wrong) or (f"a row of {astray[0]} that points nowhere" if astray else _counts(found)),
            expected=_counts(expected),
        )


def leap_sqlite(path: Path) -> None:
    """Pass over the ids that may have been given since the copy was made."""
    with _sqlite(path, "rw") as connection, connection:
        connection.execute(
            "INSERT INTO sqlite_sequence SELECT name, 0 FROM sqlite_master WHERE sql LIKE '%AUTOINCREMENT%' "
            "AND name NOT IN (SELECT name FROM sqlite_sequence)"
        )
        connection.execute("UPDATE sqlite_sequence SET seq = seq + ?", [LEAP])


@contextmanager
def _sqlite(path: Path, mode: str) -> Iterator[sqlite3.Connection]:
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode={mode}", uri=True)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise Unavailable(f"the records in {path} cannot be copied or read: {error}") from error


def _read_sqlite(connection: sqlite3.Connection) -> Copied:
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    tables = {
        name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608 - names of our tables
        for name in names
        if not name.startswith("sqlite_")
    }
    step = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return Copied("sqlite", str(step[0]) if step else "", tables, {})


def _counts(copied: Copied) -> str:
    return f"step {copied.step}, {sum(copied.tables.values())} rows in {len(copied.tables)} tables"


# PostgreSQL


def _postgresql_out(database: Database, folder: Path) -> Copied:
    with plainly(database.wait_seconds), database.engine.connect() as pooled:
        connection = pooled.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        tables, sequences = {}, {}
        for name in table_order(connection):
            tables[name] = _table_out(connection, name, folder / (name + ENDING))
            sequence = _sequence(connection, name)
            if sequence:
                sequences[name] = int(connection.execute(text(f"SELECT last_value FROM {sequence}")).scalar_one())  # noqa: S608 - named by the server
        step = str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())
        return Copied("postgresql", step, tables, sequences)


def load_postgresql(database: Database, folder: Path, copied: Copied) -> None:
    """Make the tables in an empty database and fill them, all in one transaction.

    Raises ``Conflict`` (``records_not_empty``), ``Invalid`` (``backup_damaged``), ``BadSetting`` for a newer step.
    """
    with plainly(database.wait_seconds), database.engine.begin() as connection:
        _refuse_tables(connection)
        migrate.apply(connection, copied.step)
        order = [name for name in table_order(connection) if name != "alembic_version"]
        quoted = ", ".join(f'"{name}"' for name in order)
        connection.execute(text(f"TRUNCATE {quoted}"))  # steps may have put rows into them
        for name in order:
            _table_in(connection, name, folder / (name + ENDING), copied.tables.get(name))
            sequence = _sequence(connection, name)
            if sequence:
                after = copied.sequences.get(name, 0) + LEAP
                connection.execute(text("SELECT setval(:sequence, :after)"), {"sequence": sequence, "after": after})


def table_order(connection: Connection) -> Sequence[str]:
    """Names of all tables, each behind those that it refers to."""
    return [name for name, _keys in inspect(connection).get_sorted_table_and_fkc_names() if name is not None]


def _refuse_tables(connection: Connection) -> None:
    found = inspect(connection).get_table_names()
    if found:
        raise Conflict(
            f"the database that GOPS_RECORDS_URL names is not empty: it has {len(found)} tables",
            code="records_not_empty",
            field="GOPS_RECORDS_URL",
            found=found[0],
            expected="a database without tables",
        )


def _table_out(connection: Connection, name: str, target: Path) -> int:
    columns = _columns(connection, name)
    with _cursor(connection) as cursor:
        with os.fdopen(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write((columns + "\n").encode())
            with cursor.copy(f'COPY "{name}" ({columns}) TO STDOUT') as copy:
                for piece in copy:
                    file.write(piece)
        return int(cursor.rowcount)


def _table_in(connection: Connection, name: str, source: Path, expected: int | None) -> None:
    with source.open("rb") as file:
        columns = file.readline().decode().strip()
        if sorted(columns.split(", ")) != sorted(_columns(connection, name).split(", ")):
            raise _damaged(name, columns, _columns(connection, name))
        with _cursor(connection) as cursor:
            with cursor.copy(f'COPY "{name}" ({columns}) FROM STDIN') as copy:
                while piece := file.read(1 << 20):
                    copy.write(piece)
            if cursor.rowcount != expected:
                raise _damaged(name, f"{cursor.rowcount} rows", f"{expected} rows")


def _damaged(name: str, found: str, expected: str) -> Invalid:
    return Invalid(
        f"the table {name} of the backup is not what its manifest says",
        code="backup_damaged",
        field=name,
        found=found,
        expected=expected,
    )


@contextmanager
def _cursor(connection: Connection) -> Iterator[Any]:
    """The driver's own cursor: SQLAlchemy has no COPY."""
    import psycopg

    driver: Any = connection.connection
    try:
        with driver.cursor() as cursor:
            yield cursor
    except psycopg.Error as error:
        raise Unavailable(f"the records cannot be copied: {error}") from error


def _columns(connection: Connection, name: str) -> str:
    return ", ".join(f'"{column["name"]}"' for column in inspect(connection).get_columns(name))


def _sequence(connection: Connection, name: str) -> str | None:
    """The sequence of a table's ``id``, as the server spells it."""
    if '"id"' not in _columns(connection, name).split(", "):
        return None
    found = connection.execute(text("SELECT pg_get_serial_sequence(:name, 'id')"), {"name": f'"{name}"'}).scalar()
    return None if found is None else str(found)
