"""Files become tables: types over all rows, encodings, bounds; and what is wrong is told by its place."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gops.catalog.filed.bounds import Bounds
from gops.catalog.filed.dictionary import Code, Said
from gops.catalog.filed.taking import Taken, take
from gops.catalog.filed.telling import tell
from gops.errors import Invalid, TooLarge

BOUNDS = Bounds(bytes=1 << 22, columns=50, rows=1_000, cells=10_000, unpacked=1 << 22, json=1 << 16)
FEATURE = '{"type":"Feature","properties":%s,"geometry":%s}'


def taken(
    body: bytes, name: str = "a.csv", said: Sequence[Said] = (), bounds: Bounds = BOUNDS
) -> tuple[Taken, pa.Table]:
    file, out = io.BytesIO(body), io.BytesIO()
    made = take(file, tell(file, name, "").key, said, bounds, out)
    return made, pq.read_table(io.BytesIO(out.getvalue()))


def types(made: Taken) -> dict[str, str]:
    return {one["name"]: one["type"] for one in made.columns}


def refused(body: bytes, name: str = "a.csv", said: Sequence[Said] = (), bounds: Bounds = BOUNDS) -> Invalid:
    with pytest.raises(Invalid) as caught:
        taken(body, name, said, bounds)
    return caught.value


def workbook(*rows: Sequence[Any]) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(out)
    return out.getvalue()


def repacked(body: bytes, **parts: bytes) -> bytes:
    """The workbook with parts replaced or added; in names __ stands for a slash."""
    out, new = io.BytesIO(), {name.replace("__", "/") + ".xml": part for name, part in parts.items()}
    with zipfile.ZipFile(io.BytesIO(body)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for item in old.infolist():
            if item.filename not in new:
                packed.writestr(item, old.read(item))
        for name, part in new.items():
            packed.writestr(name, part)
    return out.getvalue()


def geojson(*features: tuple[str, str]) -> bytes:
    parts = ",".join(FEATURE % one for one in features)
    return f'{{"type":"FeatureCollection","features":[{parts}]}}'.encode()


def test_types_are_found_over_all_rows() -> None:
    text = (
        "번호,값,코드,날짜,시각,현지,있음,말\n"
        "1,2,001,2026-03-01,2026-03-01T09:00:00+09:00,2026-03-01 09:00,true,=1+1\n"
        "2,2.5,002,2026-03-02,2026-03-01T00:00:00Z,2026-03-02,False,\n"
    )
    made, table = taken(text.encode())
    assert list(types(made).values()) == [
        *("integer", "number", "string", "date", "datetime", "datetime_local", "boolean", "string")
    ]
    assert table["시각"].to_pylist()[0] == table["시각"].to_pylist()[1]
    assert table["말"].to_pylist() == ["=1+1", None]
    assert (table["날짜"][1].as_py(), str(table["현지"][1])) == (date(2026, 3, 2), "2026-03-02 00:00:00")


@pytest.mark.parametrize("value", ["1,000", "2026-02-30", "1e999", "+5", "007", " 5", "1" * 19])
def test_what_only_looks_like_a_number_or_a_date_is_text(value: str) -> None:
    made, _table = taken(f'a,b\n1,"{value}"\n'.encode())
    assert types(made)["b"] == "string"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
def test_encodings_are_told_by_the_bytes(encoding: str) -> None:
    made, table = taken("이름,값\n수원,1\n칠,2\n".encode(encoding))
    assert made.encoding == ("cp949" if encoding == "cp949" else "utf-8")
    assert table["이름"].to_pylist() == ["수원", "칠"]


def test_mixed_encodings_are_refused_with_the_line() -> None:
    body = "이름\n서울\n".encode() + "수원\n".encode("cp949")
    error = refused(body)
    assert (error.code, error.field) == ("bad_file", "line 3")
    assert refused("이름\n수원\n".encode("cp949") + "서울\n".encode()).field == "line 3"


def test_ragged_rows_are_told_one_by_one_and_counted_beyond_twenty() -> None:
    error = refused(b"a,b\n1,2\n3\n4,5,6\n")
    assert error.extra is not None
    assert [one["field"] for one in error.extra["errors"]] == ["row 3", "row 4"]
    many = refused(b"a,b\n" + b"1\n" * 50)
    assert (len((many.extra or {})["errors"]), many.message[:2]) == (20, "50")


@pytest.mark.parametrize("header", [b"a,a", b"a,", b"a,gops:place:major", b'a,"x\ty"'])
def test_names_of_columns_are_there_and_differ(header: bytes) -> None:
    error = refused(header + b"\n1,2\n")
    assert (error.code, error.field) == ("bad_file", "row 1, column 2")


@pytest.mark.parametrize(
    ("body", "name"),
    [(b"<html></html>", "a.csv"), (b"%PDF-1.7", "a.csv"), (b"PAR1", "a.csv"), (b"a,b\n1,2\n", "a.xlsx"),
     (b"", "a.csv"), (b"a\x00b", "a.csv"), (b"\xff\xfea\x00", "a.csv"), (b'{"type":"Feature"}', "a.geojson"),
     (b"[1]", "a.json")],
)  # fmt: skip
def test_a_file_that_lies_about_its_type_is_refused(body: bytes, name: str) -> None:
    assert refused(body, name).code == "wrong_type"


def test_each_bound_is_named() -> None:
    wide = (",".join(f"c{number}" for number in range(10**6)) + "\n").encode()
    for body, bounds, setting in (
        (wide, replace(BOUNDS, bytes=10**8), "GOPS_UPLOAD_COLUMNS"),
        (b"a\n" + b"1\n" * 1001, BOUNDS, "GOPS_UPLOAD_ROWS"),
        (b"a,b\n" + b"1,2\n" * 10, replace(BOUNDS, cells=19), "GOPS_UPLOAD_CELLS"),
    ):
        error = refused(body, bounds=bounds)
        assert isinstance(error, TooLarge)
        assert setting in str(error.expected)
    error = refused(geojson(("{}", "null"), ("{}", "null")), "a.json", bounds=replace(BOUNDS, json=50))
    assert "GOPS_UPLOAD_JSON_BYTES" in str(error.expected)


def test_looking_at_a_file_ends_in_time() -> None:
    """Of a workbook also while rows without a value are passed over."""
    blank = workbook(["a"], *([None] for _ in range(100)), [1])
    for body, name in ((b"a\n1\n", "a.csv"), (geojson(("{}", "null")), "a.json"), (blank, "a.xlsx")):
        assert taken(body, name, bounds=replace(BOUNDS, seconds=60))[0].rows == 1
        error = refused(body, name, bounds=replace(BOUNDS, seconds=-1))
        assert (error.code, "GOPS_UPLOAD_SECONDS" in str(error.expected)) == ("upload_too_slow", True)


def test_a_quote_that_is_never_closed_is_refused() -> None:
    assert refused(b'a,b\n"x,1\n1,2\n').code == "bad_file"


def test_a_declared_type_is_demanded() -> None:
    said = [Said("a", "date"), Said("b", nullable=False), Said("c", codes=(Code("1"), Code("2")))]
    made, _table = taken(b"a,b,c\n2026-03-01,x,1\n,y,2\n", said=said)
    assert types(made) == {"a": "date", "b": "string", "c": "integer"}
    error = refused(b"a,b,c\n2026-02-30,x,1\n2026-03-01,,3\n", said=said)
    assert [one["field"] for one in (error.extra or {})["errors"]] == ["row 2, column a", "row 3, column b",
                                                                      "row 3, column c"]  # fmt: skip
    assert refused(b"b,c\nx,1\n", said=said).field == "row 1, column a"


def test_a_column_is_summed_up() -> None:
    made, _table = taken(b"a,b\n3,x\n1,x\n,y\n")
    numbers, words = (one["summary"] for one in made.columns)
    assert numbers == {"count": 2, "nulls": 1, "distinct": 2, "min": 1, "max": 3,
                       "top": [{"value": 1, "count": 1}, {"value": 3, "count": 1}]}  # fmt: skip
    assert words["top"][0] == {"value": "x", "count": 2}


def test_points_become_two_columns_and_other_geometries_one() -> None:
    made, table = taken(geojson(('{"n":"001","m":1}', '{"type":"Point","coordinates":[127.0,37]}'), ("null", "null")),
                        "a.geojson")  # fmt: skip
    assert types(made) == {"n": "string", "m": "integer", "longitude": "number", "latitude": "number"}
    assert (table["longitude"].to_pylist(), made.bbox) == ([127.0, None], [127.0, 37, 127.0, 37])
    made, _table = taken(geojson(("{}", '{"type":"LineString","coordinates":[[127,37],[128,38]]}')), "a.json")
    assert (types(made), made.bbox) == ({"geometry": "geojson"}, [127, 37, 128, 38])


@pytest.mark.parametrize(
    "geometry",
    ['{"type":"Point","coordinates":[37.2,127.1]}', '{"type":"Point","coordinates":[1]}', '{"type":"Circle"}', "5",
     '{"type":"Point","coordinates":[true,1]}', '{"type":"Polygon","coordinates":[[[1,1],[2,2],[3,3],[4,4]]]}',
     '{"type":"LineString","coordinates":[[1,1]]}', '{"type":"GeometryCollection"}'],
)  # fmt: skip
def test_a_wrong_geometry_is_told_by_its_feature(geometry: str) -> None:
    error = refused(geojson(("{}", "null"), ("{}", geometry)), "a.geojson")
    assert (error.code, error.field) == ("bad_file", "row 2, column geometry")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_json_without_a_finite_number_is_refused(number: str) -> None:
    assert refused(geojson(("{}", f'{{"type":"Point","coordinates":[{number},37]}}')), "a.json").code == "bad_file"


def test_a_workbook_gives_values_and_their_types() -> None:
    rows = (
        ["이름", "값", "날짜", "식"],
        ["가", 1, date(2026, 3, 1), "=1+1"],
        [],
        ["나", 2.5, date(2026, 3, 2), None],
    )
    made, table = taken(workbook(*rows), "a.xlsx")
    assert types(made) == {"이름": "string", "값": "number", "날짜": "date", "식": "string"}
    assert (made.rows, table["식"].to_pylist()) == (2, [None, None])
    error = refused(workbook(["a", "b"], [1, 2, 3], ["#N/A", 1]), "a.xlsx")
    assert [one["field"] for one in (error.extra or {})["errors"]] == ["row 2", "row 3, column a"]


def test_a_workbook_that_would_unpack_to_too_much_is_not_unpacked() -> None:
    bomb = repacked(workbook(["a"], [1]), xl__bomb=b"<a>" + b" " * (3 << 20) + b"</a>")
    assert "times its size" in refused(bomb, "a.xlsx").message
    large = refused(bomb, "a.xlsx", bounds=replace(BOUNDS, unpacked=1 << 20))
    assert "GOPS_UPLOAD_UNPACKED_BYTES" in str(large.expected)


def test_a_workbook_with_entities_or_macros_or_none_at_all_is_refused() -> None:
    entities = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><worksheet>&a;</worksheet>'
    assert "document type" in refused(repacked(workbook(["a"], [1]), xl__worksheets__sheet1=entities), "a.xlsx").message
    utf16 = '<?xml version="1.0" encoding="UTF-16"?><x/>'.encode("utf-16")
    assert refused(repacked(workbook(["a"], [1]), xl__worksheets__sheet1=utf16), "a.xlsx").code == "bad_file"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("a.txt", "a")
    assert refused(out.getvalue(), "a.xlsx").code == "wrong_type"
    assert refused(b"PK\x03\x04 and no more", "a.xlsx").code == "bad_file"
    assert refused(repacked(workbook(["a"], [1]), xl__worksheets__sheet1=b"<worksheet><a"), "a.xlsx").code == "bad_file"


def test_openpyxl_reads_sheets_with_a_parser_that_refuses_entities() -> None:
    assert openpyxl.DEFUSEDXML
    assert openpyxl.xml.functions.iterparse.__module__.startswith("defusedxml")


def test_parquet_keeps_its_types_and_only_plain_ones() -> None:
    out = io.BytesIO()
    moments = pa.array([1_000_001, None], pa.timestamp("ns", "Asia/Seoul"))
    pq.write_table(pa.table({"a": pa.array([1, 2], pa.int16()), "b": ["007", None], "t": moments}), out)
    made, table = taken(out.getvalue(), "a.parquet")
    assert types(made) == {"a": "integer", "b": "string", "t": "datetime"}
    assert table["b"].to_pylist() == ["007", None]
    out = io.BytesIO()
    pq.write_table(pa.table({"a": [[1], [2]]}), out)
    assert refused(out.getvalue(), "a.parquet").field == "column a"
    assert refused(out.getvalue()[:-8], "a.parquet").code == "bad_file"


def test_text_that_parquet_repeats_without_end_is_bounded() -> None:
    out = io.BytesIO()
    words = pa.DictionaryArray.from_arrays(pa.array([0] * 1000, pa.int32()), pa.array(["x" * 500_000]))
    pq.write_table(pa.table({"a": words}), out)
    assert isinstance(refused(out.getvalue(), "a.parquet"), TooLarge)


def test_the_first_sheet_with_something_in_it_is_taken() -> None:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in (["a"], [1]):
        book.create_sheet("second").append(row) if "second" not in book.sheetnames else book["second"].append(row)
    book.save(out)
    made, _table = taken(out.getvalue(), "a.xlsx")
    assert types(made) == {"a": "integer"}
    assert refused(workbook(), "a.xlsx").message == "the workbook is empty"
