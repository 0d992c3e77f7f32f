"""The transactions of the store, run by the writer's thread alone, and what is kept in memory beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from gops.quality import Quality
from gops.store.checks import check_unchanged
from gops.store.duckdb.database import Cursor, Database, rows
from gops.store.duckdb.deliveries import Deliveries
from gops.store.duckdb.folder import make_private
from gops.store.duckdb.heads import Heads
from gops.store.duckdb.schema import COLUMNS, DATABASE, VERSION_FLOOR
from gops.store.duckdb.spans import of_quality
from gops.store.port import INSERTED, REPLACED, Delivery
from gops.store.resolve import Flags, Outcomes, Resolution, Standing, doubled, resolve
from gops.store.rows import NONE, Ints, Rows

VERSIONS_RESERVED = 1_000_000  # commits between two writes of the floor below which no version is given again
CHECKPOINT_BYTES = 16 << 20  # of log: then a checkpoint when nobody waits
BUSY = 4  # times as much log: then a checkpoint although somebody waits
SPANS = 16  # most ranges of time in which a batch is compared with what stands
GAP = 3_600_000_000  # microseconds without a row of the batch from which a new range begins

_HEADS = f"""
    WITH head AS (
        SELECT datastream, max(t) AS last, min(t) AS first, count(*) AS rows FROM reading {{where}} GROUP BY datastream)
    SELECT {", ".join("r." + name.strip() for name in COLUMNS.split(","))}, h.first, h.rows
    FROM reading r JOIN head h ON r.datastream = h.datastream AND r.t = h.last ORDER BY r.datastream"""
_OF_THESE = "WHERE datastream IN (SELECT unnest(?::BIGINT[]))"
_STANDING = """
    SELECT s.place, r.rowid, r.value, r.text, r.quality, r.result_time
    FROM reading r JOIN suspect s ON r.datastream = s.datastream AND r.t = s.t WHERE {within}"""
_RANGE = f"FROM reading {_OF_THESE} AND t >= ? AND t < ?"
_DOOMED = f"SELECT datastream, count(*) {_RANGE} GROUP BY datastream"
_OTHER = "quality <> ? AND (? OR value IS NOT NULL OR text IS NOT NULL)"
_DELETE = f"DELETE FROM reading {_OF_THESE} AND t >= ? AND t < ?"


class Commits:
    """Writes, deletes and forgets, each in one transaction. Raises ``duckdb.Error`` for what went wrong in it."""

    def __init__(self, database: Database, deliveries: Deliveries, checkpoint_bytes: int = CHECKPOINT_BYTES) -> None:
        self._database = database
        self.deliveries = deliveries
        self.heads = Heads()
        self._version = 0
        self._reserved = 0
        self._checkpoint_bytes = self._checkpoint_at = checkpoint_bytes
        self._cursor: Cursor | None = None

    def load(self) -> None:
        """Read from disk what is kept in memory; when the store opens, and opens again."""
        self._cursor = self._database.take()
        [(floor,)] = rows(self._connection, "SELECT value FROM store WHERE name = ?", [VERSION_FLOOR])
        heads = Heads(floor)
        heads.put(*self._stand(), np.empty(0, np.int64), floor)
        self.deliveries.load(self._connection)
        self._version = self._reserved = floor
        self._reserve()
        self.heads = heads

    @property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        assert self._cursor is not None, "load comes first"
        return self._cursor.connection

    @contextmanager
    def _transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        connection = self._connection
        connection.execute("BEGIN")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            with suppress(duckdb.Error):  # a failed COMMIT has left the transaction already
                connection.execute("ROLLBACK")
            raise

    # write

    def write(self, batch: pa.Table, keep: Flags, deliveries: Sequence[Delivery]) -> Outcomes:
        """Commit a batch of ``READINGS`` with its mode a row; the outcome of each row."""
        self._reserve()
        given = Rows.of(batch)
        self.heads.announce(given)
        with self._transaction() as connection:
            done = self._resolve(connection, given, keep)
            self._remove(connection, done.gone)
            self._insert(connection, batch, done.written)
            if deliveries:
                self.deliveries.write(connection, deliveries)
            self.heads.begin_commit()
        changed = np.unique(given.datastream[done.outcomes <= REPLACED])
        inserted = given.datastream[done.outcomes == INSERTED]
        self.heads.add(given.take(done.written), inserted, changed, self._next_version(changed))
        self.deliveries.remember(deliveries)
        return done.outcomes

    def _resolve(self, connection: duckdb.DuckDBPyConnection, given: Rows, keep: Flags) -> Resolution:
        twice = doubled(given)
        suspect = given.t <= self.heads.last(given.datastream)
        if not suspect.any() and not twice.any():
            return Resolution(np.zeros(len(given), np.uint8), np.ones(len(given), bool), np.empty(0, np.int64))
        standing = Standing.nothing(given)
        if suspect.any():
            self._look_up(connection, given, np.flatnonzero(suspect), standing)
        return resolve(given, keep, standing, twice)

    def _look_up(self, connection: duckdb.DuckDBPyConnection, given: Rows, suspects: Ints, standing: Standing) -> None:
        """Fill in what stands in place of the ``suspects``."""
        table = pa.table({"place": suspects, "datastream": given.datastream[suspects], "t": given.t[suspects]})
        connection.register("suspect", table)
        ranges = spans(given.t[suspects])
        within = " OR ".join(["r.t BETWEEN ? AND ?"] * len(ranges))
        found = connection.execute(_STANDING.format(within=within), list(chain(*ranges))).fetchnumpy()
        at = found["place"]
        standing.rowid[at] = found["rowid"]
        standing.rows.value[at] = _filled(found["value"], np.nan)
        standing.rows.text[at] = _filled(found["text"], None)
        standing.rows.quality[at] = found["quality"]
        standing.rows.result_time[at] = _filled(found["result_time"], NONE)
        connection.unregister("suspect")

    def _remove(self, connection: duckdb.DuckDBPyConnection, rowids: Ints) -> None:
        if len(rowids):
            connection.register("gone", pa.table({"place": rowids}))
            connection.execute("DELETE FROM reading WHERE rowid IN (SELECT place FROM gone)")
            connection.unregister("gone")

    def _insert(self, connection: duckdb.DuckDBPyConnection, batch: pa.Table, written: Flags) -> None:
        if written.any():
            connection.register("batch", batch if written.all() else batch.filter(pa.array(written)))
            connection.execute(f"INSERT INTO reading SELECT {COLUMNS} FROM batch")
            connection.unregister("batch")

    # delete and forget

    def delete(self, datastreams: Sequence[int], start: int, end: int) -> int:
        """Remove rows with ``start <= t < end``; how many there were."""
        self._reserve()
        with self._transaction() as connection:
            doomed = rows(connection, _DOOMED, [list(datastreams), start, end])
            if doomed:
                connection.execute(_DELETE, [[one for one, _ in doomed], start, end])
            changed = np.array([one for one, _ in doomed], np.int64)
            left = self._stand(_OF_THESE, [changed.tolist()])
        self.heads.put(*left, changed, self._next_version(changed))
        return sum(count for _, count in doomed)

    def requalify(
        self, datastreams: Sequence[int], start: int, end: int, quality: Quality, only: frozenset[Quality]
    ) -> int:
        """See ``Store.requalify``."""
        self._reserve()
        with self._transaction() as connection:
            where = f"{_RANGE} AND {of_quality(only)} AND {_OTHER}"
            parameters = [list(datastreams), start, end, int(quality), quality > Quality.estimated]
            doomed = rows(connection, f"SELECT datastream, count(*) {where} GROUP BY datastream", parameters)
            if doomed:
                update = f"UPDATE reading SET quality = {int(quality)} {where.removeprefix('FROM reading')}"
                connection.execute(update, parameters)
            changed = np.array([one for one, _ in doomed], np.int64)
            left = self._stand(_OF_THESE, [changed.tolist()])
        self.heads.put(*left, changed, self._next_version(changed))
        return sum(count for _, count in doomed)

    def swap(self, datastream: int, start: int, end: int, new: pa.Table, version: int) -> int:
        """See ``Store.swap``."""
        self._reserve()
        check_unchanged(self.heads.version([datastream]), version)
        self.heads.announce(Rows.of(new))
        with self._transaction() as connection:
            gone = sum(int(count) for _, count in rows(connection, _DOOMED, [[datastream], start, end]))
            connection.execute(_DELETE, [[datastream], start, end])
            self._insert(connection, new, np.ones(new.num_rows, bool))
            changed = np.array([datastream] if gone or new.num_rows else [], np.int64)
            left = self._stand(_OF_THESE, [changed.tolist()])
            self.heads.begin_commit()
        self.heads.put(*left, changed, self._next_version(changed))
        return gone

    def forget(self, session: str) -> None:
        """Remove what is remembered of a broker session."""
        self.deliveries.forget(self._connection, session)

    # what is kept beside the readings

    def _stand(self, where: str = "", parameters: Sequence[Any] = ()) -> tuple[Rows, Ints, Ints]:
        """Newest row, first t and number of rows of each Datastream that has some."""
        table = self._connection.sql(_HEADS.format(where=where), params=list(parameters)).to_arrow_table()
        return Rows.of(table), table["first"].to_numpy(), table["rows"].to_numpy()

    def _next_version(self, changed: Ints) -> int:
        self._version += len(changed) > 0
        return self._version

    def _reserve(self) -> None:
        """Have a version to give that no earlier process gave."""
        if self._version >= self._reserved:
            reserved = self._version + VERSIONS_RESERVED
            self._connection.execute("UPDATE store SET value = ? WHERE name = ?", [reserved, VERSION_FLOOR])
            self._reserved = reserved

    def log_bytes(self) -> int:
        """Size of the log of commits since the last checkpoint."""
        return make_private(self._database.folder / (DATABASE + ".wal"))

    def tidy(self, idle: bool) -> None:
        """Sweep and checkpoint when it is time. After a failure the next try is a whole log later."""
        size = self.log_bytes()
        if size < self._checkpoint_at or not (idle or size >= BUSY * self._checkpoint_bytes):
            return
        self._checkpoint_at = size + self._checkpoint_bytes
        self.deliveries.sweep(self._connection)
        self._connection.execute("CHECKPOINT")
        self._checkpoint_at = self._checkpoint_bytes


def _filled(column: Any, null: Any) -> Any:
    """The column of a result with ``null`` for its nulls; numpy's own ``filled`` takes None for "the default"."""
    plain = np.ma.getdata(column).copy()
    plain[np.ma.getmaskarray(column)] = null
    return plain


def spans(times: Ints) -> list[tuple[int, int]]:
    """At most ``SPANS`` ranges that hold all of ``times``, with the widest gaps between them left out.

    One late row among fresh ones must not make the whole time in between be searched.
    """
    ordered = np.unique(times)
    gaps = np.diff(ordered)
    widest = np.sort(np.argsort(gaps)[-(SPANS - 1) :])
    cuts = widest[gaps[widest] > GAP] + 1
    return [(int(part[0]), int(part[-1])) for part in np.split(ordered, cuts)]
