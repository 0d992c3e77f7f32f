"""Rows, pages and streams; latest and extent."""

from __future__ import annotations

import itertools

import pyarrow as pa
import pytest

from gops.errors import Invalid
from gops.quality import Quality
from gops.store.port import READINGS, Extent, Read, Series, Store
from tests.contracts.store.rows import batch, reading, series


def keys(table: pa.Table) -> list[tuple[int, int]]:
    return list(zip(table["datastream"].to_pylist(), table["t"].to_pylist(), strict=True))


def fill(store: Store, datastreams: int = 4, rows: int = 10) -> None:
    """t = 0, 10, 20, ... of Datastreams 1, 2, 3, ..., written time by time as devices do."""
    given = [reading(one, n * 10, float(n)) for n in range(rows) for one in range(1, datastreams + 1)]
    store.write(batch(given), "replace")


def test_rows_come_ordered_by_datastream_and_time(store: Store) -> None:
    store.write(batch([reading(2, 5, 1.0), reading(1, 7, 1.0), reading(2, 3, 1.0), reading(1, 9, 1.0)]), "replace")
    assert keys(store.read(Read(series(2, 1)))) == [(1, 7), (1, 9), (2, 3), (2, 5)]


def test_descending_turns_the_whole_order_round(store: Store) -> None:
    fill(store, 2, 2)
    assert keys(store.read(Read(series(1, 2), descending=True))) == [(2, 10), (2, 0), (1, 10), (1, 0)]


def test_the_schema_is_that_of_readings_also_without_rows(store: Store) -> None:
    fill(store, 1)
    assert store.read(Read(series(1))).schema == READINGS
    assert store.read(Read(series(99))).schema == READINGS
    assert store.read(Read([])).num_rows == 0


def test_a_range_is_half_open(store: Store) -> None:
    fill(store, 1)
    assert keys(store.read(Read(series(1), start=10, end=30))) == [(1, 10), (1, 20)]


def test_a_range_of_label_end_takes_its_end_and_not_its_start(store: Store) -> None:
    """What AirKorea labels 14:00 belongs to 13:00-14:00."""
    fill(store, 1)
    assert keys(store.read(Read(series(1, label="end"), start=10, end=30))) == [(1, 20), (1, 30)]


def test_each_datastream_has_its_own_label(store: Store) -> None:
    fill(store, 2)
    query = Read([Series(1), Series(2, label="end")], start=10, end=20)
    assert keys(store.read(query)) == [(1, 10), (2, 20)]


def test_a_quality_filter_takes_those_named(store: Store) -> None:
    store.write(batch([reading(1, n, 1.0, quality=n) for n in range(6)]), "replace")
    wanted = frozenset({Quality.estimated, Quality.missing})
    assert keys(store.read(Read(series(1), quality=wanted))) == [(1, 1), (1, 5)]
    assert keys(store.read(Read(series(1), quality=frozenset()))) == []


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("limit", [1, 3, 7, 100])
def test_pages_by_key_give_every_row_once(store: Store, limit: int, descending: bool) -> None:
    fill(store)
    everything = keys(store.read(Read(series(1, 2, 3, 4), start=10, end=80, descending=descending)))
    pages, after = [], None
    while True:
        query = Read(series(1, 2, 3, 4), start=10, end=80, limit=limit, after=after, descending=descending)
        page = keys(store.read(query))
        if not page:
            break
        assert len(page) <= limit
        pages.append(page)
        after = page[-1]
    assert list(itertools.chain.from_iterable(pages)) == everything


def test_a_page_over_many_datastreams_of_which_few_have_rows(store: Store) -> None:
    fill(store, 3, 2)
    query = Read(series(*range(1, 500)), limit=5)
    assert keys(store.read(query)) == [(1, 0), (1, 10), (2, 0), (2, 10), (3, 0)]


def test_a_limit_of_none_at_all_gives_no_rows(store: Store) -> None:
    fill(store, 1)
    assert store.read(Read(series(1), limit=0)).num_rows == 0


def test_a_negative_limit_is_refused(store: Store) -> None:
    with pytest.raises(Invalid):
        store.read(Read(series(1), limit=-1))


def test_a_stream_gives_the_same_rows_in_batches(store: Store) -> None:
    fill(store, 3, 50)
    query = Read(series(1, 2, 3), start=100)
    batches = list(store.stream(query, rows=16))
    assert len(batches) > 1
    assert pa.Table.from_batches(batches) == store.read(query)


@pytest.mark.needs("deletes_range")
def test_a_stream_is_one_view(store: Store) -> None:
    """What is written, replaced and deleted after its first batch is not in it, where commits are atomic; elsewhere
    that may show, but every row comes once, in order, and none that nobody touched is missing."""
    fill(store, 3, 2000)
    before = store.read(Read(series(1, 2, 3)))
    stream = store.stream(Read(series(1, 2, 3)), rows=100)
    batches = [next(stream)]
    store.write(batch([reading(3, 0, -1.0), reading(3, 99_999, -1.0)]), "replace")
    store.delete([2], 0, 10_000)
    found = pa.Table.from_batches([*batches, *stream])
    if store.capabilities.atomic:
        assert found == before
    assert keys(found) == sorted(set(keys(found)))
    untouched = [key for key in keys(before) if key[0] == 1 or (key[0] == 3 and key[1] > 0)]
    assert set(untouched) <= set(keys(found))


def test_a_stream_may_be_left_early(store: Store) -> None:
    fill(store, 3, 2000)
    stream = store.stream(Read(series(1, 2, 3)), rows=10)
    next(stream)
    del stream
    assert store.read(Read(series(1), limit=1)).num_rows == 1
    assert store.write(batch([reading(1, 10**9, 1.0)]), "replace").inserted == 1


def test_a_stream_stops_at_its_limit(store: Store) -> None:
    fill(store, 3, 100)
    assert sum(part.num_rows for part in store.stream(Read(series(1, 2, 3), limit=150), rows=40)) == 150


@pytest.mark.needs("text")
def test_latest_is_the_row_with_the_greatest_time(store: Store) -> None:
    """Not the last written; of those that have one, in the order of their Datastreams."""
    store.write(batch([reading(7, 30, 3.0), reading(2, 10, text="on", result_time=4)]), "replace")
    store.write(batch([reading(7, 20, 2.0)]), "replace")
    found = store.latest([7, 2, 99, 7])
    assert found.schema == READINGS
    assert found.to_pylist() == [reading(2, 10, text="on", result_time=4), reading(7, 30, 3.0)]


@pytest.mark.needs("replaces", "deletes_range")
def test_latest_follows_replacement_and_deletion(store: Store) -> None:
    store.write(batch([reading(1, 10, 1.0), reading(1, 20, 2.0)]), "replace")
    store.write(batch([reading(1, 20, None, quality=Quality.missing)]), "replace")
    assert store.latest([1]).to_pylist() == [reading(1, 20, None, quality=Quality.missing)]
    store.delete([1], 20, 21)
    assert store.latest([1]).to_pylist() == [reading(1, 10, 1.0)]
    store.delete([1], 0, 100)
    assert store.latest([1]).num_rows == 0


def test_latest_of_nothing(store: Store) -> None:
    assert store.latest([]).num_rows == 0
    assert store.latest([1]).schema == READINGS


@pytest.mark.needs("deletes_range")
def test_extent_says_from_when_to_when_and_how_many(store: Store) -> None:
    store.write(batch([reading(1, 10, 1.0), reading(1, 30, 1.0), reading(1, 20, 1.0), reading(2, 5, 1.0)]), "replace")
    assert store.extent([2, 1, 99]) == {1: Extent(10, 30, 3), 2: Extent(5, 5, 1)}
    store.write(batch([reading(1, 30, 2.0), reading(1, 1, 1.0)]), "replace")
    store.delete([1, 2], 5, 11)
    assert store.extent([1, 2]) == {1: Extent(1, 30, 3)}
