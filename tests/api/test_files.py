"""Datasets of files over HTTP: handed in, described, published, downloaded and queried."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow.parquet as pq
import pytest
from werkzeug.test import TestResponse

from tests.api.conftest import World, problem
from tests.api.test_datasets import COMPLETE, draft, published
from tests.proof import needed

BODY = "이름,값,longitude,latitude\n가,1,127.0,37.2\n나,2.5,127.1,37.3\n".encode()
FILE = "/datasets/parks/files/parks.csv"


def put(world: World, body: bytes = BODY, path: str = FILE, who: str = "publisher", **options: Any) -> TestResponse:
    return world.call("PUT", path, who, data=body, **options)


@pytest.fixture
def parks(world: World) -> World:
    """A published dataset of one file."""
    body = COMPLETE | {"organisation": "suwon", "slug": "parks", "kind": "files"}
    assert world.post("/datasets", "publisher", body).json["kind"] == "files"
    assert world.post("/datasets/parks/publish", "publisher").json["code"] == "empty_dataset"
    assert put(world).status_code == 201
    assert world.post("/datasets/parks/publish", "publisher").status_code == 200
    return world


def test_a_file_is_handed_in_listed_and_given_back_as_it_came(parks: World) -> None:
    listed = parks.get("/datasets/parks/files").json["items"]
    assert [(one["name"], one["number"], one["format"], one["rows"]) for one in listed] == [("parks.csv", 1, "csv", 2)]
    answer = parks.get(FILE)
    assert (answer.data, answer.headers["ETag"]) == (BODY, f'"{sha256(BODY).hexdigest()}"')
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    part = parks.get(FILE, headers={"Range": "bytes=3-8"})
    assert (part.status_code, part.data) == (206, BODY[3:9])
    assert parks.get(FILE, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert parks.get(FILE, headers={"Range": "bytes=900-"}).status_code == 416


def test_another_state_leaves_the_former_one_to_be_cited(parks: World) -> None:
    before = parks.get("/datasets/parks").json["revision"]
    assert put(parks).json["number"] == 1
    assert parks.get("/datasets/parks").json["revision"] == before
    second = put(parks, BODY + "다,3,127.2,37.4\n".encode())
    assert (second.status_code, second.json["number"]) == (200, 2)
    states = parks.get(f"{FILE}/states").json["items"]
    assert [(one["number"], one["rows"]) for one in states] == [(1, 2), (2, 3)]
    first = parks.get(states[0]["address"].removeprefix("/api/v1"))
    assert (first.data, "immutable" in first.headers["Cache-Control"]) == (BODY, True)
    revisions = parks.get("/datasets/parks/revisions").json["items"]
    assert revisions[-1]["number"] > revisions[0]["number"]
    files = parks.get(f"/datasets/parks/revisions/{revisions[-1]['number']}").json["document"]["files"]
    assert [(one["name"], one["number"]) for one in files] == [("parks.csv", 2)]


def test_a_public_dataset_keeps_a_file(parks: World) -> None:
    problem(parks.call("DELETE", FILE, "publisher"), 409, "empty_dataset")
    assert put(parks, path="/datasets/parks/files/more.csv").status_code == 201
    assert parks.call("DELETE", FILE, "publisher").status_code == 204
    assert parks.get(FILE).status_code == 404
    assert parks.get(f"{FILE}/states/1").status_code == 200


def test_who_may_not_change_a_dataset_hands_nothing_in(parks: World) -> None:
    assert put(parks, who="viewer").status_code == 403
    assert put(parks, who="other").status_code == 403
    assert parks.call("PUT", FILE, None, data=BODY).status_code == 401
    assert parks.post("/datasets/parks/withdraw", "publisher", {"reason": "over"}).status_code == 200
    assert parks.get(FILE).status_code == 410
    assert put(parks).status_code == 410


def test_files_of_a_draft_are_for_its_organisation_alone(world: World) -> None:
    body = COMPLETE | {"organisation": "suwon", "slug": "parks", "kind": "files"}
    world.post("/datasets", "publisher", body)
    put(world)
    for path in (FILE, f"{FILE}/states/1", "/datasets/parks/files", "/datasets/parks/columns", "/datasets/parks/data"):
        assert (world.get(path).status_code, world.get(path, "other").status_code) == (404, 404)
        assert world.get(path, "owner").status_code == 200


def test_what_came_for_a_key_is_kept_by_no_shared_cache(parks: World) -> None:
    for path in (FILE, f"{FILE}/states/1"):
        assert parks.get(path, "owner").headers["Cache-Control"].startswith("private")
        assert "Authorization" in parks.get(path).headers["Vary"]


def test_live_datasets_have_no_files_and_datasets_of_files_no_readings(world: World) -> None:
    draft(world, world.stream(public=False))
    problem(put(world, path="/datasets/air/files/a.csv"), 409, "not_of_files")
    for name, value in (
        ("datastreams", [1]),
        ("delay", "PT1H"),
        ("snapshot_every", "1mo"),
        ("rule", {"feed": "direct"}),
    ):
        body = {"organisation": "suwon", "slug": "parks", "kind": "files", name: value}
        problem(world.post("/datasets", "publisher", body), 422, "of_live_datasets")


def test_what_is_wrong_is_told_by_row_and_column(parks: World) -> None:
    answer = put(parks, b"a,b\n1\n")
    problem(answer, 422, "bad_file")
    assert [one["field"] for one in answer.json["errors"]] == ["row 2"]
    problem(put(parks, b"%PDF-1.7"), 422, "wrong_type")
    problem(put(parks, content_type="application/pdf"), 422, "wrong_type")
    problem(put(parks, path="/datasets/parks/files/parks.exe"), 422, "wrong_type")
    problem(put(parks, path="/datasets/parks/files/.csv"), 422, "invalid_value")
    assert parks.get("/datasets/parks/files").json["items"][0]["number"] == 1


def test_an_upload_is_bounded(world_with: Any) -> None:
    world = world_with(upload_bytes=1024)
    world.post("/datasets", "publisher", COMPLETE | {"organisation": "suwon", "slug": "parks", "kind": "files"})
    answer = put(world, b"a\n" + b"1\n" * 600)
    problem(answer, 413, "upload_too_large")
    assert "GOPS_UPLOAD_BYTES" in answer.json["expected"]


def test_columns_are_described_and_demanded(parks: World) -> None:
    said = {"name": "값", "type": "number", "unit": "Cel", "description_ko": "기온", "nullable": False}
    codes = {"name": "이름", "codes": [{"value": "가", "label_en": "ga"}, {"value": "나"}]}
    answer = parks.call("PUT", "/datasets/parks/columns", "publisher", json={"columns": [said, codes]})
    assert answer.status_code == 200, answer.text
    shown = {one["name"]: one for one in parks.get("/datasets/parks/columns").json["columns"]}
    assert (shown["값"]["unit"], shown["값"]["unit_iri"]) == ("Cel", "http://qudt.org/vocab/unit/DEG_C")
    assert (shown["값"]["summary"]["max"], shown["이름"]["codes"][0]["label_en"]) == (2.5, "ga")
    wrong = put(parks, "이름,값\n다,\n".encode())
    assert {one["field"] for one in wrong.json["errors"]} == {"row 2, column 이름", "row 2, column 값"}
    for change, code in (({"name": "x"}, "unknown_column"), ({"name": "값", "unit": "nonsense"}, "unknown_unit")):
        body = {"columns": [change]}
        problem(parks.call("PUT", "/datasets/parks/columns", "publisher", json=body), 422, code)
    assert parks.call("PUT", "/datasets/parks/columns", "viewer", json={"columns": []}).status_code == 403


def test_the_dictionary_of_a_live_dataset_follows_from_its_datastreams(world: World) -> None:
    published(world, world.stream(public=False))
    columns = world.get("/datasets/air/columns").json["columns"]
    assert [(one["name"], one["unit"], one["kind"], one["type"]) for one in columns] == [
        ("temperature", "Cel", "gauge", "number")
    ]


def test_rows_of_a_file_are_asked_for_as_readings_are(parks: World) -> None:
    page = parks.get("/datasets/parks/data?limit=1").json
    assert (page["file"], page["rows"]) == (
        "parks.csv",
        [{"이름": "가", "값": 1.0, "longitude": 127.0, "latitude": 37.2}],
    )
    assert [row["이름"] for row in parks.http.get(page["next"], buffered=True).json["rows"]] == ["나"]
    chosen = parks.get("/datasets/parks/data", query_string={"columns": "이름", "filter": '"값" > 2', "format": "csv"})
    assert chosen.text == "이름\n나\n"
    assert [row["이름"] for row in parks.get("/datasets/parks/data?order=desc").json["rows"]] == ["나", "가"]
    problem(parks.get("/datasets/parks/data?columns=x"), 422, "unknown_column")
    problem(parks.get("/datasets/parks/data?every=1h"), 422, "of_live_datasets")
    assert parks.get("/datasets/parks/data?file=x.csv").status_code == 404


@pytest.mark.parametrize("form", ["json", "ndjson", "csv", "parquet", "xlsx", "geojson"])
def test_a_file_is_served_in_every_format(parks: World, form: str) -> None:
    answer = parks.get(f"/datasets/parks/data?format={form}")
    assert answer.status_code == 200, answer.text
    again = parks.get(f"/datasets/parks/data?format={form}", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    put(parks, BODY + "다,3,127.2,37.4\n".encode())
    assert parks.get(f"/datasets/parks/data?format={form}").headers["ETag"] != answer.headers["ETag"]
    if form == "parquet":
        assert pq.read_table(io.BytesIO(answer.data)).column_names == ["이름", "값", "longitude", "latitude"]
    if form == "geojson":
        assert answer.json["features"][1]["geometry"] == {"type": "Point", "coordinates": [127.1, 37.3]}


def test_geometries_come_back_as_they_were(parks: World) -> None:
    line = '{"type":"LineString","coordinates":[[127,37],[128,38]]}'
    body = f'{{"type":"FeatureCollection","features":[{{"type":"Feature","geometry":{line},"properties":{{"n":1}}}}]}}'
    path = "/datasets/parks/files/paths.geojson"
    assert put(parks, body.encode(), path).json["bbox"] == [127, 37, 128, 38]
    feature = parks.get("/datasets/parks/data?file=paths.geojson&format=geojson").json["features"][0]
    assert (feature["geometry"]["coordinates"], feature["properties"]) == ([[127, 37], [128, 38]], {"n": 1})
    assert parks.get("/datasets/parks/data?file=paths.geojson").json["rows"][0]["geometry"]["type"] == "LineString"


def test_times_show_the_clock_of_the_zone(parks: World) -> None:
    put(parks, b"a,t\n1,2026-03-01T00:00:00Z\n", "/datasets/parks/files/a.csv")
    rows = parks.get("/datasets/parks/data?file=a.csv").json["rows"]
    assert rows == [{"a": 1, "t": "2026-03-01T09:00:00+09:00"}]
    assert parks.get("/datasets/parks/data?file=a.csv&zone=UTC&format=csv").text == "a,t\n1,2026-03-01T00:00:00+00:00\n"


def test_metadata_name_each_file_as_it_came_and_in_each_format(parks: World) -> None:
    said = {"columns": [{"name": "이름", "description_ko": "공원 이름", "codes": [{"value": "가"}, {"value": "나"}]}]}
    assert parks.call("PUT", "/datasets/parks/columns", "publisher", json=said).status_code == 200
    shown = parks.http.get("/api/3/action/package_show?id=parks", buffered=True).json["result"]
    resources = {one["name"]: one for one in shown["resources"]}
    assert resources["parks.csv"]["hash"] == f"sha256:{sha256(BODY).hexdigest()}"
    assert [one["format"] for one in shown["resources"]] == [
        "CSV", "CSV", "JSON", "PARQUET", "NDJSON", "XLSX", "GEOJSON",
    ]  # fmt: skip
    assert len({one["id"] for one in shown["resources"]}) == 7
    assert [one["name"] for one in shown["resources"] if one["datastore_active"]] == ["parks.csv"]
    for one in shown["resources"]:
        address = one["url"].removeprefix("http://localhost")
        assert parks.http.get(address, buffered=True).status_code == 200, address
    text = parks.http.get("/catalog.ttl", buffered=True).text
    assert sha256(BODY).hexdigest() in text
    assert "file-type/GEOJSON" in text


def test_a_dataset_of_files_is_found_by_its_columns_and_formats(parks: World) -> None:
    said = {"columns": [{"name": "이름", "description_ko": "놀이터"}]}
    assert parks.call("PUT", "/datasets/parks/columns", "publisher", json=said).status_code == 200
    parks.services.search.refresh(everything=True)
    for query in ("q=놀이터", "format=xlsx", "format=geojson&kind=files", "bbox=126,37,128,38"):
        items = parks.get(f"/search?{query}").json["items"]
        assert [one["slug"] for one in items] == ["parks"], query


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # frictionless's own
def test_the_csv_of_a_file_keeps_to_its_dictionary(parks: World, tmp_path: Path) -> None:
    frictionless = needed("frictionless")
    put(parks, "이름,값,때\n가,1,2026-03-01 09:00\n나,,2026-03-02 10:00\n".encode())
    columns = [{"name": "이름", "nullable": False, "codes": [{"value": "가"}, {"value": "나"}]}]
    assert parks.call("PUT", "/datasets/parks/columns", "publisher", json={"columns": columns}).status_code == 200
    package = json.loads(parks.http.get("/datasets/parks/datapackage.json", buffered=True).data)
    (file,) = package["resources"]
    text = parks.http.get(file["path"].removeprefix("http://localhost"), buffered=True).text
    for spoil, is_valid in (("", True), ("다,x,2026-03-03\n", False)):
        tmp_path.joinpath("data.csv").write_text(text + spoil)
        described = {**package, "resources": [{**file, "path": "data.csv"}]}
        tmp_path.joinpath("datapackage.json").write_text(json.dumps(described))
        report = frictionless.validate(str(tmp_path / "datapackage.json"))
        assert report.valid is is_valid, report.flatten(["type", "note"])


@pytest.mark.parametrize("encoding", ["utf-8", "cp949"])
def test_datasets_are_listed_in_the_columns_of_the_national_portal(parks: World, encoding: str) -> None:
    published(parks, parks.stream(public=False))
    draft(parks, parks.stream(public=False, name="other"), slug="hidden")
    answer = parks.get(f"/organisations/suwon/datasets.csv?form=data.go.kr&encoding={encoding}", "publisher")
    rows = list(csv.DictReader(io.StringIO(answer.data.decode(encoding))))
    assert [(one["목록유형"], one["전체행"], one["이용허락범위"]) for one in rows] == [
        ("FILE", "2", "공공저작물_출처표시"),
        ("API", "", "공공저작물_출처표시"),
    ]
    assert rows[0]["확장자(데이터포맷)"] == "CSV+JSON+PARQUET+NDJSON+XLSX+GEOJSON"
    assert rows[0]["공간범위"] == "경도 127.00~127.10, 위도 37.20~37.30"
    assert parks.get("/organisations/nobody/datasets.csv").status_code == 404


def test_a_file_is_given_as_it_was_at_a_time(parks: World) -> None:
    """``asof`` on the file and on its rows; before the first state and after the removal it says why not."""
    clock, start = parks.services.clock, parks.services.clock.now()
    two = BODY + "다,3,127.2,37.4\n".encode()
    clock.move(days=1)
    assert put(parks, two).json["number"] == 2
    clock.move(days=1)
    assert put(parks, two, "/datasets/parks/files/trees.csv").status_code == 201
    assert parks.call("DELETE", FILE, "publisher").status_code == 204

    def asof(path: str, hours: float) -> TestResponse:
        at = quote((start + timedelta(hours=hours)).isoformat())
        return parks.get(f"{path}{'&' if '?' in path else '?'}asof={at}")

    assert [asof(FILE, hours).data for hours in (0, 23, 24, 47)] == [BODY, BODY, two, two]
    answer = asof("/datasets/parks/data?columns=값", 23)
    assert ([row["값"] for row in answer.json["rows"]], answer.json["state"]) == ([1.0, 2.5], 1)
    assert '/files/parks.csv/states/1>; rel="memento"; datetime="' in answer.headers["Link"]
    assert len(asof("/datasets/parks/data?columns=값&format=csv", 24).text.splitlines()) == 4
    problem(asof(FILE, -1), 404, "no_state", field="asof")
    problem(asof("/datasets/parks/data?file=parks.csv", -1), 404, "no_state", field="asof")
    problem(asof(FILE, 49), 410, "file_removed", field="asof")
    problem(asof("/datasets/parks/data?file=none.csv", 1), 404, "not_found", field="file")
    assert asof("/datasets/parks/data", 49).json["file"] == "trees.csv"
    problem(parks.get(f"{FILE}?asof=soon"), 422, "bad_time", field="asof")


def test_files_are_not_frozen_for_each_of_their_states_stays(parks: World) -> None:
    problem(parks.post("/datasets/parks/snapshots", "publisher"), 409, "of_live_datasets")
    assert parks.call("PATCH", "/datasets/parks", "publisher", json={"snapshot_every": "none"}).status_code == 200
    problem(parks.call("PATCH", "/datasets/parks", "publisher", json={"follow": True}), 422, "of_live_datasets")
