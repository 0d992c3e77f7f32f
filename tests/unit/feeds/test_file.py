"""Files by their address: CSV in UTF-8 and CP949, JSON, lines of JSON, GeoJSON."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from gops.clock import to_micros
from gops.errors import Invalid
from gops.geo import Point
from gops.ingest.feeds.answers import KST, Failure, Page
from gops.ingest.feeds.portals.file import File
from gops.ingest.model import Refusal
from tests.unit.feeds.conftest import World

NOW = to_micros(datetime(2026, 5, 1, 9, 20, tzinfo=KST))
CONFIG: dict[str, Any] = {
    "url": "https://example.go.kr/file?id=7",
    "format": "csv",
    "thing": {"name": "측정소"},
    "time": {"field": "일시", "format": "%Y-%m-%d %H:%M", "zone": "Asia/Seoul"},
    "fields": [{"field": "소음", "property": "noise_level", "unit": "dB[SPL]{A}"}],
}
CSV = '측정소,일시,소음\n인계동,2026-05-01 08:00,61.5\n"매탄,동",2026-04-30 24:00,"1,061.5"\n'
PLACES: dict[str, Any] = CONFIG | {"format": "geojson", "time": {}}


def page(source: File, body: bytes) -> Page:
    found = source.read(200, body)
    assert isinstance(found, Page), found
    return found


def failed(source: File, body: bytes, status: int = 200) -> tuple[str, str]:
    found = source.read(status, body)
    assert isinstance(found, Failure), found
    return found.trouble, found.code


def values(source: File, body: bytes) -> dict[str, Any]:
    decoded = source.sample(page(source, body), "", NOW).decoded
    return dict(zip(decoded.fields, decoded.values, strict=True))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
def test_csv_is_read_in_either_encoding_and_quoted_cells_whole(encoding: str) -> None:
    source = File(CONFIG)
    assert values(source, CSV.encode(encoding)) == {"인계동/noise_level": 61.5, "매탄,동/noise_level": 1061.5}
    midnight = to_micros(datetime(2026, 5, 1, tzinfo=KST))
    assert source.sample(page(source, CSV.encode(encoding)), "", NOW).decoded.times[1] == midnight


def test_delimiter_decimal_comma_and_lines_before_the_header() -> None:
    body = "소음 측정 결과\n2026\n측정소;일시;소음\n인계동;2026-05-01 08:00;61,5\n".encode()
    source = File(CONFIG | {"delimiter": ";", "decimal": ",", "skip": 2})
    assert values(source, body) == {"인계동/noise_level": 61.5}


def test_a_file_without_a_header_has_its_columns_named() -> None:
    source = File(CONFIG | {"columns": ["측정소", "일시", "소음"], "delimiter": "\t"})
    assert values(source, "인계동\t2026-05-01 08:00\t-\n가\t2026-05-01 08:00\t0".encode()) == {
        "인계동/noise_level": None,
        "가/noise_level": 0.0,
    }


def test_a_row_of_another_length_is_refused_and_its_neighbours_are_read() -> None:
    source = File(CONFIG)
    found = source.sample(page(source, (CSV + "가,2026-05-01 08:00\n\n나,2026-05-01 08:00,1,2\n").encode()), "", NOW)
    assert [(one.code, one.place) for one in found.decoded.refusals] == [("bad_line", "row 3"), ("bad_line", "row 5")]
    assert len(found.decoded.values) == 2


def test_json_rows_stand_at_a_path_and_may_hold_objects() -> None:
    body = {"result": {"list": [{"at": {"name": "가"}, "v": {"db": 50}, "t": "2026-05-01T08:00:00+09:00"}]}}
    config = CONFIG | {
        "format": "json", "rows": "result.list", "thing": {"name": "at.name"}, "time": {"field": "t"},
        "fields": [CONFIG["fields"][0] | {"field": "v.db"}],
    }  # fmt: skip
    source = File(config)
    assert values(source, json.dumps(body).encode()) == {"가/noise_level": 50.0}
    assert failed(source, b'{"result": {}}') == ("unreadable", "unknown_shape")
    assert failed(source, b'{"result": {"list": [1]}}') == ("unreadable", "unknown_shape")


def test_lines_of_json_are_rows_and_a_broken_one_is_refused() -> None:
    source = File(CONFIG | {"format": "ndjson", "time": {"field": "일시", "format": "s"}})
    body = '{"측정소":"가","일시":1777593600,"소음":1}\n\n{"측정소":\n{"측정소":"나","일시":1777593600,"소음":2}\n'
    found = source.sample(page(source, body.encode()), "", NOW)
    assert found.decoded.values == [1.0, 2.0]
    assert [(one.code, one.place) for one in found.decoded.refusals] == [("bad_json", "line 3")]
    assert failed(source, b"nothing of the kind") == ("unreadable", "bad_json")


def test_features_of_geojson_bring_their_places() -> None:
    features: list[dict[str, Any]] = [
        {"type": "Feature", "properties": {"측정소": "가", "소음": 50},
         "geometry": {"type": "Point", "coordinates": [127.01, 37.28, 12]}},
        {"type": "Feature", "properties": {"측정소": "나", "소음": 51}, "geometry": None},
        {"type": "Feature", "properties": {"측정소": "다", "소음": 52},
         "geometry": {"type": "LineString", "coordinates": [[127, 37], [128, 37]]}},
    ]  # fmt: skip
    source = File(PLACES)
    found = source.sample(
        page(source, json.dumps({"type": "FeatureCollection", "features": features}).encode()), "", NOW
    )
    assert [one.place for one in found.stations.values()] == [Point(127.01, 37.28), None, None]
    assert failed(source, b'{"type":"Topology"}') == ("unreadable", "unknown_shape")


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        (b"", 200, ("unreadable", "empty_body")), (b" \n", 200, ("unreadable", "empty_body")),
        (b"<!DOCTYPE html><html>login", 200, ("unreadable", "html")), (b"a,a\n1,2", 200, ("unreadable", "bad_header")),
        (b"\xff\xfe\xff", 200, ("unreadable", "bad_encoding")), (CSV.encode(), 404, ("request", "http_404")),
        (b'a\n"' + b"x" * 140_000, 200, ("unreadable", "bad_csv")), (b"x", 503, ("server", "http_503")),
    ],
)  # fmt: skip
def test_what_is_no_table_says_why(body: bytes, status: int, expected: tuple[str, str]) -> None:
    assert failed(File(CONFIG), body, status) == expected


def test_a_named_encoding_is_not_guessed() -> None:
    assert failed(File(CONFIG | {"encoding": "utf-8"}), CSV.encode("cp949")) == ("unreadable", "bad_encoding")


@given(st.binary(max_size=300), st.sampled_from(["csv", "json", "ndjson", "geojson"]))
def test_any_bytes_are_a_page_or_a_failure(body: bytes, form: str) -> None:
    source = File(CONFIG | {"format": form})
    found = source.read(200, body)
    if isinstance(found, Page):
        source.sample(found, "", NOW)
    else:
        assert found.trouble == "unreadable"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"format": "xls"}, "config.format"), ({"url": ""}, "config.url"), ({"encoding": "utf-16"}, "config.encoding"),
        ({"skip": 99}, "config.skip"), ({"key_header": "X Y"}, "config.key_header"),
        ({"decimal": "·"}, "config.decimal"),
        ({"sheet": 1}, "config.sheet"),
    ],
)  # fmt: skip
def test_a_wrong_config_names_what_is_wrong(given: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        File(CONFIG | given)
    assert caught.value.field == field


def test_a_file_of_cp949_is_stored_and_its_bad_row_kept_as_it_came(world: World) -> None:
    world.portal.replies = [(200, (CSV + "짧다\n").encode("cp949"))]
    feed, outcome = world.pull("file", CONFIG | {"url": f"{world.portal.root}/f.csv?id=7"}, "")
    assert (outcome.code, world.last_run(feed).refused) == ("ok", 1)
    eight = to_micros(datetime(2026, 5, 1, 8, tzinfo=KST))
    assert world.readings()["인계동", "noise_level"] == [(eight, 61.5, 0)]
    with world.database.read() as session:
        assert [one.code for one in session.scalars(select(Refusal))] == ["bad_line"]
    assert world.portal.paths == ["/f.csv?id=7"]


def test_a_key_goes_where_the_host_wants_it_and_nowhere_else(world: World) -> None:
    headers: list[dict[str, str]] = []
    world.portal.serve = lambda _path, given: (headers.append(given), (200, CSV.encode()))[1]
    config = CONFIG | {"url": f"{world.portal.root}/f.csv", "key_header": "X-Api-Key"}
    assert world.pull("file", config, "s3cret")[1].code == "ok"
    assert (headers[0]["x-api-key"], world.portal.paths) == ("s3cret", ["/f.csv"])
