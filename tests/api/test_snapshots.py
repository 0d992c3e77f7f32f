"""Snapshots over HTTP: ordered, listed, cited, downloaded in ranges; the dataset as of a time."""

from __future__ import annotations

import hashlib
import io
import json
from typing import Any

import pyarrow.parquet as pq
import pytest

from gops.catalog.snapshots.worker import SnapshotWorker
from gops.files.folder import FolderFiles, path_of
from tests.api.conftest import World, problem
from tests.api.test_datasets import draft, private, published

HERE = "/datasets/air/snapshots"


def work(world: World) -> int:
    own = world.services
    files = FolderFiles(own.settings.data / "files")
    return SnapshotWorker(world.database, world.clock, own.settings, own.store, files).run()


def frozen(world: World) -> dict[str, Any]:
    """A new snapshot of ``air``, as its publisher ordered it."""
    ordered = world.post(HERE, "publisher")
    assert ordered.status_code == 202, ordered.text
    assert work(world) == 1
    body: dict[str, Any] = world.get(ordered.headers["Location"].removeprefix("/api/v1")).json
    return body


@pytest.fixture
def stream(world: World) -> Any:
    """Of a published dataset with three readings."""
    made = private(world)
    world.write(made, [21.5, None, 22])
    published(world, made)
    return made


def test_a_snapshot_is_ordered_watched_and_then_there_for_all(world: World, stream: Any) -> None:
    ordered = world.post(HERE, "publisher")
    assert (ordered.status_code, ordered.headers["Location"]) == (202, "/api/v1/datasets/air/snapshots/1")
    assert (ordered.json["state"], ordered.json["progress"]) == ("waiting", {"rows": 0, "of": 0})
    problem(world.get(f"{HERE}/1"), 404, "not_found")
    assert world.get(HERE).json["items"] == []
    problem(world.post(HERE, "publisher"), 409, "snapshot_under_way", found=1)
    work(world)
    body = world.get(f"{HERE}/1").json
    assert (body["state"], body["rows"], body["scheduled"]) == ("complete", 3, False)
    assert body["frozen_at"] == "2026-05-01T09:00:00+09:00"
    assert world.get(HERE).json["items"] == [body]
    assert world.get(f"/snapshots/{body['sha256']}").json == body
    problem(world.get("/snapshots/" + "0" * 64), 404, "not_found")


def test_the_manifest_is_the_bytes_that_its_hash_names(world: World, stream: Any) -> None:
    body = frozen(world)
    answer = world.get(f"{HERE}/1/manifest")
    assert hashlib.sha256(answer.data).hexdigest() == body["sha256"]
    assert answer.headers["ETag"] == f'"{body["sha256"]}"'
    assert "immutable" in answer.headers["Cache-Control"]
    manifest = json.loads(answer.data)
    assert (manifest["snapshot"], manifest["dataset"]["slug"], manifest["rows"]) == (1, "air", 3)
    assert [one["sha256"] for one in manifest["files"]] == [one["sha256"] for one in body["files"]]
    again = world.get(f"{HERE}/1/manifest", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_a_citation_says_whose_which_and_where_in_both_languages(world: World, stream: Any) -> None:
    body = frozen(world)
    for text in (body["citation_ko"], body["citation_en"]):
        assert f"http://localhost/api/v1/datasets/air/snapshots/1 (sha256:{body['sha256']})" in text
        assert "2026-05-01T00:00:00Z" in text
    assert "「수원시 대기질」 스냅샷 1" in body["citation_ko"]
    assert "공공누리 제1유형" in body["citation_ko"]
    assert "Air of Suwon, snapshot 1" in body["citation_en"]


def test_a_file_comes_whole_and_in_ranges_under_its_hash(world: World, stream: Any) -> None:
    (file,) = frozen(world)["files"]
    path = file["address"].removeprefix("/api/v1")
    whole = world.get(path)
    assert (whole.status_code, whole.mimetype) == (200, "application/vnd.apache.parquet")
    assert hashlib.sha256(whole.data).hexdigest() == file["sha256"] == whole.headers["ETag"].strip('"')
    assert whole.headers["Content-Disposition"] == 'attachment; filename="air-1-all.parquet"'
    assert pq.read_table(io.BytesIO(whole.data))["value"].to_pylist() == [21.5, None, 22.0]
    part = world.get(path, headers={"Range": "bytes=-4"})
    assert (part.status_code, part.data) == (206, b"PAR1")
    assert part.headers["Content-Range"] == f"bytes {file['bytes'] - 4}-{file['bytes'] - 1}/{file['bytes']}"
    stale = world.get(path, headers={"Range": "bytes=0-3", "If-Range": '"another"'})
    assert (stale.status_code, stale.data) == (200, whole.data)
    problem(world.get(path, headers={"Range": "bytes=999999-"}), 416, "range_not_satisfiable")
    same = world.get(path, headers={"If-None-Match": whole.headers["ETag"]})
    assert (same.status_code, same.data) == (304, b"")
    head = world.call("HEAD", path)
    assert (head.data, head.headers["Content-Length"]) == (b"", str(file["bytes"]))
    for name in ("other.parquet", "..", "%2e%2e", "all.parquet%00"):
        assert world.get(f"{HERE}/1/files/{name}").status_code in (400, 404)


def test_downloads_give_back_their_turn_also_when_they_fail(world: World, stream: Any) -> None:
    (file,) = frozen(world)["files"]
    path = file["address"].removeprefix("/api/v1")
    for _ in range(world.services.settings.http_threads):
        world.get(path)
        world.get(path, headers={"Range": "bytes=999999-"})
        world.get("/datasets/air/data?format=csv")
        world.get(path, headers={"If-None-Match": f'"{file["sha256"]}"'})
    assert world.get(path).status_code == 200
    path_of(world.services.settings.data / "files", file["sha256"]).unlink()
    for _ in range(world.services.settings.http_threads):
        problem(world.get(path), 503, "file_damaged")
    assert world.get("/datasets/air/data?format=csv").status_code == 200


def test_asof_answers_from_the_snapshot_and_says_which(world: World, stream: Any) -> None:
    problem(world.get("/datasets/air/data?asof=2026-05-01T09:00"), 404, "no_snapshot", field="asof")
    body = frozen(world)
    live = {form: world.get(f"/datasets/air/data?format={form}") for form in ("json", "csv", "parquet")}
    world.write(stream, [99.0])
    world.services.things.edit(world.publisher, stream.thing_id, name="renamed")
    problem(world.get("/datasets/air/data?asof=2026-05-01T08:59:59"), 404, "no_snapshot")
    problem(world.get("/datasets/air/data?asof=soon"), 422, "bad_time", field="asof")
    for form, before in live.items():
        answer = world.get(f"/datasets/air/data?format={form}&asof=2026-05-02")
        named = answer.headers["GOPS-Snapshot"]
        assert named == f'1;sha256="{body["sha256"]}";frozen-at="2026-05-01T00:00:00Z"'
        assert '</api/v1/datasets/air/snapshots/1>; rel="memento"' in answer.headers["Link"]
        if form == "json":
            assert answer.json["rows"] == before.json["rows"]
            assert (answer.json["snapshot"]["number"], before.json["snapshot"]) == (1, None)
        elif form == "csv":
            assert answer.data == before.data
        else:
            assert pq.read_table(io.BytesIO(answer.data)).equals(pq.read_table(io.BytesIO(before.data)))
        assert "GOPS-Snapshot" not in before.headers
    assert world.get("/datasets/air/data").json["rows"][0]["value"] == 99.0


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("from=2026-05-01T09:01", [None, 22.0]),
        ("to=2026-05-01T09:01", [21.5]),
        ("quality=missing", [None]),
        ("property=temperature&limit=2", [21.5, None]),
        ("bbox=126.9,37.2,127.1,37.3", []),
    ],
)
def test_asof_takes_the_same_filters(world: World, stream: Any, query: str, values: list[Any]) -> None:
    frozen(world)
    answer = world.get(f"/datasets/air/data?asof=2026-06-01&{query}")
    assert [row["value"] for row in answer.json["rows"]] == values
    problem(world.get("/datasets/air/data?asof=2026-06-01&property=humidity"), 422, "unknown_property")


def test_pages_of_a_snapshot_lead_on_and_end_when_a_newer_one_answers(world: World, stream: Any) -> None:
    frozen(world)
    first = world.get("/datasets/air/data?asof=2026-06-01&limit=2")
    assert 'rel="next"' in first.headers["Link"]
    following = first.json["next"].removeprefix("/api/v1")
    assert [row["value"] for row in world.get(following).json["rows"]] == [22.0]
    world.clock.move(minutes=1)
    frozen(world)
    problem(world.get(following), 422, "bad_cursor")


def test_an_answer_asof_is_not_sent_again_while_no_newer_snapshot_gives_it(world: World, stream: Any) -> None:
    frozen(world)
    path = "/datasets/air/data?asof=2026-06-01"
    etag = world.get(path).headers["ETag"]
    world.write(stream, [5.0])
    assert world.get(path, headers={"If-None-Match": etag}).status_code == 304
    world.clock.move(minutes=1)
    frozen(world)
    assert world.get(path, headers={"If-None-Match": etag}).json["rows"][0]["value"] == 5.0


def test_who_may(world: World) -> None:
    made = private(world)
    draft(world, made)
    problem(world.get(HERE), 404, "not_found")
    problem(world.post(HERE, "other"), 404, "not_found")
    problem(world.post(HERE, "publisher"), 409, "wrong_state")
    world.post("/datasets/air/publish", "publisher")
    problem(world.post(HERE), 401, "unauthenticated")
    for who in ("viewer", "other", "operator", "auditor"):
        problem(world.post(HERE, who), 403, "forbidden")
    assert world.post(HERE, "owner").status_code == 202


def test_a_withdrawn_dataset_withdraws_its_snapshots(world: World, stream: Any) -> None:
    body = frozen(world)
    assert world.post("/datasets/air/withdraw", "publisher", {"reason": "broken"}).status_code == 200
    (file,) = body["files"]
    addresses = (HERE, body["address"], body["manifest"], file["address"], f"/snapshots/{body['sha256']}")
    for address in (*addresses, "/datasets/air/data?asof=2026-06-01"):
        problem(world.get(address.removeprefix("/api/v1")), 410, "withdrawn")


def test_a_former_slug_leads_to_the_snapshot(world: World, stream: Any) -> None:
    body = frozen(world)
    world.call("PATCH", "/datasets/air", "publisher", json={"slug": "air-2"})
    for address in (body["address"], body["manifest"], body["files"][0]["address"], HERE):
        answer = world.get(address.removeprefix("/api/v1"))
        assert (answer.status_code, "/datasets/air-2/snapshots" in answer.headers["Location"]) == (308, True)
    moved = world.get("/datasets/air/data?asof=2026-06-01")
    assert moved.headers["Location"].endswith("/datasets/air-2/data?asof=2026-06-01")
    assert world.get("/datasets/air-2/data?asof=2026-06-01").json["rows"][0]["value"] == 21.5


def test_how_often_a_dataset_is_frozen_is_its_publishers_to_say(world: World, stream: Any) -> None:
    assert world.get("/datasets/air").json["snapshot_every"] == "1mo"
    changed = world.call("PATCH", "/datasets/air", "publisher", json={"snapshot_every": "none"})
    assert changed.json["snapshot_every"] == "none"
    problem(
        world.call("PATCH", "/datasets/air", "publisher", json={"snapshot_every": "1d"}),
        422,
        "invalid_value",
        field="snapshot_every",
    )
    assert draft(world, private(world, "bb"), slug="bb", snapshot_every="none").json["snapshot_every"] == "none"


def test_a_snapshot_is_bound_by_rows_like_every_export(world_with: Any) -> None:
    world = world_with(export_rows_max=2)
    made = private(world)
    world.write(made, [1, 2, 3])
    published(world, made)
    frozen(world)
    found = problem(world.get("/datasets/air/data?asof=2026-06-01&format=csv"), 413, "too_large")
    assert "GOPS_EXPORT_ROWS_MAX" in found["expected"]
