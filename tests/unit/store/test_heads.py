"""What is remembered of each Datastream, for batches of thousands of rows."""

from __future__ import annotations

import numpy as np
import pytest

from gops.store.duckdb.heads import MANY, Heads
from gops.store.duckdb.tiers import Tiers
from gops.store.port import Extent
from gops.store.resolve import doubled
from gops.store.rows import NONE, Ints, Rows

SIZE = 3 * MANY


def rows_of(datastream: Ints, t: Ints) -> Rows:
    size = len(t)
    texts = np.full(size, None)
    return Rows(datastream, t, np.arange(size, dtype=np.float64), texts, np.zeros(size, np.uint8), np.full(size, NONE))


def written(datastream: Ints, t: Ints) -> Heads:
    heads, rows = Heads(), rows_of(datastream, t)
    heads.announce(rows, Tiers())
    heads.add(rows, datastream, np.unique(datastream), 1)
    return heads


@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_positions_of_many_are_those_of_each(step: int) -> None:
    """However far apart the ids lie."""
    chance = np.random.default_rng(step)
    ids = np.arange(50, dtype=np.int64) * step + 40
    heads = written(ids, np.zeros(50, np.int64))
    asked = chance.integers(-10, 50 * step + 100, SIZE)
    asked[::2] = chance.choice(ids, SIZE // 2)
    places, known = heads.find(asked)
    assert known.tolist() == [one in ids for one in asked]
    assert heads.newest.datastream[places[known]].tolist() == asked[known].tolist()


def test_the_newest_row_the_first_t_and_the_number_of_many_rows() -> None:
    chance = np.random.default_rng(3)
    ids, t = chance.integers(1, 40, SIZE), chance.permutation(SIZE).astype(np.int64)
    heads = written(ids, t)
    assert heads.extent(range(50)) == {
        one: Extent(int(t[ids == one].min()), int(t[ids == one].max()), int((ids == one).sum()))
        for one in np.unique(ids).tolist()
    }
    latest = heads.latest([7]).to_pylist()[0]
    assert latest["value"] == np.flatnonzero((ids == 7) & (t == t[ids == 7].max()))[0]


def test_rows_of_one_key_are_found_in_any_order() -> None:
    chance = np.random.default_rng(5)
    for order in (np.arange(SIZE), chance.permutation(SIZE)):
        ids, t = (np.arange(SIZE) % 10)[order], (np.arange(SIZE) // 10)[order]
        assert not doubled(rows_of(ids, t)).any()
        again = rows_of(np.append(ids, ids[5]), np.append(t, t[5]))
        assert np.flatnonzero(doubled(again)).tolist() == [5, SIZE]
