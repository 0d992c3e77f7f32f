"""The records database: one engine, read units and write units.

A write unit is serialised where it must be: on SQLite it begins with ``BEGIN IMMEDIATE``, so it holds the only
write lock from its first statement; on PostgreSQL it locks the row that it guards (``with_for_update``).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from gops.errors import Unavailable

BUSY_SECONDS = 10
POOL_SIZE = 10


class Database:
    """``with database.read() as session`` and ``with database.write() as session``.

    A write unit commits at its end and rolls back on any exception. Objects stay readable after the commit.
    """

    def __init__(self, address: str) -> None:
        url = make_url(address)
        self.is_sqlite = url.get_backend_name() == "sqlite"
        options: dict[str, Any] = {"pool_pre_ping": not self.is_sqlite}
        if self.is_sqlite:
            options["connect_args"] = {"timeout": BUSY_SECONDS, "check_same_thread": False}
            if url.database and url.database != ":memory:":
                Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        if not self.is_sqlite:
            options |= {"pool_size": POOL_SIZE, "max_overflow": POOL_SIZE, "pool_timeout": BUSY_SECONDS}
        self.engine: Engine = create_engine(url, **options)
        if self.is_sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)

    @contextmanager
    def read(self) -> Iterator[Session]:
        with Session(self.engine, expire_on_commit=False, autoflush=False) as session:
            if self.is_sqlite:
                session.connection().exec_driver_sql("BEGIN")
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        with Session(self.engine, expire_on_commit=False) as session:
            if self.is_sqlite:
                session.connection().exec_driver_sql("BEGIN IMMEDIATE")
            yield session
            session.commit()

    def check(self) -> None:
        """Answer a real query, or raise ``Unavailable``."""
        try:
            with self.engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except OperationalError as error:
            raise Unavailable("the records database does not answer") from error

    def close(self) -> None:
        self.engine.dispose()


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # GOPS begins transactions itself
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
