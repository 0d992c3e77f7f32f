"""DuckDB against the memory twin: whatever is done to both, both answer alike."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gops.clock import HOUR, MINUTE, to_micros
from gops.kinds import ALLOWED_AGGREGATES, KINDS, LABELS, Kind
from gops.quality import ANY, GOOD_ONLY, Quality
from gops.store.duckdb import DuckdbStore, aggregates, streaming
from gops.store.memory import MemoryStore
from gops.store.port import Read, Series, Store, Windows
from gops.windows import edges
from tests.contracts.store.rows import batch, reading
from tests.examples import examples

BERLIN, LORD_HOWE, SEOUL = ZoneInfo("Europe/Berlin"), ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Asia/Seoul")
SPRING = to_micros(datetime(2026, 3, 28, 22, tzinfo=UTC))  # Berlin's clock goes forward three hours later
AUTUMN = to_micros(datetime(2026, 10, 24, 22, tzinfo=UTC))  # and back
IDS = range(1, 6)  # of each example; their real ids are moved apart, so that examples can share a store
_examples = itertools.count(1)


@pytest.fixture(scope="module")
def duckdb_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckdbStore]:
    store = DuckdbStore(tmp_path_factory.mktemp("store"), memory_mb=256, threads=2, queue=16, deliveries_kept=8)
    yield store
    store.close()


def moments(base: int) -> st.SearchStrategy[int]:
    """Times that often coincide with each other and with the edges of windows."""
    near = st.integers(0, 60).map(lambda tick: base + tick * 15 * MINUTE)
    return st.one_of(near, near, near, st.integers(base - 400 * HOUR, base + 400 * HOUR))


values = st.one_of(st.none(), st.sampled_from([0.0, 1.0, 2.5, 90.0, 270.0]), st.floats(-1e6, 1e6))
texts = st.sampled_from([None, None, "on", "off", "", "주차", '"', "a\x00b"])
qualities = st.sampled_from([0, 0, 0, 1, 2, 5])
result_times = st.sampled_from([None, None, 1, 2, 3])


def rows(base: int) -> st.SearchStrategy[list[dict[str, object]]]:
    row = st.builds(reading, st.sampled_from(IDS), moments(base), values, texts, qualities, result_times)
    return st.lists(row, max_size=12)


def acts(base: int) -> st.SearchStrategy[tuple[object, ...]]:
    write = st.tuples(st.just("write"), rows(base), st.sampled_from(["replace", "replace", "keep"]))
    ids = st.lists(st.sampled_from(IDS), max_size=3)
    delete = st.tuples(st.just("delete"), ids, moments(base), moments(base))
    only = st.frozensets(st.sampled_from(Quality), min_size=1)
    requalify = st.tuples(
        st.just("requalify"), ids, moments(base), moments(base), st.sampled_from([Quality.good, Quality.suspect]), only
    )
    swap = st.tuples(st.just("swap"), st.sampled_from(IDS), moments(base), st.integers(1, 9), rows(base))
    return st.one_of(write, write, write, delete, requalify, swap)


histories = st.sampled_from([SPRING, AUTUMN]).flatmap(
    lambda base: st.tuples(st.just(base), st.lists(acts(base), min_size=1, max_size=6))
)
many = settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def play(store: Store, offset: int, history: list[tuple[object, ...]]) -> list[object]:
    """Do it all; what the store said to each, with versions as whether they grew."""
    said: list[object] = []
    for what, *about in history:
        before = store.version([offset + one for one in IDS])
        if what == "write":
            given, mode = about
            receipt = store.write(batch([{**row, "datastream": offset + row["datastream"]} for row in given]), mode)
            said.append(
                (receipt.inserted, receipt.replaced, receipt.unchanged, receipt.kept, receipt.outcomes.to_pylist())
            )
        elif what == "swap":
            said.append(swap(store, offset, *about))
        elif what in ("delete", "requalify"):
            datastreams, *rest = about
            said.append(getattr(store, what)([offset + one for one in datastreams], *rest))
        elif hasattr(store, what):  # upkeep, which the twin knows nothing of
            getattr(store, what)(*about)
        said.append(store.version([offset + one for one in IDS]) > before)
    return said


def swap(store: Store, offset: int, one: int, start: int, hours: int, given: list[dict[str, object]]) -> int:
    """Those of the rows that fall into the range, at most one a moment, take the place of what stands there."""
    end = start + hours * HOUR
    fitting = {row["t"]: {**row, "datastream": offset + one} for row in given if start <= row["t"] < end}
    version = store.version([offset + one])
    return store.swap(offset + one, start, end, batch(list(fitting.values())), version)


@many
@given(history=histories, data=st.data())
def test_both_say_and_hold_the_same(duckdb_store: DuckdbStore, history: tuple, data: st.DataObject) -> None:
    """Receipts, outcomes, whether a version grew, rows in both orders, pages, latest and extent."""
    base, acts_done = history
    offset = next(_examples) * 100
    twin = MemoryStore()
    assert play(duckdb_store, offset, acts_done) == play(twin, offset, acts_done)
    check_rows(duckdb_store, twin, [offset + one for one in IDS], base, data)


def check_rows(duckdb_store: DuckdbStore, twin: MemoryStore, ids: list[int], base: int, data: st.DataObject) -> None:
    """Rows in both orders, pages, streams, latest and extent."""
    assert duckdb_store.latest(ids).equals(twin.latest(ids))
    assert duckdb_store.extent(ids) == twin.extent(ids)
    query = Read(
        [Series(one, label=data.draw(st.sampled_from(LABELS))) for one in data.draw(st.permutations(ids))],
        start=data.draw(st.none() | moments(base)),
        end=data.draw(st.none() | moments(base)),
        quality=data.draw(st.sampled_from([ANY, GOOD_ONLY, frozenset({Quality.missing, Quality.good})])),
        limit=data.draw(st.sampled_from([None, 0, 1, 3, 10, 5000])),
        after=data.draw(st.none() | st.tuples(st.sampled_from(ids), moments(base))),
        descending=data.draw(st.booleans()),
    )
    expected = twin.read(query)
    assert duckdb_store.read(query).to_pylist() == expected.to_pylist()
    assert duckdb_store.read(query).schema == expected.schema
    streamed = list(duckdb_store.stream(query, rows=4))
    assert pa.Table.from_batches(streamed, expected.schema).to_pylist() == expected.to_pylist()
    in_parts = list(streaming.stream(duckdb_store._database, duckdb_store._heads, query, rows=4, sorted_rows=5))
    assert pa.Table.from_batches(in_parts, expected.schema).to_pylist() == expected.to_pylist()


def windows(base: int) -> st.SearchStrategy[tuple[list[int], int, int]]:
    """Edges, and the range asked within or around them."""
    aligned = st.builds(
        lambda every, zone, start, length: (
            edges(start, start + length, every, zone),
            start,
            start + length,
        ),
        st.sampled_from(["15m", "1h", "3h", "1d", "1w", "1mo"]),
        st.sampled_from([BERLIN, LORD_HOWE, SEOUL]),
        st.integers(0, 8).map(lambda n: base + n * 20 * MINUTE),
        st.integers(1, 60).map(lambda n: n * 20 * MINUTE),
    )
    irregular = st.tuples(
        st.lists(moments(base), min_size=2, max_size=8, unique=True).map(sorted), moments(base), moments(base)
    )
    return st.one_of(aligned, aligned, irregular)


def close(left: object, right: object) -> bool:
    """Equal, up to the order in which floats were added."""
    if isinstance(left, float) and isinstance(right, float):
        return math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-6)
    return left == right


@many
@pytest.mark.parametrize("kind", KINDS)
@given(history=histories, data=st.data())
def test_both_aggregate_alike(duckdb_store: DuckdbStore, kind: Kind, history: tuple, data: st.DataObject) -> None:
    """Every kind and aggregate, each label, zones with clock changes, irregular windows, filters, fill, coverage."""
    base, acts_done = history
    offset = next(_examples) * 100
    twin = MemoryStore()
    play(duckdb_store, offset, acts_done)
    play(twin, offset, acts_done)
    check_windows(duckdb_store, twin, [offset + one for one in (*IDS, 99)], kind, base, data)


def check_windows(
    duckdb_store: DuckdbStore, twin: MemoryStore, ids: list[int], kind: Kind, base: int, data: st.DataObject
) -> None:
    window_edges, start, end = data.draw(windows(base))
    query = Windows(
        series=[
            Series(
                one,
                kind,
                data.draw(st.sampled_from(LABELS)),
                data.draw(st.sampled_from([None, 900_000_000, HOUR])),
            )
            for one in ids
        ],
        edges=window_edges,
        aggregates=data.draw(st.lists(st.sampled_from(ALLOWED_AGGREGATES[kind]), unique=True)),
        quality=data.draw(st.sampled_from([GOOD_ONLY, GOOD_ONLY, ANY, frozenset({Quality.suspect})])),
        fill=data.draw(st.booleans()),
        start=data.draw(st.sampled_from([None, start])),
        end=data.draw(st.sampled_from([None, end])),
    )
    expected = twin.aggregate(query)
    check_alike(duckdb_store.aggregate(query), expected)
    in_one_pass = aggregates.aggregate(duckdb_store._database, duckdb_store._heads, query, kind, gathered_rows=0)
    check_alike(in_one_pass, expected)


def check_alike(ours: pa.Table, expected: pa.Table) -> None:
    assert ours.schema == expected.schema
    for mine, right in itertools.zip_longest(ours.to_pylist(), expected.to_pylist()):
        assert mine is not None
        assert right is not None
        shares = [json.loads(row.pop("share", None) or "{}") for row in (mine, right)]
        assert list(shares[0]) == list(shares[1])
        assert all(close(shares[0][text], shares[1][text]) for text in shares[0])
        assert all(close(mine[name], right[name]) for name in right), (mine, right)
