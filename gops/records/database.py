"""The records database: one engine, read units and write units.

A write unit is serialised where it must be: on SQLite it begins with ``BEGIN IMMEDIATE``, so it holds the only
write lock from its first statement; on PostgreSQL it locks the row that it guards (``with_for_update``) or takes a
named lock (``serialise``). A read unit sees one state of the records from its first statement to its end, whatever
others commit meanwhile, and cannot write.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from gops import logs
from gops.errors import GopsError, Unavailable
from gops.records import engines
from gops.records.trouble import as_unavailable, is_duplicate
from gops.settings import Settings

WAIT_SECONDS = 10
CONNECTIONS = 20
MAX_ID = 2**63 - 1
log = logs.get(__name__)


class Database:
    """``with database.read() as session`` and ``with database.write() as session``.

    A write unit commits at its end and rolls back on any exception. Objects stay readable after the commit.
    ``wait_seconds`` bounds every wait, for a lock and for a connection; at its end comes ``Unavailable``.
    """

    def __init__(self, address: str, *, connections: int = CONNECTIONS, wait_seconds: float = WAIT_SECONDS) -> None:
        url = engines.parse(address)
        self.is_sqlite = url.get_backend_name() == "sqlite"
        self.wait_seconds = wait_seconds
        self._turns = threading.Lock()  # SQLite's own waiting is polling, and unfair; threads queue here instead
        self._this_thread = threading.local()
        self._units = itertools.count(1)
        self._last_unit = 0
        if self.is_sqlite:
            path = Path(str(url.database)).absolute()
            self.engine = engines.sqlite(path, url, 1, wait_seconds, readonly=False)
            self._reading = engines.sqlite(path, url, connections, wait_seconds, readonly=True)
        else:
            self.engine = engines.postgresql(url, connections, wait_seconds)
            # one statement: BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY
            self._reading = self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @classmethod
    def of(cls, settings: Settings) -> Database:
        """The records that the settings name."""
        return cls(
            settings.records_address,
            connections=settings.records_connections,
            wait_seconds=settings.records_wait_seconds,
        )

    @contextmanager
    def read(self) -> Iterator[Session]:
        shared = self._shared()
        if shared is not None:
            with plainly(self.wait_seconds, reading=True), _joined(shared, autoflush=False) as session:
                yield session
            return
        with (
            plainly(self.wait_seconds, reading=True),
            Session(self._reading, expire_on_commit=False, autoflush=False) as session,
        ):
            if self.is_sqlite:
                session.connection().exec_driver_sql("BEGIN")
            yield session

    def rows(self, statement: Select[Any], words: Mapping[str, Any]) -> Sequence[Any]:
        """What one statement finds, which sees one state by itself: in half the time of a read unit with a Session."""
        if self._shared() is not None:
            with self.read() as session:
                return session.execute(statement, words).all()
        with plainly(self.wait_seconds, reading=True), self._reading.connect() as connection:
            return connection.execute(statement, words).all()

    @contextmanager
    def write(self) -> Iterator[Session]:
        shared = self._shared()
        if shared is not None:
            with plainly(self.wait_seconds), _joined(shared) as session:
                yield session
                session.commit()
            return
        with (
            plainly(self.wait_seconds),
            self._turn(),
            Session(self.engine, expire_on_commit=False) as session,
        ):
            if self.is_sqlite:
                session.connection().exec_driver_sql("BEGIN IMMEDIATE")
            yield session
            session.commit()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Make one write unit of all the units that this thread opens here: one commit at the end, or none of them.

        For many changes at once, of which each waits for the disk otherwise. A unit within it that fails takes back
        its own changes alone. Others wait for the write lock until the end, so keep it short.
        """
        with plainly(self.wait_seconds), self._turn(), self.engine.begin() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            self._this_thread.shared = connection
            try:
                yield
            finally:
                self._this_thread.shared = None

    @property
    def state(self) -> int:
        """Another one after each write unit of this process: what was read in the same state is still so, as far as
        this process knows. Within ``together``, where nobody else sees what is written, never the same twice."""
        return self._last_unit if self._shared() is None else next(self._units)

    def _shared(self) -> Connection | None:
        """The connection of the ``together`` that this thread is in."""
        found: Connection | None = getattr(self._this_thread, "shared", None)
        return found

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """On SQLite one thread of this process at a time comes to ask for the write lock."""
        if getattr(self._this_thread, "writes", False):
            raise RuntimeError("a write unit inside a write unit would wait for itself")
        if self.is_sqlite and not self._turns.acquire(timeout=self.wait_seconds):
            raise _busy(self.wait_seconds)
        self._this_thread.writes = True
        try:
            yield
        finally:
            self._last_unit = next(self._units)  # two threads may set it in either order: none was there before
            self._this_thread.writes = False
            if self.is_sqlite:
                self._turns.release()

    def check(self) -> None:
        """Answer a real query, or raise ``Unavailable``."""
        with self.read() as session:
            session.execute(text("SELECT 1"))

    def close(self) -> None:
        self._reading.dispose()
        self.engine.dispose()


def serialise(session: Session, name: str) -> None:
    """Until this unit ends no other unit that names ``name`` gets past this line.

    On SQLite every write unit has that already.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": name})


def flush_unique(session: Session, conflict: GopsError) -> None:
    """Send what the unit has so far; raise ``conflict`` when another has its name (two units may look at once)."""
    try:
        session.flush()
    except DBAPIError as error:
        if is_duplicate(error):
            raise conflict from error
        raise


def _joined(connection: Connection, *, autoflush: bool = True) -> Session:
    """A unit within another: its end leaves the transaction open, its failure goes back to where it began."""
    return Session(connection, expire_on_commit=False, autoflush=autoflush, join_transaction_mode="create_savepoint")


def _busy(wait_seconds: float) -> Unavailable:
    return Unavailable(
        f"the records are busy: no turn came within {wait_seconds:g} s", expected="GOPS_RECORDS_WAIT_SECONDS"
    )


@contextmanager
def plainly(wait_seconds: float, *, reading: bool = False) -> Iterator[None]:
    """Errors of the database that trying again may mend become ``Unavailable``; mistakes of GOPS stay what they are."""
    try:
        yield
    except PoolTimeout as error:
        raise Unavailable(
            f"every connection to the records was taken for {wait_seconds:g} s", expected="GOPS_RECORDS_CONNECTIONS"
        ) from error
    except DBAPIError as error:
        unavailable = as_unavailable(error, _busy(wait_seconds), reading)
        if unavailable is None:
            raise
        log.warning("records.unavailable", reason=str(error.orig))  # the driver's words are for the operator alone
        raise unavailable from error
