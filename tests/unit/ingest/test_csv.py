"""CSV files: their mapping, their rows, and what is wrong with them, by line."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gops.clock import to_micros
from gops.errors import Invalid, Malformed
from gops.ingest.csv_mapping import parse
from gops.ingest.csv_rows import MOST_PROBLEMS, CsvFile, Found, Row

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "seoul-bike.toml"
ISO = '[time]\ncolumn = "time"\nformat = "iso"\n[numbers]\n"pm10" = "pm10"\n'
TIME = '[time]\ncolumn = "Date"\nformat = "%d/%m/%Y"\nhour = "Hour"\nzone = "Asia/Seoul"\n'
NUMBERS = '[numbers]\n"Temp" = "temperature"\n'


def read(tmp_path: Path, mapping: str, text: str, encoding: str = "utf-8") -> tuple[list[Row], Found]:
    path = tmp_path / "file.csv"
    path.write_bytes(text.encode(encoding))
    found = Found()
    return list(CsvFile(path, parse(mapping)).rows(found)), found


def utc(*parts: int) -> int:
    return to_micros(datetime(*parts, tzinfo=UTC))  # type: ignore[misc]


def test_the_example_in_the_docs_reads_the_citys_header(tmp_path: Path) -> None:
    text = (
        "Date,Rented Bike Count,Hour,Temperature,Humidity(%),Wind speed (m/s),Visibility (10m),Dew point temperature,"
        "Solar Radiation (MJ/m2),Rainfall(mm),Snowfall (cm),Seasons,Holiday,Functioning Day\n"
        "01/12/2017,254,0,-5.2,37,2.2,2000,-17.6,0,0,0,Winter,No Holiday,Yes\n"
    )
    rows, found = read(tmp_path, EXAMPLE.read_text(), text)
    assert rows[0].t == utc(2017, 11, 30, 15)
    assert rows[0].values == {
        "rented_bikes": 254.0,
        "temperature": -5.2,
        "humidity": 37.0,
        "wind_speed": 2.2,
        "visibility": 2000.0,
        "dew_point": -17.6,
        "solar_radiation": 0.0,
        "rainfall": 0.0,
        "snowfall": 0.0,
    }
    assert (found.rows, found.readings, found.first, found.last) == (1, 9, rows[0].t, rows[0].t)


@pytest.mark.parametrize(
    ("time", "cell", "micros"),
    [
        ('format = "iso"', "2024-02-29T24:00:00+09:00", utc(2024, 2, 29, 15)),
        ('format = "iso"\nzone = "Asia/Seoul"', "2024-02-29 14:00", utc(2024, 2, 29, 5)),
        ('format = "ms"', "1783228800000", utc(2026, 7, 5, 5, 20)),
        ('format = "s"', "1783228800.5", utc(2026, 7, 5, 5, 20) + 500_000),
        ('format = "%Y-%m-%d %H:%M"\nzone = "Asia/Seoul"', "2026-07-05 14:20", utc(2026, 7, 5, 5, 20)),
        ('format = "%Y%m%d%H%M"\nzone = "Asia/Seoul"', "202607051420", utc(2026, 7, 5, 5, 20)),
        ('format = "%d %b %Y %H:%M %z"', "05 Jul 2026 05:20 +0000", utc(2026, 7, 5, 5, 20)),
    ],
)
def test_a_time_is_read_as_the_mapping_says(tmp_path: Path, time: str, cell: str, micros: int) -> None:
    mapping = f'[time]\ncolumn = "time"\n{time}\n[numbers]\n"pm10" = "pm10"\n'
    rows, found = read(tmp_path, mapping, f"time,pm10\n{cell},1\n")
    assert found.problems == []
    assert [row.t for row in rows] == [micros]


@pytest.mark.parametrize(
    ("day", "hour", "micros"),
    [
        ("29/02/2024", "0", utc(2024, 2, 28, 15)),
        ("29/02/2024", "24", utc(2024, 2, 29, 15)),
        ("31/12/2017", "09", utc(2017, 12, 31)),
    ],
)
def test_an_hour_column_is_added_to_its_day(tmp_path: Path, day: str, hour: str, micros: int) -> None:
    rows, _found = read(tmp_path, TIME + NUMBERS, f"Date,Hour,Temp\n{day},{hour},1\n")
    assert [row.t for row in rows] == [micros]


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("30/02/2024,0,1", "Date"),
        ("2024-02-01,0,1", "Date"),
        (",0,1", "Date"),
        ("01/02/2024,25,1", "Date"),
        ("01/02/2024,-1,1", "Date"),
        ("01/02/2024,1.5,1", "Date"),
        ("31/12/9999,24,1", "Date"),
        ("01/02/2024,0,eleven", "Temp"),
        ("01/02/2024,0,1.2.3", "Temp"),
        ("01/02/2024,0,NaN", "Temp"),
        ("01/02/2024,0,1e999", "Temp"),
        ('01/02/2024,0,"1,5"', "Temp"),
        ("01/02/2024,0,１", "Temp"),
        ("01/02/2024,0", ""),
        ("01/02/2024,0,1,2", ""),
    ],
)
def test_a_bad_cell_is_reported_with_its_line_and_its_neighbours_are_read(
    tmp_path: Path, line: str, column: str
) -> None:
    text = f"Date,Hour,Temp\n01/01/2024,0,1\n{line}\n03/02/2024,0,3\n"
    rows, found = read(tmp_path, TIME + NUMBERS, text)
    assert [(one.line, one.column) for one in found.problems] == [(3, column)]
    assert [row.values["temperature"] for row in rows if row.values] == [1.0, 3.0]
    assert str(found.problems[0]).startswith("line 3, column ")


def test_a_line_number_counts_lines_of_the_file_not_rows(tmp_path: Path) -> None:
    text = 'time,note,pm10\n2024-01-01T00:00Z,"two\nlines",1\n\n2024-01-01T01:00Z,x,bad\n'
    _rows, found = read(tmp_path, ISO + '[columns]\nignore = ["note"]\n', text)
    assert [one.line for one in found.problems] == [5]


def test_decimal_commas_and_thousands(tmp_path: Path) -> None:
    mapping = '[file]\ndelimiter = ";"\ndecimal = ","\nthousands = "."\n' + ISO
    rows, found = read(tmp_path, mapping, "time;pm10\n2024-01-01T00:00Z;1.234,5\n2024-01-01T01:00Z; -7 \n")
    assert [row.values["pm10"] for row in rows] == [1234.5, -7.0]
    assert found.problem_count == 0


def test_a_point_where_the_decimal_sign_is_a_comma_is_no_number(tmp_path: Path) -> None:
    _rows, found = read(tmp_path, '[file]\ndecimal = ","\n' + ISO, "time,pm10\n2024-01-01T00:00Z,1.5\n")
    assert found.problem_count == 1


def test_missing_cells_are_left_out_or_sent_as_null(tmp_path: Path) -> None:
    text = "time,pm10\n2024-01-01T00:00Z,-\n2024-01-01T01:00Z,0\n"
    missing = '[file]\nmissing = ["", "-"]\n'
    assert [row.values for row in read(tmp_path, missing + ISO, text)[0]] == [{}, {"pm10": 0.0}]
    sent = read(tmp_path, missing + "send_missing = true\n" + ISO, text)[0]
    assert [row.values for row in sent] == [{"pm10": None}, {"pm10": 0.0}]


def test_texts_are_states(tmp_path: Path) -> None:
    rows, _found = read(tmp_path, ISO + '[texts]\nSeason = "season"\n', "time,pm10,Season\n2024-01-01T00:00Z,1,겨울\n")
    assert rows[0].values == {"pm10": 1.0, "season": "겨울"}


def test_a_byte_order_mark_is_no_part_of_the_header(tmp_path: Path) -> None:
    assert len(read(tmp_path, ISO, "time,pm10\n2024-01-01T00:00Z,1\n", "utf-8-sig")[0]) == 1


def test_the_fallback_encoding_is_used_and_said(tmp_path: Path) -> None:
    path = tmp_path / "korean.csv"
    path.write_bytes("time,pm10,상태\n2024-01-01T00:00Z,1,점검\n".encode("cp949"))
    file = CsvFile(path, parse('[file]\nfallback = "cp949"\n' + ISO + '[texts]\n"상태" = "state"\n'))
    assert file.note == "byte 10 of korean.csv is not utf-8; the file was read as cp949"
    assert [row.values for row in file.rows(Found())] == [{"pm10": 1.0, "state": "점검"}]


def test_a_bad_byte_beyond_the_first_chunk_is_named_by_its_place(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes("가".encode() * 500_000 + b"\xff")
    with pytest.raises(Malformed, match=r"byte 1500000 of file\.csv is not utf-8"):
        CsvFile(path, parse(ISO))


def test_a_file_in_neither_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(b"\xff\xff\xff\n")
    with pytest.raises(Malformed) as caught:
        CsvFile(path, parse('[file]\nfallback = "cp949"\n' + ISO))
    assert caught.value.expected == "text in utf-8 or cp949"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"nothing\.csv cannot be read: No such file"):
        CsvFile(tmp_path / "nothing.csv", parse(ISO))


@pytest.mark.parametrize(
    ("text", "field", "words"),
    [
        ("time,pm1O\n", "pm10", "not in the file; its header has: time, pm1O"),
        ("", "time", "its header has: nothing"),
        ("time,pm10,pm10\n", "pm10", "more than once"),
        ("time,pm10,pm25\n", "pm25", "that the mapping does not name"),
    ],
)
def test_a_header_that_does_not_fit_is_refused_by_column(tmp_path: Path, text: str, field: str, words: str) -> None:
    with pytest.raises(Invalid, match=words) as caught:
        read(tmp_path, ISO, text)
    assert (caught.value.code, caught.value.field) == ("bad_header", field)
    assert caught.value.expected is not None


def test_all_other_columns_may_be_ignored(tmp_path: Path) -> None:
    rows, _found = read(tmp_path, ISO + '[columns]\nignore = ["*"]\n', "time,a,pm10,b\n2024-01-01T00:00Z,x,1,y\n")
    assert rows[0].values == {"pm10": 1.0}


def test_what_is_no_csv_is_refused_by_line(tmp_path: Path) -> None:
    with pytest.raises(Malformed, match=r"line 2 of file\.csv is no CSV"):
        read(tmp_path, ISO, "time,pm10\n2024-01-01T00:00Z," + "1" * 200_000 + "\n")


def test_problems_beyond_the_first_are_counted(tmp_path: Path) -> None:
    _rows, found = read(tmp_path, ISO, "time,pm10\n" + "never,1\n" * 500)
    assert (found.problem_count, len(found.problems)) == (500, MOST_PROBLEMS)


@pytest.mark.parametrize(
    ("mapping", "field"),
    [
        ("", "time.column"),
        ('[time]\ncolumn = "a"\n', "time.format"),
        ('[time]\ncolumn = "a"\nformat = "%H:%Q"\nzone = "Asia/Seoul"\n', "time.format"),
        ('[time]\ncolumn = "a"\nformat = "isoo"\n', "time.format"),
        ('[time]\ncolumn = "a"\nformat = "%Y"\n', "time.zone"),
        ('[time]\ncolumn = "a"\nformat = "%Y"\nzone = "Seoul"\n', "time.zone"),
        ('[time]\ncolumn = "a"\nformat = "%Y"\nzone = "../x"\n', "time.zone"),
        ('[time]\ncolumn = "a"\nformat = "iso"\nhour = "b"\n', "time.hour"),
        ('[time]\ncolumn = 5\nformat = "iso"\n', "time.column"),
        ('[time]\ncolumn = "a"\nformat = "iso"\n', "numbers"),
        (ISO + '[texts]\n"pm10" = "x"\n', "pm10"),
        (ISO + '"pm25" = "pm10"\n', "pm10"),
        (ISO + '"pm25" = 5\n', "numbers.pm25"),
        (ISO + "[filee]\n", "filee"),
        ('[file]\nencodings = "utf-8"\n' + ISO, "file.encodings"),
        ('[file]\nencoding = "utf-99"\n' + ISO, "file.encoding"),
        ('[file]\nencoding = "base64"\n' + ISO, "file.encoding"),
        ('[file]\nmissing = "-"\n' + ISO, "file.missing"),
        ('[file]\ndelimiter = ""\n' + ISO, "file.delimiter"),
        ('[file]\ndecimal = ","\nthousands = ","\n' + ISO, "file.thousands"),
        ("[file]\nsend_missing = 1\n" + ISO, "file.send_missing"),
        ("time = 5\n", "time"),
    ],
)
def test_a_wrong_mapping_is_refused_by_key(mapping: str, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse(mapping)
    assert (caught.value.code, caught.value.field) == ("bad_mapping", field)
    assert caught.value.expected


def test_an_unknown_key_is_told_the_nearest() -> None:
    with pytest.raises(Invalid) as caught:
        parse('[file]\nencodings = "utf-8"\n' + ISO)
    assert caught.value.expected == "file.encoding, for example"


def test_what_is_no_toml_is_refused_with_its_place() -> None:
    with pytest.raises(Malformed, match=r"the mapping is no TOML at line 2, column \d+"):
        parse("[time]\ncolumn = nothing\n")
