"""What is live now, from public data alone: counts, the newest readings of each observed property, and where."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from gops.catalog.exposed import exposed
from gops.clock import HOUR, Clock, from_micros, to_micros
from gops.durations import parse_duration
from gops.permissions import ANONYMOUS
from gops.portal import commons, drawing
from gops.portal.commons import Commons
from gops.quality import ANY
from gops.sensors.exposure import Exposure
from gops.settings import Settings
from gops.store.port import Series, Store, Windows

ROWS_A_PROPERTY = 6
KEPT_SECONDS = 1.0  # a withdrawn Datastream is gone within 2 s
DRAWN_KINDS = {"gauge": "mean", "amount": "sum", "counter": "increase"}
HOURS = 24


class Sources(commons.Sources, Protocol):
    """The services that the page reads."""

    @property
    def things(self) -> Any: ...

    @property
    def search(self) -> Any: ...

    @property
    def properties(self) -> Any: ...

    @property
    def datastreams(self) -> Any: ...

    @property
    def store(self) -> Store: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def settings(self) -> Settings: ...


@dataclass(frozen=True)
class Row:
    """A newest reading. ``t`` in microseconds; ``value`` a number, the text of a state, or None."""

    datastream: int
    place: str
    thing: str
    value: float | str | None
    unit: str
    quality: int
    t: int
    period: int | None
    line: drawing.Line | None


@dataclass(frozen=True)
class Group:
    """The newest readings of one observed property; ``hidden`` more have no row here."""

    key: str
    names: tuple[str, str]
    rows: tuple[Row, ...]
    hidden: int


@dataclass(frozen=True)
class Point:
    longitude: float
    latitude: float
    name: str
    newest: Row | None


@dataclass(frozen=True)
class Live:
    """``cut``: there are more public Datastreams than the setting latest_max lets a page look at."""

    at: int
    things: int
    datastreams: int
    readings_today: int
    cut: bool
    groups: tuple[Group, ...]
    points: tuple[Point, ...]
    commons: Commons


class Board:
    """Makes ``Live``, at most once in ``kept_seconds``; who comes meanwhile gets the same."""

    def __init__(self, sources: Sources, kept_seconds: float = KEPT_SECONDS) -> None:
        self._sources = sources
        self._kept_seconds = kept_seconds
        self._lock = threading.Lock()
        self._kept: Live | None = None
        self._until = 0.0

    def show(self) -> Live:
        with self._lock:
            if self._kept is None or time.monotonic() >= self._until:
                self._kept = gather(self._sources)
                self._until = time.monotonic() + self._kept_seconds
            return self._kept


def gather(sources: Sources) -> Live:
    most, now = sources.settings.latest_max, sources.clock.micros()
    found = sources.datastreams.list(ANONYMOUS, public_only=True, in_use=True, limit=most + 1)
    shown = {one.id: one for one in found[:most]}
    things = sources.things.many(ANONYMOUS, {one.thing_id for one in shown.values()})
    places = sources.things.places(ANONYMOUS, things)
    store = exposed(sources.store, {i: Exposure.of(one) for i, one in shown.items()}, now)
    newest = _newest(store, {i: one for i, one in shown.items() if one.thing_id in things}, things, places)
    return Live(
        at=now,
        things=len(things),
        datastreams=len(shown),
        readings_today=_today(store, sources.settings.zone, list(shown.values()), now),
        cut=len(found) > most,
        groups=_groups(sources, store, shown, newest, now),
        points=_points(shown, things, places, newest),
        commons=commons.gather(sources),
    )


def series(datastream: Any) -> Series:
    period = parse_duration(datastream.period) if datastream.period else None
    return Series(datastream.id, datastream.kind, datastream.label, period)


def _newest(
    store: Store, datastreams: Mapping[int, Any], things: Mapping[int, Any], places: Mapping[int, Any]
) -> dict[int, Row]:
    rows = {}
    for reading in store.latest(list(datastreams)).to_pylist():
        one = datastreams[reading["datastream"]]
        thing, place = things[one.thing_id], places.get(one.thing_id)
        rows[one.id] = Row(
            datastream=one.id,
            place=place.name if place is not None and place.name else thing.name,
            thing=thing.name,
            value=reading["text"] if reading["value"] is None else reading["value"],
            unit=one.unit,
            quality=reading["quality"],
            t=reading["t"],
            period=series(one).period,
            line=None,
        )
    return rows


def _today(store: Store, zone: ZoneInfo, datastreams: Sequence[Any], now: int) -> int:
    """Readings since midnight on the clock of this GOPS."""
    day = from_micros(now).astimezone(zone).date()
    edges = [to_micros(datetime(d.year, d.month, d.day, tzinfo=zone)) for d in (day, day + timedelta(days=1))]
    count = 0
    for alike in _by_kind(datastreams).values():
        table = store.aggregate(Windows(alike, edges, (), ANY))
        count += sum(table["count"].to_pylist())
    return count


def _by_kind(datastreams: Sequence[Any]) -> dict[str, list[Series]]:
    found = defaultdict(list)
    for one in datastreams:
        found[one.kind].append(series(one))
    return found


def _groups(
    sources: Sources, store: Store, datastreams: Mapping[int, Any], newest: Mapping[int, Row], now: int
) -> tuple[Group, ...]:
    by_property = defaultdict(list)
    for one in datastreams.values():
        if one.id in newest:
            by_property[one.observed_property_id].append(newest[one.id])
    chosen = {
        key: sorted(rows, key=lambda row: (-row.t, row.place))[:ROWS_A_PROPERTY] for key, rows in by_property.items()
    }
    lines = _lines(store, [datastreams[row.datastream] for rows in chosen.values() for row in rows], now)
    properties = sources.properties.many(by_property)
    return tuple(
        Group(
            key=properties[key].key,
            names=(properties[key].name_ko, properties[key].name_en),
            rows=tuple(_with_line(row, lines) for row in sorted(chosen[key], key=lambda row: row.place)),
            hidden=len(by_property[key]) - len(chosen[key]),
        )
        for key in sorted(by_property)
    )


def _with_line(row: Row, lines: Mapping[int, drawing.Line | None]) -> Row:
    return Row(**{**vars(row), "line": lines.get(row.datastream)})


def _lines(store: Store, datastreams: Sequence[Any], now: int) -> dict[int, drawing.Line | None]:
    """The last 24 hours of each, an hour a point."""
    end = now - now % HOUR + HOUR
    edges = range(end - HOURS * HOUR, end + 1, HOUR)
    values: dict[int, list[float | None]] = defaultdict(list)
    for kind, alike in _by_kind(datastreams).items():
        if kind in DRAWN_KINDS:
            name: Any = DRAWN_KINDS[kind]
            table = store.aggregate(Windows(alike, edges, (name,), fill=True))
            for datastream, value in zip(table["datastream"].to_pylist(), table[name].to_pylist(), strict=True):
                values[datastream].append(value)
    return {datastream: drawing.line(found) for datastream, found in values.items()}


def _points(
    datastreams: Mapping[int, Any], things: Mapping[int, Any], places: Mapping[int, Any], newest: Mapping[int, Row]
) -> tuple[Point, ...]:
    best: dict[int, Row] = {}
    for row in newest.values():
        thing = datastreams[row.datastream].thing_id
        if thing not in best or best[thing].t < row.t:
            best[thing] = row
    return tuple(
        Point(place.longitude, place.latitude, place.name or things[thing].name, best.get(thing))
        for thing, place in sorted(places.items())
    )
