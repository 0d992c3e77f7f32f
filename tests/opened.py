"""Records for a test, opened as GOPS does, without what each test would pay for again and none looks at.

SQLAlchemy compiles a statement once for each dialect object, and every engine makes one: most of a short test went
there, so engines of one kind share theirs here. No test can cut the power, so a commit does not wait for the disk
either (PostgreSQL runs with fsync=off for the same reason); what a killed process leaves is as it is with waiting.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import Dialect, Engine, event
from sqlalchemy.util import LRUCache

from gops.records.database import Database

STATEMENTS = 2000  # compiled ones that are kept for each kind of engine

_shared: dict[str, tuple[Dialect, LRUCache[Any, Any]]] = {}


def opened(address: str, **options: Any) -> Database:
    """Like ``Database(address)``."""
    database = Database(address, **options)
    if database.is_sqlite:
        for engine in (database.engine, database._reading):
            event.listen(engine, "connect", _unhurried)
    _share("writing " + database.engine.dialect.name, database.engine)
    _share("reading " + database.engine.dialect.name, database._reading)
    return database


def _unhurried(connection: sqlite3.Connection, _record: Any) -> None:
    connection.execute("PRAGMA synchronous=OFF")


def _share(kind: str, engine: Engine) -> None:
    if kind not in _shared:
        with engine.connect():  # the dialect learns about its server at its first connection
            _shared[kind] = (engine.dialect, LRUCache(STATEMENTS))
    engine.dialect, compiled = _shared[kind]
    engine.update_execution_options(compiled_cache=compiled)
