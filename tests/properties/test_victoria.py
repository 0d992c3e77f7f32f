"""VictoriaMetrics against the memory twin, as far as it goes: what is only ever added, in milliseconds, as numbers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gops.clock import HOUR, MINUTE, SystemClock, to_micros
from gops.kinds import ALLOWED_AGGREGATES, LABELS, Kind
from gops.quality import ANY, GOOD_ONLY, Quality
from gops.store.memory import MemoryStore
from gops.store.port import Read, Series, Windows
from gops.store.victoria import Place, VictoriaStore
from gops.store.victoria.reads import Reader
from gops.windows import edges
from tests.contracts.store.rows import batch, reading
from tests.examples import examples
from tests.properties.test_store import check_alike
from tests.victoria import RunningVictoria, victoria, wait_until_shown

BASE = to_micros(datetime(2025, 3, 29, 22, tzinfo=UTC))  # Berlin's clock goes forward three hours later
IDS = range(1, 5)
NUMERIC: tuple[Kind, ...] = ("gauge", "amount", "counter", "angle")
_examples = itertools.count(1)
many = settings(max_examples=examples(12), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

moments = st.one_of(
    st.integers(0, 60).map(lambda tick: BASE + tick * 15 * MINUTE),
    st.integers(-400 * HOUR // 1000, 400 * HOUR // 1000).map(lambda tick: BASE + tick * 1000),
)
values = st.one_of(st.none(), st.sampled_from([0.0, 1.0, 2.5, 270.0]), st.floats(-1e6, 1e6))
rows = st.lists(
    st.builds(reading, st.sampled_from(IDS), moments, values, st.none(), st.sampled_from([0, 0, 0, 1, 2, 5])),
    max_size=30,
    unique_by=lambda row: (row["datastream"], row["t"]),
)


@pytest.fixture(scope="module")
def server() -> Iterator[RunningVictoria]:
    with victoria() as running:
        wait_until_shown(running)
        yield running


@pytest.fixture(scope="module")
def store(server: RunningVictoria) -> Iterator[VictoriaStore]:
    opened = VictoriaStore(Place(server.url), SystemClock(), flush="snapshot")
    opened._reader = Reader(opened._server, "gops", SystemClock(), piece_rows=5)
    yield opened
    opened.close()


def fill(store: VictoriaStore, offset: int, given: list[dict[str, object]], cut: int) -> MemoryStore:
    """The rows in two batches, then some of them again; the twin has the same."""
    twin = MemoryStore()
    moved = [{**row, "datastream": offset + int(str(row["datastream"]))} for row in given]
    for part in (moved[:cut], moved[cut:], moved[cut // 2 : cut]):
        ours, theirs = store.write(batch(part), "keep"), twin.write(batch(part), "keep")
        assert ours.outcomes == theirs.outcomes
    return twin


@many
@given(given=rows, cut=st.integers(0, 30), data=st.data())
def test_both_hold_the_same(
    store: VictoriaStore, given: list[dict[str, object]], cut: int, data: st.DataObject
) -> None:
    offset = next(_examples) * 100
    twin = fill(store, offset, given, cut)
    ids = [offset + one for one in IDS]
    assert store.latest(ids).equals(twin.latest(ids))
    assert store.extent(ids) == twin.extent(ids)
    query = Read(
        [Series(one, label=data.draw(st.sampled_from(LABELS))) for one in [*ids, offset + 99]],
        start=data.draw(st.none() | moments),
        end=data.draw(st.none() | moments),
        quality=data.draw(st.sampled_from([ANY, GOOD_ONLY, frozenset({Quality.missing, Quality.good})])),
        limit=data.draw(st.sampled_from([None, 1, 3, 10])),
        after=data.draw(st.none() | st.tuples(st.sampled_from(ids), moments)),
        descending=data.draw(st.booleans()),
    )
    expected = twin.read(query)
    assert store.read(query).to_pylist() == expected.to_pylist()
    streamed = list(store.stream(query, rows=4))
    assert pa.Table.from_batches(streamed, expected.schema).to_pylist() == expected.to_pylist()


@many
@given(kind=st.sampled_from(NUMERIC), given=rows, cut=st.integers(0, 30), data=st.data())
def test_both_aggregate_alike(
    store: VictoriaStore, kind: Kind, given: list[dict[str, object]], cut: int, data: st.DataObject
) -> None:
    offset = next(_examples) * 100
    twin = fill(store, offset, given, cut)
    start = BASE + data.draw(st.integers(0, 8)) * 20 * MINUTE
    end = start + data.draw(st.integers(1, 60)) * 20 * MINUTE
    every, zone = data.draw(st.sampled_from(["15m", "1h", "1d", "1mo"])), ZoneInfo("Europe/Berlin")
    label, period = st.sampled_from(LABELS), st.sampled_from([None, HOUR])
    query = Windows(
        series=[Series(offset + one, kind, data.draw(label), data.draw(period)) for one in (*IDS, 99)],
        edges=edges(start, end, every, zone),
        aggregates=data.draw(st.lists(st.sampled_from(ALLOWED_AGGREGATES[kind]), unique=True)),
        quality=data.draw(st.sampled_from([GOOD_ONLY, ANY])),
        fill=data.draw(st.booleans()),
        start=data.draw(st.sampled_from([None, start])),
        end=data.draw(st.sampled_from([None, end])),
    )
    check_alike(store.aggregate(query), twin.aggregate(query))
