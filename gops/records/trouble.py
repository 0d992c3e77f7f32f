"""What an error of the database driver means: busy, down, a duplicate, or a mistake of ours."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError

from gops.errors import Unavailable

_SQLITE_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_SQLITE_DOWN = {
    sqlite3.SQLITE_CANTOPEN: "its file cannot be opened",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "its disk does not answer",
    sqlite3.SQLITE_READONLY: "its file cannot be written",
    sqlite3.SQLITE_CORRUPT: "its file is damaged",
    sqlite3.SQLITE_NOTADB: "its file is no SQLite database",
}
_DUPLICATE_SQLITE = {sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY}
_DUPLICATE_POSTGRESQL = "23505"
# classes of SQLSTATE (PostgreSQL 15, appendix A): 40 rolled back (deadlock, serialisation), 55P03 lock not available
_BUSY_POSTGRESQL = ("40", "55P03")
# 08 connection, 53 resources, 57 operator's intervention, 58 system
_DOWN_POSTGRESQL = ("08", "53", "57", "58")


def is_duplicate(error: DBAPIError) -> bool:
    """Did a row break a unique constraint?"""
    return (
        getattr(error.orig, "sqlite_errorcode", None) in _DUPLICATE_SQLITE
        or getattr(error.orig, "sqlstate", None) == _DUPLICATE_POSTGRESQL
    )


def as_unavailable(error: DBAPIError, busy: Unavailable, reading: bool = False) -> Unavailable | None:
    """``busy``, or what is down; None when trying again would not mend it, as when a read unit tries to write."""
    if isinstance(error.orig, sqlite3.Error):
        primary = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
        if primary in _SQLITE_BUSY:
            return busy
        why = None if reading and primary == sqlite3.SQLITE_READONLY else _SQLITE_DOWN.get(primary)
        return Unavailable(f"the records database is down: {why}") if why else None
    state = getattr(error.orig, "sqlstate", None) or ""
    if state.startswith(_BUSY_POSTGRESQL):
        return busy
    lost = error.connection_invalidated or (type(error.orig).__name__ == "OperationalError" and not state)
    if lost or state.startswith(_DOWN_POSTGRESQL):
        return Unavailable("the records database does not answer")
    return None
