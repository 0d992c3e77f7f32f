"""Counts of use: requests and rows by day, kind and dataset; in memory first, written every few seconds.

What is not written yet is lost when the process is killed. Nothing of who asked is counted.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, get_args

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite

from gops import logs
from gops.clock import Clock
from gops.records.database import Database
from gops.settings import Settings
from gops.usage.days import Days
from gops.usage.model import UsageCount

Kind = Literal["download", "query", "metadata", "file"]
KINDS: tuple[Kind, ...] = get_args(Kind)
PENDING = 50_000  # rows of the table kept in memory while the records are away
log = logs.get(__name__)


class Key(NamedTuple):
    day: str
    kind: str
    dataset_id: int


class Tally:
    """``note`` a request; ``flush`` writes what was noted."""

    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._keep_days = settings.usage_days
        self._days = Days(clock, settings.zone)
        self._lock = threading.Lock()
        self._pending: dict[Key, tuple[int, int]] = {}

    def note(self, kind: Kind, dataset_id: int = 0, rows: int = 0) -> None:
        self._add(Key(self._days.today().name, kind, dataset_id), 1, rows)

    def add_rows(self, kind: Kind, dataset_id: int, rows: int) -> None:
        """Rows of a request that was noted before: of a stream, which tells at its end."""
        self._add(Key(self._days.today().name, kind, dataset_id), 0, rows)

    def _add(self, key: Key, requests: int, rows: int) -> None:
        with self._lock:
            known = self._pending.get(key)
            if known is None and len(self._pending) >= PENDING:
                log.warning("usage_counts_full", pending=PENDING)
                return
            before = known or (0, 0)
            self._pending[key] = before[0] + requests, before[1] + rows

    def flush(self) -> None:
        """Raises ``Unavailable``; what was collected is kept then."""
        with self._lock:
            due, self._pending = self._pending, {}
        if not due:
            return
        try:
            self._write(due)
        except BaseException:
            for key, (requests, rows) in due.items():
                self._add(key, requests, rows)
            raise

    def _write(self, due: Mapping[Key, tuple[int, int]]) -> None:
        made = [{**key._asdict(), "requests": requests, "rows": rows} for key, (requests, rows) in sorted(due.items())]
        with self._database.write() as session:
            dialect: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
            statement = dialect.insert(UsageCount.__table__)
            there, new = UsageCount.__table__.c, statement.excluded
            statement = statement.on_conflict_do_update(
                index_elements=list(Key._fields),
                set_={"requests": there.requests + new.requests, "rows": there.rows + new.rows},
            )
            session.connection().execute(statement, made)

    def forget_old(self) -> None:
        """Remove days before the setting usage_days."""
        oldest = self._days.ago(self._keep_days)
        with self._database.write() as session:
            session.execute(delete(UsageCount).where(UsageCount.day < oldest))
