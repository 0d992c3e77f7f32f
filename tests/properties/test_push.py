"""Pushes: columns decide as rows do, and any bytes are answered."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gops.errors import GopsError
from gops.ingest.mapping import Limits
from gops.ingest.push import jsonrows
from gops.ingest.push.cells import Reading
from gops.ingest.push.chunk import NO_QUALITY, BadRow, Chunk, Name
from gops.ingest.push.formats import READERS, Format
from gops.ingest.push.settle import settle
from gops.ingest.push.targets import Targets
from gops.ingest.refused import CODES
from gops.sensors.routes import Target
from gops.store.checks import check_batch
from tests.examples import examples

ARRIVAL = 1_772_155_200_000_000
DAY = 86_400_000_000
LIMITS = Limits(3653 * DAY, 600_000_000)
GOALS = {
    "1": Target(1, "gauge", 1.0, 0.0, -40.0, 60.0),
    "2": Target(2, "gauge", 20.5, 1.0, float("-inf"), float("inf"), age=DAY, closed=ARRIVAL - 2 * DAY, lead=0),
    "3": Target(3, "state", 1.0, 0.0, float("-inf"), float("inf")),
}


class Known:
    """``Targets`` that knows three Datastreams."""

    def find(self, names: Any) -> dict[Name, Target | BadRow]:
        unknown = BadRow("unknown_datastream", "datastream", "none")
        return {name: GOALS.get(name.first, unknown) if name.by == "datastream" else unknown for name in names}


KNOWN = cast(Targets, Known())
IDS = st.sampled_from(["1", "2", "3", " 2", "01", "4", "x", "", "99999999999999999999"])
TIMES = st.sampled_from(
    ["2026-02-27T10:20:00+09:00", "2026-02-27 01:20:00.5Z", "2026-02-27T10:20", "2026-02-27", "2026-02-30T10:20:00Z",
     "2026-02-27T24:00:00+09:00", "1772155200000", "1772155200000.5", "-1", "", " 2026-02-27T10:20:00+09:00", "soon",
     "2046-01-01T00:00:00Z", "1999-01-01T00:00:00Z", "2026-02-26T10:20:00.1234567Z", "2026-02-27T10Z",
     "2026-02-27T10:20:00+25:00", "0000-01-01T00:00:00Z", "2026-02-25T23:00+0900"]
)  # fmt: skip
VALUES = st.sampled_from(
    ["1", "-2.5", "+3", "007", "1e3", "1e999", ".5", "5.", "nan", "inf", "", " 7 ", "0x1", "1_0", "열림", "99", "1,5"]
)
QUALITIES = st.sampled_from(["", "good", "suspect", "missing", "3", "9", "Good", " estimated"])
ROWS = st.lists(st.tuples(IDS, TIMES, VALUES, QUALITIES, TIMES), max_size=8)


def told(pieces: Iterator[Any], *, columns: bool) -> tuple[list[Any], list[Any]]:
    rows: list[Any] = []
    refused: list[Any] = []
    for piece in pieces:
        if not columns and isinstance(piece, Chunk):
            piece.columns = None
        settled = settle(piece, KNOWN, ARRIVAL, LIMITS)
        check_batch(settled.table)
        assert {one.code for one in settled.refusals} <= CODES.keys() - {"internal"}
        rows += settled.table.to_pylist()
        refused += settled.refusals
    return rows, refused


def both(form: Format, body: bytes) -> tuple[list[Any], list[Any]]:
    """What a body gives, which is the same whether columns are looked at or not."""
    fast = told(READERS[form](io.BytesIO(body), Reading(), "", 1 << 24), columns=True)
    assert fast == told(READERS[form](io.BytesIO(body), Reading(), "", 1 << 24), columns=False)
    return fast


@settings(max_examples=examples(60), deadline=None)
@given(ROWS)
@example([("1", "2026-02-27T10:20:00+09:00", "nan", "", ""), ("1", "2026-02-27T10:20:00+09:00", "1", "missing", "")])
def test_columns_of_csv_decide_as_its_rows_do(rows: list[tuple[str, ...]]) -> None:
    quoted = [[f'"{cell}"' if "," in cell else cell for cell in row] for row in rows]
    body = "\n".join(["datastream,time,value,quality,resultTime", *(",".join(row) for row in quoted)])
    taken, refused = both("csv", body.encode())
    assert len(taken) + len(refused) == len(rows)


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 70), st.floats(-5, 70), st.sampled_from([2**60, 10**400, 1e300]), VALUES
)
OBJECTS = st.fixed_dictionaries(
    {
        "datastream": st.one_of(st.integers(0, 4), IDS, SCALARS),
        "time": st.one_of(TIMES, st.integers(0, 2**62), SCALARS),
    },
    optional={"value": SCALARS, "quality": st.one_of(QUALITIES, SCALARS), "resultTime": st.one_of(TIMES, SCALARS)},
)


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(st.one_of(OBJECTS, OBJECTS, SCALARS), max_size=8))
def test_columns_of_objects_decide_as_each_object_does(items: list[Any]) -> None:
    lines = both("ndjson", "\n".join(json.dumps(item) for item in items).encode())
    array = both("json", json.dumps({"observations": items}).encode())
    assert len(lines[0]) + len(lines[1]) == len(items)
    assert lines[0] == array[0]
    assert [(one.code, one.field) for one in lines[1]] == [(one.code, one.field) for one in array[1]]


@settings(max_examples=examples(60), deadline=None)
@given(ROWS, st.sampled_from([pa.timestamp("ns", "UTC"), pa.timestamp("s"), pa.int64()]))
def test_columns_of_parquet_decide_as_its_rows_do(rows: list[tuple[str, ...]], kind: pa.DataType) -> None:
    ids = [None if one[0] == "" else one[0] for one in rows]
    odd = {"": None, "nan": float("nan"), "inf": float("inf"), "99": 1e308}  # the last is too large once it is scaled
    values = [odd.get(one[2], float(len(one[2]) * 20)) for one in rows]
    times = pa.array([None if i == 3 else 1_772_155_100 + i for i in range(len(rows))], pa.int64())
    scale = {"ns": 10**9, "s": 1}[kind.unit] if pa.types.is_timestamp(kind) else 1000
    scaled = pa.array([None if t is None else t * scale for t in times.to_pylist()], pa.int64()).cast(kind)
    numbers, words = pa.array(values, pa.float64()), pa.array([one[3] for one in rows], pa.string())
    table = pa.table({"datastream": pa.array(ids, pa.string()), "time": scaled, "value": numbers, "quality": words})
    out = io.BytesIO()
    pq.write_table(table, out)
    taken, refused = both("parquet", out.getvalue())
    assert len(taken) + len(refused) == len(rows)


CSV = b"datastream,time,value\n1,2026-02-27T10:20:00+09:00,5\n"
SEEDS = [
    CSV,
    b'[{"bn":"1","v":1},{"t":-5,"v":2}]',
    b"a,datastream=1 v=1 1772155200000000000\n",
    b'{"observations":[{}]}',
    b"PAR1",
]


MIXED = st.tuples(st.sampled_from(SEEDS), st.integers(0, 60), st.binary(max_size=9))


def test_a_number_that_is_too_large_once_it_is_scaled_is_refused() -> None:
    out = io.BytesIO()
    times = pa.array([ARRIVAL] * 3, pa.timestamp("us", "UTC"))
    pq.write_table(pa.table({"datastream": [2, 2, 2], "time": times, "value": [1e308, float("nan"), None]}), out)
    taken, refused = both("parquet", out.getvalue())
    assert [one["value"] for one in taken] == [None]
    assert [(one.code, one.place) for one in refused] == [("not_a_number", "row 1"), ("not_a_number", "row 2")]


@pytest.mark.parametrize("form", sorted(READERS))
@settings(max_examples=examples(40), deadline=None)
@given(st.one_of(st.binary(max_size=60), MIXED.map(lambda one: one[0][: one[1]] + one[2] + one[0][one[1] :])))
def test_any_bytes_are_readings_refusals_or_an_error_of_the_tree(form: Format, body: bytes) -> None:
    """Never anything else, and columns and rows agree on it."""
    codes = set()
    try:
        both(form, body)
    except GopsError as error:
        codes.add(error.code)
    assert codes <= {"bad_header", "bad_json", "bad_parquet", "empty", "line_too_long", "too_large"}


def test_a_row_is_as_good_in_any_block() -> None:
    """Readings of a long file come out whole and in order, whatever lies at the edges of blocks."""
    row = '1,2026-02-27T10:20:00.%06d+09:00,"%d",\n'
    body = "datastream,time,value,quality\n" + "".join(row % (index, index % 50) for index in range(120_000))
    taken, refused = told(READERS["csv"](io.BytesIO(body.encode()), Reading(), "", 1 << 30), columns=True)
    assert refused == []
    assert [one["value"] for one in taken] == [index % 50 for index in range(120_000)]


CELLS = st.sampled_from(
    ["1", "7", "01", "-1", "1.5", "1e3", ".5", "1.", "+1", "null", "true", "NaN", '"n/a"', "9007199254740993", "1e999",
     "1.e5", "1e", "-", "-.5", "00", "-01", "1 ", "inf", "", "1,2"]
)  # fmt: skip
TIMES = st.sampled_from(
    ["2026-02-27T10:00:00+09:00", "2026-02-27", "yesterday", "", '"', "{", "\\u0031", "2026-02-27T01:00:00Z"]
)
IDS = st.sampled_from(["1", "2", "01", "1.0", "null", '"1"', "99999999999999999999"])
ALIKE = st.tuples(IDS, TIMES, CELLS, st.sampled_from(["good", "odd", "suspect", ""]))
ODD = st.sampled_from(["", "id", "time", "more"])


@settings(max_examples=examples(100), deadline=None)
@given(st.lists(ALIKE, min_size=1, max_size=12), ODD, st.booleans(), st.sampled_from([0, 40]))
def test_lines_written_alike_say_in_columns_what_each_says(rows: list[Any], odd: str, ends: bool, more: int) -> None:
    """Whatever stands in their cells, and where some lines are written otherwise, among few or many."""
    rows = [("1", "2026-02-27T01:00:00Z", "1", "good")] * more + rows
    written = [
        f'{{"datastream":{who},"time":"{t}","value":{value},"quality":"{quality}"}}'.encode()
        for who, t, value, quality in rows
    ]
    if odd:
        line = f'{{"datastream":1,"{odd}":1,"time":"2026-02-27T10:00:00Z","value":1}}'.encode()
        written.insert(len(written) // 2, line)
    data = b"\n".join(written) + (b"\n" if ends else b"")
    found = [
        (chunk, place)
        for chunk in jsonrows.of_lines(io.BytesIO(data), Reading())
        for place in range(len(chunk.numbers))
    ]
    slow = jsonrows._chunk(written, np.arange(len(written)), "line {}", Reading(), "")
    assert [chunk.place_of(place) for chunk, place in found] == [f"line {place + 1}" for place in range(len(written))]
    for row, (chunk, place) in enumerate(found):
        assert said(chunk, place) == said(slow, row)
        columns = chunk.columns
        if columns is not None and columns.plain[place]:
            value, quality = columns.value[place], columns.quality[place]
            t = int(columns.t[place])
            name = columns.names[columns.who[place]]
            shown = None if np.isnan(value) else value, None if quality == NO_QUALITY else quality
            meant = slow.row(row)
            assert (name, t, *shown) == (meant.name, meant.t, meant.value, meant.quality)


def said(chunk: Chunk, place: int) -> Any:
    try:
        return chunk.row(place)
    except BadRow as trouble:
        return trouble.code, trouble.column, trouble.note
