"""The long shape: newest readings as objects, and Datastreams as a table of data, written as CSV and Parquet."""

from __future__ import annotations

import csv
import io
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from gops.catalog.long_shape import LongShape, Member
from gops.catalog.querying.forms import FORMS, Written, pieces
from gops.catalog.querying.live import Asked, LiveTable
from gops.catalog.querying.port import Ask, schema_of
from gops.catalog.querying.predicate import All, Compare, Either, Predicate
from gops.quality import WORDS
from gops.store.memory import MemoryStore
from gops.store.port import READINGS
from tests.examples import examples

SEOUL = ZoneInfo("Asia/Seoul")
AIR = Member(7, 1, "서울, 종로구", "pm10", "ug/m3", "gauge", "end", 3_600_000_000)
WIND = Member(9, 2, 'a "quoted" one', "wind_speed", "m/s", "gauge", "instant", None)
DOOR = Member(12, 2, "line\nbreak", "parking_occupied", "1", "state", "instant", None)
MEMBERS = (AIR, WIND, DOOR)
COLUMNS = ["time", "thing", "property", "value", "text", "unit", "quality"]
Row = tuple[int, int, Any, int]


def table(*rows: Row) -> pa.Table:
    """(Datastream, t, value, quality)."""
    return pa.Table.from_pylist(
        [
            {
                "datastream": one,
                "t": t,
                "value": float(value) if isinstance(value, int | float) else None,
                "text": value if isinstance(value, str) else None,
                "quality": quality,
            }
            for one, t, value, quality in rows
        ],
        schema=READINGS,
    )


def live(*rows: Row) -> LiveTable:
    store = MemoryStore()
    store.write(table(*rows), "replace")
    return LiveTable(store, MEMBERS, Asked(SEOUL), lambda _read, _enough: len(rows), {1: (127.0, 37.5)})


def written(form: str, *rows: Row) -> bytes:
    made, ask = live(*rows), Ask(COLUMNS)
    return b"".join(pieces(FORMS[form], schema_of(made, ask), made.scan(ask), Written({"licence": "kogl-1"})))


def parsed(*rows: Row) -> list[list[str]]:
    return list(csv.reader(io.StringIO(written("csv", *rows).decode(), newline=""), strict=True))[1:]


def values(where: Predicate, *rows: Row) -> list[Any]:
    made = live(*rows)
    return [one for batch in made.scan(Ask(["value"], where)) for one in batch["value"].to_pylist()]


def test_a_row_of_csv() -> None:
    header, line = written("csv", (7, 0, 21.5, 0)).decode().splitlines()
    assert header == "time,thing,property,value,unit,quality"
    assert line == '1970-01-01T09:00:00+09:00,"서울, 종로구",pm10,21.5,ug/m3,good'


def test_a_missing_number_is_an_empty_cell_with_its_quality() -> None:
    assert parsed((9, 0, None, 4))[0][3:] == ["", "m/s", "communication_failure"]


def test_a_state_is_its_text() -> None:
    rows = parsed((12, 0, 'oc"cu,pied', 0), (12, 1, "", 0), (12, 2, "free", 0))
    assert [row[3] for row in rows] == ['oc"cu,pied', "", "free"]
    assert {row[1] for row in rows} == {"line\nbreak"}


def test_parquet_has_states_in_a_column_of_their_own() -> None:
    found = pq.read_table(io.BytesIO(written("parquet", (7, 0, 1, 0), (12, 0, "free", 2))))
    assert found.column_names == COLUMNS
    assert (found["value"].to_pylist(), found["text"].to_pylist()) == ([1.0, None], [None, "free"])
    assert found["quality"].to_pylist() == ["good", "suspect"]
    assert found.schema.metadata[b"licence"] == b"kogl-1"
    assert pq.read_table(io.BytesIO(written("parquet"))).num_rows == 0


def test_objects_have_the_same_cells_and_the_datastream() -> None:
    (row,) = LongShape(MEMBERS, SEOUL).rows(table((9, 1_500_000, 3, 2)))
    assert row == {
        "time": "1970-01-01T09:00:01.500000+09:00",
        "thing": 'a "quoted" one',
        "property": "wind_speed",
        "value": 3.0,
        "unit": "m/s",
        "quality": "suspect",
        "datastream": 9,
    }
    assert LongShape(MEMBERS, SEOUL).rows(READINGS.empty_table()) == []


_NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.0, 1.0, 21.5, -0.1, 1e300])
_ROWS = st.dictionaries(
    st.tuples(st.sampled_from([7, 9]), st.integers(0, 4_000_000_000_000_000)),
    st.tuples(_NUMBERS | st.none(), st.integers(0, 5)),
    max_size=40,
)


@settings(deadline=None, max_examples=examples(50))
@given(_ROWS)
def test_csv_gives_back_every_number_exactly(rows: dict[tuple[int, int], tuple[float | None, int]]) -> None:
    found = parsed(*((one, t, value, quality) for (one, t), (value, quality) in rows.items()))
    names = {member.id: member for member in MEMBERS}
    assert len(found) == len(rows)
    for cells, ((one, _t), (value, quality)) in zip(found, sorted(rows.items()), strict=True):
        assert cells[1:3] == [names[one].thing, names[one].observed]
        assert (float(cells[3]) if cells[3] else None) == value
        assert cells[4:] == [names[one].unit, WORDS[quality]]


def test_conditions_on_what_a_datastream_is_choose_datastreams() -> None:
    pm10, high = Compare("property", "=", pa.scalar("pm10")), Compare("value", ">", pa.scalar(2.0))
    rows: list[Row] = [(7, 0, 1, 0), (7, 1, 3, 0), (9, 0, 5, 0)]
    assert [one.id for one in live(*rows).chosen(pm10)[0]] == [7]
    assert live(*rows).chosen(All((pm10, high)))[1] == high
    assert values(All((pm10, high)), *rows) == [3.0]
    assert values(Either((pm10, high)), *rows) == [1.0, 3.0, 5.0]
    assert values(Compare("longitude", ">", pa.scalar(126.0)), *rows) == [1.0, 3.0]
    assert values(Compare("property", "=", pa.scalar("noise")), *rows) == []
