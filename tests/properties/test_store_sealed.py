"""DuckDB against the memory twin, with sealing, merging and compacting in between: nobody can tell that they happen."""

from __future__ import annotations

import itertools
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gops.clock import DAY, FixedClock, from_micros
from gops.kinds import KINDS
from gops.store.duckdb import DuckdbStore
from gops.store.duckdb.keeping import Pace
from gops.store.memory import MemoryStore
from tests.examples import examples
from tests.properties.test_store import AUTUMN, IDS, SPRING, acts, check_rows, check_windows, moments, play

_folders = itertools.count(1)
some = settings(max_examples=examples(20), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def histories() -> st.SearchStrategy[tuple[int, list[tuple[object, ...]]]]:
    def of(base: int) -> st.SearchStrategy[tuple[int, list[tuple[object, ...]]]]:
        upkeep = st.one_of(st.tuples(st.just("seal"), moments(base)), st.sampled_from([("merge",), ("compact",)]))
        one = st.one_of(acts(base), acts(base), upkeep)
        return st.tuples(st.just(base), st.lists(one, min_size=4, max_size=9))

    return st.sampled_from([SPRING, AUTUMN]).flatmap(of)


def opened(folder: Path, number: int) -> DuckdbStore:
    """Files of three rows at most, and days that begin at 15:00 UTC."""
    pace = Pace(FixedClock(from_micros(AUTUMN + 60 * DAY)), 0, 3, lambda _step: None)
    return DuckdbStore(folder / str(number), 256, 2, 16, 8, day_offset_s=9 * 3600, pace=pace)


@some
@given(history=histories(), data=st.data())
def test_both_hold_the_same_however_it_lies(tmp_path: Path, history: tuple, data: st.DataObject) -> None:
    """Receipts, versions, rows, pages, streams, latest and extent; and all of it again after opening anew."""
    base, acts_done = history
    number, twin = next(_folders), MemoryStore()
    store = opened(tmp_path, number)
    assert play(store, 0, acts_done) == play(twin, 0, acts_done)
    check_rows(store, twin, list(IDS), base, data)
    store.close()
    again = opened(tmp_path, number)
    assert again.latest(IDS).equals(twin.latest(IDS))
    assert again.extent(IDS) == twin.extent(IDS)
    check_rows(again, twin, list(IDS), base, data)
    # CHECK
    again.close()


@some
@given(history=histories(), data=st.data())
def test_both_aggregate_alike_however_it_lies(tmp_path: Path, history: tuple, data: st.DataObject) -> None:
    base, acts_done = history
    store, twin = opened(tmp_path, next(_folders)), MemoryStore()
    play(store, 0, acts_done)
    play(twin, 0, acts_done)
    for kind in data.draw(st.permutations(KINDS)):
        check_windows(store, twin, [*IDS, 99], kind, base, data)
    store.close()
