"""``DuckdbStore``: the embedded time-series store, one folder, one process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

import duckdb
import pyarrow as pa

from gops.errors import Unavailable
from gops.quality import Quality
from gops.store.checks import EARLIEST, LATEST, check_batch, check_read, check_requalify, check_swap, check_windows
from gops.store.duckdb import manifest, reads, recalling, streaming
from gops.store.duckdb.aggregates import aggregate
from gops.store.duckdb.backup import Backup
from gops.store.duckdb.commits import CHECKPOINT_BYTES, Commits
from gops.store.duckdb.database import Database, rows
from gops.store.duckdb.deliveries import Deliveries
from gops.store.duckdb.folder import leftovers, make_private
from gops.store.duckdb.heads import Heads
from gops.store.duckdb.inspecting import Inspection, sizes
from gops.store.duckdb.keeping import PACE, Keeper, Pace
from gops.store.duckdb.schema import BROKEN, DATABASE
from gops.store.duckdb.writer import Act, Write, Writer
from gops.store.port import Capabilities, Delivery, Extent, Health, Mode, Read, Receipt, Windows
from gops.store.upkeep import Finding, Progress, SealedFile, Stats, silent

Answer = TypeVar("Answer")
RECENT_ROWS = 2_000_000


class DuckdbStore:
    """A ``Store`` in ``folder``, which it makes and holds alone.

    ``memory_mb`` and ``threads`` bound DuckDB; ``queue`` write requests may wait; of each broker session the last
    ``deliveries_kept`` messages are remembered; after ``checkpoint_bytes`` of log the readings move to the main file.
    ``day_offset_s`` (seconds east of UTC) is where days begin that become files; it counts when the folder is made.
    Up to ``recent_rows`` hot rows are in memory from the first question on, for pages of one Datastream.
    Raises ``Unavailable`` (``store_held`` names the process that has it).
    """

    capabilities = Capabilities(
        durable=True,
        replaces=True,
        deletes_range=True,
        text=True,
        microseconds=True,
        atomic=True,
        visible_after_s=0.0,
        retention_scope="datastream",
    )

    def __init__(
        self,
        folder: Path,
        memory_mb: int,
        threads: int,
        queue: int,
        deliveries_kept: int,
        checkpoint_bytes: int = CHECKPOINT_BYTES,
        day_offset_s: int = 0,
        pace: Pace = PACE,
        recent_rows: int = RECENT_ROWS,
    ) -> None:
        self._queue = queue
        self._open = True
        self._database = Database(folder, memory_mb, threads, day_offset_s)
        self._commits = Commits(self._database, Deliveries(deliveries_kept), checkpoint_bytes, recent_rows)
        try:
            self._commits.load()
        except duckdb.Error as error:
            self._database.note(error)
            self._database.release()
            raise Unavailable("the store's database can't be read; the server's log says why") from error
        self._commits.sweep()
        leftovers(self._database.folder)
        self._writer = Writer(self._database, self._commits, queue)
        self._recall = recalling.Recall(self._database)
        self._keeper = Keeper(self._database, self._commits, self._act, pace)

    # writing

    def submit(self, batch: pa.Table, mode: Mode, deliveries: Sequence[Delivery] = ()) -> Future[Receipt]:
        self._check_open()
        request = Write(check_batch(batch), mode == "keep", tuple(deliveries))
        self._writer.submit(request)
        return request.future

    def write(self, batch: pa.Table, mode: Mode, deliveries: Sequence[Delivery] = ()) -> Receipt:
        return self.submit(batch, mode, deliveries).result()

    def delete(self, datastreams: Sequence[int], start: int, end: int) -> int:
        self._check_open()
        return self._act(lambda commits: commits.delete(list(datastreams), start, end))

    def requalify(
        self,
        datastreams: Sequence[int],
        start: int,
        end: int,
        quality: Quality,
        only: frozenset[Quality] = frozenset(Quality),
    ) -> int:
        self._check_open()
        check_requalify(quality)
        return self._act(lambda commits: commits.requalify(list(datastreams), start, end, quality, only))

    def swap(self, datastream: int, start: int, end: int, rows: pa.Table, version: int) -> int:
        self._check_open()
        new = check_swap(datastream, start, end, rows)
        return self._act(lambda commits: commits.swap(datastream, start, end, new, version))

    def delivered(self, deliveries: Sequence[Delivery]) -> Sequence[bool]:
        self._check_open()
        return self._commits.deliveries.known(deliveries)

    def forget_deliveries(self, session: str) -> None:
        self._check_open()
        self._act(lambda commits: commits.forget(session))

    def _act(self, run: Callable[[Commits], Answer]) -> Answer:
        """Have the writer do something in turn, and wait for it."""
        act = Act(run)
        self._writer.submit(act)
        answer: Answer = act.future.result()
        return answer

    # reading

    @property
    def _heads(self) -> Heads:
        self._check_open()
        return self._commits.heads

    def read(self, query: Read) -> pa.Table:
        check_read(query)
        return self._answer(query, query.start, query.end, lambda: self._read(query))

    def _read(self, query: Read) -> pa.Table:
        heads = self._heads
        found = recalling.read(heads, query) if self._database.valid else None
        if found is None:
            self._recall.begin(heads)
            return reads.read(self._database, heads, query)
        return found

    def stream(self, query: Read, rows: int = 65_536) -> Iterator[pa.RecordBatch]:
        check_read(query)
        self._check_open()
        return self._streamed(query, rows)

    def _streamed(self, query: Read, rows: int) -> Iterator[pa.RecordBatch]:
        begun = False
        while True:
            try:
                for batch in streaming.stream(self._database, self._heads, query, rows):
                    begun = True
                    yield batch
                return
            except Unavailable as error:
                if not self._mended(error, query, query.start, query.end) or begun:
                    raise

    def aggregate(self, query: Windows) -> pa.Table:
        kind = check_windows(query)
        return self._answer(query, None, query.asked[1], lambda: aggregate(self._database, self._heads, query, kind))

    def _answer(self, query: Read | Windows, start: int | None, end: int | None, ask: Callable[[], Answer]) -> Answer:
        """What ``ask`` answers, asked again for as long as it meets broken files."""
        while True:
            try:
                return ask()
            except Unavailable as error:
                if not self._mended(error, query, start, end):
                    raise

    def _mended(self, error: Unavailable, query: Read | Windows, start: int | None, end: int | None) -> bool:
        """Did the question fail for files that are not as they were written? They are set aside."""
        ids = [series.datastream for series in query.series]
        if not isinstance(error.__cause__, duckdb.Error) or not ids:
            return False
        layout, shelf = self._heads.tiers.layout, self._commits.shelf
        low, high = EARLIEST if start is None else start, LATEST if end is None else end + 1
        found = [one for one in layout.files_of(min(ids), max(ids), low, high) if shelf.trouble(one, deep=True)]
        broken = [one.name for one in found]
        if broken:
            self._act(lambda commits: commits.set_aside(broken))
        return bool(broken) or self._heads.tiers.layout is not layout

    def latest(self, datastreams: Sequence[int]) -> pa.Table:
        return self._heads.latest(datastreams)

    def extent(self, datastreams: Sequence[int]) -> dict[int, Extent]:
        return self._heads.extent(datastreams)

    def version(self, datastreams: Sequence[int]) -> int:
        return self._heads.version(datastreams)

    # upkeep

    def seal(self, until: int | None = None, progress: Progress = silent) -> Sequence[SealedFile]:
        self._check_open()
        return self._keeper.seal(until, progress)

    def merge(self, progress: Progress = silent) -> Sequence[SealedFile]:
        self._check_open()
        return self._keeper.merge(progress)

    def compact(self, progress: Progress = silent) -> Sequence[SealedFile]:
        self._check_open()
        return self._keeper.compact(progress)

    def check(self, deep: bool = False, progress: Progress = silent) -> Sequence[Finding]:
        self._check_open()
        with self._keeper.turn(wait=False) as quiet:
            outline = self._heads.outline([])
            try:
                layout = outline.tiers.layout
                return Inspection(self._database, self._commits, layout, quiet).findings(deep, progress)
            finally:
                outline.let_go()

    def stats(self) -> Stats:
        self._check_open()
        with self._database.lend() as connection:
            return self._act(lambda commits: sizes(connection, commits, self._database))

    def backup(self, target: Path, progress: Progress = silent) -> Stats:
        self._check_open()
        backup = Backup(self._database, self._commits, target, progress)
        backup.check_target()
        with self._keeper.turn():
            return backup.make(self._act)

    # life

    def health(self) -> Health:
        self._check_open()
        detail: dict[str, object] = {
            "engine": "duckdb",
            "queue": self._writer.waiting,
            "queue_limit": self._queue,
            "file_bytes": make_private(self._database.folder / DATABASE),
            "log_bytes": self._commits.log_bytes(),
            "sealed_files": len(self._commits.tiers.layout.files),
            "ranges_with_late_rows": len(self._commits.tiers.stains),
        }
        try:
            with self._database.lend() as connection:
                rows(connection, "SELECT t FROM reading LIMIT 1")
                aside = manifest.broken(connection)
        except Unavailable as error:
            return Health(False, {**detail, "problem": error.message})
        if aside:
            detail["set_aside"] = aside
            detail["problem"] = f"files that could not be read are set aside in {BROKEN}: {', '.join(aside)}"
        return Health(self._writer.alive, detail)

    def close(self) -> None:
        """Finish what is queued, checkpoint, and let go of the folder."""
        if self._open:
            self._open = False
            self._keeper.stop()
            self._recall.end()
            self._writer.close()
            self._database.release()

    def _check_open(self) -> None:
        if not self._open:
            raise Unavailable("the store is closed")
