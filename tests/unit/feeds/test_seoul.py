"""Seoul Open Data: air under old and new names, bicycles, parking, codes, and the key in the path."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from gops.clock import MINUTE, to_micros
from gops.errors import Invalid
from gops.ingest.feeds.answers import KST, Failure, Page
from gops.ingest.feeds.portals.seoul import Seoul
from gops.ingest.model import Refusal
from tests.unit.feeds.conftest import World
from tests.unit.feeds.portal import Reply

NOW = to_micros(datetime(2026, 5, 1, 9, 20, tzinfo=KST))
NEW = {
    "MSRMT_DT": "202605010900", "SAREA_NM": "도심권", "MSRSTN_NM": "중구", "PM": 31.0, "FPM": 17.0, "OZON": 0.031,
    "NTDX": 0.02, "CBMX": 0.4, "SPDX": 0.003, "CAI_GRD": "보통", "CAI_IDX": 67.0,
}  # fmt: skip
OLD = {
    "MSRDT": "202605010900", "MSRRGN_NM": "도심권", "MSRSTE_NM": "중구", "PM10": 31.0, "PM25": 17.0, "O3": 0.031,
    "NO2": 0.02, "CO": 0.4, "SO2": 0.003, "IDEX_NM": "보통", "IDEX_MVL": 67.0,
}  # fmt: skip
BIKE = {
    "rackTotCnt": "15", "stationName": "102. 망원역 1번출구 앞", "parkingBikeTotCnt": "31", "shared": "207",
    "stationLatitude": "37.55564880", "stationLongitude": "126.91062927", "stationId": "ST-4",
}  # fmt: skip
PARKING = {
    "PKLT_CD": "171721", "PKLT_NM": "세종로 공영주차장(시)", "ADDR": "종로구 세종로 80-1", "TPKCT": 1260.0,
    "NOW_PRK_VHCL_CNT": 698.0, "NOW_PRK_VHCL_UPDT_TM": "2026-05-01 08:54:53", "PRK_STTS_YN": "1",
    "WD_OPER_END_TM": "2400", "LAT": 37.57340269, "LOT": 126.97588429,
}  # fmt: skip


def answer(root: str, rows: list[dict[str, Any]], total: int | None = None) -> Reply:
    result = {"CODE": "INFO-000", "MESSAGE": "정상 처리되었습니다"}
    inside = {"list_total_count": len(rows) if total is None else total, "RESULT": result, "row": rows}
    return 200, json.dumps({root: inside}, ensure_ascii=False).encode()


def top(code: str, message: str = "해당하는 데이터가 없습니다.") -> Reply:
    return 200, json.dumps({"RESULT": {"CODE": code, "MESSAGE": message}}, ensure_ascii=False).encode()


def cells(service: str, *rows: dict[str, Any]) -> dict[str, Any]:
    decoded = Seoul({"service": service}).sample(Page(rows), "", NOW).decoded
    assert decoded.refusals == []
    return dict(zip(decoded.fields, decoded.values, strict=True))


@pytest.mark.parametrize("row", [NEW, OLD])
def test_air_is_read_under_new_and_old_names(row: dict[str, Any]) -> None:
    found = Seoul({"service": "RealtimeCityAir"}).sample(Page([row]), "", NOW)
    values = dict(zip(found.decoded.fields, found.decoded.values, strict=True))
    assert values == {
        "중구/pm10": 31.0, "중구/pm25": 17.0, "중구/o3": 0.031, "중구/no2": 0.02, "중구/co": 0.4, "중구/so2": 0.003,
    }  # fmt: skip
    assert set(found.decoded.times) == {to_micros(datetime(2026, 5, 1, 9, tzinfo=KST))}
    assert found.absent == set()


@pytest.mark.parametrize("nothing", [0, 0.0, "0", "", "점검중", None])
def test_zero_and_inspection_are_missing_in_seouls_air(nothing: Any) -> None:
    assert cells("RealtimeCityAir", NEW | {"PM": nothing})["중구/pm10"] is None


def test_the_end_of_a_day_is_written_as_24() -> None:
    found = Seoul({"service": "RealtimeCityAir"}).sample(Page([NEW | {"MSRMT_DT": "202604302400"}]), "", NOW)
    assert set(found.decoded.times) == {to_micros(datetime(2026, 5, 1, tzinfo=KST))}


def test_bicycles_are_text_of_the_moment_of_asking_and_may_exceed_the_racks() -> None:
    found = Seoul({"service": "bikeList"}).sample(Page([BIKE]), "", NOW)
    assert (found.decoded.values, set(found.decoded.times)) == ([31.0, 15.0], {NOW})
    station = found.stations["ST-4"]
    assert (station.title, station.place and station.place.latitude) == ("102. 망원역 1번출구 앞", 37.5556488)


def test_parking_is_read_while_it_is_live() -> None:
    assert cells("GetParkingInfo", PARKING) == {"171721/parked_vehicles": 698.0, "171721/parking_capacity": 1260.0}


@pytest.mark.parametrize(
    "given",
    [
        {"PRK_STTS_YN": "0"}, {"PRK_STTS_YN": "2"}, {"NOW_PRK_VHCL_UPDT_TM": "2026-05-01 07:19:59"},
        {"NOW_PRK_VHCL_UPDT_TM": "2023-01-01 00:00:00"},
    ],
)  # fmt: skip
def test_parking_that_is_not_live_or_stale_is_passed_over(given: dict[str, Any]) -> None:
    found = Seoul({"service": "GetParkingInfo"}).sample(Page([PARKING | given]), "", NOW)
    assert (found.decoded.fields, found.stations, found.skipped) == ([], {}, 1)


def test_parking_without_a_place_or_capacity_is_still_counted() -> None:
    found = Seoul({"service": "GetParkingInfo"}).sample(Page([PARKING | {"LAT": "", "TPKCT": 0}]), "", NOW)
    assert found.stations["171721"].place is None
    assert found.decoded.values == [698.0, None]


# answers


def test_the_root_of_an_answer_is_not_always_the_service() -> None:
    status, body = answer("rentBikeStatus", [BIKE])[:2]
    assert Seoul({"service": "bikeList"}).read(status, body) == Page((BIKE,), 1)


@pytest.mark.parametrize(
    ("reply", "trouble", "code"),
    [
        (top("INFO-200"), "no_data", "INFO-200"),
        (top("INFO-100"), "key", "INFO-100"),
        (top("ERROR-336"), "request", "ERROR-336"),
        (top("ERROR-335"), "key", "ERROR-335"),
        (top("ERROR-500"), "server", "ERROR-500"),
        (top("ERROR-999"), "server", "ERROR-999"),
        ((200, "<RESULT><CODE>INFO-100</CODE><MESSAGE>인증키</MESSAGE></RESULT>".encode()), "key", "INFO-100"),
        ((200, b'{"RESULT.CODE":"INFO-200","RESULT.MESSAGE":"x"}'), "no_data", "INFO-200"),
        ((200, b'{"errorMessage":{"status":500,"code":"ERROR-500","message":"x"}}'), "server", "ERROR-500"),
        ((200, b'{"bikeList":{"RESULT":{"CODE":"ERROR-600"}}}'), "server", "ERROR-600"),
        ((200, b""), "unreadable", "empty_body"),
        ((200, b"<html>busy</html>"), "unreadable", "html"),
        ((200, b"[]"), "unreadable", "unknown_shape"),
        ((200, b'{"x":{"list_total_count":1,"row":7}}'), "unreadable", "unknown_shape"),
        ((200, b"please wait"), "unreadable", "unknown_code"),
        ((503, b"please wait"), "server", "http_503"),
        ((200, b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><RESULT>&x;</RESULT>'), "unreadable", "bad_xml"),
    ],
)
def test_what_is_no_page_says_why(reply: Reply, trouble: str, code: str) -> None:
    found = Seoul({"service": "bikeList"}).read(reply[0], reply[1])
    assert isinstance(found, Failure)
    assert (found.trouble, found.code) == (trouble, code)


def test_pages_are_counted_from_one_with_both_ends() -> None:
    made = Seoul({"service": "bikeList", "parameters": ["a b"]})
    assert made.url("", 2, "KEY", NOW) == "http://openapi.seoul.go.kr:8088/KEY/json/bikeList/1001/2000/a%20b"


def test_a_full_page_whose_total_is_its_own_count_is_not_the_last() -> None:
    made = Seoul({"service": "bikeList", "rows": 2})
    for rows, total, seen, last in [
        (2, 2, 2, False),
        (1, 1, 3, True),
        (2, 7, 2, False),
        (2, 4, 4, True),
        (1, 7, 5, False),
    ]:
        status, body = answer("rentBikeStatus", [BIKE] * rows, total)[:2]
        page = made.read(status, body)
        assert isinstance(page, Page)
        assert made.is_last(page, seen) is last, (rows, total, seen)


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({}, "config.service"), ({"service": "bikeList", "rows": 1001}, "config.rows"),
        ({"service": "unknownService"}, "config.fields"), ({"service": "bikeList", "row": 5}, "config.row"),
        ({"service": "bikeList", "parameters": "x"}, "config.parameters"),
    ],
)  # fmt: skip
def test_a_wrong_config_names_what_is_wrong(config: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        Seoul(config)
    assert caught.value.field == field


# from the portal to the store


def test_bicycles_over_pages_are_stored_and_the_key_in_the_path_shows_nowhere(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [BIKE, BIKE | {"stationId": "ST-5", "stationName": "103.\t망원역", "parkingBikeTotCnt": "x"},
            BIKE | {"stationId": "ST-6", "stationName": "나"}]  # fmt: skip

    def serve(path: str, _headers: dict[str, str]) -> Reply:
        first, last = map(int, path.split("/")[4:6])
        found = rows[first - 1 : last]
        return answer("rentBikeStatus", found) if found else top("INFO-200")

    world.portal.serve = serve
    key = "5a6b70/secret"
    feed, outcome = world.pull("seoul", {"service": "bikeList", "rows": 2, "url": world.portal.root}, key)
    assert (outcome.code, world.last_run(feed).calls, world.last_run(feed).rows) == ("ok", 2, 3)
    assert world.portal.paths == [f"/5a6b70%2Fsecret/json/bikeList/{pages}" for pages in ("1/2", "3/4")]
    assert world.readings()["102. 망원역 1번출구 앞", "bikes_available"] == [(world.clock.micros(), 31.0, 0)]
    assert ("103.망원역", "bike_docks") in world.readings()
    with world.database.read() as session:
        (refusal,) = session.scalars(select(Refusal))
    for text in (refusal.topic, caplog.text, world.last_run(feed).note):
        assert "secret" not in text
    assert "***" in refusal.topic


def test_a_second_run_of_bicycles_adds_readings_and_no_things(world: World) -> None:
    world.portal.replies = [answer("rentBikeStatus", [BIKE])]
    feed, _ = world.pull("seoul", {"service": "bikeList", "url": world.portal.root})
    world.clock.move(minutes=15)
    world.run(feed)
    times = [t for t, _, _ in world.readings()["102. 망원역 1번출구 앞", "bikes_available"]]
    assert (len(world.streams()), times[1] - times[0]) == (2, 15 * MINUTE)


def test_no_data_is_no_failure_and_a_sample_key_is_one(world: World) -> None:
    config = {"service": "RealtimeCityAir", "url": world.portal.root}
    world.portal.replies = [top("INFO-200")]
    assert world.pull("seoul", config)[1].code == "ok"
    world.portal.replies = [top("ERROR-335")]
    assert world.pull("seoul", config, slug="sample")[1].code == "ERROR-335"
