"""What a write does beside what stands; see ``Store.submit``."""

from __future__ import annotations

import math

import pyarrow as pa
import pytest

from gops.errors import Invalid
from gops.quality import Quality
from gops.store.port import INSERTED, KEPT, READINGS, REPLACED, UNCHANGED, Read, Receipt, Store
from tests.contracts.store.rows import batch, reading, series


def rows(store: Store, *datastreams: int) -> list[dict[str, object]]:
    return store.read(Read(series(*datastreams))).to_pylist()


def outcomes(receipt: Receipt) -> list[int]:
    assert receipt.outcomes is not None
    return receipt.outcomes.to_pylist()


@pytest.mark.needs("text")
def test_what_is_written_is_read_as_it_was(store: Store) -> None:
    """Numbers, texts, nulls, qualities and result times come back exactly."""
    given = [
        reading(1, -5, 0.1 + 0.2, result_time=7),
        reading(1, 0, None, quality=Quality.missing),
        reading(1, 9, -1.5e300, quality=Quality.suspect),
        reading(2, 3, text="주차 있음 '\"\\\x00\n"),
        reading(2, 4, text=""),
    ]
    receipt = store.write(batch(given), "replace")
    assert (receipt.inserted, receipt.replaced, receipt.unchanged, receipt.kept) == (5, 0, 0, 0)
    assert rows(store, 1, 2) == given


@pytest.mark.needs("replaces")
def test_outcomes_are_in_the_order_of_the_batch(store: Store) -> None:
    store.write(batch([reading(1, 10, 1.0), reading(1, 20, 2.0)]), "replace")
    receipt = store.write(batch([reading(1, 20, 9.0), reading(2, 20, 5.0), reading(1, 10, 1.0)]), "replace")
    assert outcomes(receipt) == [REPLACED, INSERTED, UNCHANGED]
    assert (receipt.inserted, receipt.replaced, receipt.unchanged, receipt.kept) == (1, 1, 1, 0)


@pytest.mark.needs("replaces")
def test_replace_puts_a_row_in_place_of_the_one_that_stands(store: Store) -> None:
    store.write(batch([reading(1, 10, 1.0, quality=2)]), "replace")
    assert outcomes(store.write(batch([reading(1, 10, 2.0)]), "replace")) == [REPLACED]
    assert rows(store, 1) == [reading(1, 10, 2.0)]


def test_keep_leaves_what_stands_and_inserts_where_nothing_does(store: Store) -> None:
    store.write(batch([reading(1, 10, 1.0)]), "replace")
    receipt = store.write(batch([reading(1, 10, 2.0), reading(1, 5, 3.0)]), "keep")
    assert outcomes(receipt) == [KEPT, INSERTED]
    assert rows(store, 1) == [reading(1, 5, 3.0), reading(1, 10, 1.0)]


@pytest.mark.needs("replaces")
@pytest.mark.parametrize(
    "change",
    [{"value": 2.0}, {"quality": 1}, {"value": None}, {"value": None, "text": "1"}],
    ids=["value", "quality", "to null", "to text"],
)
def test_a_difference_in_value_text_or_quality_is_a_change(store: Store, change: dict[str, object]) -> None:
    store.write(batch([reading(1, 10, 1.0)]), "replace")
    assert outcomes(store.write(batch([{**reading(1, 10, 1.0), **change}]), "replace")) == [REPLACED]


@pytest.mark.parametrize("mode", ["replace", "keep"])
@pytest.mark.parametrize(
    "content", [{"value": 1.0}, pytest.param({"text": "on"}, marks=pytest.mark.needs("text")), {"value": None}]
)
def test_an_equal_row_is_unchanged_in_both_modes(store: Store, mode: str, content: dict[str, object]) -> None:
    same = batch([{**reading(1, 10), **content}])
    store.write(same, "replace")
    assert outcomes(store.write(same, mode)) == [UNCHANGED]  # type: ignore[arg-type]


@pytest.mark.needs("replaces")
@pytest.mark.parametrize(
    ("mode", "standing", "given", "outcome"),
    [
        ("replace", 5, 6, REPLACED),
        ("replace", 5, 5, REPLACED),
        ("replace", 5, 4, KEPT),
        ("keep", 5, 6, REPLACED),
        ("keep", 5, 5, KEPT),
        ("keep", 5, 4, KEPT),
        ("replace", None, 4, REPLACED),
        ("replace", 5, None, REPLACED),
        ("keep", None, 4, KEPT),
        ("keep", 5, None, KEPT),
    ],
)
def test_the_later_result_time_wins_when_both_have_one(
    store: Store, mode: str, standing: int | None, given: int | None, outcome: int
) -> None:
    """A source's later word replaces its earlier one even in a replay; a stale one never undoes it."""
    store.write(batch([reading(1, 10, 1.0, result_time=standing)]), "replace")
    receipt = store.write(batch([reading(1, 10, 2.0, result_time=given)]), mode)  # type: ignore[arg-type]
    assert outcomes(receipt) == [outcome]
    assert rows(store, 1)[0]["value"] == (2.0 if outcome == REPLACED else 1.0)


@pytest.mark.needs("replaces")
def test_a_confirmation_moves_the_result_time_forward(store: Store) -> None:
    """5 said at 1 and again at 3: the 4 that was said at 2 and comes late must not win."""
    store.write(batch([reading(1, 10, 5.0, result_time=1)]), "replace")
    assert outcomes(store.write(batch([reading(1, 10, 5.0, result_time=3)]), "replace")) == [UNCHANGED]
    assert outcomes(store.write(batch([reading(1, 10, 4.0, result_time=2)]), "replace")) == [KEPT]
    assert rows(store, 1) == [reading(1, 10, 5.0, result_time=3)]


def test_the_later_of_two_rows_in_one_batch_wins(store: Store) -> None:
    receipt = store.write(batch([reading(1, 10, 1.0), reading(1, 10, 2.0), reading(1, 10, 2.0)]), "replace")
    assert outcomes(receipt) == [INSERTED, REPLACED, UNCHANGED]
    assert rows(store, 1) == [reading(1, 10, 2.0)]


def test_the_first_of_two_rows_in_one_batch_stands_under_keep(store: Store) -> None:
    receipt = store.write(batch([reading(1, 10, 1.0), reading(1, 10, 2.0)]), "keep")
    assert outcomes(receipt) == [INSERTED, KEPT]
    assert rows(store, 1) == [reading(1, 10, 1.0)]


@pytest.mark.needs("replaces")
def test_there_and_back_within_a_batch(store: Store) -> None:
    """What ends as it began was still replaced twice, and one row stands."""
    store.write(batch([reading(1, 10, 1.0)]), "replace")
    assert outcomes(store.write(batch([reading(1, 10, 2.0), reading(1, 10, 1.0)]), "replace")) == [REPLACED, REPLACED]
    assert rows(store, 1) == [reading(1, 10, 1.0)]


def test_ten_thousand_rows_of_one_key_are_one_reading(store: Store) -> None:
    """A message may repeat one field as often as its bound allows."""
    receipt = store.write(batch([reading(1, 10, float(n)) for n in range(10_000)]), "replace")
    assert (receipt.inserted, receipt.replaced) == (1, 9999)
    assert rows(store, 1) == [reading(1, 10, 9999.0)]
    assert store.extent([1])[1].rows == 1


@pytest.mark.needs("replaces")
def test_late_rows_far_apart_find_what_stands(store: Store) -> None:
    day = 86_400_000_000
    given = [reading(1, n * day * 30, float(n)) for n in range(40)]
    store.write(batch(given), "replace")
    changed = [{**row, "value": -1.0} for row in given[::2]]
    receipt = store.write(batch([*changed, reading(2, 5, 5.0)]), "replace")
    assert (receipt.inserted, receipt.replaced) == (1, 20)
    assert [row["value"] for row in rows(store, 1)] == [-1.0 if n % 2 == 0 else float(n) for n in range(40)]


def test_an_empty_batch_is_written(store: Store) -> None:
    assert store.write(batch([]), "replace").inserted == 0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_no_number_is_refused_and_its_neighbours_with_it(store: Store, value: float) -> None:
    with pytest.raises(Invalid) as caught:
        store.write(batch([reading(1, 10, 1.0), reading(1, 20, value)]), "replace")
    assert (caught.value.code, caught.value.field) == ("bad_reading", "value")
    assert rows(store, 1) == []


@pytest.mark.parametrize("column", ["datastream", "t", "quality"])
def test_a_null_where_none_may_be_is_refused(store: Store, column: str) -> None:
    loose = pa.schema([field.with_nullable(True) for field in READINGS])
    table = pa.Table.from_pylist([{**reading(1, 10, 1.0), column: None}], schema=loose)
    with pytest.raises(Invalid) as caught:
        store.write(table, "replace")
    assert (caught.value.code, caught.value.field) == ("bad_reading", column)


@pytest.mark.parametrize(
    ("column", "found"),
    [
        ("t", -(2**63)),
        ("t", 2**63 - 1),
        ("t", 253_402_300_800_000_000),
        ("quality", 6),
        ("result_time", -(2**63)),
        ("result_time", 253_402_300_800_000_000),
    ],
)
def test_a_time_or_quality_out_of_bounds_is_refused(store: Store, column: str, found: int) -> None:
    with pytest.raises(Invalid) as caught:
        store.write(batch([{**reading(1, 10, 1.0), column: found}]), "replace")
    assert (caught.value.code, caught.value.field, caught.value.found) == ("bad_reading", column, found)


@pytest.mark.parametrize(
    "table",
    [
        batch([]).drop_columns(["text"]),
        batch([]).rename_columns(["datastream", "t", "v", "text", "quality", "result_time"]),
        batch([]).set_column(2, "value", pa.array([], pa.float32())),
        batch([]).append_column("more", pa.array([], pa.int64())),
        batch([]).set_column(1, "t", pa.array([], pa.timestamp("us"))),
    ],
    ids=["a column less", "another name", "another type", "a column more", "timestamps"],
)
def test_another_schema_is_refused(store: Store, table: pa.Table) -> None:
    with pytest.raises(Invalid) as caught:
        store.write(table, "replace")
    assert caught.value.code == "wrong_columns"


def test_a_batch_in_chunks_is_one_batch(store: Store) -> None:
    table = pa.concat_tables([batch([reading(1, 10, 1.0)]), batch([reading(1, 10, 2.0), reading(1, 5, 0.0)])])
    assert outcomes(store.write(table, "replace")) == [INSERTED, REPLACED, INSERTED]


@pytest.mark.needs("replaces")
def test_submitted_batches_are_committed_in_their_order(store: Store) -> None:
    futures = [store.submit(batch([reading(1, 10, float(n))]), "replace") for n in range(20)]
    assert [outcomes(future.result())[0] for future in futures] == [INSERTED] + [REPLACED] * 19
    assert rows(store, 1) == [reading(1, 10, 19.0)]


@pytest.mark.needs("replaces")
def test_modes_are_of_each_submitted_batch(store: Store) -> None:
    modes = ["replace", "keep", "replace", "keep"]
    futures = [store.submit(batch([reading(1, 10, float(n))]), mode) for n, mode in enumerate(modes)]  # type: ignore[arg-type]
    assert [outcomes(future.result())[0] for future in futures] == [INSERTED, KEPT, REPLACED, KEPT]


@pytest.mark.needs("deletes_range")
def test_a_delete_takes_its_range_only(store: Store) -> None:
    store.write(batch([reading(one, t, 1.0) for one in (1, 2, 3) for t in (10, 20, 30)]), "replace")
    assert store.delete([1, 2, 2, 99], 10, 30) == 4
    assert [(row["datastream"], row["t"]) for row in rows(store, 1, 2, 3)] == [
        (1, 30), (2, 30), (3, 10), (3, 20), (3, 30),
    ]  # fmt: skip


@pytest.mark.needs("deletes_range")
def test_a_delete_of_nothing_is_nothing(store: Store) -> None:
    store.write(batch([reading(1, 10, 1.0)]), "replace")
    assert store.delete([], 0, 100) == 0
    assert store.delete([1], 11, 100) == 0
    assert store.delete([1], 100, 0) == 0


@pytest.mark.needs("deletes_range")
def test_after_a_delete_the_place_is_free(store: Store) -> None:
    store.write(batch([reading(1, 10, 1.0), reading(1, 20, 2.0)]), "replace")
    store.delete([1], 15, 25)
    assert outcomes(store.write(batch([reading(1, 20, 3.0)]), "keep")) == [INSERTED]
