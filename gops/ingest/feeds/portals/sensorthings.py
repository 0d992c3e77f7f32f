"""Another SensorThings service (OGC 18-088): its Datastreams with their newest Observations, and the pages after them.

A Datastream is known by its ObservedProperty's name or definition. ``Observations@iot.nextLink`` of one is a query of
its own; pages of Datastreams follow ``@iot.nextLink``. Of an interval of phenomenonTime the end is taken where the
field's label is ``end``, else the beginning.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from gops.clock import from_micros
from gops.durations import parse_duration
from gops.errors import Invalid
from gops.ingest.declared.sections import Section
from gops.ingest.decoded import Value
from gops.ingest.decoders.times import instant
from gops.ingest.feeds import documents
from gops.ingest.feeds.answers import Failure, Page, Sample, Station, field_name
from gops.ingest.feeds.portals import asking, rows, table
from gops.ingest.feeds.portals.table import Column
from gops.ingest.feeds.source import Source
from gops.ingest.refused import Refused, Unreadable, shown
from gops.units import convertible

DATASTREAMS, OBSERVATIONS = 50, 500
SINCE = "PT6H"
NEXT = "@iot.nextLink"


class SensorThings(Source):
    """``config``: ``url`` of the service (``.../v1.1``); ``filter`` of Datastreams ($filter); ``since`` (PT6H): how far
    back Observations are asked for; ``sensor``, ``missing``, ``decimal``, and ``fields``, whose ``field`` and
    ``aliases`` are names or definitions of ObservedProperties. A key goes as a bearer token.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        given = Section(config, "config")
        self._url = asking.address(given)
        self._filter = given.text("filter", "", 500)
        self._since = parse_duration(given.text("since", SINCE, 32), given.at("since"))
        mine = {name: config[name] for name in ("fields", "sensor", "missing", "decimal") if given.has(name)}
        given.done()
        self._table = table.parse(Section({"thing": {"id": "@iot.id"}} | mine, "config"), "SensorThings")
        self._by_name = {name: one for one in self._table.columns for name in one.names}
        self.config = dict(config) | {"url": self._url}
        self.measured = self._table.measured

    def url(self, query: str, page: int, key: str, now: int) -> str:
        if query:
            return str(orjson.loads(query)[2])
        back = from_micros(now - self._since).strftime("%Y-%m-%dT%H:%M:%SZ")
        newest = f"$filter=phenomenonTime ge {back};$orderby=phenomenonTime asc;$top={OBSERVATIONS}"
        expand = f"Thing($expand=Locations),ObservedProperty,Observations({newest})"
        asked = {"$filter": self._filter} if self._filter else {}
        return asking.joined(f"{self._url}/Datastreams", {"$expand": expand, "$top": DATASTREAMS} | asked)

    def headers(self, key: str) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {key}"} if key else {}

    def read(self, status: int, body: bytes, query: str = "") -> Page | Failure:
        if status != 200:
            return documents.mute(status, "refused", "the service does not give it")
        found = documents.opened(status, body)
        if isinstance(found, Failure):
            return found
        read = documents.rows_of(documents.at(found, "value"))
        if read is None or not isinstance(found, dict) or "value" not in found:
            return documents.mute(status, "unknown_shape", "the answer has no list called value")
        following = found.get(NEXT)
        return Page(
            read,
            None,
            following if isinstance(following, str) else None,
            () if query else tuple(one for row in read if (one := self._more(row))),
        )

    def _more(self, row: Mapping[str, Any]) -> str | None:
        """The query of a Datastream's further Observations: its Thing, its property, and the address."""
        one, station, link = self._column(row), _station(row), row.get(f"Observations{NEXT}")
        if one is None or station is None or not isinstance(link, str):
            return None
        return orjson.dumps([station.key, one.property, link]).decode()

    def _column(self, row: Mapping[str, Any]) -> Column | None:
        said = [documents.at(row, f"ObservedProperty.{name}") for name in ("name", "definition")]
        return next((self._by_name[one] for one in said if isinstance(one, str) and one in self._by_name), None)

    def sample(self, page: Page, query: str, arrival: int) -> Sample:
        found = Sample()
        if query:
            key, observed, _ = orjson.loads(query)
            found.stations[key] = Station(key, key)
            self._observations(found, key, self._of(observed), page.rows, "value")
            return found
        for index, row in enumerate(page.rows):
            one, station = self._column(row), _station(row)
            found.columns.add(str(documents.at(row, "ObservedProperty.name")))
            if one is None or station is None:
                found.skipped += 1
                continue
            _compare_units(found, row, one)
            found.stations[station.key] = station
            listed = documents.rows_of(row.get("Observations")) or ()
            self._observations(found, station.key, one, listed, f"value[{index}].Observations")
        return found

    def _of(self, observed: str) -> Column:
        return next(one for one in self._table.columns if one.property == observed)

    def _observations(self, found: Sample, key: str, one: Column, listed: Any, place: str) -> None:
        decoded, name = found.decoded, field_name(key, one.property)
        for index, row in enumerate(listed):
            try:
                t = _phenomenon(row.get("phenomenonTime"), one.measured.label == "end")
                result_time = None if row.get("resultTime") is None else instant(row["resultTime"], None)
                value = _result(row.get("result"), one, self._table.comma)
            except Unreadable as trouble:
                decoded.refusals.append(Refused(trouble.code, name, f"{place}[{index}]", trouble.note))
                continue
            if value is not None:
                found.known.add((key, one.property))
            decoded.spans.append((len(decoded.fields), f"{place}[{index}]: "))
            decoded.fields.append(name)
            decoded.values.append(value)
            decoded.times.append(t)
            decoded.qualities.append(None)
            decoded.result_times.append(result_time)


def _station(row: Mapping[str, Any]) -> Station | None:
    thing = row.get("Thing")
    key = thing.get("@iot.id") if isinstance(thing, dict) else None
    if not isinstance(thing, dict) or not isinstance(key, str | int) or isinstance(key, bool):
        return None
    name = thing.get("name")
    located = documents.at(thing, "Locations.0.location")
    located = located.get("geometry", located) if isinstance(located, dict) else {}
    at = located.get("coordinates") if located.get("type") == "Point" else None
    place = rows.place_of(at[0], at[1]) if isinstance(at, list) and len(at) >= 2 else None
    title = name.strip()[:200] if isinstance(name, str) else ""
    return Station(str(key)[: rows.KEY_LENGTH], title or str(key), None, {"code": str(key)[:200]}, title, place)


def _phenomenon(raw: Any, end: bool) -> int:
    """An instant, or the end or beginning of an interval ``a/b``. Raises ``Unreadable``."""
    if isinstance(raw, str) and "/" in raw:
        first, _, last = raw.partition("/")
        raw = last if end else first
    if not isinstance(raw, str):
        raise Unreadable("bad_time", f"found {shown(raw)}; expected a time or an interval of two")
    return instant(raw, None)


def _result(raw: Any, one: Column, comma: bool) -> Value:
    if raw is None or rows.is_missing(raw, one):
        return None
    if one.measured.kind == "state":
        if isinstance(raw, str | int | float):
            return raw
        raise Unreadable("wrong_type", f"found {shown(raw)}; expected a text, a number or a truth value")
    return rows.read_number(raw, comma) * one.scale + one.offset


def _compare_units(found: Sample, row: Mapping[str, Any], one: Column) -> None:
    """A unit that the service names in UCUM and that does not convert to the declared one is no guess to make."""
    symbol = documents.at(row, "unitOfMeasurement.symbol")
    if not isinstance(symbol, str) or one.measured.kind == "state" or symbol == one.measured.unit:
        return
    try:
        fits = convertible(symbol, one.measured.unit)
    except Invalid:
        return
    if not fits:
        found.drift.add(f"the service says {shown(symbol)} of {one.property}, the config {one.measured.unit}")
