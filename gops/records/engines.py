"""How the records are reached: which addresses serve, and how each connection is set up."""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from gops.errors import BadSetting, Unavailable

_CREATING = threading.Lock()
"""Held while the file of the records is made. One that is there is never opened but by SQLite: closing it drops all
locks of this process on it (POSIX, fcntl), another process then thinks it is alone, removes the log that this one goes
on writing to, and whatever is written from then on is lost (sqlite.org/howtocorrupt.html, section 2.2)."""


def parse(address: str) -> URL:
    """Raises ``BadSetting`` for what cannot hold records; its message never holds the password."""
    expected = "sqlite:///path or postgresql+psycopg://user:password@host/database"
    try:
        url = make_url(address)
        url.get_dialect()
    except (ArgumentError, NoSuchModuleError, ImportError, ValueError) as error:
        raise BadSetting("GOPS_RECORDS_URL is no address of a database", expected=expected) from error
    named = url.database not in (None, "", ":memory:")
    if url.drivername not in ("sqlite", "postgresql+psycopg") or not named:
        raise BadSetting(
            f"GOPS_RECORDS_URL: records are not kept in {url.drivername}:{url.database or ''}",
            field="GOPS_RECORDS_URL",
            found=url.drivername,
            expected=expected,
        )
    return url


def sqlite(path: Path, url: URL, connections: int, wait_seconds: float, *, readonly: bool) -> Engine:
    engine = create_engine(
        url.set(database=str(path)),
        pool_size=connections,
        max_overflow=0,
        pool_timeout=wait_seconds,
        connect_args={"timeout": wait_seconds, "check_same_thread": False},
    )

    def create_privately(*_: Any) -> None:
        try:
            with _CREATING:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))  # -wal and -shm get its mode
        except FileExistsError:
            if not path.is_file():
                raise Unavailable(f"the file of the records cannot be made: {path} is no file") from None
        except OSError as error:
            raise Unavailable(f"the file of the records cannot be made: {error.strerror}") from error

    def prepare(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # GOPS begins transactions itself
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        if readonly:
            connection.execute("PRAGMA query_only=ON")

    event.listen(engine, "do_connect", create_privately)
    event.listen(engine, "connect", prepare)
    return engine


def postgresql(url: URL, connections: int, wait_seconds: float) -> Engine:
    try:
        return create_engine(
            url,
            pool_size=connections,
            max_overflow=0,
            pool_timeout=wait_seconds,
            pool_pre_ping=True,
            connect_args={
                "connect_timeout": max(2, round(wait_seconds)),
                "options": f"-c lock_timeout={round(wait_seconds * 1000)} -c TimeZone=UTC",
            },
        )
    except ImportError as error:
        raise BadSetting(
            "GOPS_RECORDS_URL names PostgreSQL and its driver is not installed",
            field="GOPS_RECORDS_URL",
            expected="pip install 'gops[postgresql]'",
        ) from error
