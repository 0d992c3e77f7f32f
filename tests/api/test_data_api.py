"""One way to ask for data: columns, filter, windows, shapes, order, formats, and what costs too much."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gops.api.context import EXTENSION
from gops.catalog.querying import cql
from gops.catalog.querying.port import Column
from gops.errors import Invalid
from gops.store.passing import PassingStore
from gops.store.port import Read
from tests.api.conftest import World, problem
from tests.api.test_datasets import private, published
from tests.api.test_snapshots import frozen

DATA = "/datasets/air/data"
WIDE = f"{DATA}?shape=wide"


@pytest.fixture
def streams(world: World) -> dict[str, Any]:
    """Two Things, each with temperature and humidity; a parking state at the second."""
    first, second = private(world), private(world, "=air, 2")
    make = world.services.datastreams.create
    damp = [make(world.publisher, one.thing_id, "S", "humidity") for one in (first, second)]
    state = make(world.publisher, second.thing_id, "S", "parking_occupied")
    world.services.things.move(world.publisher, second.thing_id, 127.0, 37.25)
    world.write(first, [21.5, None, 22])
    world.write(second, [3, 4])
    world.write(damp[0], [50, 51])
    world.write(damp[1], [60])
    world.write(state, ["free", "=1+1"])
    published(world, first, second, *damp, state)
    return {"first": first, "second": second, "damp": damp, "state": state}


def rows(world: World, query: str) -> list[dict[str, Any]]:
    answer = world.get(f"{DATA}?{query}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json["rows"]
    return found


def values(world: World, condition: str, more: str = "") -> list[Any]:
    return [row["value"] for row in rows(world, f"filter={quote(condition)}{more}")]


def cells(body: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body.decode(), newline=""), strict=True))


# columns and order


def test_columns_come_as_asked(world: World, streams: dict[str, Any]) -> None:
    found = rows(world, "columns=value,thing_id,time&property=humidity&limit=1")
    assert found == [{"value": 50.0, "thing_id": streams["first"].thing_id, "time": "2026-05-01T09:00:00+09:00"}]
    assert cells(world.get(f"{DATA}?columns=unit,value&property=humidity&format=csv").data) == [
        ["unit", "value"], ["%", "50"], ["%", "51"], ["%", "60"],
    ]  # fmt: skip
    text = rows(world, "columns=value,text&property=parking_occupied&limit=1")
    assert text == [{"value": None, "text": "free"}]


def test_the_whole_order_is_turned_round_also_over_pages(world: World, streams: dict[str, Any]) -> None:
    whole, paged, path = rows(world, ""), [], f"{DATA}?order=desc&limit=4"
    while path:
        body = world.get(path.removeprefix("/api/v1")).json
        paged, path = paged + body["rows"], body["next"]
    assert paged == whole[::-1]


# filter


FILTERS: list[tuple[str, list[Any]]] = [
    ("value > 21 AND property = 'temperature'", [21.5, 22.0]),
    ("value BETWEEN 4 AND 21.5", [21.5, 4.0]),
    ("value NOT BETWEEN 4 AND 55", [3.0, 60.0]),
    ("property IN ('humidity', 'nothing')", [50.0, 51.0, 60.0]),
    ("value IS NULL AND quality <> 'good'", [None]),
    ("50 <= value", [50.0, 51.0, 60.0]),
    ("text LIKE 'f%'", ["free"]),
    ("text = 'free' OR value = 3", [3.0, "free"]),
    ("NOT (quality = 'good')", [None]),
    ("time >= TIMESTAMP('2026-05-01T00:02:00Z')", [22.0]),
    ("time = '2026-05-01T09:02'", [22.0]),
    ("thing = 'air-1' AND property LIKE 'hum%'", [50.0, 51.0]),
    ("longitude > 126.5 AND property = 'temperature'", [3.0, 4.0]),
    ("thing = 'nobody'", []),
]


def test_a_filter_keeps_what_meets_it(world: World, streams: dict[str, Any]) -> None:
    assert [(condition, values(world, condition)) for condition, _found in FILTERS] == FILTERS


def test_a_filter_that_is_hard_to_read_is_refused_soon() -> None:
    """The parser of CQL2 takes twice as long for each parenthesis before something that it cannot read."""
    columns = [Column("value", pa.float64())]
    for text in ("(" * 8 + "value=1 AND " * 75 + "value", "NOT (" * 4 + "value=1 OR " * 75, "(" * 900):
        begun = time.thread_time()
        with pytest.raises(Invalid):
            cql.parse(text, columns, ZoneInfo("UTC"))
        assert time.thread_time() - begun < 1


def test_a_filter_goes_over_pages(world: World, streams: dict[str, Any]) -> None:
    found, path = [], f"{DATA}?filter={quote('value > 20')}&limit=2"
    while path:
        body = world.get(path.removeprefix("/api/v1")).json
        found, path = found + [row["value"] for row in body["rows"]], body["next"]
    assert found == values(world, "value > 20") == [21.5, 22.0, 50.0, 51.0, 60.0]


WRONG: list[tuple[str, str, str]] = [
    ("filter=colour = 'red'", "unknown_column", "filter"),
    ("filter=value >", "bad_filter", "filter"),
    ("filter=value", "bad_filter", "filter"),
    ("filter=true", "bad_filter", "filter"),
    ("filter=value + 1 > 2", "bad_filter", "filter"),
    ("filter=value > 'a'", "bad_filter", "filter"),
    ("filter=value > 1e400", "bad_filter", "filter"),
    ("filter=thing > 3", "bad_filter", "filter"),
    ("filter=value LIKE 'a'", "bad_filter", "filter"),
    ("filter=value = longitude", "bad_filter", "filter"),
    ("filter=casei(thing) = 'a'", "bad_filter", "filter"),
    ("filter=S_INTERSECTS(thing, POINT(1 2))", "bad_filter", "filter"),
    ("filter=time > DATE('2026-13-01')", "bad_filter", "filter"),
    ("filter=" + "(" * 9 + "value > 1", "filter_too_large", "filter"),
    ("filter=" + "NOT " * 9 + "value > 1", "filter_too_large", "filter"),
    ("filter=value IN (" + ",".join(["1"] * 101) + ")", "filter_too_large", "filter"),
    ("filter=" + "a" * 1001, "invalid_value", "filter"),
    ("columns=colour", "unknown_column", "columns"),
    ("columns=,", "invalid_value", "columns"),
    ("shape=round", "invalid_value", "shape"),
    ("aggregate=mean", "required", "every"),
    ("every=1h", "mixed_kinds", "datastream"),
    ("every=1h&aggregate=sum&property=humidity", "aggregate_of_kind", "aggregate"),
    ("bom=true&format=json", "invalid_value", "bom"),
    ("escape=true", "invalid_value", "escape"),
    ("shape=wide&across=datastream&format=geojson", "invalid_value", "across"),
    ("encoding=latin1&format=csv", "invalid_value", "encoding"),
]


def test_what_is_wrong_is_named(world: World, streams: dict[str, Any]) -> None:
    for query, code, field in WRONG:
        name, _, text = query.partition("=")
        asked = f"{name}={quote(text)}" if name == "filter" else query
        status = 413 if code == "filter_too_large" else 422
        problem(world.get(f"{DATA}?{asked}"), status, code, field=field)


def test_a_foreign_filter_is_told_what_works(world: World, streams: dict[str, Any]) -> None:
    answer = world.get(f"{DATA}?filter={quote('colour = 1')}")
    problem(answer, 422, "unknown_column", found="colour", expected="time, thing, property, value")
    problem(world.get(f"{DATA}?filter={quote('value > 1 +')}"), 422, "bad_filter", expected="BETWEEN")


# shapes and windows


def test_the_wide_shape_has_a_column_a_property(world: World, streams: dict[str, Any]) -> None:
    body = world.get(WIDE).json
    assert body["units"] == {"temperature": "Cel", "humidity": "%", "parking_occupied": "1"}
    found = [list(row.values()) for row in body["rows"]]
    nine = "2026-05-01T09:0{}:00+09:00".format
    assert list(body["rows"][0]) == ["time", "thing", "temperature", "humidity", "parking_occupied"]
    assert found == [
        [nine(0), "air-1", 21.5, 50.0, None],
        [nine(0), "=air, 2", 3.0, 60.0, "free"],
        [nine(1), "air-1", None, 51.0, None],
        [nine(1), "=air, 2", 4.0, None, "=1+1"],
        [nine(2), "air-1", 22.0, None, None],
    ]


def test_the_wide_shape_has_a_column_a_datastream(world: World, streams: dict[str, Any]) -> None:
    found = rows(world, "shape=wide&across=datastream&property=temperature")
    assert [list(row.values())[1:] for row in found] == [[21.5, 3.0], [None, 4.0], [22.0, None]]
    assert list(found[0]) == ["time", "air-1 temperature", "=air, 2 temperature"]


def test_the_wide_shape_is_filtered_ordered_and_paged(world: World, streams: dict[str, Any]) -> None:
    assert [row["humidity"] for row in rows(world, f"shape=wide&filter={quote('humidity > 50')}")] == [60.0, 51.0]
    whole, paged, path = rows(world, "shape=wide&order=desc"), [], f"{WIDE}&order=desc&limit=2"
    while path:
        body = world.get(path.removeprefix("/api/v1")).json
        paged, path = paged + body["rows"], body["next"]
    assert paged == whole == rows(world, "shape=wide")[::-1]


def test_a_thing_that_measures_twice_needs_a_column_a_datastream(world: World, streams: dict[str, Any]) -> None:
    again = world.services.datastreams.create(world.publisher, streams["first"].thing_id, "S2", "temperature")
    published(world, streams["first"], again, slug="twice")
    problem(world.get("/datasets/twice/data?shape=wide"), 422, "ambiguous_columns", expected="across=datastream")
    body = world.get("/datasets/twice/data?shape=wide&across=datastream").json
    assert [name for name in body["rows"][0] if name.endswith(f"({again.id})")]


def test_windows_of_a_dataset_in_both_shapes(world: World, streams: dict[str, Any]) -> None:
    asked = "every=1h&aggregate=mean,max&property=temperature"
    (first, second) = rows(world, asked)
    assert (first["thing"], first["mean"], first["max"], first["count"], first["good"]) == ("air-1", 21.75, 22.0, 3, 2)
    assert (first["start"], first["end"]) == ("2026-05-01T09:00:00+09:00", "2026-05-01T10:00:00+09:00")
    assert second["mean"] == 3.5
    wide = rows(world, asked + "&shape=wide")
    assert [(row["thing"], row["temperature mean"], row["temperature max"]) for row in wide] == [
        ("air-1", 21.75, 22.0),
        ("=air, 2", 3.5, 4.0),
    ]
    assert [row["thing"] for row in rows(world, f"{asked}&filter={quote('mean < 10')}")] == ["=air, 2"]
    assert rows(world, "every=1h&property=temperature&from=2020-01-01&to=2020-01-02") == []
    state = rows(world, "every=1h&property=parking_occupied&aggregate=last")
    assert [row["last"] for row in state] == ["=1+1"]


def test_windows_say_the_same_as_those_of_the_datastream(world: World, streams: dict[str, Any]) -> None:
    world.services.datastreams.publish(world.publisher, streams["first"].id, True)
    (theirs,) = world.get(f"/datastreams/{streams['first'].id}/observations?every=30m").json["windows"]
    (ours,) = rows(world, f"every=30m&property=temperature&thing={streams['first'].thing_id}")
    assert {name: ours[name] for name in theirs} == theirs


# formats


def test_ndjson_is_whole_and_a_line_a_row(world: World, streams: dict[str, Any]) -> None:
    answer = world.get(f"{DATA}?format=ndjson")
    assert answer.mimetype == "application/x-ndjson"
    assert [json.loads(line) for line in answer.text.splitlines()] == rows(world, "")


def test_geojson_has_the_places_of_things(world: World, streams: dict[str, Any]) -> None:
    assert world.get(DATA, headers={"Accept": "application/geo+json"}).mimetype == "application/geo+json"
    answer = world.get(f"{DATA}?property=temperature&format=geojson")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="air.geojson"'
    features = json.loads(answer.data)["features"]
    assert [one["properties"]["value"] for one in features] == [21.5, None, 22.0, 3.0, 4.0]
    assert [one["geometry"] for one in features][2:4] == [None, {"type": "Point", "coordinates": [127.0, 37.25]}]
    before = answer.headers["ETag"]
    assert world.get(f"{DATA}?property=temperature&format=geojson").headers["ETag"] == before
    world.clock.move(minutes=1)
    world.services.things.move(world.publisher, streams["second"].thing_id, 127.1, 37.3)
    assert world.get(f"{DATA}?property=temperature&format=geojson").headers["ETag"] != before


def test_xlsx_holds_text_and_numbers(world: World, streams: dict[str, Any]) -> None:
    book = openpyxl.load_workbook(io.BytesIO(world.get(f"{DATA}?format=xlsx&columns=thing,value").data))
    found = [tuple(cell.value for cell in row) for row in book["data"].iter_rows()]
    assert found[0] == ("thing", "value")
    assert ("air-1", 21.5) in found
    assert ("'=air, 2", "'=1+1") in found
    assert {row[0].value: row[1].value for row in book["about"].iter_rows()}["licence"] == "kogl-1"


def test_csv_for_spreadsheets(world: World, streams: dict[str, Any]) -> None:
    plain = world.get(f"{DATA}?format=csv&columns=thing,value&property=parking_occupied")
    assert cells(plain.data)[1:] == [["=air, 2", "free"], ["=air, 2", "=1+1"]]
    answer = world.get(f"{DATA}?format=csv&columns=thing,value&property=parking_occupied&escape=true&bom=true")
    assert answer.data.startswith(b"\xef\xbb\xbf")
    assert cells(answer.data[3:])[1:] == [["'=air, 2", "free"], ["'=air, 2", "'=1+1"]]
    korean = world.get(f"{DATA}?format=csv&encoding=cp949")
    assert korean.headers["Content-Type"] == "text/csv; charset=windows-949; header=present"


# cost


def test_what_costs_too_much_is_refused_with_something_cheaper(world_with: Callable[..., World]) -> None:
    world = world_with(data_cells=100, xlsx_cells=12, wide_rows=5, wide_columns=1)
    stream = private(world)
    world.write(stream, list(range(40)))
    published(world, stream)
    body = problem(world.get(f"{DATA}?format=csv"), 413, "too_large", found=40, expected="GOPS_DATA_CELLS")
    cheaper = body["instead"]["shorter_range"].removeprefix("http://localhost:8080").removeprefix("/api/v1")
    assert 0 < len(cells(world.get(cheaper).data)) - 1 < 40
    assert "every=1d" in body["instead"]["windows"]
    assert world.get(f"{DATA}?format=csv&columns=time,value").status_code == 200
    assert world.get(f"{DATA}?limit=30").status_code == 200
    problem(world.get(f"{DATA}?filter={quote('value > 1')}&limit=1"), 413, "too_large", expected="GOPS_DATA_CELLS")
    problem(world.get(f"{DATA}?shape=wide"), 413, "too_large", expected="GOPS_WIDE_ROWS")
    body = problem(world.get(f"{DATA}?format=xlsx&limit=30"), 413, "too_large", expected="GOPS_XLSX_CELLS")
    assert "format=csv" in body["instead"]["csv"]
    other = world.services.datastreams.create(world.publisher, stream.thing_id, "S", "humidity")
    published(world, stream, other, slug="both")
    problem(world.get("/datasets/both/data?shape=wide"), 413, "too_large", expected="GOPS_WIDE_COLUMNS")


# streams that break, and HEAD


class Breaking(PassingStore):
    """Gives one batch and fails."""

    def stream(self, query: Read, rows: int = 65_536) -> Iterator[pa.RecordBatch]:
        yield from self._store.read(query).slice(0, 2).to_batches()
        raise OSError("the disk is gone")


class Unread(PassingStore):
    """Fails when readings are read."""

    def stream(self, query: Read, rows: int = 65_536) -> Iterator[pa.RecordBatch]:
        raise AssertionError(query)

    def read(self, query: Read) -> pa.Table:
        raise AssertionError(query)


def over(world: World, store: Any) -> None:
    world.app.extensions[EXTENSION] = replace(world.services, store=store)


READERS: dict[str, Callable[[bytes], Any]] = {
    "csv": cells,
    "ndjson": lambda body: [json.loads(line) for line in body.splitlines()],
    "geojson": json.loads,
    "parquet": lambda body: pq.read_table(io.BytesIO(body)),
}


def test_a_stream_that_breaks_off_is_taken_for_whole_by_no_reader(world: World, streams: dict[str, Any]) -> None:
    whole = {form: world.get(f"{DATA}?format={form}&property=temperature").data for form in READERS}
    over(world, Breaking(world.services.store))
    for form, read in READERS.items():
        read(whole[form])
        body = world.get(f"{DATA}?format={form}&property=temperature").data
        with pytest.raises((csv.Error, json.JSONDecodeError, pa.ArrowInvalid)):
            read(body)


def test_a_file_that_cannot_be_begun_is_a_problem(world: World, streams: dict[str, Any]) -> None:
    over(world, Breaking(world.services.store))
    problem(world.get(f"{DATA}?format=xlsx"), 500, "internal")
    assert world.get(f"{DATA}?limit=1").status_code == 200


def test_head_names_what_get_would_say(world: World, streams: dict[str, Any]) -> None:
    """Of a page all of it; of a whole range without reading any, and so without its length."""
    names = ("ETag", "Content-Type", "GOPS-Zone", "Content-Disposition", "Link", "Content-Length")
    seen(world, streams["first"])
    for path in (f"{DATA}?limit=2", f"{DATA}?limit=2&format=csv", f"{OWN}?datastream={streams['first'].id}&limit=2"):
        head, whole = world.call("HEAD", path), world.get(path)
        assert (head.status_code, head.data) == (200, b"")
        assert [head.headers.get(name) for name in names] == [whole.headers.get(name) for name in names]
        assert 'rel="next"' in head.headers["Link"]
    paths = [f"{DATA}?format={form}" for form in ("xlsx", *READERS)]
    paths += [f"{OWN}?datastream={streams['first'].id}&format={form}" for form in ("csv", "ndjson")]
    whole = [world.get(path) for path in paths]
    over(world, Unread(world.services.store))
    for path, one in zip(paths, whole, strict=True):
        head = world.call("HEAD", path)
        assert (head.status_code, head.data) == (200, b"")
        assert [head.headers.get(name) for name in names[:4]] == [one.headers.get(name) for name in names[:4]]
        assert "Content-Length" not in head.headers
    assert world.call("HEAD", f"{DATA}?columns=colour").status_code == 422


# Datastreams by id


OWN = "/observations"


def seen(world: World, *streams: Any) -> None:
    for one in streams:
        world.services.datastreams.publish(world.publisher, one.id, True)


def test_datastreams_are_asked_as_a_dataset_is(world: World, streams: dict[str, Any]) -> None:
    first, damp = streams["first"], streams["damp"][0]
    seen(world, first, damp)
    path = f"{OWN}?datastream={first.id},{damp.id}"
    condition = "value > 21 AND property IN ('temperature', 'humidity')"
    asked = f"{path}&filter={quote(condition)}"
    body = world.get(f"{asked}&columns=property,value&order=desc").json
    assert body["observations"] == [
        {"property": "humidity", "value": 51.0}, {"property": "humidity", "value": 50.0},
        {"property": "temperature", "value": 22.0}, {"property": "temperature", "value": 21.5},
    ]  # fmt: skip
    assert [one["id"] for one in body["datastreams"]] == [first.id, damp.id]
    wide = world.get(f"{path}&shape=wide").json
    assert wide["units"] == {"temperature": "Cel", "humidity": "%"}
    assert wide["observations"][0] == {
        "time": "2026-05-01T09:00:00+09:00", "thing": "air-1", "temperature": 21.5, "humidity": 50.0,
    }  # fmt: skip
    lines = world.get(f"{path}&format=ndjson").data.splitlines()
    assert [json.loads(line) for line in lines] == world.get(path).json["observations"]
    assert pq.read_table(io.BytesIO(world.get(f"{path}&format=parquet").data)).column_names[0] == "datastream"
    point = world.get(f"{path}&format=geojson").json["features"][0]
    assert point["properties"]["id"] == f"{first.id}_{body_moment(world, first)}"
    problem(world.get(f"{path}&columns=colour"), 422, "unknown_column", field="columns")


def body_moment(world: World, stream: Any) -> int:
    found: int = world.services.store.extent([stream.id])[stream.id].first
    return found


def test_an_answer_is_the_same_in_whatever_way_it_is_made(world: World, streams: dict[str, Any]) -> None:
    """Questions that most ask are answered without a table in between."""
    state, path = streams["state"], f"{OWN}?datastream={streams['first'].id}"
    seen(world, streams["first"], state)
    every = quote("count >= 0")
    for one in (path, f"{OWN}?datastream={state.id}"):
        named = f"{one}&columns=id,datastream,time,value,quality,result_time"
        assert world.get(named).json["observations"] == world.get(one).json["observations"]
        assert world.get(f"{one}&escape=false&format=csv").data == world.get(f"{one}&format=csv").data
        assert world.get(f"{one}&every=1h&filter={every}").json == world.get(f"{one}&every=1h").json
        windows = world.get(f"{one}&every=1h&format=csv&filter={every}")
        assert windows.data == world.get(f"{one}&every=1h&format=csv").data


def test_pages_and_etags_of_datastreams_hold_for_every_question(world: World, streams: dict[str, Any]) -> None:
    seen(world, streams["first"])
    path: str | None = f"{OWN}?datastream={streams['first'].id}&columns=time,value&limit=2"
    answer = world.get(path)
    assert world.get(path, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    found = []
    while path:
        body = world.get(path.removeprefix("/api/v1")).json
        found, path = found + [row["value"] for row in body["observations"]], body["next"]
    assert found == [21.5, None, 22.0]
    world.write(streams["first"], [9])
    first = f"{OWN}?datastream={streams['first'].id}&columns=time,value&limit=2"
    assert world.get(first, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 200


def test_a_datastream_that_somebody_does_not_see_is_in_no_answer(world: World, streams: dict[str, Any]) -> None:
    hidden = world.services.datastreams.create(world.publisher, streams["first"].thing_id, "S", "pm10")
    for more in ("columns=value", "shape=wide", "format=ndjson", "every=1h&order=desc"):
        problem(world.get(f"{OWN}?datastream={hidden.id}&{more}"), 404, "not_found")


def test_a_share_is_an_object_wherever_there_are_objects(world: World, streams: dict[str, Any]) -> None:
    state = streams["state"]
    asked = "every=1h&property=parking_occupied&aggregate=share"
    shares = [row["share"] for row in rows(world, asked)]
    seen(world, state)
    theirs = world.get(f"{OWN}?datastream={state.id}&every=1h&aggregate=share").json["windows"]
    assert shares == [one["share"] for one in theirs]
    assert isinstance(shares[0], dict)
    assert json.loads(world.get(f"{DATA}?{asked}&format=ndjson").data.splitlines()[0])["share"] == shares[0]
    wide = rows(world, f"{asked}&shape=wide")
    assert wide[0]["parking_occupied"] == shares[0]
    assert json.loads(cells(world.get(f"{DATA}?{asked}&columns=share&format=csv").data)[1][0]) == shares[0]


def test_a_snapshot_is_asked_in_the_same_way(world: World, streams: dict[str, Any]) -> None:
    frozen(world)
    world.write(streams["first"], [99])
    asof = "asof=2026-06-01"
    assert values(world, "value > 21 AND property = 'temperature'", f"&{asof}") == [21.5, 22.0]
    assert [row["temperature"] for row in rows(world, f"{asof}&shape=wide")] == [21.5, 3.0, None, 4.0, 22.0]
    assert rows(world, f"{asof}&columns=value&limit=3") == [{"value": 21.5}, {"value": None}, {"value": 22.0}]
    features = json.loads(world.get(f"{DATA}?{asof}&format=geojson&property=temperature").data)["features"]
    assert features[3]["geometry"]["coordinates"] == [127.0, 37.25]
    problem(world.get(f"{DATA}?{asof}&every=1h&property=temperature"), 422, "invalid_value", field="every")
    problem(world.get(f"{DATA}?{asof}&order=desc"), 422, "invalid_value", field="order")
