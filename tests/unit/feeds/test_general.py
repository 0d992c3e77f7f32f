"""Any service of data.go.kr: shells, paging, names of parameters, long rows, GBIS and odcloud."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from gops.clock import HOUR, MINUTE, to_micros
from gops.errors import Invalid
from gops.geo import Point
from gops.ingest.feeds.answers import KST, Failure, Page
from gops.ingest.feeds.portals.data_go_kr import DataGoKr
from gops.quality import Quality
from gops.sensors.model import Location, Thing
from tests.unit.feeds.conftest import World
from tests.unit.feeds.portal import KEY, QUOTA, Reply, failure

URL = "https://apis.data.go.kr/1360000/VilageFcstInfoService_2.0/getUltraSrtNcst"
NOW = to_micros(datetime(2026, 5, 1, 9, 20, tzinfo=KST))
FIELDS = [{"field": "level", "property": "river_level", "unit": "m", "missing": ["-", "", -999]}]
PLAIN = {"url": URL, "thing": {"id": "code", "name": "name"}, "fields": FIELDS}
ROW = {"code": "1018683", "name": "한강대교", "level": "1.05"}


def source(**given: Any) -> DataGoKr:
    return DataGoKr(PLAIN | given)


def shell(items: Any, total: int | None = None, code: Any = "00") -> bytes:
    body = {"items": items} | ({} if total is None else {"totalCount": total})
    return json.dumps({"response": {"header": {"resultCode": code, "resultMsg": "OK"}, "body": body}}).encode()


def page(found: Page | Failure) -> Page:
    assert isinstance(found, Page), found
    return found


# what is asked


@pytest.mark.parametrize("key", ["a/b+c==", "a%2Fb%2Bc%3D%3D"])
def test_a_key_is_encoded_once_however_it_was_issued(key: str) -> None:
    url = source().url("", 2, key, NOW)
    assert url == f"{URL}?serviceKey=a%2Fb%2Bc%3D%3D&returnType=json&numOfRows=100&pageNo=2"


def test_services_name_their_parameters_as_they_like() -> None:
    made = source(
        key_parameter="ServiceKey",
        format={"parameter": "_type"},
        paging={"page": "pageIndex", "size": "pageUnit", "rows": 10},
        parameters={"nx": 60, "ny": "127"},
    )
    assert made.url("", 1, "k", NOW) == f"{URL}?ServiceKey=k&_type=json&nx=60&ny=127&pageUnit=10&pageIndex=1"
    assert source(paging=False, format={"parameter": ""}).url("", 1, "k", NOW) == f"{URL}?serviceKey=k"


def test_times_in_parameters_are_korean_and_lag_behind_as_publication_does() -> None:
    made = source(parameters={"base_date": "{%Y%m%d}", "base_time": "{%H}00"}, lag="PT9H40M", paging=False)
    assert made.url("", 1, "k", NOW).endswith("&base_date=20260430&base_time=2300")


def test_a_parameter_of_several_values_is_a_query_each_and_stands_in_every_row() -> None:
    made = source(each={"parameter": "sido", "values": ["서울", "경기"]}, thing={"id": ["sido", "name"]})
    assert made.queries == ("서울", "경기")
    assert "sido=%EA%B2%BD%EA%B8%B0" in made.url("경기", 1, "k", NOW)
    assert list(made.sample(Page([ROW]), "경기", NOW).stations) == ["경기 한강대교"]


# what comes back


@pytest.mark.parametrize(
    ("items", "rows"), [([ROW, ROW], 2), ({"item": [ROW]}, 1), ({"item": ROW}, 1), ("", 0), ([], 0)]
)
@pytest.mark.parametrize("code", ["00", "0", "000", "0000", 0, "INFO-0"])
def test_items_come_in_every_shape_under_every_code_of_success(items: Any, rows: int, code: Any) -> None:
    assert len(page(source().read(200, shell(items, 2, code))).rows) == rows


@pytest.mark.parametrize(
    ("reply", "trouble", "code"),
    [
        (failure("22", "LIMITED_NUMBER_OF_SERVICE_REQUESTS_EXCEEDS_ERROR"), "quota", "22"),
        (failure("23", "LIMITED_NUMBER_OF_SERVICE_REQUESTS_PER_SECOND_EXCEEDS_ERROR"), "rate", "23"),
        (failure("30", "SERVICE_KEY_IS_NOT_REGISTERED_ERROR"), "key", "30"),
        ((200, b'{"responseTime":"1","resultCode":"10","resultMsg":"INVALID"}'), "request", "10"),
        ((200, shell("", 0, "03")), "no_data", "3"),
        ((200, b""), "unreadable", "empty_body"),
        ((502, b"<html>"), "server", "http_502"),
        ((200, b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'), "unreadable", "bad_xml"),
        ((200, b'{"response":{"header":{"resultCode":"00"}}}'), "unreadable", "unknown_shape"),
        ((200, shell(7)), "unreadable", "unknown_shape"),
    ],
)
def test_what_is_no_page_says_why(reply: Reply, trouble: str, code: str) -> None:
    found = source().read(reply[0], reply[1])
    assert isinstance(found, Failure)
    assert (found.trouble, found.code) == (trouble, code)


def test_the_xml_twin_has_the_same_rows() -> None:
    xml = "<response><header><resultCode>00</resultCode></header><body><items><item><code>1</code></item></items>"
    found = page(source().read(200, f"{xml}<totalCount>1</totalCount></body></response>".encode()))
    assert (list(found.rows), found.total) == ([{"code": "1"}], 1)


def test_rows_stand_where_the_config_says() -> None:
    body = {"response": {"header": {"resultCode": 0}, "body": {"list": {"rows": [ROW]}}}}
    found = source(rows="response.body.list.rows").read(200, json.dumps(body).encode())
    assert list(page(found).rows) == [ROW]


def test_odcloud_has_no_header_and_counts_what_matches() -> None:
    body = {"currentCount": 1, "data": [ROW], "matchCount": 7, "page": 1, "perPage": 1, "totalCount": 9}
    found = page(source().read(200, json.dumps(body).encode()))
    assert (list(found.rows), found.total) == ([ROW], 7)
    refused = source().read(401, '{"code":-401,"msg":"유효하지 않은 인증키 입니다."}'.encode())
    assert isinstance(refused, Failure)
    assert (refused.trouble, refused.code) == ("key", "http_401")


@pytest.mark.parametrize("rows", [[ROW], ROW])
def test_gbis_has_another_header_and_a_single_row_as_an_object(rows: Any) -> None:
    header = {"queryTime": "2026", "resultCode": 0, "resultMessage": "정상"}
    body = {"response": {"msgHeader": header, "msgBody": {"busArrivalList": rows}}}
    assert list(page(source().read(200, json.dumps(body).encode())).rows) == [ROW]
    none = source().read(200, b'{"response":{"msgHeader":{"resultCode":4,"resultMessage":"none"}}}')
    assert isinstance(none, Failure)
    assert none.trouble == "no_data"


def test_pages_end_by_the_total_or_by_one_that_is_not_full() -> None:
    made = source(paging={"rows": 2})
    asked = [(2, 5, 4), (1, 5, 5), (2, None, 4), (1, None, 5), (0, 9, 5)]
    lasts = [made.is_last(Page([ROW] * size, total), seen) for size, total, seen in asked]
    assert lasts == [False, True, False, True, True]


# what rows mean


def test_a_row_of_name_and_value_is_a_column_as_kma_writes_it() -> None:
    rows = [
        {"baseDate": "20260501", "baseTime": "0900", "category": "T1H", "nx": 60, "ny": 127, "obsrValue": "14.2"},
        {"baseDate": "20260501", "baseTime": "0900", "category": "REH", "nx": 60, "ny": 127, "obsrValue": "-999"},
        {"baseDate": "20260501", "baseTime": "0900", "category": "VEC", "nx": 60, "ny": 127, "obsrValue": "270"},
    ]
    made = source(
        thing={"id": ["nx", "ny"]},
        long={"field": "category", "value": "obsrValue"},
        time={"field": ["baseDate", "baseTime"], "format": "%Y%m%d %H%M", "zone": "Asia/Seoul"},
        missing=[-999, -900, ""],
        fields=[
            {"field": "T1H", "property": "temperature", "unit": "Cel"},
            {"field": "REH", "property": "humidity", "unit": "%"},
        ],
    )
    found = made.sample(Page(rows), "", NOW)
    assert found.decoded.fields == ["60 127/temperature", "60 127/humidity"]
    assert found.decoded.values == [14.2, None]
    assert set(found.decoded.times) == {to_micros(datetime(2026, 5, 1, 9, tzinfo=KST))}
    assert (found.decoded.refusals, found.absent) == ([], set())


def test_a_flag_gives_the_quality_and_an_unknown_one_is_reported() -> None:
    fields = [FIELDS[0] | {"flag": "state", "flags": {"점검": "maintenance"}}]
    rows = [ROW | {"state": "점검"}, ROW | {"state": "새 말", "code": "2"}, ROW | {"state": "", "code": "3"}]
    found = source(fields=fields).sample(Page(rows), "", NOW)
    assert found.decoded.qualities == [Quality.maintenance, Quality.suspect, None]
    assert found.drift == {"state is '새 말'"}


@pytest.mark.parametrize(("value", "read"), [("0", 0.0), (0, 0.0), ("1,234.5", 1234.5), ("-", None), (-999, None)])
def test_numbers_come_as_text_and_zero_is_a_value(value: Any, read: float | None) -> None:
    assert source().sample(Page([ROW | {"level": value}]), "", NOW).decoded.values == [read]


@pytest.mark.parametrize("value", ["3O", True, [1], "NaN", "1e999", "1,23", float("nan"), 10**400])
def test_what_is_no_number_is_refused_and_its_neighbours_are_read(value: Any) -> None:
    found = source().sample(Page([ROW | {"level": value}, ROW | {"code": "2"}]), "", NOW)
    (refused,) = found.decoded.refusals
    assert (refused.code, refused.place) == ("wrong_type", "rows[0].river_level")
    assert found.decoded.values == [1.05]


def test_scale_and_offset_are_of_the_number_that_comes() -> None:
    made = source(fields=[FIELDS[0] | {"scale": 0.01, "offset": 2}])
    assert made.sample(Page([ROW | {"level": "150"}]), "", NOW).decoded.values == [3.5]


def test_a_column_that_no_row_has_is_named() -> None:
    found = source().sample(Page([{"code": "1", "name": "가", "lvl": "1"}]), "", NOW)
    assert (found.absent, found.columns) == ({"level"}, {"code", "name", "lvl"})
    assert source().sample(Page([]), "", NOW).absent == set()


def test_a_row_that_nothing_tells_apart_is_refused() -> None:
    (refused,) = source().sample(Page([{"level": "1"}]), "", NOW).decoded.refusals
    assert (refused.code, refused.place) == ("missing_member", "rows[0].code")


# configs


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"url": None}, "required", "config.url"),
        ({"url": f"{URL}?serviceKey=x"}, "invalid_value", "config.url"),
        ({"fields": []}, "invalid_value", "config.fields"),
        ({"fields": [FIELDS[0], {"field": "a", "property": "co"}]}, "required", "config.fields[1].unit"),
        ({"fields": [FIELDS[0] | {"unit": "metre"}]}, "unknown_unit", "config.fields[0].unit"),
        ({"fields": [FIELDS[0] | {"kind": "gage"}]}, "invalid_value", "config.fields[0].kind"),
        ({"fields": [FIELDS[0] | {"period": "1h"}]}, "bad_duration", "config.fields[0].period"),
        ({"fields": [FIELDS[0] | {"scale": 0}]}, "invalid_value", "config.fields[0].scale"),
        ({"fields": [FIELDS[0], FIELDS[0]]}, "repeated_property", "config.fields[1].property"),
        ({"fields": [FIELDS[0] | {"colour": 1}]}, "unknown_field", "config.fields[0].colour"),
        ({"fields": [FIELDS[0] | {"flags": {"x": "bad"}, "flag": "f"}]}, "invalid_value", "config.fields[0].flags.x"),
        ({"thing": {}}, "invalid_value", "config.thing.id"),
        ({"thing": {"id": "code", "latitude": "y"}}, "invalid_value", "config.thing.longitude"),
        ({"time": {"field": "t", "format": "%Y-%m-%d"}}, "time_without_zone", "config.time.format"),
        ({"time": {"field": "t", "format": "%H"}}, "bad_format", "config.time.format"),
        ({"paging": {"rows": 0}}, "invalid_value", "config.paging.rows"),
        ({"parameters": {"a b": 1}}, "invalid_value", "config.parameters"),
        ({"each": {"parameter": "x", "values": []}}, "invalid_value", "config.each.values"),
        ({"rowz": "x"}, "unknown_field", "config.rowz"),
        ({"stale": "2h"}, "bad_duration", "config.stale"),
    ],
)
def test_a_wrong_config_names_what_is_wrong(given: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        source(**given)
    assert (caught.value.code, caught.value.field) == (code, field)


def test_what_is_kept_of_a_config_makes_the_same_source() -> None:
    made = source(parameters={"a": "{%Y}"}, only={"x": [1]})
    assert DataGoKr(made.config).url("", 1, "k", NOW) == made.url("", 1, "k", NOW)


# from the portal to the store


def test_readings_of_a_service_are_stored_where_it_says_that_they_are(world: World) -> None:
    rows = [
        ROW | {"lat": "37.5179", "lon": "126.9589", "ymdhm": "202605010850"},
        ROW | {"code": "2", "name": "잠수교", "level": "-", "lat": "0", "lon": "0", "ymdhm": "202604302400"},
        ROW | {"code": "3", "name": "중복", "level": "2", "ymdhm": "202605010850"},
        ROW | {"code": "4", "name": "중복", "level": "0", "ymdhm": "202605010850"},
    ]
    world.portal.answer = lambda query: (200, shell(rows[:3] if query["pageNo"] == "1" else rows[3:], 4))
    config = PLAIN | {
        "url": world.portal.url, "paging": {"rows": 3}, "thing": {"id": "code", "name": "name", "latitude": "lat",
        "longitude": "lon"}, "time": {"field": "ymdhm", "format": "%Y%m%d%H%M", "zone": "Asia/Seoul"},
    }  # fmt: skip
    feed, outcome = world.pull("data-go-kr", config)
    assert outcome.code == "ok"
    eight = to_micros(datetime(2026, 5, 1, 8, 50, tzinfo=KST))
    assert world.readings()["한강대교", "river_level"] == [(eight, 1.05, 0)]
    assert sorted(value for _, value, _ in world.readings()["중복", "river_level"]) == [0.0, 2.0]
    assert len(world.streams()) == 3, "a station without any number is not registered"
    with world.database.read() as session:
        (place,) = session.query(Location).all()
        assert session.get_one(Thing, place.thing_id).name == "한강대교"
    assert Point(place.longitude, place.latitude) == Point(126.9589, 37.5179)
    assert {one["serviceKey"] for one in world.portal.asked} == {KEY}
    assert world.last_run(feed).rows == 4


def test_a_service_without_a_time_is_of_the_moment_of_asking(world: World) -> None:
    world.portal.replies = [(200, shell([ROW]))]
    world.pull("data-go-kr", PLAIN | {"url": world.portal.url})
    assert world.readings()["한강대교", "river_level"] == [(world.clock.micros(), 1.05, 0)]


def test_the_quota_of_a_key_stops_it_until_midnight(world: World) -> None:
    world.portal.replies = [QUOTA]
    _, outcome = world.pull("data-go-kr", PLAIN | {"url": world.portal.url})
    assert (outcome.code, outcome.rests_until) == ("22", NOW + 14 * HOUR + 40 * MINUTE)
