"""From one store to another: everything is read, written, read back and compared; what was interrupted goes on.

::

    extents -> may the target hold it? (nothing is written before) -> group by group: stream -> write (keep)
                                                                          -> read both -> same rows? -> journal

Datastreams go in groups of about ``GROUP_ROWS`` rows. Of each the number of rows and a hash over all of them in the
order of t must be equal in source and target; then it is written to the journal, and a next run passes over it.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gops.errors import Conflict, GopsError, Unsupported
from gops.store.port import Extent, Read, Receipt, Series, Store
from gops.store.upkeep import Progress, silent

GROUP_ROWS = 1_000_000
GROUP_DATASTREAMS = 2_000
BATCH_ROWS = 65_536
IN_FLIGHT = 8  # batches that were handed in and are not yet done
EXTENTS_AT_ONCE = 5_000
SHOWN_PATIENCE_SECONDS = 30.0  # beyond ``visible_after_s``, until what was written must be there
MILLI = 1000


@runtime_checkable
class Choosy(Protocol):
    """A store that says beforehand which batches it would refuse."""

    def check(self, batch: pa.Table) -> None: ...


@dataclass(frozen=True)
class Print:
    """How many rows a Datastream has, and the SHA-256 over all of them."""

    rows: int
    sha256: str


@dataclass(frozen=True)
class Difference:
    """A Datastream that is not the same in both, though all of it was written."""

    datastream: int
    source: Print
    target: Print


@dataclass(frozen=True)
class Copied:
    """``passed_over`` of the Datastreams were copied by an earlier run. ``kept`` rows met others in the target."""

    datastreams: int
    rows: int
    passed_over: int
    inserted: int | None
    unchanged: int | None
    kept: int | None
    differences: Sequence[Difference]


@dataclass
class _Tally:
    inserted: int | None = 0
    unchanged: int | None = 0
    kept: int | None = 0

    def add(self, receipt: Receipt) -> None:
        for name in ("inserted", "unchanged", "kept"):
            had, more = getattr(self, name), getattr(receipt, name)
            setattr(self, name, None if had is None or more is None else had + more)


class Journal:
    """Which Datastreams are copied, in a file of JSON lines; its first says from where to where."""

    def __init__(self, path: Path, title: str) -> None:
        self._path = path
        self._title = title
        self.done: dict[int, Print] = {}
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        if lines:
            self._read(lines)

    def _read(self, lines: Sequence[str]) -> None:
        if json.loads(lines[0]) != {"copy": self._title}:
            raise Conflict(
                f"{self._path} is the journal of another copy",
                field="journal",
                found=lines[0],
                expected="the same --from and --to, or a file that is not there",
            )
        for line in lines[1:]:
            try:
                one = json.loads(line)
            except ValueError:  # the last line of a run that was cut off
                continue
            self.done[one["datastream"]] = Print(one["rows"], one["sha256"])

    def add(self, prints: Mapping[int, Print]) -> None:
        self.done |= prints
        self._append([{"datastream": one, "rows": p.rows, "sha256": p.sha256} for one, p in prints.items()])

    def _append(self, lines: Sequence[Mapping[str, Any]]) -> None:
        before = self._path.read_bytes()[-1:] if self._path.exists() else b""
        text = "".join(json.dumps(line) + "\n" for line in (lines if before else [{"copy": self._title}, *lines]))
        with self._path.open("a", encoding="utf-8") as file:
            file.write(text if before in (b"", b"\n") else "\n" + text)
            file.flush()
            os.fsync(file.fileno())

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)


@dataclass(frozen=True)
class Copy:
    """``run`` copies the Datastreams; ``survey`` only looks. Progress in rows."""

    source: Store
    target: Store
    datastreams: Sequence[int]
    journal: Journal
    progress: Progress = field(default=silent)
    group_rows: int = GROUP_ROWS
    batch_rows: int = BATCH_ROWS

    def survey(self) -> dict[int, Extent]:
        """What there is to copy. Raises ``Unsupported`` or ``Invalid`` as the target would, naming the Datastream."""
        extents = {one: extent for part in self._parts() for one, extent in self.source.extent(part).items()}
        able = self.target.capabilities
        if not (able.text and able.microseconds) or isinstance(self.target, Choosy):
            done, of = 0, sum(extent.rows for extent in extents.values())
            for group in grouped(extents, self.group_rows):
                for table in self._stream(self.source, group):
                    self._check(table)
                    done += table.num_rows
                    self.progress(done, of)
        return extents

    def run(self) -> Copied:
        """Raises what ``survey`` does, before anything is written, and ``Unavailable`` when a store fails; run again
        then."""
        extents = self.survey()
        left = {one: extent for one, extent in extents.items() if not self._is_done(one, extent)}
        done, of = 0, sum(extent.rows for extent in left.values())
        tally, differences = _Tally(), list[Difference]()
        for group in grouped(left, self.group_rows):
            rows = sum(left[one].rows for one in group)
            source = self._write(group, tally, done, of)
            target = self._read_back(group, source)
            different = [Difference(one, source[one], target[one]) for one in group if source[one] != target[one]]
            differences += different
            wrong = {one.datastream for one in different}
            self.journal.add({one: source[one] for one in group if one not in wrong})
            done += rows
        passed_over = len(extents) - len(left)
        return Copied(len(extents), of, passed_over, tally.inserted, tally.unchanged, tally.kept, differences)

    def _parts(self) -> Iterator[Sequence[int]]:
        ids = sorted(set(self.datastreams))
        for start in range(0, len(ids), EXTENTS_AT_ONCE):
            yield ids[start : start + EXTENTS_AT_ONCE]

    def _is_done(self, one: int, extent: Extent) -> bool:
        known = self.journal.done.get(one)
        return known is not None and known.rows == extent.rows

    def _stream(self, store: Store, group: Sequence[int]) -> Iterator[pa.Table]:
        for batch in store.stream(Read([Series(one) for one in group]), self.batch_rows):
            yield pa.Table.from_batches([batch])

    def _check(self, table: pa.Table) -> None:
        able = self.target.capabilities
        if not able.text and table["text"].null_count < table.num_rows:
            raise _lacks("text", "keeps no texts", table.filter(pc.is_valid(table["text"])))
        if not able.microseconds:
            fine = table.filter(pa.array(table["t"].to_numpy() % MILLI != 0))
            if fine.num_rows:
                raise _lacks("microseconds", "tells milliseconds apart, not microseconds", fine)
        if isinstance(self.target, Choosy):
            self._check_choosy(self.target, table)

    def _check_choosy(self, target: Choosy, table: pa.Table) -> None:
        try:
            target.check(table)
        except GopsError as error:
            ids = table["datastream"].unique().to_pylist()
            if len(ids) == 1:
                error.message = f"Datastream {ids[0]}: {error.message}"
                error.args = (error.message,)
                raise
            for one in ids:
                self._check_choosy(target, table.filter(pc.equal(table["datastream"], one)))

    def _write(self, group: Sequence[int], tally: _Tally, done: int, of: int) -> dict[int, Print]:
        waiting: deque[tuple[Future[Receipt], int]] = deque()
        printer = _Printer()

        def wait() -> None:
            nonlocal done
            future, rows = waiting.popleft()
            tally.add(future.result())
            done += rows
            self.progress(done, of)

        for table in self._stream(self.source, group):
            printer.add(table)
            waiting.append((self.target.submit(table, "keep"), table.num_rows))
            if len(waiting) > IN_FLIGHT:
                wait()
        while waiting:
            wait()
        return printer.prints(group)

    def _read_back(self, group: Sequence[int], expected: Mapping[int, Print]) -> dict[int, Print]:
        """What the target has now; asked again while it may not yet show everything."""
        end = time.monotonic() + self.target.capabilities.visible_after_s + SHOWN_PATIENCE_SECONDS
        while True:
            printer = _Printer()
            for table in self._stream(self.target, group):
                printer.add(table)
            found = printer.prints(group)
            fewer = any(found[one].rows < expected[one].rows for one in group)
            if not fewer or time.monotonic() > end or not self.target.capabilities.visible_after_s:
                return found
            time.sleep(0.5)


class _Printer:
    """Counts and hashes rows that come in the order of (datastream, t)."""

    def __init__(self) -> None:
        self._hashes: dict[int, Any] = {}
        self._rows: dict[int, int] = {}

    def add(self, table: pa.Table) -> None:
        ids = table["datastream"].to_numpy()
        starts = np.flatnonzero(np.append(True, ids[1:] != ids[:-1])[: len(ids)]).tolist()
        for start, end in zip(starts, [*starts[1:], len(ids)][: len(starts)], strict=True):
            one = int(ids[start])
            content = self._hashes.setdefault(one, hashlib.sha256())
            self._rows[one] = self._rows.get(one, 0) + end - start
            for row in _canonical(table.slice(start, end - start)):
                content.update(row)

    def prints(self, ids: Sequence[int]) -> dict[int, Print]:
        none = hashlib.sha256()
        return {one: Print(self._rows.get(one, 0), self._hashes.get(one, none).hexdigest()) for one in ids}


def _canonical(table: pa.Table) -> Iterator[bytes]:
    """Every row as the same bytes in every store, however the rows are cut into tables."""
    count = table.num_rows
    record = np.zeros(count, [("t", "<i8"), ("flags", "u1"), ("value", "<f8"), ("quality", "u1"), ("result", "<i8")])
    valued, timed, worded = (table[name].is_valid().to_numpy() for name in ("value", "result_time", "text"))
    record["t"] = table["t"].to_numpy()
    record["flags"] = valued + 2 * timed + 4 * worded
    record["value"] = table["value"].fill_null(0.0).to_numpy() + 0.0  # minus zero is zero
    record["quality"] = table["quality"].to_numpy()
    record["result"] = table["result_time"].fill_null(0).to_numpy()
    if not worded.any():
        yield record.tobytes()
        return
    for row, text in zip(record, table["text"].to_pylist(), strict=True):
        yield row.tobytes()
        if text is not None:
            spelled = text.encode()
            yield len(spelled).to_bytes(8, "little") + spelled


def grouped(extents: Mapping[int, Extent], most: int) -> Iterator[Sequence[int]]:
    """Datastreams in ascending order, in groups of about ``most`` rows."""
    group: list[int] = []
    rows = 0
    for one in sorted(extents):
        if group and (rows + extents[one].rows > most or len(group) >= GROUP_DATASTREAMS):
            yield group
            group, rows = [], 0
        group.append(one)
        rows += extents[one].rows
    if group:
        yield group


def _lacks(capability: str, why: str, rows: pa.Table) -> Unsupported:
    one, t = rows["datastream"][0].as_py(), rows["t"][0].as_py()
    return Unsupported(
        f"the store that is copied to {why}: Datastream {one} has such a reading at {t}",
        field=capability,
        found=f"Datastream {one}",
        expected="another store, or a choice of Datastreams without it",
    )
