"""AirKorea: rows to columns, with every quirk of the portal."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gops.clock import HOUR, to_micros
from gops.errors import Invalid
from gops.geo import Point
from gops.ingest.feeds.airkorea import BASE, AirKorea, read_number, read_time
from gops.ingest.feeds.answers import Page, Sample
from gops.ingest.refused import Unreadable
from gops.outbound import mask
from gops.quality import Quality

KST = ZoneInfo("Asia/Seoul")
ADAPTER = AirKorea({"provinces": ["서울"]})


def at(*parts: int) -> int:
    return to_micros(datetime(*parts, tzinfo=KST))  # type: ignore[arg-type]


NOW = at(2026, 4, 30, 14, 20)


def row(**given: Any) -> dict[str, Any]:
    return {"stationName": "종로구", "sidoName": "서울", "dataTime": "2026-04-30 14:00"} | given


def sample(*rows: dict[str, Any], province: str = "서울") -> Sample:
    return ADAPTER.sample(Page(rows, len(rows)), province, NOW)


def read(*rows: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Value and quality of each field."""
    decoded = sample(*rows).decoded
    return dict(zip(decoded.fields, zip(decoded.values, decoded.qualities, strict=True), strict=True))


def test_a_row_is_an_hour_of_a_station() -> None:
    found = sample(row(pm10Value="35", pm10Flag=None, o3Value="0.041", khaiValue="74", pm10Grade="2"))
    assert found.decoded.fields == ["서울 종로구/pm10", "서울 종로구/o3"]
    assert found.decoded.values == [35.0, 0.041]
    assert found.decoded.times == [at(2026, 4, 30, 14)] * 2
    assert found.decoded.qualities == [None, None]
    assert found.stations["서울 종로구"].facts == {"province": "서울", "name": "종로구"}


@pytest.mark.parametrize("nothing", ["-", "", None, " ", " - "])
def test_missing_is_missing_and_never_zero(nothing: Any) -> None:
    assert read(row(pm10Value="1", coValue=nothing))["서울 종로구/co"] == (None, None)


@pytest.mark.parametrize("zero", ["0", "0.000", 0, 0.0])
def test_zero_is_a_value(zero: Any) -> None:
    assert read(row(coValue=zero))["서울 종로구/co"] == (0.0, None)


@pytest.mark.parametrize(
    ("flag", "quality"),
    [
        ("점검및교정", Quality.maintenance), ("점검 및 교정", Quality.maintenance), ("장비점검", Quality.maintenance),
        ("통신장애", Quality.communication_failure), ("자료이상", Quality.suspect), ("처음 보는 말", Quality.suspect),
    ],
)  # fmt: skip
def test_a_flag_gives_the_quality_with_and_without_a_number(flag: str, quality: Quality) -> None:
    assert read(row(coValue="-", coFlag=flag))["서울 종로구/co"] == (None, quality)
    assert read(row(coValue="0.4", coFlag=flag))["서울 종로구/co"] == (0.4, quality)


@pytest.mark.parametrize("flag", [None, "", "-"])
def test_no_flag_is_no_quality(flag: Any) -> None:
    assert read(row(coValue="0.4", coFlag=flag))["서울 종로구/co"] == (0.4, None)


def test_an_unknown_flag_is_reported_as_drift() -> None:
    assert sample(row(coValue="0.4", coFlag="새 표시")).drift == {"coFlag is '새 표시'"}


def test_a_column_that_is_not_there_says_nothing() -> None:
    assert "서울 종로구/pm25" not in read(row(pm10Value="3"))


def test_a_property_without_any_number_or_flag_is_not_known() -> None:
    found = sample(row(pm10Value="3", coValue="-", no2Value="-", no2Flag="장비점검"))
    assert found.known == {("서울 종로구", "pm10"), ("서울 종로구", "no2")}


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-04-30 14:00", (2026, 4, 30, 14)),
        ("2026-04-30 01:00", (2026, 4, 30, 1)),
        ("2016-04-23 24:00", (2016, 4, 24, 0)),
        ("2026-12-31 24:00", (2027, 1, 1, 0)),
        ("2024-02-28 24:00", (2024, 2, 29, 0)),
        ("2020-11-14 14시", (2020, 11, 14, 14)),
        ("2020-11-14 24시", (2020, 11, 15, 0)),
        (" 2026-04-30 14:00 ", (2026, 4, 30, 14)),
    ],
)
def test_times_are_korean_wall_time_with_hour_24(text: str, moment: tuple[int, ...]) -> None:
    assert read_time(text) == at(*moment)


@pytest.mark.parametrize(
    "text",
    [None, "", "-", "2026-04-30", "2026-04-30 25:00", "2026-04-30 24:30", "2026-02-30 01:00", "0000-01-01 01:00", 14],
)
def test_what_is_no_time_is_refused(text: Any) -> None:
    with pytest.raises(Unreadable) as caught:
        read_time(text)
    assert caught.value.code == "bad_time"


@pytest.mark.parametrize("text", ["abc", "1e9", "NaN", "Infinity", "1,000", "--", True, [1], {"a": 1}, "9" * 400, "३५"])
def test_what_is_no_number_is_refused_and_its_neighbours_kept(text: Any) -> None:
    found = sample(row(pm10Value=text, coValue="0.4"))
    (refused,) = found.decoded.refusals
    assert (refused.code, refused.field, refused.place) == ("wrong_type", "서울 종로구/pm10", "items[0].pm10Value")
    assert found.decoded.values == [0.4]


def test_a_row_without_a_time_is_refused_when_it_says_something_and_passed_over_when_not() -> None:
    speaking = sample(row(dataTime=None, pm10Value="3", coValue="-"))
    assert [(one.code, one.readings) for one in speaking.decoded.refusals] == [("bad_time", 1)]
    silent = sample(row(dataTime=None, pm10Value="-", coValue=""))
    assert (silent.decoded.refusals, silent.skipped) == ([], 1)


def test_a_dead_station_does_not_wipe_out_its_last_hour() -> None:
    """Renamed stations keep an old dataTime with nothing in it, for ever."""
    dead = sample(row(dataTime="2026-04-01 10:00", pm10Value="-", coValue="-"))
    assert (dead.decoded.fields, dead.skipped) == ([], 1)
    late = sample(row(dataTime="2026-04-01 10:00", pm10Value="31", coValue="-"))
    assert late.decoded.values == [31.0, None]


def test_a_missing_hour_that_has_just_ended_is_told() -> None:
    assert sample(row(pm10Value="-")).decoded.values == [None]


def test_a_station_name_is_not_unique_in_the_country() -> None:
    found = sample(row(stationName="중구", pm10Value="1"), row(stationName="중구", sidoName="부산", pm10Value="2"))
    assert found.decoded.fields == ["서울 중구/pm10", "부산 중구/pm10"]


def test_a_row_without_its_province_has_that_of_the_query() -> None:
    found = sample({"stationName": "중구", "dataTime": "2026-04-30 14:00", "pm10Value": "1"}, province="대구")
    assert list(found.stations) == ["대구 중구"]


def test_a_row_without_a_station_is_refused() -> None:
    found = sample(row(stationName=None, pm10Value="1"), row(pm10Value="2"))
    assert [one.place for one in found.decoded.refusals] == ["items[0].stationName"]
    assert found.decoded.values == [2.0]


def test_the_code_of_a_station_is_kept_beside_its_name() -> None:
    found = sample(row(stationCode="111123", mangName="도시대기", pm10Value="1"))
    assert found.stations["서울 종로구"].code == "111123"
    assert found.stations["서울 종로구"].facts["network"] == "도시대기"


@given(st.none() | st.text() | st.integers() | st.floats() | st.booleans() | st.lists(st.integers(), max_size=2))
def test_any_value_is_a_number_or_nothing_or_unreadable(value: Any) -> None:
    try:
        number = read_number(value)
    except Unreadable:
        return
    assert number is None or abs(number) < 1e12


@given(st.none() | st.text() | st.integers() | st.from_regex(r"\d{4}-\d\d-\d\d \d\d:\d\d", fullmatch=True))
def test_any_time_is_whole_minutes_or_unreadable(value: Any) -> None:
    try:
        assert read_time(value) % (HOUR // 60) == 0
    except Unreadable:
        return


# what is asked


@pytest.mark.parametrize("key", ["abc/DEF+gh==", "abc%2FDEF%2Bgh%3D%3D"])
def test_a_key_is_encoded_once_however_it_was_issued(key: str) -> None:
    url = ADAPTER.url("서울", 2, key, NOW)
    assert "serviceKey=abc%2FDEF%2Bgh%3D%3D&" in url
    assert "%25" not in url
    assert url.startswith(f"{BASE}/getCtprvnRltmMesureDnsty?")
    assert "pageNo=2" in url
    assert "DEF" not in mask(url, (key,))


def test_positions_come_from_the_list_of_stations_where_dmx_is_the_latitude() -> None:
    assert ADAPTER.places == ("stations 서울",)
    url = ADAPTER.url("stations 서울", 1, "k", NOW)
    assert url.startswith("https://apis.data.go.kr/B552584/MsrstnInfoInqireSvc/getMsrstnList?serviceKey=k&")
    assert f"addr={quote('서울')}" in url
    rows = [{"stationName": "중구", "dmX": "37.564639", "dmY": "126.975961"}, {"stationName": "강남구", "dmX": ""}]
    found = ADAPTER.sample(Page(rows, 2), "stations 서울", NOW)
    assert found.stations["서울 중구"].place == Point(126.975961, 37.564639)
    assert found.stations["서울 강남구"].place is None
    assert (found.decoded.fields, found.decoded.refusals, found.absent) == ([], [], set())


def test_pages_end_by_the_total_or_by_an_empty_or_short_page() -> None:
    rows = [row()] * 100
    assert not ADAPTER.is_last(Page(rows, 150), 100)
    assert ADAPTER.is_last(Page(rows[:50], 150), 150)
    assert ADAPTER.is_last(Page([], 150), 100)
    assert not ADAPTER.is_last(Page(rows, None), 100)
    assert ADAPTER.is_last(Page(rows[:99], None), 99)


def test_a_config_gets_its_defaults() -> None:
    assert AirKorea({"provinces": ["서울", "경기", "서울"]}).config == {"provinces": ["서울", "경기"], "url": BASE}


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({}, "config.provinces"), ({"provinces": []}, "config.provinces"), ({"provinces": "서울"}, "config.provinces"),
        ({"provinces": ["Seoul"]}, "config.provinces[0]"),
        ({"provinces": [["서울"]]}, "config.provinces[0]"),
        ({"provinces": ["서울"], "url": ""}, "config.url"), ({"provinces": ["서울"], "key": "x"}, "config.key"),
    ],
)  # fmt: skip
def test_a_wrong_config_names_what_is_wrong(config: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        AirKorea(config)
    assert (caught.value.code, caught.value.field) == ("unknown_field" if "key" in config else "invalid_value", field)
