"""Aggregates from raw rows in columns against the memory twin, in blocks of any size."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gops.clock import HOUR
from gops.kinds import ALLOWED_AGGREGATES, KINDS, LABELS, Kind
from gops.quality import ANY, GOOD_ONLY, Quality
from gops.store.memory import MemoryStore
from gops.store.port import READINGS, Read, Series, Windows
from gops.store.windowing import aggregate_rows, needed, newest_used
from tests.properties.test_store import IDS, check_alike, histories, many, play, windows


@many
@pytest.mark.parametrize("kind", KINDS)
@given(history=histories, data=st.data())
def test_rows_in_columns_aggregate_as_the_twin_does(kind: Kind, history: tuple, data: st.DataObject) -> None:
    """Every kind and aggregate, each label, zones with clock changes, irregular windows, filters, fill, coverage."""
    base, acts_done = history
    twin = MemoryStore()
    play(twin, 0, acts_done)
    window_edges, start, end = data.draw(windows(base))
    query = Windows(
        series=[
            Series(one, kind, data.draw(st.sampled_from(LABELS)), data.draw(st.sampled_from([None, HOUR])))
            for one in (*reversed(IDS), 99)
        ],
        edges=window_edges,
        aggregates=data.draw(st.lists(st.sampled_from(ALLOWED_AGGREGATES[kind]), unique=True)),
        quality=data.draw(st.sampled_from([GOOD_ONLY, GOOD_ONLY, ANY, frozenset({Quality.suspect})])),
        fill=data.draw(st.booleans()),
        start=data.draw(st.sampled_from([None, start])),
        end=data.draw(st.sampled_from([None, end])),
    )
    wanted = needed(query)
    ids = [Series(one) for one in (*IDS, 99)]
    rows = twin.read(Read(ids, start=wanted.low, end=wanted.high))
    size = data.draw(st.integers(1, 20))
    pieces = [rows.slice(at, size) for at in range(0, rows.num_rows, size)]
    answer = aggregate_rows(query, kind, pieces, before(twin, query, kind), block_rows=data.draw(st.integers(1, 30)))
    check_alike(answer, twin.aggregate(query))


def before(twin: MemoryStore, query: Windows, kind: Kind) -> pa.Table:
    """The newest row of each Datastream before the range, of those that the question takes."""
    wanted = needed(query)
    if wanted.before is None:
        return READINGS.empty_table()
    earlier = twin.read(Read([Series(one) for one in IDS], end=wanted.low))
    if wanted.before == "increase":
        return newest_used(earlier, query, kind)
    newest = {row["datastream"]: row for row in earlier.to_pylist()}
    return pa.Table.from_pylist([newest[one] for one in sorted(newest)], schema=READINGS)
