"""InfluxDB against the memory twin: whatever is done to both, both answer alike."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gops.clock import HOUR, SystemClock
from gops.kinds import ALLOWED_AGGREGATES, KINDS, LABELS
from gops.quality import ANY, GOOD_ONLY, Quality
from gops.store.influx import InfluxStore, Place
from gops.store.memory import MemoryStore
from gops.store.port import Read, Series, Windows
from tests.conftest import absent
from tests.examples import examples
from tests.influxdb import InfluxServer, NotInstalled
from tests.properties.test_store import IDS, check_alike, histories, moments, play, windows

pytestmark = pytest.mark.live
_examples = itertools.count(1)
some = settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxStore]:
    try:
        server = InfluxServer(tmp_path_factory.mktemp("influx")).start()
    except NotInstalled as error:
        absent(str(error))
    opened = InfluxStore(Place(server.url), SystemClock(), timeout_s=10, queue=16, deliveries_kept=8)
    yield opened
    opened.close()
    server.stop()


@some
@given(history=histories, data=st.data())
def test_both_say_and_hold_the_same(store: InfluxStore, history: tuple, data: st.DataObject) -> None:
    """Receipts, outcomes, whether a version grew, rows in both orders, pages, latest and extent; also from cold."""
    base, acts_done = history
    offset = next(_examples) * 100
    twin = MemoryStore()
    assert play(store, offset, acts_done) == play(twin, offset, acts_done)
    ids = [offset + one for one in IDS]
    for known in (True, False):
        assert store.latest(ids).equals(twin.latest(ids)), known
        assert store.extent(ids) == twin.extent(ids), known
        store._heads._heads.clear()
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
    assert store.read(query).to_pylist() == expected.to_pylist()
    assert store.read(query).schema == expected.schema
    streamed = list(store.stream(query, rows=4))
    assert pa.Table.from_batches(streamed, expected.schema).to_pylist() == expected.to_pylist()


@settings(some, max_examples=examples(60))
@given(history=histories, data=st.data())
def test_both_aggregate_alike(store: InfluxStore, history: tuple, data: st.DataObject) -> None:
    """Every kind and aggregate, each label, by the server's windows and by rows, filters, fill, coverage."""
    base, acts_done = history
    kind = data.draw(st.sampled_from(KINDS))
    offset = next(_examples) * 100
    twin = MemoryStore()
    play(store, offset, acts_done)
    play(twin, offset, acts_done)
    window_edges, start, end = data.draw(windows(base))
    query = Windows(
        series=[
            Series(
                offset + one, kind, data.draw(st.sampled_from(LABELS)), data.draw(st.sampled_from([None, HOUR // 4]))
            )
            for one in (*IDS, 99)
        ],
        edges=window_edges,
        aggregates=data.draw(st.lists(st.sampled_from(ALLOWED_AGGREGATES[kind]), unique=True)),
        quality=data.draw(st.sampled_from([GOOD_ONLY, GOOD_ONLY, ANY, frozenset({Quality.suspect}), frozenset()])),
        fill=data.draw(st.booleans()),
        start=data.draw(st.sampled_from([None, start])),
        end=data.draw(st.sampled_from([None, end])),
    )
    check_alike(store.aggregate(query), twin.aggregate(query))
