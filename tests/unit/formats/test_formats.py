"""Arrow batches as files: each format is read back by somebody else's reader."""

from __future__ import annotations

import csv as stdcsv
import io
import json as stdjson
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gops.formats import csv, json, parquet, xlsx
from gops.formats.cells import INSTEAD_OF

HOUR = 3_600_000_000
SCHEMA = pa.schema(
    [
        pa.field("time", pa.timestamp("us", "Asia/Seoul")),
        pa.field("thing", pa.dictionary(pa.int32(), pa.string())),
        pa.field("value", pa.float64()),
        pa.field("text", pa.string(), metadata={INSTEAD_OF: b"value"}),
        pa.field("count", pa.int64()),
    ]
)


def batch(*rows: tuple[Any, ...]) -> pa.RecordBatch:
    columns = [list(column) for column in zip(*rows, strict=True)]
    return pa.RecordBatch.from_arrays(
        [pa.array(one, field.type) for one, field in zip(columns, SCHEMA, strict=True)], schema=SCHEMA
    )


PLAIN = batch((0, "a", 21.5, None, 1), (HOUR, "b", None, None, None), (2 * HOUR, "a", 22.0, None, 3))
ODD = batch((0, 'say "a", b', None, "free\nspace", 1), (None, "=1+1", None, "", 2), (2 * HOUR, "-", -1e-7, None, 3))
QUOTED = [["1970-01-01T09:00:00+09:00", 'say "a", b', "free\nspace", "1"], ["", "=1+1", "", "2"]]


def text(*batches: pa.RecordBatch, **options: Any) -> bytes:
    return b"".join(csv.write(SCHEMA, iter(batches), csv.CsvOptions(**options)))


def read(body: bytes, encoding: str = "utf-8") -> list[list[str]]:
    return list(stdcsv.reader(io.StringIO(body.decode(encoding), newline=""), strict=True))


def test_csv_has_a_header_and_a_line_a_row() -> None:
    assert text(PLAIN, PLAIN.slice(2)).decode() == (
        "time,thing,value,count\n1970-01-01T09:00:00+09:00,a,21.5,1\n1970-01-01T10:00:00+09:00,b,,\n"
        "1970-01-01T11:00:00+09:00,a,22,3\n1970-01-01T11:00:00+09:00,a,22,3\n"
    )


def test_csv_quotes_what_must_be_quoted_and_nothing_else() -> None:
    body = text(ODD)
    assert read(body)[1:3] == QUOTED
    assert b',"",' in body  # an empty text is not a null


def test_csv_in_parts_is_csv_as_a_whole() -> None:
    assert text(ODD, PLAIN) == text(ODD) + text(PLAIN).partition(b"\n")[2]
    assert text(ODD.slice(1, 1)).count(b"\n") == 2
    assert text() == b"time,thing,value,count\n"


def test_a_spreadsheet_is_not_told_to_run_anything_when_asked() -> None:
    assert read(text(ODD, escape=True))[2:] == [
        ["", "'=1+1", "", "2"],
        ["1970-01-01T11:00:00+09:00", "'-", "-1e-7", "3"],
    ]


def test_csv_for_older_spreadsheets() -> None:
    assert text(PLAIN, bom=True).startswith(b"\xef\xbb\xbftime")
    korean = text(batch((0, "서울 µ똠", 1.0, None, 1)), encoding="cp949")
    assert read(korean, "cp949")[1][1] == "서울 ?똠"


def test_a_broken_csv_is_refused_by_a_strict_reader() -> None:
    with pytest.raises(stdcsv.Error):
        read(text(PLAIN) + csv.BROKEN)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.none() | st.integers(0, 4 * 10**15).map(lambda one: one),
            st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
            st.none() | st.floats(allow_nan=False, allow_infinity=False),
            st.none(),
            st.none() | st.integers(-(2**63), 2**63 - 1),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_every_cell_comes_back_from_csv_and_json(rows: list[tuple[Any, ...]]) -> None:
    made = batch(*rows)
    found = read(text(made))[1:]
    objects = [stdjson.loads(line) for line in b"".join(json.ndjson(SCHEMA, iter([made]))).decode().split("\n")[:-1]]
    for (_t, thing, value, _text, count), cells, members in zip(rows, found, objects, strict=True):
        assert cells[1] == thing == members["thing"]
        assert (float(cells[2]) if cells[2] else None) == value == members["value"]
        assert (int(cells[3]) if cells[3] else None) == count == members["count"]


def test_json_takes_the_text_where_there_is_one() -> None:
    rows = stdjson.loads(json.rows(SCHEMA, iter([PLAIN.slice(0, 2), ODD])))
    assert [row["value"] for row in rows] == [21.5, None, "free\nspace", "", -1e-07]
    assert list(rows[0]) == ["time", "thing", "value", "count"]
    assert json.rows(SCHEMA, iter([])) == b"[]"


def test_what_is_no_number_is_null() -> None:
    made = batch((0, "a", float("nan"), None, 1), (0, "a", float("inf"), None, 1))
    assert [row["value"] for row in stdjson.loads(json.rows(SCHEMA, iter([made])))] == [None, None]


def test_other_types_are_text_numbers_and_words() -> None:
    values = pa.table(
        {"day": [date(2026, 3, 1)], "yes": [True], "at": pa.array([HOUR], pa.timestamp("us")), "many": [[1, 2]]}
    )
    (made,) = values.to_batches()
    (row,) = stdjson.loads(json.rows(values.schema, iter([made])))
    assert row == {"day": "2026-03-01", "yes": True, "at": "1970-01-01T01:00:00.000000", "many": [1, 2]}
    assert b"".join(csv.write(values.schema, iter([made]), csv.CsvOptions())).splitlines()[1] == (
        b'2026-03-01,true,1970-01-01T01:00:00.000000,"[1, 2]"'
    )


def test_geojson_has_a_point_where_there_is_a_place() -> None:
    rows = pa.table({"name": ["a", "b"], "longitude": [127.0, None], "latitude": [37.25, None]})
    pieces = list(json.geojson(rows.schema, iter(rows.to_batches()), json.Feature(b'"zone":"UTC",')))
    whole = stdjson.loads(b"".join(pieces))
    assert [one["geometry"] for one in whole["features"]] == [{"type": "Point", "coordinates": [127.0, 37.25]}, None]
    assert [one["properties"] for one in whole["features"]] == [{"name": "a"}, {"name": "b"}]
    with pytest.raises(stdjson.JSONDecodeError):
        stdjson.loads(b"".join(pieces[:-1]))


def test_parquet_comes_in_pieces_and_keeps_every_column() -> None:
    pieces = list(parquet.write(SCHEMA, iter([PLAIN, ODD]), {"licence": "kogl-1"}))
    table = pq.read_table(io.BytesIO(b"".join(pieces)))
    assert table.schema.metadata[b"licence"] == b"kogl-1"
    assert table["text"].to_pylist() == [None, None, None, "free\nspace", "", None]
    assert pq.ParquetFile(io.BytesIO(b"".join(pieces))).num_row_groups == 2
    with pytest.raises(pa.ArrowInvalid):
        pq.read_table(io.BytesIO(b"".join(pieces[:-1])))


def sheet(batches: Iterator[pa.RecordBatch], **options: Any) -> Any:
    body = b"".join(xlsx.write(SCHEMA, batches, {"licence": "kogl-1"}, **options))
    return openpyxl.load_workbook(io.BytesIO(body))


def test_xlsx_has_moments_numbers_and_text_that_never_runs() -> None:
    book = sheet(iter([PLAIN.slice(0, 1), ODD, batch((0, "big", None, None, 10**17))]))
    rows = [tuple(cell.value for cell in row) for row in book["data"].iter_rows()]
    assert rows[0] == ("time", "thing", "value", "count")
    assert rows[1] == (datetime.fromisoformat("1970-01-01T09:00"), "a", 21.5, 1)
    assert rows[3][1] == "'=1+1"
    assert [cell.data_type for cell in book["data"]["B"]].count("f") == 0
    assert rows[5][3] == str(10**17)  # Excel would round it
    assert book["about"]["B1"].value == "kogl-1"


def test_xlsx_without_escaping_is_still_text() -> None:
    cell = sheet(iter([ODD]), escape=False)["data"]["B3"]
    assert (cell.value, cell.data_type) != ("=1+1", "n")
    assert cell.value == "=1+1"
