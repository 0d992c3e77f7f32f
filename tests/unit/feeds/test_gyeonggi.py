"""Gyeonggi data dream: an array of two objects, heads in any order, samples that look whole, quotas."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from gops.clock import to_micros
from gops.errors import Invalid
from gops.ingest.feeds.answers import KST, Failure, Page
from gops.ingest.feeds.portals.gyeonggi import Gyeonggi
from tests.unit.feeds.conftest import World
from tests.unit.feeds.portal import Reply
from tests.unit.feeds.test_seoul import top

NOW = to_micros(datetime(2026, 5, 1, 9, 20, tzinfo=KST))
CONFIG: dict[str, Any] = {
    "service": "PARKINGPLACE",
    "thing": {
        "id": "MANAGE_NO",
        "name": "PARKPLC_NM",
        "latitude": "REFINE_WGS84_LAT",
        "longitude": "REFINE_WGS84_LOGT",
    },
    "fields": [{"field": "PARKPLC_CMPRT_CNT", "property": "parking_capacity", "unit": "{space}"}],
}
ROW = {
    "SIGUN_NM": "수원시", "SIGUN_CD": "41110", "MANAGE_NO": "135-2", "PARKPLC_NM": "화성행궁 주차장",
    "PARKPLC_CMPRT_CNT": 200, "REFINE_WGS84_LAT": "37.2814", "REFINE_WGS84_LOGT": "127.0136",
}  # fmt: skip


def answer(rows: list[dict[str, Any]], total: int, *, swapped: bool = False) -> Reply:
    result = {"RESULT": {"CODE": "INFO-000", "MESSAGE": "정상 처리되었습니다."}}
    head: list[dict[str, Any]] = [{"list_total_count": total}, result, {"api_version": "1.0"}]
    parts: list[dict[str, Any]] = [{"head": head[::-1] if swapped else head}, {"row": rows}]
    return 200, json.dumps({"PARKINGPLACE": parts[::-1] if swapped else parts}, ensure_ascii=False).encode()


@pytest.mark.parametrize("swapped", [False, True])
def test_head_and_rows_are_told_by_their_names_in_any_order(swapped: bool) -> None:
    status, body = answer([ROW], 7, swapped=swapped)[:2]
    assert Gyeonggi(CONFIG).read(status, body) == Page((ROW,), 7)


def test_xml_without_asking_for_it_is_read_too() -> None:
    xml = "<PARKINGPLACE><head><list_total_count>1</list_total_count><RESULT><CODE>INFO-000</CODE></RESULT></head>"
    found = Gyeonggi(CONFIG).read(200, f"{xml}<row><MANAGE_NO>1</MANAGE_NO></row></PARKINGPLACE>".encode())
    assert found == Page(({"MANAGE_NO": "1"},), 1)


@pytest.mark.parametrize(
    ("reply", "trouble"),
    [
        (top("INFO-200"), "no_data"), (top("INFO-300"), "key"), (top("ERROR-290"), "key"),
        (top("ERROR-300"), "request"), (top("ERROR-310"), "request"), (top("ERROR-333"), "request"),
        (top("ERROR-336"), "request"),
        (top("ERROR-337"), "quota"), (top("ERROR-500"), "server"), (top("ERROR-601"), "server"),
        ((200, b'{"PARKINGPLACE":[{"head":[]}]}'), "unreadable"), ((200, b""), "unreadable"),
        ((404, b"<html>"), "request"),
        ((200, b'{"PARKINGPLACE":[{"head":[{"RESULT":{"CODE":"ERROR-600"}}]}]}'), "server"),
    ],
)  # fmt: skip
def test_what_is_no_page_says_why(reply: Reply, trouble: str) -> None:
    found = Gyeonggi(CONFIG).read(reply[0], reply[1])
    assert isinstance(found, Failure)
    assert found.trouble == trouble


def test_type_and_pages_are_named_because_xml_is_the_default() -> None:
    made = Gyeonggi(CONFIG | {"each": {"parameter": "SIGUN_NM", "values": ["수원시"]}})
    expected = "https://openapi.gg.go.kr/PARKINGPLACE?KEY=k&Type=json&pIndex=2&pSize=1000&SIGUN_NM=%EC%88%98"
    assert made.url("수원시", 2, "k", NOW).startswith(expected)


@pytest.mark.parametrize("place", [None, "", "0", "x"])
def test_a_place_is_often_lacking(place: Any) -> None:
    row = ROW | {"REFINE_WGS84_LAT": place, "REFINE_WGS84_LOGT": place}
    assert Gyeonggi(CONFIG).sample(Page([row]), "", NOW).stations["135-2"].place is None


@pytest.mark.parametrize(
    ("given", "field"),
    [({"service": ""}, "config.service"), ({"rows": 2000}, "config.rows"), ({"fields": None}, "config.fields"),
     ({"pSize": 5}, "config.pSize")],
)  # fmt: skip
def test_a_wrong_config_names_what_is_wrong(given: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        Gyeonggi(CONFIG | given)
    assert caught.value.field == field


# from the portal to the store


def test_rows_over_pages_are_stored(world: World) -> None:
    rows = [ROW, ROW | {"MANAGE_NO": "2", "PARKPLC_CMPRT_CNT": "0"}, ROW | {"MANAGE_NO": "3", "PARKPLC_NM": "나"}]
    world.portal.answer = lambda query: answer(rows[:2] if query["pIndex"] == "1" else rows[2:], 3)
    feed, outcome = world.pull("gyeonggi", CONFIG | {"url": world.portal.root, "rows": 2})
    assert (outcome.code, world.last_run(feed).rows, world.last_run(feed).readings) == ("ok", 3, 3)
    assert world.readings()["나", "parking_capacity"] == [(world.clock.micros(), 200.0, 0)]


def test_a_sample_that_looks_whole_is_a_failure(world: World) -> None:
    """Without a valid key the portal gives five rows with INFO-000."""
    world.portal.replies = [answer([ROW | {"MANAGE_NO": str(number)} for number in range(5)], 1234)]
    feed, outcome = world.pull("gyeonggi", CONFIG | {"url": world.portal.root})
    assert (outcome.code, len(world.portal.asked)) == ("short_pages", 1)
    assert "1234 rows and gave 5" in outcome.note
    assert "sample key" in outcome.note
    assert world.last_run(feed).readings == 5


def test_an_end_before_the_total_is_a_failure(world: World) -> None:
    world.portal.answer = lambda query: answer([ROW], 3) if query["pIndex"] == "1" else top("INFO-200")
    assert world.pull("gyeonggi", CONFIG | {"url": world.portal.root, "rows": 1})[1].code == "short_pages"


def test_spent_traffic_stops_the_key_until_korean_midnight(world: World) -> None:
    world.portal.replies = [top("ERROR-337")]
    feed, outcome = world.pull("gyeonggi", CONFIG | {"url": world.portal.root})
    assert (outcome.code, outcome.rests_until) == ("ERROR-337", to_micros(datetime(2026, 5, 2, tzinfo=KST)))
    assert world.runner.run(feed.id) is None
    assert len(world.portal.asked) == 1
