"""Hot rows in memory: what they answer is what the store holds, or nothing."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gops.clock import DAY, HOUR
from gops.quality import ANY, GOOD_ONLY
from gops.store.duckdb import DuckdbStore, recalling
from gops.store.duckdb.recent import Recent
from gops.store.memory import MemoryStore
from gops.store.port import Read, Series, Store
from gops.store.rows import Rows
from tests.contracts.store.rows import batch, reading
from tests.examples import examples
from tests.properties.test_store import IDS, SPRING, acts, moments, play

_examples = itertools.count(1)
EARLY = -(10**9)
key = st.tuples(st.integers(1, 3), st.integers(0, 12))
told = st.one_of(
    st.tuples(st.just("rows"), st.lists(st.tuples(key, st.integers(0, 9), st.sampled_from([0, 0, 2])), max_size=9)),
    st.tuples(st.just("floor"), st.integers(0, 6)),
    st.tuples(st.just("floors"), st.integers(1, 3), st.integers(0, 12)),
    st.tuples(st.just("asked")),
)


def rows(found: list[tuple[tuple[int, int], int, int]]) -> Rows:
    return Rows.of(batch([reading(datastream, t, float(value), quality=q) for (datastream, t), value, q in found]))


@settings(max_examples=examples(150), deadline=None)
@given(
    story=st.lists(told, max_size=14),
    most=st.sampled_from([8, 40, 4000]),
    asked=st.tuples(st.integers(1, 3), st.integers(-2, 12), st.integers(0, 14), st.integers(1, 6), st.booleans()),
    quality=st.sampled_from([ANY, GOOD_ONLY]),
)
def test_a_page_is_whole_and_as_it_stands_or_is_none(story: list, most: int, asked: tuple, quality: frozenset) -> None:
    """Whatever comes again, is corrected, frozen, or pushed out. Above every floor, with room, it is never none."""
    recent, stands, floors = Recent(most, run=4), {}, dict.fromkeys((1, 2, 3), EARLY)
    recent.load(rows([]), EARLY)
    for what, *about in story:
        if what == "rows":
            new = about[0]
            recent.add(rows(new), np.ones(len(new), bool))
            stands |= {one: (value, q) for one, value, q in new}
        elif what == "floor":
            recent.raise_floor(about[0])
            floors = {one: max(floor, about[0]) for one, floor in floors.items()}
        elif what == "floors":
            datastream, moment = about  # a correction, which nobody tells the rows of
            recent.raise_floors([datastream], moment)
            floors[datastream] = max(floors[datastream], moment)
            stands = {one: kept for one, kept in stands.items() if one[0] != datastream or one[1] >= moment}
        else:
            recent.page(1, 0, 20, ANY, 3, False)
    datastream, start, stop, limit, descending = asked
    expected = sorted(
        (t, float(value))
        for (one, t), (value, q) in stands.items()
        if one == datastream and start <= t < stop and q in {int(known) for known in quality}
    )
    page = (expected[::-1] if descending else expected)[:limit]
    found = recent.page(datastream, start, stop, quality, limit, descending)
    if found is not None:
        assert list(zip(found["t"].to_pylist(), found["value"].to_pylist(), strict=True)) == page
    elif quality == ANY:
        assert most < 4000 or start < floors[datastream]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckdbStore]:
    made = DuckdbStore(tmp_path_factory.mktemp("store"), memory_mb=256, threads=1, queue=16, deliveries_kept=8)
    made.write(batch([reading(1, SPRING, 1.0)]), "replace")
    recall(made)
    yield made
    made.close()


def recall(store: DuckdbStore) -> None:
    store.read(Read([Series(1)], limit=1))
    store._recall.end()
    assert store._commits.heads.recent.loaded


def pages(store: Store, ids: list[int], start: int | None, limit: int, quality: frozenset) -> list[pa.Table]:
    return [
        store.read(Read([Series(one)], start=start, limit=limit, quality=quality, descending=descending))
        for one in ids
        for descending in (False, True)
    ]


@settings(max_examples=examples(40), deadline=None)
@given(data=st.data())
def test_pages_of_a_store_are_those_of_its_twin(store: DuckdbStore, data: st.DataObject) -> None:
    """Through writes of both modes, deletes, requalifying and swaps."""
    offset, twin = next(_examples) * 100 + 1_000_000, MemoryStore()
    ids = [offset + one for one in IDS]
    for _ in range(3):
        history = data.draw(st.lists(acts(SPRING), min_size=1, max_size=3))
        assert play(store, offset, history) == play(twin, offset, history)
        start, limit = data.draw(st.none() | moments(SPRING)), data.draw(st.sampled_from([1, 3, 200]))
        quality = data.draw(st.sampled_from([ANY, GOOD_ONLY]))
        assert pages(store, ids, start, limit, quality) == pages(twin, ids, start, limit, quality)


def test_after_sealing_and_opening_again_pages_are_the_same(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder, twin = tmp_path_factory.mktemp("store"), MemoryStore()

    def opened() -> DuckdbStore:
        return DuckdbStore(folder, memory_mb=256, threads=1, queue=16, deliveries_kept=8, recent_rows=400)

    def both(table: pa.Table) -> None:
        store.write(table, "replace")
        twin.write(table, "replace")

    store = opened()
    both(batch([reading(n % 3 + 1, SPRING + n * HOUR, float(n)) for n in range(240)]))
    recall(store)
    for number in range(6):
        if number in (1, 3):
            store.seal(SPRING + number * DAY)
        if number == 4:
            store.close()
            store = opened()
            recall(store)
        both(batch([reading(n % 3 + 1, SPRING + n * 7 * HOUR, float(number)) for n in range(40)]))
        for start in (None, SPRING + 2 * DAY, SPRING + 8 * DAY):
            assert pages(store, [1, 2, 3], start, 20, ANY) == pages(twin, [1, 2, 3], start, 20, ANY)
    heads = store._commits.heads
    assert recalling.read(heads, Read([Series(1)], start=SPRING + 8 * DAY, limit=5)) is not None
    assert recalling.read(heads, Read([Series(1)], limit=5)) is None
    assert recalling.read(heads, Read([Series(1)], limit=5, descending=True)) is not None
    store.close()
