"""The open database and its cursors: one for the writer, the others lent to whoever reads.

DuckDB invalidates a whole instance after some failures (a checkpoint that could not be written); every cursor must
then be closed before the file can be opened again. So each is known here, with a lock that its user holds while it
works.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from gops import logs
from gops.errors import GopsError, TooLarge, Unavailable
from gops.store.duckdb.folder import make_private
from gops.store.duckdb.schema import DATABASE, connect
from gops.store.duckdb.slices import Slices
from gops.store.holding import FolderLock

log = logs.get(__name__)


class Cursor:
    """A connection of its own to the database, used by one thread at a time under ``lock``.

    An unfinished result keeps the whole database open, and DuckDB waits for ever to open a file again that is still
    open in the process; so ``reader`` is held here and nowhere else.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self.reader: pa.RecordBatchReader | None = None
        self.lock = threading.Lock()
        self.closed = False

    def close(self) -> None:
        self.closed = True
        if self.reader is not None:
            self.reader.close()
            self.reader = None
        with suppress(duckdb.Error):  # of an invalidated instance; there is nothing left to lose
            self.connection.close()


class Database:
    """The database in ``folder``. Raises ``Unavailable`` when another process holds it or it can't be opened."""

    def __init__(self, folder: Path, memory_mb: int, threads: int, day_offset_s: int = 0) -> None:
        self.folder = folder.absolute()
        self.slices = Slices(self.folder)
        self._memory_mb, self._threads, self._day_offset_s = memory_mb, threads, day_offset_s
        self._gate = threading.Lock()
        self._idle: list[Cursor] = []
        self._live: set[Cursor] = set()
        self._lock = FolderLock(self.folder)
        self._root: duckdb.DuckDBPyConnection | None = None
        self._invalid = False
        self.on_invalid: Callable[[], None] = lambda: None
        try:
            self.open()
        except Unavailable:
            self._lock.release()
            raise

    def open(self) -> None:
        """Open, or open again after ``shut``. Raises ``Unavailable``."""
        try:
            self._root = connect(self.folder, self._memory_mb, self._threads, self._day_offset_s)
        except duckdb.Error as error:
            log.error("store_not_opened", error=str(error))
            raise Unavailable("the store's database can't be opened; the server's log says why") from error
        self._invalid = False
        make_private(self.folder / DATABASE)

    def invalidate(self) -> None:
        """Have the database closed and opened again by the writer."""
        self._invalid = True
        self.on_invalid()

    @property
    def valid(self) -> bool:
        return self._root is not None and not self._invalid

    def shut(self) -> None:
        """Interrupt what is running and close every connection."""
        with self._gate:
            root, self._root = self._root, None
            live, self._live, self._idle = self._live, set(), []
        for cursor in live:
            cursor.connection.interrupt()
            with cursor.lock:
                cursor.close()
        if root is not None:
            Cursor(root).close()

    def release(self) -> None:
        """Shut, and let another process have the folder."""
        self.shut()
        self.slices.close()
        self._lock.release()

    def take(self) -> Cursor:
        """An idle cursor or a new one. Raises ``Unavailable`` while the database is shut."""
        with self._gate:
            if self._idle:
                return self._idle.pop()
            if self._root is not None:
                cursor = Cursor(self._root.cursor())
                self._live.add(cursor)
                return cursor
        self.on_invalid()  # it may be that it can be opened by now
        raise Unavailable("the store's database is closed")

    def give_back(self, cursor: Cursor) -> None:
        with self._gate:
            if not cursor.closed:
                self._idle.append(cursor)

    def discard(self, cursor: Cursor) -> None:
        """Close a cursor that is in a state nobody knows."""
        with self._gate:
            self._live.discard(cursor)
        with cursor.lock:
            cursor.close()

    @contextmanager
    def lend(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor for a short piece of work; errors of DuckDB become ours."""
        cursor = self.take()
        try:
            with self.working(cursor):
                yield cursor.connection
        except BaseException:
            self.discard(cursor)
            raise
        self.give_back(cursor)

    @contextmanager
    def working(self, cursor: Cursor) -> Iterator[None]:
        """Hold a cursor while it works. Raises ``Unavailable`` when the database was shut in between."""
        with cursor.lock:
            if cursor.closed:
                raise Unavailable("the store's database was closed while it was read")
            try:
                yield
            except duckdb.Error as error:
                raise self.explain(error) from error

    def note(self, error: duckdb.Error) -> None:
        """Log an error of DuckDB. A fatal one invalidates the instance."""
        log.warning("store_failed", kind=type(error).__name__, error=str(error)[:500])
        if isinstance(error, duckdb.FatalException | duckdb.InternalException):
            self.invalidate()

    def explain(self, error: duckdb.Error) -> GopsError:
        """Our error for one of DuckDB's in a question, after noting it."""
        self.note(error)
        if isinstance(error, duckdb.OutOfMemoryException):
            return TooLarge(
                f"this needs more memory than the setting store_memory_mb allows ({self._memory_mb} MB)",
                code="store_memory",
                expected="a shorter range, fewer Datastreams, or more memory",
            )
        return Unavailable("the store failed; the server's log says why")


def rows(connection: duckdb.DuckDBPyConnection, sql: str, parameters: Any = ()) -> list[tuple[Any, ...]]:
    """Run a query that answers a few rows."""
    return connection.execute(sql, parameters).fetchall()
