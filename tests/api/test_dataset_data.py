"""Downloads of datasets: the long shape as JSON, CSV and Parquet; filters, ETags, bounds."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gops.settings import Settings
from gops.store.duckdb import DuckdbStore
from gops.store.memory import MemoryStore
from gops.store.port import READINGS, Store
from tests.api.conftest import World, problem, reading
from tests.api.test_datasets import draft, private, published

HEADER = ["time", "thing", "property", "value", "unit", "quality"]


@pytest.fixture(params=["memory", "duckdb"])
def store(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Store]:
    made: Store = MemoryStore()
    if request.param == "duckdb":
        made = DuckdbStore(settings.data / "store", memory_mb=256, threads=1, queue=64, deliveries_kept=100)
    yield made
    made.close()


@pytest.fixture
def streams(world: World) -> dict[str, Any]:
    """A published dataset of two Things: temperature of both, and a state of the second."""
    first, second = private(world), private(world, "air, 2")
    actor = world.publisher
    state = world.services.datastreams.create(actor, second.thing_id, "S", "parking_occupied")
    world.services.things.move(actor, second.thing_id, 127.0, 37.25)
    world.write(first, [21.5, None, 22])
    world.write(second, [3])
    world.write(state, ["free", "occu,pied"])
    published(world, first, second, state)
    return {"first": first, "second": second, "state": state}


def lines(body: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body.decode(), newline="")))


def test_csv_is_the_whole_dataset_in_the_long_shape(world: World, streams: dict[str, Any]) -> None:
    answer = world.get("/datasets/air/data?format=csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="air.csv"'
    assert answer.headers["GOPS-Zone"] == "Asia/Seoul"
    header, *rows = lines(answer.data)
    assert header == HEADER
    assert rows == [
        ["2026-05-01T09:00:00+09:00", "air-1", "temperature", "21.5", "Cel", "good"],
        ["2026-05-01T09:01:00+09:00", "air-1", "temperature", "", "Cel", "missing"],
        ["2026-05-01T09:02:00+09:00", "air-1", "temperature", "22", "Cel", "good"],
        ["2026-05-01T09:00:00+09:00", "air, 2", "temperature", "3", "Cel", "good"],
        ["2026-05-01T09:00:00+09:00", "air, 2", "parking_occupied", "free", "1", "good"],
        ["2026-05-01T09:01:00+09:00", "air, 2", "parking_occupied", "occu,pied", "1", "good"],
    ]


def test_json_has_the_same_rows_in_pages(world: World, streams: dict[str, Any]) -> None:
    whole = world.get("/datasets/air/data").json
    assert (whole["dataset"], whole["zone"], whole["next"]) == ("air", "Asia/Seoul", None)
    assert [list(row)[:6] for row in whole["rows"]] == [HEADER] * 6
    assert whole["rows"][0]["datastream"] == streams["first"].id
    assert [row["value"] for row in whole["rows"]] == [21.5, None, 22.0, 3.0, "free", "occu,pied"]
    paged, path = [], "/datasets/air/data?limit=4"
    while path:
        answer = world.get(path.removeprefix("/api/v1"))
        paged += answer.json["rows"]
        path = answer.json["next"]
        assert bool(path) is ("Link" in answer.headers)
    assert paged == whole["rows"]


def test_parquet_has_the_same_rows_with_types(world: World, streams: dict[str, Any]) -> None:
    answer = world.get("/datasets/air/data?format=parquet")
    assert answer.mimetype == "application/vnd.apache.parquet"
    table = pq.read_table(io.BytesIO(answer.data))
    assert table.schema.metadata[b"licence"] == b"kogl-1"
    rows = table.to_pylist()
    assert [row["value"] for row in rows] == [21.5, None, 22.0, 3.0, None, None]
    assert [row["text"] for row in rows] == [None, None, None, None, "free", "occu,pied"]
    assert rows[0]["time"].isoformat() == "2026-05-01T09:00:00+09:00"


def test_the_accept_header_chooses_the_representation(world: World, streams: dict[str, Any]) -> None:
    for accept, mimetype in (
        ("text/csv", "text/csv"),
        ("application/vnd.apache.parquet", "application/vnd.apache.parquet"),
        ("application/json;q=0.5, text/csv;q=0.9", "text/csv"),
        ("*/*", "application/json"),
    ):
        assert world.get("/datasets/air/data", headers={"Accept": accept}).mimetype == mimetype
    problem(world.get("/datasets/air/data", headers={"Accept": "image/png"}), 406, "not_acceptable")


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("property=parking_occupied", ["free", "occu,pied"]),
        ("property=temperature&from=2026-05-01T09:01", [None, 22.0]),
        ("to=2026-05-01T09:01&property=temperature", [21.5, 3.0]),
        ("from=2026-05-01T00:02Z", [22.0]),
        ("bbox=126.9,37.2,127.1,37.3", [3.0, "free", "occu,pied"]),
        ("quality=missing", [None]),
        ("quality=good&property=temperature", [21.5, 22.0, 3.0]),
    ],
)
def test_filters(world: World, streams: dict[str, Any], query: str, values: list[Any]) -> None:
    assert [row["value"] for row in world.get(f"/datasets/air/data?{query}").json["rows"]] == values


def test_a_filter_by_thing(world: World, streams: dict[str, Any]) -> None:
    thing = streams["first"].thing_id
    assert [row["thing"] for row in world.get(f"/datasets/air/data?thing={thing}").json["rows"]] == ["air-1"] * 3


def test_times_are_written_in_the_zone_asked_for(world: World, streams: dict[str, Any]) -> None:
    body = world.get("/datasets/air/data?zone=UTC&from=2026-05-01").json
    assert (body["zone"], body["from"]) == ("UTC", "2026-05-01T00:00:00+00:00")
    assert body["rows"][0]["time"] == "2026-05-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ("property=humidity", "unknown_property", "property"),
        ("property=,", "invalid_value", "property"),
        ("thing=999999", "unknown_thing", "thing"),
        ("thing=x", "bad_ids", "thing"),
        ("bbox=1,2,3", "bad_bbox", "bbox"),
        ("from=soon", "bad_time", "from"),
        ("from=2026-05-02&to=2026-05-01", "range_reversed", "from"),
        ("zone=Mars", "bad_zone", "zone"),
        ("format=xls", "invalid_value", "format"),
        ("quality=bad", "unknown_quality", "quality"),
        ("limit=0", "invalid_value", "limit"),
        ("limit=10001", "invalid_value", "limit"),
        ("cursor=AAAA", "bad_cursor", "cursor"),
        ("colour=red", "unknown_parameter", "colour"),
    ],
)
def test_wrong_parameters_are_named(world: World, streams: dict[str, Any], query: str, code: str, field: str) -> None:
    problem(world.get(f"/datasets/air/data?{query}"), 422, code, field=field)


@pytest.mark.parametrize("form", ["json", "csv", "parquet"])
def test_an_answer_that_did_not_change_is_not_sent_again(world: World, streams: dict[str, Any], form: str) -> None:
    path = f"/datasets/air/data?format={form}"
    etag = world.get(path).headers["ETag"]
    same = world.get(path, headers={"If-None-Match": etag})
    assert (same.status_code, same.data) == (304, b"")
    world.write(streams["first"], [99])
    assert world.get(path, headers={"If-None-Match": etag}).status_code == 200
    etag = world.get(path).headers["ETag"]
    world.call("PATCH", "/datasets/air", "publisher", json={"title_ko": "새 제목"})
    assert world.get(path, headers={"If-None-Match": etag}).status_code == 200
    etag = world.get(path).headers["ETag"]
    world.services.things.edit(world.publisher, streams["first"].thing_id, name="renamed")
    assert world.get(path, headers={"If-None-Match": etag}).status_code == 200


def test_a_head_has_the_headers_and_no_body(world: World, streams: dict[str, Any]) -> None:
    answer = world.call("HEAD", "/datasets/air/data?format=csv")
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["ETag"]


def test_a_download_beyond_the_bound_names_it(world_with: Callable[..., World]) -> None:
    world = world_with(export_rows_max=2)
    stream = private(world)
    world.write(stream, [1, 2, 3])
    published(world, stream)
    problem(world.get("/datasets/air/data?format=csv"), 413, "too_large", found=3, expected="GOPS_EXPORT_ROWS_MAX")
    assert world.get("/datasets/air/data?format=csv&from=2026-05-01T09:01").status_code == 200
    assert len(world.get("/datasets/air/data").json["rows"]) == 3


def test_csv_and_parquet_may_be_had_in_pages_too(world: World, streams: dict[str, Any]) -> None:
    answer = world.get("/datasets/air/data?format=csv&limit=2")
    assert len(lines(answer.data)) == 3
    assert 'rel="next"' in answer.headers["Link"]
    table = pq.read_table(io.BytesIO(world.get("/datasets/air/data?format=parquet&limit=2").data))
    assert table.num_rows == 2


def test_a_dataset_without_readings_is_a_header(world: World) -> None:
    published(world, private(world))
    assert lines(world.get("/datasets/air/data?format=csv").data) == [HEADER]
    assert world.get("/datasets/air/data").json["rows"] == []
    assert pq.read_table(io.BytesIO(world.get("/datasets/air/data?format=parquet").data)).num_rows == 0


def test_a_draft_is_read_by_its_publishers(world: World) -> None:
    stream = private(world)
    world.write(stream, [1])
    draft(world, stream)
    assert len(world.get("/datasets/air/data", "publisher").json["rows"]) == 1
    problem(world.get("/datasets/air/data"), 404, "not_found")


def test_a_many_rowed_download_is_every_row_once(world: World) -> None:
    stream = private(world)
    rows = [reading(stream.id, world.clock.micros() + index * 1_000_000, index / 8) for index in range(150_000)]
    world.services.store.write(pa.Table.from_pylist(rows, schema=READINGS), "replace")
    published(world, stream)
    found = lines(world.get("/datasets/air/data?format=csv").data)[1:]
    assert [float(row[3]) for row in found] == [index / 8 for index in range(150_000)]
    table = pq.read_table(io.BytesIO(world.get("/datasets/air/data?format=parquet").data))
    assert table["value"].to_pylist() == [index / 8 for index in range(150_000)]


# newest


def test_the_newest_reading_of_each_datastream_with_its_place(world: World, streams: dict[str, Any]) -> None:
    body = world.get("/datasets/air/latest").json
    assert [(row["thing"], row["value"]) for row in body["latest"]] == [
        ("air-1", 22.0),
        ("air, 2", 3.0),
        ("air, 2", "occu,pied"),
    ]
    assert [row["location"] for row in body["latest"]][:2] == [
        None,
        {"longitude": 127.0, "latitude": 37.25, "name": ""},
    ]
    assert body["next"] is None


def test_newest_readings_come_in_pages_and_are_filtered(world: World, streams: dict[str, Any]) -> None:
    first = world.get("/datasets/air/latest?limit=2").json
    assert len(first["latest"]) == 2
    second = world.get(first["next"].removeprefix("/api/v1")).json
    assert ([row["value"] for row in second["latest"]], second["next"]) == (["occu,pied"], None)
    only = world.get("/datasets/air/latest?property=temperature&bbox=126.9,37.2,127.1,37.3").json["latest"]
    assert [row["value"] for row in only] == [3.0]


def test_newest_readings_have_an_etag_that_follows_place_and_reading(world: World, streams: dict[str, Any]) -> None:
    def etag() -> str:
        return world.get("/datasets/air/latest").headers["ETag"]

    first = etag()
    assert world.get("/datasets/air/latest", headers={"If-None-Match": first}).status_code == 304
    world.write(streams["second"], [7], start=world.clock.micros() + 60_000_000)
    second = etag()
    world.clock.move(minutes=1)
    world.services.things.move(world.publisher, streams["second"].thing_id, 127.1, 37.3)
    assert len({first, second, etag()}) == 3
