"""Sealing, merging and compacting: one rewriting of a range of days, beside the writer, one at a time.

::

    freeze (writer)  hot rows of the range stand still, writes go to late rows
    write            what stands, in one view, to files; read back and compared; named; summed up
    install (writer) one commit: files count, late rows that are in them go
    purge (writer)   hot rows of the range go, some at a time
    sweep            files that gave way go when nobody looks at them any more

After a crash each is found done or not done: what has no name in the manifest is removed at start, what has is read.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TypeVar

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gops import logs
from gops.clock import DAY, HOUR, Clock, SystemClock
from gops.errors import Unavailable
from gops.store.checks import EARLIEST, LATEST
from gops.store.duckdb import manifest, summary
from gops.store.duckdb.commits import Commits
from gops.store.duckdb.database import Database, rows
from gops.store.duckdb.installing import Sealed
from gops.store.duckdb.sealing import FILE_ROWS, Part, Sealer, Step
from gops.store.duckdb.sources import Sources
from gops.store.duckdb.tiers import File, Layout, Tiers
from gops.store.duckdb.views import begin_view
from gops.store.port import READINGS
from gops.store.upkeep import Progress, SealedFile, silent

PURGED_ROWS = 200_000  # hot rows that go in one commit
TAKEN_BACK_ROWS = 100_000  # of a file that was set aside, in one commit
MONTH_ROWS = 20_000_000  # a month with more is sealed day by day first: cutting it up costs a scan a file
_DAYS = """
    SELECT (t + {shift}) // {day} * {day} - {shift} AS begin, count(*) FROM reading
    WHERE t < {until} AND {unsealed} GROUP BY begin ORDER BY begin"""
_LATE = "SELECT DISTINCT datastream FROM late WHERE t >= {start} AND t < {stop} ORDER BY datastream"
Answer = TypeVar("Answer")
Act = Callable[[Callable[[Commits], Answer]], Answer]
log = logs.get(__name__)


@dataclass(frozen=True)
class Pace:
    """A day is sealed ``seal_after_hours`` after its end; see ``sealing`` for ``file_rows`` and ``step``."""

    clock: Clock
    seal_after_hours: int
    file_rows: int
    step: Step


PACE = Pace(SystemClock(), 48, FILE_ROWS, lambda _step: None)


class Keeper:
    """``act`` has the writer do something in turn, and answers what it answered."""

    def __init__(self, database: Database, commits: Commits, act: Act, pace: Pace) -> None:  # type: ignore[type-arg]
        self._database = database
        self._commits = commits
        self._act = act
        self._pace = pace
        self._turn = threading.Lock()
        self._stopping = False

    def stop(self) -> None:
        """Let what runs end at its next step, and wait for it."""
        self._stopping = True
        with self._turn:
            pass

    def seal(self, until: int | None = None, progress: Progress = silent) -> Sequence[SealedFile]:
        """See ``Upkeep``."""
        with self._turn:
            done: list[File] = []
            for start, stop in self._unsealed(self._until(until)):
                done += self._rewrite(start, stop, None, _from(sum(one.rows for one in done), progress))
            self._purge()
            return [one.shown() for one in done]

    def merge(self, progress: Progress = silent) -> Sequence[SealedFile]:
        """See ``Upkeep``."""
        with self._turn:
            self._take_back()
            done: list[File] = []
            stained = [one for one in self._commits.tiers.layout.ranges if one.start in self._commits.tiers.stains]
            for n, one in enumerate(stained):
                progress(n, len(stained))
                if not one.frozen:
                    done += self._rewrite(one.start, one.stop, self._stained_tiles, silent)
            progress(len(stained), len(stained))
            return [one.shown() for one in done]

    def compact(self, progress: Progress = silent) -> Sequence[SealedFile]:
        """See ``Upkeep``."""
        with self._turn:
            done: list[File] = []
            spans = self._scattered(self._until(None))
            for n, (start, stop) in enumerate(spans):
                progress(n, len(spans))
                done += self._rewrite(start, stop, None, silent)
            progress(len(spans), len(spans))
            return [one.shown() for one in done]

    @contextmanager
    def turn(self, wait: bool = True) -> Iterator[bool]:
        """Nothing is rewritten meanwhile; False when something is being and nobody would ``wait`` for it."""
        mine = self._turn.acquire(blocking=wait)
        try:
            yield mine
        finally:
            if mine:
                self._turn.release()

    # what is to be done

    def _until(self, until: int | None) -> int:
        latest = self._pace.clock.micros() - self._pace.seal_after_hours * HOUR if until is None else until
        return self._commits.calendar.day(min(max(latest, EARLIEST + DAY), LATEST - DAY))

    def _unsealed(self, until: int) -> list[tuple[int, int]]:
        """Ranges to seal: what an earlier try left frozen, whole months without a file, days."""
        calendar, layout = self._commits.calendar, self._commits.tiers.layout
        frozen = [(one.start, one.stop) for one in layout.ranges if one.frozen]
        sql = _DAYS.format(shift=calendar.shift, day=DAY, until=until, unsealed=manifest.unsealed(layout))
        with self._database.lend() as connection:
            days = [(begin, count) for begin, count in rows(connection, sql) if layout.places(np.array([begin]))[0] < 0]
        ranges = []
        for (start, stop), found in groupby(days, key=lambda day: calendar.month(day[0])):
            of_month = list(found)
            whole = stop <= until and not layout.overlapping(start, stop)
            if whole and sum(count for _, count in of_month) <= MONTH_ROWS:
                ranges.append((start, stop))
            else:
                ranges += [(begin, begin + DAY) for begin, _ in of_month]
        return sorted(frozen + ranges)

    def _scattered(self, until: int) -> list[tuple[int, int]]:
        """Months that ended, and weeks of the others that did, which lie in several ranges."""
        calendar = self._commits.calendar
        spans = []
        for one in self._commits.tiers.layout.ranges:
            month = calendar.month(one.start)
            spans.append(month if month[1] <= until else calendar.week(one.start))
        return [span for span, found in groupby(spans) if span[1] <= until and len(list(found)) > 1]

    def _stained_tiles(self, sources: Sources, start: int, stop: int, late: np.ndarray) -> list[Part]:
        """The tiles of a range that have late rows."""
        tiles = tiled([one for one in sources.tiers.layout.files if one.start == start], start, stop)
        return [tile for tile in tiles if ((late >= tile.low) & (late <= tile.high)).any()]

    # how

    def _rewrite(
        self, start: int, stop: int, choose: Callable[..., list[Part]] | None, progress: Progress
    ) -> list[File]:
        """Make one sealed range of all between; the new files. ``choose`` says which tiles of it are written anew."""
        self._step("begun")
        self._act(lambda commits: commits.freeze(start, stop))
        self._step("frozen")
        self._set_aside([one for one in self._commits.tiers.layout.files if start <= one.start and one.stop <= stop])
        sealed = self._written(start, stop, choose, progress)
        self._act(lambda commits: commits.install(sealed))  # if it fails the files stay: it may be that they count
        self._step("installed")
        self._purge()
        self._commits.shelf.sweep([*self._commits.tiers.layout.names, sealed.summary[0]])
        self._step("swept")
        log.info(
            "store_sealed", start=start, stop=stop, files=len(sealed.added), rows=sum(x.rows for x in sealed.added)
        )
        return list(sealed.added)

    def _written(self, start: int, stop: int, choose: Callable[..., list[Part]] | None, progress: Progress) -> Sealed:
        cursor = self._database.take()
        outline = None
        try:
            with self._database.working(cursor):
                outline = begin_view(cursor.connection, self._commits.heads, [])
                sources = Sources(self._database.folder, outline.tiers)
                [(seq,)] = rows(cursor.connection, "SELECT coalesce(max(seq), 0) FROM late")
                tiles = [Part.whole(start, stop)]
                if choose is not None:
                    found = cursor.connection.execute(_LATE.format(start=start, stop=stop)).fetchnumpy()
                    tiles = choose(sources, start, stop, found["datastream"])
                stem = self._commits.calendar.name(start, stop)
                shelf = self._commits.shelf
                sealer = Sealer(cursor.connection, sources, shelf, stem, self._step, self._pace.file_rows)
                added = sealer.write(tiles, progress)
                removed = [one for one in outline.tiers.layout.files if any(_within(one, tile) for tile in tiles)]
                try:
                    summed_up = self._summed_up(cursor.connection, sources, removed, added)
                except BaseException:
                    shelf.discard([one.name for one in added])
                    raise
                return Sealed(outline.tiers.layout, start, stop, tiles, removed, added, seq, summed_up)
        except Unavailable as error:
            if isinstance(error.__cause__, duckdb.Error) and outline is not None:
                self._set_aside([one for one in outline.tiers.layout.files if start <= one.start and one.stop <= stop])
            raise
        except OSError as error:
            log.warning("store_not_sealed", error=str(error))
            raise Unavailable("the store could not write sealed files", code="store_write") from error
        finally:
            if outline is not None:
                outline.let_go()
            self._database.discard(cursor)

    def _summed_up(self, connection, sources: Sources, removed: Sequence[File], added: Sequence[File]):  # type: ignore[no-untyped-def]
        old = summary.stored(connection, sources)
        gone = summary.of_files(connection, sources, removed)
        come = summary.of_files(connection, sources, added)
        files = [one for one in sources.tiers.layout.files if one not in removed]
        afterwards = Sources(sources.folder, Tiers(Layout((), [*files, *added])))
        name = self._commits.shelf.write_summary(summary.changed(connection, afterwards, old, gone, come))
        self._step("summed up")
        return name

    def _take_back(self) -> None:
        """Rows of files that were set aside and of which a whole copy was brought: where something stands it stays."""
        with self._database.lend() as connection:
            aside = manifest.aside(connection)
        for name, size, digest in aside:
            if self._commits.shelf.is_whole(name, size, digest):
                self._write_again(self._commits.shelf.aside(name))
                self._act(lambda commits: commits.forget_aside(name))  # noqa: B023
                log.info("store_file_taken_back", file=name)

    def _write_again(self, path: Path) -> None:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(TAKEN_BACK_ROWS, columns=READINGS.names):
                rows_again = pa.Table.from_batches([batch]).cast(READINGS)
                keep = np.ones(len(rows_again), bool)
                self._act(lambda commits: commits.write(rows_again, keep, ()))  # noqa: B023
                self._step("taken back")

    def _set_aside(self, files: Sequence[File]) -> None:
        """Have those of them not count any more that are not as they were written: a flipped bit is not copied."""
        broken = [one.name for one in files if self._commits.shelf.trouble(one, deep=True)]
        if broken:
            self._act(lambda commits: commits.set_aside(broken))

    def _purge(self) -> None:
        while self._act(lambda commits: commits.purge(PURGED_ROWS)):
            self._step("purged")

    def _step(self, name: str) -> None:
        if self._stopping:
            raise Unavailable("the store is closed")
        self._pace.step(name)


def _from(before: int, progress: Progress) -> Progress:
    return lambda done, of: progress(before + done, of)


def tiled(files: Sequence[File], start: int, stop: int) -> list[Part]:
    """Tiles that hold every Datastream between them, each with its files of a range whole."""
    edges: list[tuple[int, int]] = []
    for one in sorted(files, key=lambda file: file.low):
        if edges and one.low <= edges[-1][1]:
            edges[-1] = (edges[-1][0], max(edges[-1][1], one.high))
        else:
            edges.append((one.low, one.high))
    whole = Part.whole(start, stop)
    lows = [whole.low, *(low for low, _ in edges[1:])]
    highs = [*(low - 1 for low in lows[1:]), whole.high]
    return [Part(low, high, start, stop) for low, high in zip(lows, highs, strict=True)]


def _within(one: File, tile: Part) -> bool:
    return tile.low <= one.low and one.high <= tile.high and tile.start <= one.start and one.stop <= tile.stop
