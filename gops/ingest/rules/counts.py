"""How many readings were flagged, by Datastream, day and rule: collected in memory, written every few seconds.

A reading that was flagged at its last visit, too, is not counted again, where the store can tell. What is not written
yet is lost when the process is killed: the counts explain, the readings themselves carry their quality.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from sqlalchemy import case, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from gops import logs
from gops.clock import MINUTE, Clock, from_micros
from gops.errors import Unavailable
from gops.ingest.model import QualityCount
from gops.ingest.rules.judging import WORDS, Flags, Floats, Ints
from gops.records.database import Database
from gops.settings import Settings
from gops.store.port import INSERTED, REPLACED, Receipt

PENDING = 50_000  # rows of the table that are kept in memory while the records are away
FLUSH_SECONDS = 5.0  # a kill loses so much of what was counted, never of what was read
QUARTER = 15 * MINUTE  # midnight of every zone lies at the edge of one
log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Flagged:
    """Readings that break a rule, in columns."""

    who: Ints
    t: Ints
    value: Floats
    flags: Flags

    @classmethod
    def of(cls, table: pa.Table, flags: Flags, receipt: Receipt) -> Flagged:
        """Those of a stored batch that are news."""
        some = flags != 0
        if receipt.outcomes is not None:
            some &= np.isin(receipt.outcomes.to_numpy(), (INSERTED, REPLACED))
        value = table["value"].fill_null(np.nan).to_numpy()
        return cls(table["datastream"].to_numpy()[some], table["t"].to_numpy()[some], value[some], flags[some])


class Tally(NamedTuple):
    """``readings`` were flagged; the latest of them. ``value`` is None for a text."""

    readings: int
    t: int
    value: float | None

    def and_(self, other: Tally) -> Tally:
        latest = other if other.t >= self.t else self
        return Tally(self.readings + other.readings, latest.t, latest.value)


Key = tuple[int, str, str]
"""Datastream, day (ISO 8601, of GOPS_ZONE) and rule."""


class QualityCounts:
    """``note`` what was flagged; ``flush`` writes it, ``forget_old`` removes days before the setting quality_days."""

    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._zone = settings.zone
        self._days = settings.quality_days
        self._pending: dict[Key, Tally] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="quality-counts", daemon=True)

    def note(self, flagged: Flagged) -> None:
        """Readings of days that are no longer kept are left out."""
        oldest = self._oldest()
        for key, tally in self._tallied(flagged):
            if key[1] < oldest:
                continue
            with self._lock:
                known = self._pending.get(key)
                if known is None and len(self._pending) >= PENDING:
                    log.warning("quality_counts_full", pending=PENDING, lost=tally.readings)
                    continue
                self._pending[key] = tally if known is None else known.and_(tally)

    def _tallied(self, flagged: Flagged) -> Sequence[tuple[Key, Tally]]:
        found = []
        for bit, word in WORDS.items():
            own = np.flatnonzero(flagged.flags & bit)
            own = own[np.lexsort((flagged.t[own], flagged.who[own]))]
            who, quarter = flagged.who[own], flagged.t[own] // QUARTER
            last = np.flatnonzero(np.append((who[1:] != who[:-1]) | (quarter[1:] != quarter[:-1]), len(own) > 0))
            counts = np.diff(last, prepend=-1)
            for place, count in zip(own[last].tolist(), counts.tolist(), strict=True):
                t, value = int(flagged.t[place]), float(flagged.value[place])
                tally = Tally(count, t, None if np.isnan(value) else value)
                found.append(((int(flagged.who[place]), self._day(t), word), tally))
        return found

    def _day(self, t: int) -> str:
        return from_micros(t).astimezone(self._zone).date().isoformat()

    def _oldest(self) -> str:
        today = self._clock.now().astimezone(self._zone).date()
        return (today - timedelta(days=self._days)).isoformat()

    def flush(self) -> None:
        """Raises ``Unavailable``; what was collected is kept then."""
        with self._lock:
            due, self._pending = self._pending, {}
        if not due:
            return
        try:
            self._write(due)
        except BaseException:
            with self._lock:
                for key, tally in due.items():
                    known = self._pending.get(key)
                    self._pending[key] = tally if known is None else tally.and_(known)
            raise

    def _write(self, due: Mapping[Key, Tally]) -> None:
        rows: list[dict[str, Any]] = [
            {"datastream_id": one, "day": day, "rule": rule, "readings": n, "last_t": t, "last_value": value}
            for (one, day, rule), (n, t, value) in sorted(due.items())
        ]
        with self._database.write() as session:
            dialect: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
            statement = dialect.insert(QualityCount.__table__)
            there, new = QualityCount.__table__.c, statement.excluded
            later = new.last_t >= there.last_t
            statement = statement.on_conflict_do_update(
                index_elements=["datastream_id", "day", "rule"],
                set_={
                    "readings": there.readings + new.readings,
                    "last_t": case((later, new.last_t), else_=there.last_t),
                    "last_value": case((later, new.last_value), else_=there.last_value),
                },
            )
            session.connection().execute(statement, rows)

    def start(self) -> None:
        """Flush every few seconds, in a thread of its own: also in a process that has no other jobs."""
        self._thread.start()

    def close(self) -> None:
        """Write what is collected, if the records let it."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        self._flush_or_wait()

    def _run(self) -> None:
        while not self._stopping.wait(FLUSH_SECONDS):
            self._flush_or_wait()

    def _flush_or_wait(self) -> None:
        try:
            self.flush()
        except Unavailable as error:
            log.warning("quality_counts_not_written", reason=error.message)

    def forget_old(self) -> None:
        with self._database.write() as session:
            session.execute(delete(QualityCount).where(QualityCount.day < self._oldest()))

    def of(self, datastream: int) -> Sequence[QualityCount]:
        """What is written of a Datastream, the newest day first."""
        query = select(QualityCount).where(QualityCount.datastream_id == datastream)
        with self._database.read() as session:
            return session.scalars(query.order_by(QualityCount.day.desc(), QualityCount.rule)).all()
