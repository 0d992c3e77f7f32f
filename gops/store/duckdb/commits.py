"""The transactions of the store, run by the writer's thread alone, and what is kept in memory beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import duckdb
import numpy as np
import pyarrow as pa

from gops import logs
from gops.errors import Conflict
from gops.quality import Quality
from gops.store.checks import EARLIEST, check_unchanged
from gops.store.duckdb import late, manifest
from gops.store.duckdb.calendar import Calendar
from gops.store.duckdb.corrections import Correction
from gops.store.duckdb.database import Cursor, Database, rows
from gops.store.duckdb.deliveries import Deliveries
from gops.store.duckdb.ends import ends
from gops.store.duckdb.folder import make_private
from gops.store.duckdb.heads import Heads
from gops.store.duckdb.installing import Sealed, install
from gops.store.duckdb.opening import heads_on_disk
from gops.store.duckdb.recent import Recent
from gops.store.duckdb.schema import COLUMNS, DATABASE, VERSION_FLOOR
from gops.store.duckdb.shelf import Shelf
from gops.store.duckdb.sources import Sources
from gops.store.duckdb.standing import ELSEWHERE, Cold, LookUp
from gops.store.duckdb.tiers import File, Tiers
from gops.store.port import INSERTED, READINGS, REPLACED, Delivery
from gops.store.resolve import Flags, Outcomes, Resolution, doubled, resolve
from gops.store.rows import Ints, Rows

VERSIONS_RESERVED = 1_000_000  # commits between two writes of the floor below which no version is given again
CHECKPOINT_BYTES = 16 << 20  # of log: then a checkpoint when nobody waits
BUSY = 4  # times as much log: then a checkpoint although somebody waits
log = logs.get(__name__)


class Commits:
    """Writes, deletes and forgets, each in one transaction. Raises ``duckdb.Error`` for what went wrong in it."""

    def __init__(
        self,
        database: Database,
        deliveries: Deliveries,
        checkpoint_bytes: int = CHECKPOINT_BYTES,
        recent_rows: int = 0,
    ) -> None:
        self._database = database
        self._recent_rows = recent_rows
        self.shelf = Shelf(database.folder)
        self.deliveries = deliveries
        self.heads = Heads()
        self.calendar = Calendar(0)
        self._version = 0
        self._reserved = 0
        self._seq = 0
        self._checkpoint_bytes = self._checkpoint_at = checkpoint_bytes
        self._cursor: Cursor | None = None

    def load(self) -> None:
        """Read from disk what is kept in memory; when the store opens, and opens again."""
        if self._cursor is None or self._cursor.closed:
            self._cursor = self._database.take()
        connection = self._connection
        [(floor,)] = rows(connection, "SELECT value FROM store WHERE name = ?", [VERSION_FLOOR])
        [(self._seq,)] = rows(connection, "SELECT coalesce(max(seq), 0) FROM late")
        self.calendar = manifest.calendar(connection)
        heads = self._heads(connection, floor)
        self.deliveries.load(connection)
        self._version = self._reserved = floor
        self._reserve()
        self.heads = heads

    def _heads(self, connection: duckdb.DuckDBPyConnection, floor: int) -> Heads:
        """From disk. Files that are not as they were written are set aside first."""
        layout = manifest.layout(connection)
        broken = [one for one in layout.files if self.shelf.trouble(one)]
        if broken:
            self._put_aside(broken)
            return self._heads(connection, floor)
        tiers = manifest.tiers(connection, layout)
        try:
            found = heads_on_disk(connection, self.sources(tiers))
        except duckdb.Error:
            broken = [one for one in layout.files if self.shelf.trouble(one, deep=True)]
            if not broken:
                raise
            self._put_aside(broken)
            return self._heads(connection, floor)
        heads = Heads(floor, tiers=tiers, recent=Recent(self._recent_rows))
        heads.put(*found, np.empty(0, np.int64), floor)
        return heads

    @property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        assert self._cursor is not None, "load comes first"
        return self._cursor.connection

    @property
    def tiers(self) -> Tiers:
        """Where rows lie now."""
        return self.heads.tiers

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        connection = self._connection
        connection.execute("BEGIN")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            with suppress(duckdb.Error):  # a failed COMMIT has left the transaction already
                connection.execute("ROLLBACK")
            raise

    def sources(self, tiers: Tiers) -> Sources:
        return Sources(self._database.folder, tiers)

    # write

    def write(self, batch: pa.Table, keep: Flags, deliveries: Sequence[Delivery]) -> Outcomes:
        """Commit a batch of ``READINGS`` with its mode a row; the outcome of each row."""
        self._reserve()
        given = Rows.of(batch)
        in_range = self.tiers.layout.places(given.t) >= 0
        try:
            return self._write(batch, given, keep, in_range, deliveries)
        except duckdb.Error:
            if not self._put_broken_aside(self.tiers.layout.files_with(given.datastream[in_range], given.t[in_range])):
                raise
            return self._write(batch, given, keep, in_range, deliveries)

    def _write(
        self, batch: pa.Table, given: Rows, keep: Flags, in_range: Flags, deliveries: Sequence[Delivery]
    ) -> Outcomes:
        with self.transaction() as connection:
            done, beneath = self._resolve(connection, given, keep, in_range)
            self._remove(connection, done.gone[done.gone < ELSEWHERE])
            hot, cold = done.written & ~in_range, done.written & in_range
            self._insert(connection, batch, hot)
            if cold.any():
                late.put(connection, batch, cold, beneath, self._next_seq())
            if deliveries:
                self.deliveries.write(connection, deliveries)
            tiers = self.tiers.with_hot(given.t[hot])
            if cold.any():
                tiers = tiers.with_late(given.datastream[cold], given.t[cold])
            written = given if done.written.all() else given.take(done.written)
            self.heads.announce(written, tiers)
            self.heads.begin_commit()
        self.heads.recent.add(given, hot)
        changed = given.datastream[done.outcomes <= REPLACED]
        inserted = given.datastream[done.outcomes == INSERTED]
        self.heads.add(written, inserted, changed, self._next_version(changed))
        self.deliveries.remember(deliveries)
        return done.outcomes

    def _resolve(
        self, connection: duckdb.DuckDBPyConnection, given: Rows, keep: Flags, in_range: Flags
    ) -> tuple[Resolution, Cold]:
        """What becomes of each row. In a range every key is looked up: a late row of it may say that it is gone."""
        twice = doubled(given)
        suspect = (given.t <= self.heads.last(given.datastream)) & ~in_range
        look_up = LookUp(connection, self.sources(self.tiers), given)
        standing, beneath = look_up.standing(np.flatnonzero(suspect), np.flatnonzero(in_range))
        if not (suspect | in_range | twice).any():
            every = np.ones(len(given), bool)
            return Resolution(np.zeros(len(given), np.uint8), every, np.empty(0, np.int64)), beneath
        return resolve(given, keep, standing, twice), beneath

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

    # correct and forget

    def delete(self, datastreams: Sequence[int], start: int, end: int) -> int:
        """See ``Store.delete``."""
        return self._correct(datastreams, start, end, lambda correction: correction.remove())

    def requalify(
        self, datastreams: Sequence[int], start: int, end: int, quality: Quality, only: frozenset[Quality]
    ) -> int:
        """See ``Store.requalify``."""
        return self._correct(datastreams, start, end, lambda one: one.requalify(quality, only), stay=True)

    def swap(self, datastream: int, start: int, end: int, new: pa.Table, version: int) -> int:
        """See ``Store.swap``."""
        check_unchanged(self.heads.version([datastream]), version)
        return self._correct([datastream], start, end, lambda correction: correction.remove(), new)

    def _correct(
        self,
        datastreams: Sequence[int],
        start: int,
        end: int,
        change: Callable[[Correction], dict[int, int]],
        new: pa.Table | None = None,
        stay: bool = False,
    ) -> int:
        """Do it in one transaction, and find out what is newest and first then; how many rows it was about.

        They ``stay`` in number, or they go.
        """
        touched = self.tiers.layout.files_of(min(datastreams, default=0), max(datastreams, default=0), start, end)
        try:
            return self._corrected(datastreams, start, end, change, new, stay)
        except duckdb.Error:
            if not self._put_broken_aside(touched):
                raise
            return self._corrected(datastreams, start, end, change, new, stay)

    def _corrected(
        self,
        datastreams: Sequence[int],
        start: int,
        end: int,
        change: Callable[[Correction], dict[int, int]],
        new: pa.Table | None,
        stay: bool,
    ) -> int:
        self._reserve()
        new = READINGS.empty_table() if new is None else new
        before, added = self.tiers, Rows.of(new)
        with self.transaction() as connection:
            correction = Correction(connection, self.sources(before), datastreams, start, end, self._next_seq())
            counts = change(correction)
            correction.insert(new)
            changed = np.unique(np.concatenate([np.array(list(counts), np.int64), added.datastream]))
            tiers = _stained(before, changed, start, end).with_hot(added.t[before.layout.places(added.t) < 0])
            self.heads.announce(added, tiers)
            left = ends(connection, self.sources(tiers), self.heads.bounds(changed))
            self.heads.begin_commit()
        self.heads.recent.raise_floors(changed.tolist(), min(end, self.heads.tiers.hot_last + 1))
        ids = left.newest.datastream
        gone = np.array([0 if stay else counts.get(one, 0) for one in ids.tolist()], np.int64)
        come = np.searchsorted(np.sort(added.datastream), ids, "right") - np.searchsorted(
            np.sort(added.datastream), ids, "left"
        )
        number = self.heads.count(ids) - gone + come
        self.heads.put(left.newest, left.first, number, changed, self._next_version(changed))
        return sum(counts.values())

    def forget(self, session: str) -> None:
        """Remove what is remembered of a broker session."""
        self.deliveries.forget(self._connection, session)

    # where rows lie

    def freeze(self, start: int, stop: int) -> None:
        """From now on what is written between goes to late rows, and the hot rows there don't change."""
        gaps = list(self.tiers.layout.gaps(start, stop))
        if gaps:
            self._rearrange(lambda connection: manifest.freeze(connection, gaps))

    def install(self, sealed: Sealed) -> None:
        """Let files take the place of what they were written from.

        Raises ``Conflict`` (``changed_meanwhile``) when a file was set aside, or the database opened again, since.
        """
        before = self.tiers.layout
        if before is not sealed.layout:
            raise Conflict("the store's files changed while others were written; try again", code="changed_meanwhile")
        self._rearrange(lambda connection: install(connection, self.sources(self.tiers), sealed))
        self.shelf.retire(before)

    def purge(self, limit: int) -> int:
        """Remove so many hot rows of sealed ranges, which nobody reads any more; how many there were."""
        spans = self.tiers.layout.sealed_spans()
        return manifest.purge(self._connection, spans, limit) if spans else 0

    def sweep(self) -> None:
        """Remove what an earlier process left behind; what it was about to set aside is set aside."""
        for name in manifest.broken(self._connection):
            self.shelf.set_aside(name)
        named = manifest.summary(self._connection)
        self.shelf.sweep([*self.tiers.layout.names, *(named or ())[:1]])

    def set_aside(self, names: Sequence[str]) -> None:
        """Have these files not count any more. What is left is read from disk anew."""
        files = [one for one in self.tiers.layout.files if one.name in names]
        if files:
            self._put_aside(files)
            self.load()

    def forget_aside(self, name: str) -> None:
        """What was in this file is in the store again."""
        manifest.forget_aside(self._connection, name)
        self.shelf.aside(name).unlink(missing_ok=True)

    def _put_aside(self, files: Sequence[File]) -> None:
        with self.transaction() as connection:
            summary = manifest.summary(connection)
            manifest.set_aside(connection, files)
        self.shelf.discard((summary or ())[:1])
        for one in files:
            self.shelf.set_aside(one.name)
            log.error("store_file_set_aside", file=one.name, rows=one.rows)

    def _put_broken_aside(self, files: Sequence[File]) -> bool:
        """Were any of these not as they were written? They do not count any more."""
        broken = [one for one in files if self._database.valid and self.shelf.trouble(one, deep=True)]
        if broken:
            self._put_aside(broken)
            self.load()
        return bool(broken)

    def _rearrange(self, change: Callable[[duckdb.DuckDBPyConnection], None]) -> None:
        with self.transaction() as connection:
            change(connection)
            tiers = manifest.tiers(connection, manifest.layout(connection))
            with self.heads.rearranging(tiers):
                connection.execute("COMMIT")
                connection.execute("BEGIN")  # for the transaction around to end
            self.heads.recent.raise_floor(max((one.stop for one in tiers.layout.ranges), default=EARLIEST))

    # what is kept beside the readings

    def _next_version(self, changed: Ints) -> int:
        self._version += len(changed) > 0
        return self._version

    def _next_seq(self) -> int:
        self._seq += 1
        return self._seq

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


def _stained(tiers: Tiers, datastreams: Ints, start: int, stop: int) -> Tiers:
    """The same when any of these Datastreams may have late rows with ``start <= t < stop``."""
    touched = tiers.layout.overlapping(start, stop)
    if not len(datastreams) or not touched:
        return tiers
    low, high = int(datastreams.min()), int(datastreams.max())
    corners = [(low, max(start, one.start)) for one in touched] + [(high, min(stop, one.stop) - 1) for one in touched]
    ids, moments = np.array(corners, np.int64).T
    return tiers.with_late(ids, moments)
