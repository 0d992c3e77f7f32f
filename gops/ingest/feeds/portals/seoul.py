"""Seoul Open Data (openapi.seoul.go.kr): any service by its name; air, bicycles and parking are known by their columns.

The key stands in the path, the pages too: ``/{key}/json/{service}/{first}/{last}/{parameters}``, counted from 1, both
ends included, at most 1000 rows.

- The root of an answer is not always the service's name (``bikeList`` answers ``rentBikeStatus``): it is what has rows.
- ``list_total_count`` of some services is the page's own count: a full page is then not taken for the last.
- RealtimeCityAir has changed its columns; both are known. Zero means missing there, other than at AirKorea.
- A parking lot counts only while ``PRK_STTS_YN`` is 1, and not with a time more than 2 hours old.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from gops.ingest.declared.sections import Section, wrong
from gops.ingest.feeds import documents
from gops.ingest.feeds.answers import Failure, Page, Sample
from gops.ingest.feeds.portals import asking, codes, rows, table
from gops.ingest.feeds.source import Source

BASE = "http://openapi.seoul.go.kr:8088"
MOST_ROWS = 1000
PARTS = 10
SEOUL = "Asia/Seoul"


def _air(field: str, old: str, observed: str, unit: str) -> dict[str, Any]:
    of_hour = {"period": "PT1H", "label": "end"}
    return {
        "field": field,
        "aliases": [old],
        "property": observed,
        "unit": unit,
        "missing": ["", "-", "점검중", 0],
        **of_hour,
    }


KNOWN: Mapping[str, dict[str, Any]] = {
    "RealtimeCityAir": {
        "sensor": "서울시 대기환경 측정망",
        "thing": {"name": "MSRSTN_NM"},
        "time": {"field": "MSRMT_DT", "format": "%Y%m%d%H%M", "zone": SEOUL},
        "fields": [
            _air("PM", "PM10", "pm10", "ug/m3"),
            _air("FPM", "PM25", "pm25", "ug/m3"),
            _air("OZON", "O3", "o3", "[ppm]"),
            _air("NTDX", "NO2", "no2", "[ppm]"),
            _air("CBMX", "CO", "co", "[ppm]"),
            _air("SPDX", "SO2", "so2", "[ppm]"),
        ],
    },
    "bikeList": {
        "sensor": "따릉이 대여소",
        "thing": {
            "id": "stationId",
            "name": "stationName",
            "latitude": "stationLatitude",
            "longitude": "stationLongitude",
        },
        "fields": [
            {"field": "parkingBikeTotCnt", "property": "bikes_available", "unit": "{bike}"},
            {"field": "rackTotCnt", "property": "bike_docks", "unit": "{dock}"},
        ],
    },
    "GetParkingInfo": {
        "sensor": "서울시 시영주차장",
        "thing": {"id": "PKLT_CD", "name": "PKLT_NM", "latitude": "LAT", "longitude": "LOT", "facts": ["ADDR"]},
        "time": {"field": "NOW_PRK_VHCL_UPDT_TM", "format": "%Y-%m-%d %H:%M:%S", "zone": SEOUL},
        "only": {"PRK_STTS_YN": ["1"]},
        "stale": "PT2H",
        "fields": [
            {
                "field": "NOW_PRK_VHCL_CNT",
                "aliases": ["CUR_PARKING"],
                "property": "parked_vehicles",
                "unit": "{vehicle}",
            },
            {
                "field": "TPKCT",
                "aliases": ["CAPACITY"],
                "property": "parking_capacity",
                "unit": "{space}",
                "missing": ["", 0],
            },
        ],
    },
}
"""Tables of services, for a config that has none of its own."""
OLD_NAMES: Mapping[str, Mapping[str, str]] = {
    "RealtimeCityAir": {"MSRDT": "MSRMT_DT", "MSRSTE_NM": "MSRSTN_NM", "MSRRGN_NM": "SAREA_NM"},
    "GetParkingInfo": {
        "CUR_PARKING_TIME": "NOW_PRK_VHCL_UPDT_TM",
        "PARKING_CODE": "PKLT_CD",
        "PARKING_NAME": "PKLT_NM",
        "QUE_STATUS": "PRK_STTS_YN",
        "LNG": "LOT",
    },
}


class Seoul(Source):
    """``config``: ``service``; ``parameters`` (a list, in their order); ``rows`` of a page (1000); ``url`` of the
    portal; and a ``table``, which the services of ``KNOWN`` need not have.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        given = Section(config, "config")
        self._url = asking.address(given, BASE)
        self._service = given.text("service", None, 64)
        self._parameters = given.words("parameters", PARTS)
        self._size = page_size(given)
        built_in = KNOWN.get(self._service, {}) if not given.has("fields") else {}
        mine = {name: config[name] for name in table.NAMES if name in config}
        self._table = table.parse(Section({**built_in, **mine}, "config"), "서울 열린데이터광장")
        for name in table.NAMES:
            given.has(name)
        given.done()
        self._old = OLD_NAMES.get(self._service, {}) if built_in else {}
        self.config = dict(config) | {"url": self._url}
        self.measured = self._table.measured

    def url(self, query: str, page: int, key: str, now: int) -> str:
        first = 1 + (page - 1) * self._size
        steps = [asking.plain_key(key), "json", self._service, first, first + self._size - 1, *self._parameters]
        return "/".join([self._url, *(quote(str(step), safe="") for step in steps)])

    def read(self, status: int, body: bytes, query: str = "") -> Page | Failure:
        found = codes.document(status, body)
        if isinstance(found, Failure):
            return found
        said = codes.result(found.get("errorMessage"))  # of the subway's host
        inside = next(
            (one for one in found.values() if isinstance(one, dict) and ("row" in one or "RESULT" in one)), None
        )
        if said or inside is None:
            return said or documents.mute(status, "unknown_shape", "nothing in the answer has rows")
        said = codes.result(inside.get("RESULT")) or codes.result(inside)
        read = documents.rows_of(inside.get("row"))
        if said or read is None:
            return said or documents.mute(status, "unknown_shape", "row is no list of objects")
        return Page(read, self._total(inside.get("list_total_count"), len(read)))

    def _total(self, said: Any, count: int) -> int | None:
        """None where it is only the count of this full page, as bikeList says it."""
        total = documents.count(said)
        return None if total is not None and total <= count == self._size else total

    def is_last(self, page: Page, seen: int) -> bool:
        return len(page.rows) < self._size if page.total is None else not page.rows or seen >= page.total

    def sample(self, page: Page, query: str, arrival: int) -> Sample:
        named = [{self._old.get(name, name): value for name, value in row.items()} for row in page.rows]
        return rows.sample(self._table, named if self._old else page.rows, arrival)


def page_size(given: Section) -> int:
    found = given.get("rows", MOST_ROWS)
    if isinstance(found, bool) or not isinstance(found, int) or not 1 <= found <= MOST_ROWS:
        raise wrong(
            given.at("rows"), found, f"a whole number from 1 to {MOST_ROWS}: the portal gives no more (ERROR-336)"
        )
    return found
