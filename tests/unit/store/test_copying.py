"""Copying between stores: everything, once, compared; nothing begun that can't be finished."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from gops.errors import Conflict, Invalid, Unavailable, Unsupported
from gops.store.copying import Copy, Journal
from gops.store.memory import MemoryStore
from gops.store.port import Delivery, Mode, Read, Receipt, Series
from tests.contracts.store.rows import batch, reading

IDS = (1, 2, 3, 4)
ROWS = [
    reading(1, 1000, 0.1 + 0.2, result_time=7),
    reading(1, 2000, None, quality=5),
    reading(2, 1000, text="주차", quality=2),
    reading(2, 2000, text=""),
    reading(4, -5, -0.0),
]


class Failing(MemoryStore):
    """Fails from the nth batch on, or loses or changes what it is given."""

    def __init__(self, after: int = 10**9, turn: Any = None, **able: Any) -> None:
        super().__init__()
        self.capabilities = replace(MemoryStore.capabilities, **able)  # type: ignore[misc]
        self.after = after
        self._turn = turn
        self.batches = 0

    def submit(self, given: pa.Table, mode: Mode, deliveries: Sequence[Delivery] = ()) -> Future[Receipt]:
        self.batches += 1
        if self.batches > self.after:
            raise Unavailable("the disk is full")
        return super().submit(self._turn(given) if self._turn else given, mode, deliveries)


class Picky(Failing):
    """Says beforehand what it would refuse."""

    def check(self, given: pa.Table) -> None:
        if any(t is not None and t < 0 for t in given["t"].to_pylist()):
            raise Invalid("before 1970", code="too_late", field="t")


@pytest.fixture
def source() -> MemoryStore:
    store = MemoryStore()
    store.write(batch(ROWS), "replace")
    return store


def copy(source: MemoryStore, target: MemoryStore, folder: Path, ids: Sequence[int] = IDS, **more: Any) -> Copy:
    return Copy(source, target, ids, Journal(folder / "journal", "here to there"), **more)


def everything(store: MemoryStore) -> list[dict[str, Any]]:
    return store.read(Read([Series(one) for one in IDS])).to_pylist()


def test_everything_is_copied_and_compared(source: MemoryStore, tmp_path: Path) -> None:
    target, steps = MemoryStore(), []
    done = copy(source, target, tmp_path, progress=lambda done, of: steps.append((done, of))).run()
    assert everything(target) == everything(source)
    assert (done.datastreams, done.rows, done.inserted, done.kept, done.differences) == (3, 5, 5, 0, [])
    assert steps[-1] == (5, 5)


def test_only_what_is_asked_for_is_copied(source: MemoryStore, tmp_path: Path) -> None:
    target = MemoryStore()
    assert copy(source, target, tmp_path, [2, 3]).run().rows == 2
    assert {row["datastream"] for row in everything(target)} == {2}


def test_a_copy_that_was_cut_off_goes_on_where_it_was(source: MemoryStore, tmp_path: Path) -> None:
    target = Failing(after=1)
    with pytest.raises(Unavailable):
        copy(source, target, tmp_path, group_rows=1).run()
    with (tmp_path / "journal").open("a") as journal:
        journal.write('{"datastream": 2, "ro')  # killed while it wrote
    target.after = 10**9
    done = copy(source, target, tmp_path, group_rows=1).run()
    assert (done.passed_over, done.rows, target.batches) == (1, 3, 4)
    assert everything(target) == everything(source)
    assert copy(source, target, tmp_path).run().passed_over == 3


def test_what_came_after_is_copied_by_the_next_run(source: MemoryStore, tmp_path: Path) -> None:
    target = MemoryStore()
    copy(source, target, tmp_path).run()
    source.write(batch([reading(1, 9000, 9.0)]), "replace")
    done = copy(source, target, tmp_path).run()
    assert (done.passed_over, done.inserted, done.unchanged) == (2, 1, 2)


def test_a_journal_of_another_copy_is_refused(source: MemoryStore, tmp_path: Path) -> None:
    copy(source, MemoryStore(), tmp_path).run()
    with pytest.raises(Conflict):
        Journal(tmp_path / "journal", "elsewhere")


@pytest.mark.parametrize(
    ("turn", "rows"),
    [
        (lambda table: table.slice(1), 1),
        (lambda table: table.set_column(4, table.schema.field(4), pa.array([1] * len(table), pa.uint8())), 2),
    ],
    ids=["a row is lost", "a quality is changed"],
)
def test_a_target_that_has_not_the_same_is_found_out(source: MemoryStore, tmp_path: Path, turn: Any, rows: int) -> None:
    done = copy(source, Failing(turn=turn), tmp_path, [1]).run()
    [difference] = done.differences
    assert (difference.datastream, difference.source.rows, difference.target.rows) == (1, 2, rows)
    assert not (tmp_path / "journal").exists() or len((tmp_path / "journal").read_text().splitlines()) == 1


def test_what_stands_in_the_target_stays_and_is_told(source: MemoryStore, tmp_path: Path) -> None:
    target = MemoryStore()
    target.write(batch([reading(1, 1000, 7.0), reading(4, 77, 7.0)]), "replace")
    done = copy(source, target, tmp_path).run()
    assert done.kept == 1
    assert [one.datastream for one in done.differences] == [1, 4]
    assert target.read(Read([Series(1)], limit=1))["value"].to_pylist() == [7.0]


@pytest.mark.parametrize(
    ("target", "ids", "field"),
    [
        (Failing(text=False), (1, 2), "text"),
        (Failing(microseconds=False), (1, 4), "microseconds"),
        (Picky(), (1, 4), "t"),
    ],
    ids=["text", "microseconds", "its own check"],
)
def test_what_the_target_cannot_hold_is_refused_before_anything_is_written(
    source: MemoryStore, tmp_path: Path, target: Failing, ids: Sequence[int], field: str
) -> None:
    with pytest.raises((Unsupported, Invalid), match=f"Datastream {ids[-1]}") as caught:
        copy(source, target, tmp_path, ids).run()
    assert caught.value.field == field
    assert target.batches == 0
    assert copy(source, target, tmp_path, [1]).run().rows == 2


def test_a_survey_writes_nothing(source: MemoryStore, tmp_path: Path) -> None:
    target = Picky()
    extents = copy(source, target, tmp_path, [1, 2, 3]).survey()
    assert {one: extent.rows for one, extent in extents.items()} == {1: 2, 2: 2}
    assert target.batches == 0
    assert not (tmp_path / "journal").exists()


def test_the_hash_does_not_depend_on_how_rows_are_cut(source: MemoryStore, tmp_path: Path) -> None:
    copy(source, MemoryStore(), tmp_path).run()
    first = [json.loads(line) for line in (tmp_path / "journal").read_text().splitlines()]
    (tmp_path / "journal").unlink()
    copy(source, MemoryStore(), tmp_path, batch_rows=1).run()
    assert [json.loads(line) for line in (tmp_path / "journal").read_text().splitlines()] == first
