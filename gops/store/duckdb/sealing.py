"""Writing a range of days to files: what stands in it, sorted by (Datastream, t), read back and compared.

Runs beside the writer, in one view of the store. A range becomes files of about ``FILE_ROWS`` rows, each of some
Datastreams, so that a question about one of them opens one small file whatever the range holds, and so that little is
sorted at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import duckdb
import numpy as np

from gops.errors import Unavailable
from gops.store.duckdb.database import rows
from gops.store.duckdb.schema import COLUMNS
from gops.store.duckdb.shelf import Shelf
from gops.store.duckdb.sources import Sources, Where, quoted
from gops.store.duckdb.tiers import NEVER, File
from gops.store.upkeep import Progress

FILE_ROWS = 1_000_000  # of a file, about: 16 to 25 row groups, a question to which costs 3.5 ms; see docs/decisions
ROW_GROUP_ROWS = 40_960  # smaller ones cost more to skip than they save to read
_CONTENT = f"count(*), bit_xor(hash({COLUMNS})), sum(hash({COLUMNS}))"
_COPY = """
    COPY (SELECT * FROM ({rows}) ORDER BY datastream, t) TO {path}
    (FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION v2, ROW_GROUP_SIZE {group}, USE_TMP_FILE false)"""
Step = Callable[[str], None]
Content = tuple[int, ...]


@dataclass(frozen=True)
class Part:
    """What goes into one file: Datastreams ``low`` to ``high`` with ``start <= t < stop``."""

    low: int
    high: int
    start: int
    stop: int

    @classmethod
    def whole(cls, start: int, stop: int) -> Part:
        return cls(-NEVER, NEVER, start, stop)

    @property
    def where(self) -> Where:
        return Where(self.of(), self.low, self.high, self.start, self.stop)

    def of(self, table: str = "") -> str:
        """SQL that holds for its rows; ``table`` is a prefix of columns."""
        datastreams = f"{table}datastream >= {self.low} AND {table}datastream <= {self.high}"
        return f"{datastreams} AND {table}t >= {self.start} AND {table}t < {self.stop}"


@dataclass(frozen=True)
class Sealer:
    """Writes what stands in a range, as a view of the store shows it, to files.

    ``step`` hears where it is; ``stem`` begins the names. Raises ``duckdb.Error`` and ``OSError``, and leaves no file.
    """

    connection: duckdb.DuckDBPyConnection
    sources: Sources
    shelf: Shelf
    stem: str
    step: Step
    file_rows: int

    def write(self, tiles: Sequence[Part], progress: Progress) -> list[File]:
        """Files with all that stands in ``tiles``. Progress in rows."""
        written: list[File] = []
        names: list[str] = []
        try:
            for tile in tiles:
                expected = self._content(self.sources.rows(tile.where))
                found: list[Content] = []
                for part in self._parts(tile, expected[0]):
                    names.append(self.shelf.new_name(self.stem))
                    found.append(self._write(part, names[-1]))
                    written.append(self._finished(tile, part, names[-1]))
                    progress(sum(one.rows for one in written), 0)
                self._compare(tile, expected, found)
            self.shelf.settle()
            self.step("named")
        except BaseException:
            self.shelf.discard(names)
            raise
        return written

    def _parts(self, tile: Part, total: int) -> Iterator[Part]:
        """A tile cut by Datastreams, and a Datastream with very many rows by time."""
        if total <= self.file_rows:
            if total:
                yield tile
            return
        source = self.sources.rows(tile.where, "datastream, t")
        sql = f"SELECT datastream, count(*) AS n FROM ({source}) GROUP BY datastream ORDER BY datastream"
        counts = self.connection.execute(sql).fetchnumpy()
        ids, numbers = counts["datastream"], counts["n"]
        begin, size = 0, 0
        for place, number in enumerate(numbers.tolist()):
            if size and size + number > self.file_rows:
                yield from self._cut(tile, int(ids[begin]), int(ids[place - 1]), size)
                begin, size = place, 0
            size += number
        yield from self._cut(tile, int(ids[begin]), int(ids[-1]), size)

    def _cut(self, tile: Part, low: int, high: int, size: int) -> Iterator[Part]:
        """One part, or several in their order of time when a single Datastream has more than fits."""
        whole = Part(low, high, tile.start, tile.stop)
        pieces = -(-size // self.file_rows) if low == high else 1
        if pieces == 1:
            yield whole
            return
        shares = [n / pieces for n in range(1, pieces)]
        sql = f"SELECT quantile_disc(t, {shares}) FROM ({self.sources.rows(whole.where, 'datastream, t')})"
        [(cuts,)] = rows(self.connection, sql)
        edges = np.unique([tile.start, *cuts, tile.stop]).tolist()
        for start, stop in pairwise(edges):
            yield Part(low, high, start, stop)

    def _write(self, part: Part, name: str) -> Content:
        """Write one file under its temporary name; its content as it is read back."""
        path = quoted(self.shelf.writing(name))
        self.connection.execute(_COPY.format(rows=self.sources.rows(part.where), path=path, group=ROW_GROUP_ROWS))
        self.step("written")
        return self._content(f"SELECT * FROM read_parquet({path})")

    def _content(self, sql: str) -> Content:
        """Number of rows, and two sums over the hashes of the rows, whatever their order."""
        [(count, xor, total)] = rows(self.connection, f"SELECT {_CONTENT} FROM ({sql})")
        return count, xor or 0, total or 0

    def _compare(self, tile: Part, expected: Content, found: Sequence[Content]) -> None:
        xor = 0
        for one in found:
            xor ^= one[1]
        content = (sum(one[0] for one in found), xor, sum(one[2] for one in found))
        if content != expected:
            raise Unavailable(
                f"sealed files of {self.stem} hold other rows than were to be sealed; nothing was changed",
                code="seal_differs",
                found=f"{content[0]} rows",
                expected=f"{expected[0]} rows",
            )

    def _finished(self, tile: Part, part: Part, name: str) -> File:
        path = quoted(self.shelf.writing(name))
        sql = f"SELECT count(*), min(datastream), max(datastream), min(t), max(t) FROM read_parquet({path})"
        [(count, low, high, first, last)] = rows(self.connection, sql)
        size, digest = self.shelf.finish(name)
        return File(name, tile.start, tile.stop, low, high, first, last, count, size, digest)
