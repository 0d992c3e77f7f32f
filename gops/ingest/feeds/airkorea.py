"""AirKorea: hourly means of the national air quality network, by province (``getCtprvnRltmMesureDnsty``).

- All numbers are text. Missing is ``-``, ``""`` or null, never 0: 0 is a value.
- ``dataTime`` is Korean wall time of the hour's end, 01 to 24: ``2016-04-23 24:00`` is the next day's midnight.
- ``*Flag`` says why a number is missing or not to be trusted, and may stand beside one.
- Station names are not unique in the country. A station is told by ``stationCode``, or by province and name.
- The list of stations is a service of its own, which a key has to be allowed for; there ``dmX`` is the latitude.
- A dead or renamed station keeps its last hour with nothing in it; that must not wipe out what it measured then.

A column that a row does not have at all (PM2.5 in old versions) is not missing; it says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote, urlencode

from gops.clock import HOUR, to_micros
from gops.ingest.declared.sections import Section, wrong
from gops.ingest.feeds import data_go_kr
from gops.ingest.feeds.answers import KST, Failure, Measured, Page, Sample, Station, field_name
from gops.ingest.feeds.portals import asking
from gops.ingest.feeds.portals.rows import place_of
from gops.ingest.feeds.source import Source
from gops.ingest.refused import Refused, Unreadable, shown
from gops.quality import Quality
from gops.sensors import texts

BASE = "https://apis.data.go.kr/B552584/ArpltnInforInqireSvc"
STATIONS_BASE = "https://apis.data.go.kr/B552584/MsrstnInfoInqireSvc"
STATIONS = "stations"
STATIONS_OPERATION = "getMsrstnList"
OPERATION = "getCtprvnRltmMesureDnsty"
VERSION = "1.4"  # the first with flags of PM10 and PM2.5
ROWS = 100  # in a page; services answer with nothing above a cap that none of them states
PROVINCES = (
    *("서울", "부산", "대구", "인천", "광주", "대전", "울산", "세종"),
    *("경기", "강원", "충북", "충남", "전북", "전남", "경북", "경남", "제주"),
)
STALE = 12 * HOUR
FLAGS: Mapping[str, Quality] = {
    "점검및교정": Quality.maintenance,
    "장비점검": Quality.maintenance,
    "통신장애": Quality.communication_failure,
    "자료이상": Quality.suspect,
}
NOTHING = frozenset({"", "-"})
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d) (\d\d)(?::(\d\d)|시)", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,12}(?:\.\d{1,12})?", re.ASCII)


SENSOR = "AirKorea 측정망"
MEASURED: Mapping[str, Measured] = {
    "pm10": Measured(SENSOR, "ug/m3", "gauge", "PT1H", "end"),
    "pm25": Measured(SENSOR, "ug/m3", "gauge", "PT1H", "end"),
    "o3": Measured(SENSOR, "[ppm]", "gauge", "PT1H", "end"),
    "no2": Measured(SENSOR, "[ppm]", "gauge", "PT1H", "end"),
    "so2": Measured(SENSOR, "[ppm]", "gauge", "PT1H", "end"),
    "co": Measured(SENSOR, "[ppm]", "gauge", "PT1H", "end"),
}
"""By observed property; its column is ``{key}Value`` and its flag ``{key}Flag``. The index (khai) and the grades follow
from these and are left out."""
COLUMNS = ("dataTime", *(f"{key}Value" for key in MEASURED))
FACTS: Mapping[str, str] = {"province": "sidoName", "name": "stationName", "code": "stationCode", "network": "mangName"}


class AirKorea(Source):
    """A query is one province; ``places`` are the stations of it.

    ``config`` is ``{"provinces": [...], "url": ..., "stations_url": ...}``: the services' addresses, without operation.
    """

    measured = MEASURED

    def __init__(self, config: Mapping[str, Any]) -> None:
        given = Section(config, "config")
        provinces = given.words("provinces", len(PROVINCES))
        for index, one in enumerate(provinces):
            texts.one_of(one, PROVINCES, f"config.provinces[{index}]")
        if not provinces:
            raise wrong("config.provinces", config.get("provinces"), "a list of " + ", ".join(PROVINCES))
        self.config = {"provinces": list(dict.fromkeys(provinces)), "url": asking.address(given, BASE)}
        if given.has("stations_url"):
            self.config["stations_url"] = asking.address(given, name="stations_url")
        given.done()
        self.queries = tuple(self.config["provinces"])
        if self.config["url"] == BASE or "stations_url" in self.config:  # elsewhere there may be no list of stations
            self.places = tuple(f"{STATIONS} {one}" for one in self.queries)

    def url(self, query: str, page: int, key: str, now: int) -> str:
        """A key is issued encoded and decoded; either will do: it is decoded first."""
        province = query.removeprefix(f"{STATIONS} ")
        asked: dict[str, Any] = {"returnType": "json", "numOfRows": ROWS, "pageNo": page}
        if province == query:
            base = f"{self.config['url']}/{OPERATION}"
            asked |= {"sidoName": query, "ver": VERSION}
        else:
            base = f"{self.config.get('stations_url', STATIONS_BASE)}/{STATIONS_OPERATION}"
            asked |= {"addr": province}
        return f"{base}?serviceKey={quote(unquote(key), safe='')}&{urlencode(asked)}"

    def read(self, status: int, body: bytes, query: str = "") -> Page | Failure:
        return data_go_kr.read(status, body)

    def is_last(self, page: Page, seen: int) -> bool:
        return not page.rows or (len(page.rows) < ROWS if page.total is None else seen >= page.total)

    def sample(self, page: Page, query: str, arrival: int) -> Sample:
        """Columns of the rows. ``query`` names the province of rows that don't; ``arrival`` is when they came."""
        sample = Sample(columns={str(name) for row in page.rows for name in row})
        province = query.removeprefix(f"{STATIONS} ")
        if province == query and page.rows:
            sample.absent = {name for name in COLUMNS if name not in sample.columns}
        for index, row in enumerate(page.rows):
            station = _station(row, province)
            if station is None:
                sample.decoded.refusals.append(_refused("wrong_type", None, f"items[{index}].stationName", row, "text"))
                continue
            sample.stations[station.key] = station
            if province != query:
                continue
            _add_row(sample, index, row, station, arrival - STALE)
        return sample


def _station(row: Mapping[str, Any], province: str) -> Station | None:
    found = {name: row.get(column) for name, column in FACTS.items()}
    facts = {name: str(value).strip() for name, value in found.items() if isinstance(value, str | int)}
    facts = {name: value for name, value in facts.items() if value not in NOTHING}
    if "name" not in facts:
        return None
    facts.setdefault("province", province)
    key = f"{facts['province']} {facts['name']}"
    return Station(key, facts["name"], facts.get("code"), facts, place=place_of(row.get("dmY"), row.get("dmX")))


def _add_row(sample: Sample, index: int, row: Mapping[str, Any], station: Station, stale_before: int) -> None:
    cells = {key: _cell(sample, row, key) for key in MEASURED if f"{key}Value" in row}
    said = {key for key, (value, quality) in cells.items() if value is not None or quality is not None}
    try:
        t = read_time(row.get("dataTime"))
    except Unreadable as trouble:
        if said:
            place = f"items[{index}].dataTime"
            sample.decoded.refusals.append(Refused(trouble.code, None, place, trouble.note, len(said)))
        else:
            sample.skipped += 1
        return
    if t < stale_before and not said:
        sample.skipped += 1
        return
    decoded = sample.decoded
    for key, (value, quality) in cells.items():
        place = f"items[{index}].{key}Value"
        if isinstance(value, Unreadable):
            decoded.refusals.append(Refused(value.code, field_name(station.key, key), place, value.note))
            continue
        if key in said:
            sample.known.add((station.key, key))
        decoded.spans.append((len(decoded.fields), f"items[{index}]: "))
        decoded.fields.append(field_name(station.key, key))
        decoded.values.append(value)
        decoded.times.append(t)
        decoded.qualities.append(quality)
        decoded.result_times.append(None)


def _cell(sample: Sample, row: Mapping[str, Any], key: str) -> tuple[float | Unreadable | None, int | None]:
    """The number of a column, why it is none, or None; and the quality that its flag says, None without one."""
    flag = row.get(f"{key}Flag")
    quality = None
    if isinstance(flag, str) and flag.strip() not in NOTHING:
        known = FLAGS.get("".join(flag.split()))
        if known is None:
            sample.drift.add(f"{key}Flag is {shown(flag)}")
        quality = int(Quality.suspect if known is None else known)
    try:
        return read_number(row[f"{key}Value"]), quality
    except Unreadable as trouble:
        return trouble, quality


def read_number(value: Any) -> float | None:
    """A number, or None for ``-``, ``""`` and null. Raises ``Unreadable``."""
    if value is None or (isinstance(value, str) and value.strip() in NOTHING):
        return None
    text = str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    if not _NUMBER.fullmatch(text):
        raise Unreadable("wrong_type", f"found {shown(value)}; expected a number, -, nothing or null")
    return float(text)


def read_time(value: Any) -> int:
    """Microseconds of ``2016-04-23 24:00`` or ``2016-04-23 14시``, Korean wall time. Raises ``Unreadable``."""
    match = _TIME.fullmatch(value.strip()) if isinstance(value, str) else None
    try:
        if match is None:
            raise ValueError(value)
        year, month, day, hour, minute = (int(part or 0) for part in match.groups())
        if hour == 24 and minute == 0:
            return to_micros(datetime(year, month, day, tzinfo=KST) + timedelta(days=1))
        return to_micros(datetime(year, month, day, hour, minute, tzinfo=KST))
    except (ValueError, OverflowError) as error:
        note = f"found {shown(value)}; expected Korean wall time such as 2016-04-23 24:00"
        raise Unreadable("bad_time", note) from error


def _refused(code: str, field: str | None, place: str, row: Mapping[str, Any], expected: str) -> Refused:
    return Refused(code, field, place, f"found {shown(row.get('stationName'))}; expected {expected}", len(MEASURED))
