"""Shared bicycles by the General Bikeshare Feed Specification (gbfs.org), versions 1 to 3: stations and what they have.

``gbfs.json`` names the documents, under languages before version 3. ``ttl`` says how long a document stays as it is.

==============  ======================================  ===============================================
                version 2                               version 3
==============  ======================================  ===============================================
times           POSIX seconds                           RFC 3339
names           text                                    ``[{"text", "language"}]``
vehicles        ``num_bikes_available``                 ``num_vehicles_available``
yes and no      also 0 and 1                            true and false
==============  ======================================  ===============================================

Single vehicles (``free_bike_status``, ``vehicle_status``) are left out: their ids change with each ride, on purpose.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gops.ingest.declared.sections import Section
from gops.ingest.decoders.times import instant
from gops.ingest.feeds import documents
from gops.ingest.feeds.answers import Failure, Page, Sample, Station
from gops.ingest.feeds.portals import asking, rows, table
from gops.ingest.feeds.portals.rows import place_of
from gops.ingest.feeds.source import Source
from gops.ingest.refused import Unreadable

TIME = "@time"
DOCUMENTS = ("station_information", "station_status")
LONGEST_TTL = 86_400
TITLE = 200
STATIONS: Mapping[str, Any] = {
    "thing": {"id": "station_id"},
    "time": {"field": TIME, "format": "us"},
    "fields": [
        {
            "field": "num_vehicles_available",
            "aliases": ["num_bikes_available"],
            "property": "bikes_available",
            "unit": "{bike}",
        },
        {"field": "num_docks_available", "property": "docks_available", "unit": "{dock}"},
    ],
}


class Gbfs(Source):
    """``config``: ``url`` of ``gbfs.json``; ``language`` (ko, else en, else the first); ``fields``, if others are
    wanted than bicycles and docks; ``vehicle_types_available.{id}`` is a column for each type. A key goes as a bearer
    token.
    """

    roams = True

    def __init__(self, config: Mapping[str, Any]) -> None:
        given = Section(config, "config")
        self._url = given.text("url", None, asking.URL_LENGTH)
        self._language = given.text("language", "ko", 16)
        mine = {name: config[name] for name in ("fields", "missing", "sensor", "stale") if given.has(name)}
        given.done()
        self._table = table.parse(Section({**STATIONS, **mine}, "config"), "GBFS")
        self.config = dict(config)
        self.measured = self._table.measured

    def url(self, query: str, page: int, key: str, now: int) -> str:
        return query.partition(" ")[2] or self._url

    def headers(self, key: str) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {key}"} if key else {}

    def read(self, status: int, body: bytes, query: str = "") -> Page | Failure:
        if status != 200:
            return documents.mute(status, "refused", "the document is not given")
        found = documents.opened(status, body)
        if isinstance(found, Failure):
            return found
        if not isinstance(found, dict) or not isinstance(found.get("data"), dict):
            return documents.mute(status, "unknown_shape", "the answer is no GBFS document")
        ttl = documents.count(found.get("ttl"))
        fresh = None if ttl is None else min(ttl, LONGEST_TTL)
        if query:
            read = documents.rows_of(found["data"].get("stations"))
            if read is None or "stations" not in found["data"]:
                return documents.mute(status, "unknown_shape", "the document has no list of stations")
            return Page(read, len(read), fresh=fresh, made=_moment(found.get("last_updated")))
        follow = self._documents(found["data"])
        if len(follow) < len(DOCUMENTS):
            return documents.mute(
                status, "unknown_shape", "gbfs.json names no stations: a system without docks is not read"
            )
        return Page((), 0, follow=follow, fresh=fresh)

    def _documents(self, data: Mapping[str, Any]) -> tuple[str, ...]:
        """Of version 3, or of the language that is wanted."""
        languages = [data, *(data.get(one) for one in (self._language, "en")), *data.values()]
        feeds = next((one["feeds"] for one in languages if isinstance(one, dict) and "feeds" in one), None)
        named = {one.get("name"): one.get("url") for one in documents.rows_of(feeds) or ()}
        return tuple(f"{name} {named[name]}" for name in DOCUMENTS if isinstance(named.get(name), str))

    def is_last(self, page: Page, seen: int) -> bool:
        return True

    def sample(self, page: Page, query: str, arrival: int) -> Sample:
        if query.startswith(DOCUMENTS[0]):
            found = Sample()
            for row in page.rows:
                station = self._station(row)
                if station is not None:
                    found.stations[station.key] = station
            return found
        otherwise = arrival if page.made is None else page.made
        return rows.sample(self._table, [_plain(row, otherwise) for row in page.rows], arrival)

    def _station(self, row: Mapping[str, Any]) -> Station | None:
        key = row.get("station_id")
        if not isinstance(key, str | int) or not str(key).strip():
            return None
        key = str(key).strip()[: rows.KEY_LENGTH]
        name = self._said(row.get("name"))
        facts = {"code": key} | {one: str(row[one])[:TITLE] for one in ("capacity", "region_id") if one in row}
        return Station(key, name or key, None, facts, name, place_of(row.get("lon"), row.get("lat")))

    def _said(self, text: Any) -> str:
        """A text, or the one of a list of translations that suits best."""
        if isinstance(text, list):
            told = {one.get("language"): one.get("text") for one in text if isinstance(one, dict)}
            text = told.get(self._language) or told.get("en") or next(iter(told.values()), "")
        return text.strip()[:TITLE] if isinstance(text, str) else ""


def _plain(row: Mapping[str, Any], otherwise: int) -> dict[str, Any]:
    """A row of either version: its time in microseconds, counts by type as columns, yes and no as such."""
    plain = {name: bool(value) if name.startswith("is_") else value for name, value in row.items()}
    for one in documents.rows_of(row.get("vehicle_types_available")) or ():
        plain[f"vehicle_types_available.{one.get('vehicle_type_id')}"] = one.get("count")
    reported = _moment(row.get("last_reported"))
    return plain | {TIME: otherwise if reported is None else reported}


def _moment(raw: Any) -> int | None:
    """POSIX seconds or RFC 3339 as microseconds; None for none, and for 0 and 1, which some systems write for it."""
    if isinstance(raw, int) and not isinstance(raw, bool) and raw > 1:
        raw = raw * 1000
    elif not isinstance(raw, str):
        return None
    try:
        return instant(raw, None)
    except Unreadable:
        return None
