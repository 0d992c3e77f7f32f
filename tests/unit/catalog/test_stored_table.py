"""A Parquet file as a table of data: columns, conditions, order, pages."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gops.catalog.querying.port import PLACE, Ask, schema_of
from gops.catalog.querying.predicate import All, Compare, Either, IsNull, Like, Not, OneOf, Predicate, split
from gops.catalog.querying.stored import StoredTable

NUMBER, WORD, TOWN = "n", "word", "town"


def table(group: int = 3) -> StoredTable:
    rows = {
        NUMBER: pa.array([0, 1, 2, None, 4, 5, 6, 7, 8, 9]),
        WORD: ["x", "y", "100%", "x_y", "xzy"] * 2,
        TOWN: pa.array(["서울", "수원"] * 5).dictionary_encode(),
    }
    sink = io.BytesIO()
    pq.write_table(pa.table(rows), sink, row_group_size=group)
    return StoredTable(lambda: io.BytesIO(sink.getvalue()), {NUMBER: "m"})


def found(**asked: Any) -> list[dict[str, Any]]:
    ask = Ask(**asked)
    rows: list[dict[str, Any]] = pa.Table.from_batches(list(table().scan(ask)), schema_of(table(), ask)).to_pylist()
    return rows


def numbers(where: Predicate) -> list[int | None]:
    return [row[NUMBER] for row in found(columns=[NUMBER], where=where)]


def test_columns_say_their_type_and_unit() -> None:
    first, second, _third = table().columns
    assert (first.name, first.type, first.unit) == (NUMBER, pa.int64(), "m")
    assert (second.name, second.type, second.unit) == (WORD, pa.string(), None)
    assert table().at_most(Ask([NUMBER]), 5) == 10


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        (Compare(NUMBER, ">", pa.scalar(7)), [8, 9]),
        (Compare(TOWN, "=", pa.scalar("수원")), [1, None, 5, 7, 9]),
        (IsNull(NUMBER), [None]),
        (Not(IsNull(NUMBER)), [0, 1, 2, 4, 5, 6, 7, 8, 9]),
        (Not(Compare(NUMBER, ">", pa.scalar(0))), [0]),
        (OneOf(NUMBER, (pa.scalar(1), pa.scalar(8))), [1, 8]),
        (Not(OneOf(NUMBER, (pa.scalar(1), pa.scalar(8)))), [0, 2, 4, 5, 6, 7, 9]),
        (Like(WORD, "x_y"), [None, 4, 8, 9]),
        (Like(WORD, r"x\_y"), [None, 8]),
        (Like(WORD, r"%\%"), [2, 7]),
        (Like(TOWN, "서%"), [0, 2, 4, 6, 8]),
        (All((Compare(NUMBER, ">=", pa.scalar(4)), Compare(TOWN, "<>", pa.scalar("서울")))), [5, 7, 9]),
        (Either((Compare(NUMBER, "<", pa.scalar(1)), Compare(NUMBER, "=", pa.scalar(9)))), [0, 9]),
    ],
)
def test_conditions_are_those_of_sql(where: Predicate, kept: list[int | None]) -> None:
    assert numbers(where) == kept


def test_rows_come_in_pages_in_either_order() -> None:
    for descending in (False, True):
        whole = found(columns=[WORD], descending=descending, placed=True)
        paged: list[dict[str, Any]] = []
        while len(paged) < len(whole):
            after = (paged[-1][PLACE[0]], paged[-1][PLACE[1]]) if paged else None
            paged += found(columns=[WORD], descending=descending, placed=True, limit=4, after=after)
        assert paged == whole
        assert [row[PLACE[0]] for row in whole] == sorted(range(10), reverse=descending)


def test_a_limit_counts_rows_that_meet_the_condition() -> None:
    where = Compare(TOWN, "=", pa.scalar("수원"))
    assert [row[NUMBER] for row in found(columns=[NUMBER], where=where, limit=2)] == [1, None]
    assert [row[NUMBER] for row in found(columns=[NUMBER], where=where, limit=2, descending=True)] == [9, 7]


def test_a_condition_is_split_by_the_columns_it_looks_at() -> None:
    town, number = Compare(TOWN, "=", pa.scalar("수원")), Compare(NUMBER, ">", pa.scalar(1))
    assert split(All((town, number)), frozenset({TOWN})) == (town, number)
    assert split(Either((town, number)), frozenset({TOWN})) == (None, Either((town, number)))
    assert split(town, frozenset({TOWN, WORD})) == (town, None)
