"""Corrections over a range: another quality, or other rows in place of what stands."""

from __future__ import annotations

import pytest

from gops.errors import Conflict, Invalid
from gops.quality import Quality
from gops.store.port import Read, Store
from tests.contracts.store.rows import batch, reading, series

pytestmark = pytest.mark.needs("deletes_range")


def qualities(store: Store, *datastreams: int) -> list[int]:
    return store.read(Read(series(*datastreams)))["quality"].to_pylist()


@pytest.fixture
def filled(store: Store) -> Store:
    rows = [reading(one, t, float(t), result_time=t) for one in (1, 2) for t in (10, 20, 30)]
    store.write(batch([*rows, reading(1, 40, None, quality=Quality.missing)]), "replace")
    return store


def test_a_quality_changes_within_the_range_and_nothing_else_does(filled: Store) -> None:
    before = filled.read(Read(series(1, 2))).drop_columns(["quality"])
    assert filled.requalify([1, 1, 7], 10, 30, Quality.suspect) == 2
    assert qualities(filled, 1, 2) == [2, 2, 0, 5, 0, 0, 0]
    assert filled.read(Read(series(1, 2))).drop_columns(["quality"]).equals(before)


def test_only_rows_of_the_named_qualities_change(filled: Store) -> None:
    filled.requalify([1], 10, 20, Quality.maintenance)
    assert filled.requalify([1], 0, 100, Quality.suspect, frozenset({Quality.good})) == 2
    assert qualities(filled, 1) == [3, 2, 2, 5]


def test_what_has_no_value_does_not_become_good(filled: Store) -> None:
    assert filled.requalify([1], 40, 41, Quality.good) == 0
    assert filled.requalify([1], 40, 41, Quality.estimated) == 0
    assert filled.requalify([1], 40, 41, Quality.maintenance) == 1
    assert qualities(filled, 1)[-1] == Quality.maintenance


def test_a_quality_that_stands_already_is_no_change(filled: Store) -> None:
    before = filled.version([1])
    assert filled.requalify([1], 0, 40, Quality.good) == 0
    assert filled.version([1]) == before
    filled.requalify([1], 30, 31, Quality.suspect)
    assert filled.version([1]) > before


def test_the_latest_row_shows_its_new_quality(filled: Store) -> None:
    filled.requalify([2], 30, 31, Quality.suspect)
    assert filled.latest([2])["quality"].to_pylist() == [2]


def test_nothing_is_declared_missing(filled: Store) -> None:
    with pytest.raises(Invalid) as caught:
        filled.requalify([1], 0, 100, Quality.missing)
    assert caught.value.field == "quality"
    assert qualities(filled, 1) == [0, 0, 0, 5]


def test_rows_take_the_place_of_others_in_one_step(filled: Store) -> None:
    new = batch([reading(1, 10, 15.0, quality=Quality.estimated)])
    before = filled.version([1])
    assert filled.swap(1, 10, 30, new, before) == 2
    assert filled.read(Read(series(1)))["t"].to_pylist() == [10, 30, 40]
    assert filled.extent([1])[1].rows == 3
    assert filled.version([1]) > before
    assert filled.extent([2])[2].rows == 3


def test_a_swap_for_nothing_removes_and_the_newest_is_found_again(filled: Store) -> None:
    assert filled.swap(2, 20, 100, batch([]), filled.version([2])) == 2
    assert filled.latest([2])["t"].to_pylist() == [10]


def test_a_swap_gives_way_to_what_changed_meanwhile(filled: Store) -> None:
    seen = filled.version([1])
    filled.write(batch([reading(1, 50, 5.0)]), "replace")
    with pytest.raises(Conflict) as caught:
        filled.swap(1, 10, 30, batch([]), seen)
    assert caught.value.code == "changed_meanwhile"
    assert filled.extent([1])[1].rows == 5


@pytest.mark.parametrize(
    "rows",
    [
        [reading(2, 10, 1.0)],
        [reading(1, 30, 1.0)],
        [reading(1, 9, 1.0)],
        [reading(1, 10, 1.0), reading(1, 10, 2.0)],
    ],
    ids=["of another Datastream", "at the end", "before the start", "twice"],
)
def test_rows_that_do_not_belong_are_refused(filled: Store, rows: list[dict[str, object]]) -> None:
    with pytest.raises(Invalid):
        filled.swap(1, 10, 30, batch(rows), filled.version([1]))
    assert filled.extent([1])[1].rows == 4
