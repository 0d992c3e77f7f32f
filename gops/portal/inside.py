"""What is in a live dataset, for its page: newest readings, a chart of one property, where it is, how good it is.

All of it as everybody sees it; each part is bounded, so that a page of a large dataset is not larger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gops.catalog.contents import Contents
from gops.catalog.exposed import exposed
from gops.catalog.facts import CatalogFacts, Variable
from gops.catalog.long_shape import LongShape, Member
from gops.catalog.quality.rating import Rating, rating
from gops.clock import HOUR
from gops.permissions import ANONYMOUS
from gops.portal import drawing
from gops.portal.graph import Graph, graph
from gops.portal.kept import Kept
from gops.portal.live import DRAWN_KINDS
from gops.portal.sources import Sources
from gops.store.port import Store, Windows

LOOKED_AT = 100  # Datastreams whose newest readings are asked for
PREVIEWED = 10  # rows
DRAWN = 6  # series in a chart
HOURS = 48
PLACES = 300
RATED_SECONDS = 60.0
RATED = 1_000  # datasets whose rating is kept


@dataclass(frozen=True)
class Drawn:
    """One series of a chart, of hourly windows."""

    thing: str
    low: float | None
    high: float | None
    newest: float | None


@dataclass(frozen=True)
class Chart:
    """``start`` and ``end`` in microseconds; ``hidden`` more Datastreams observe the property."""

    variable: Variable
    graph: Graph
    series: Sequence[Drawn]
    hidden: int
    start: int
    end: int


@dataclass(frozen=True)
class Inside:
    """``choices``: what can be drawn. ``names`` belong to the points of ``map``."""

    rows: Sequence[Mapping[str, Any]]
    chart: Chart | None
    choices: Sequence[Variable]
    map: drawing.Map | None
    names: Sequence[str]
    rating: Rating


Ratings = Kept[Rating]
"""How good datasets are, by id and revision."""


def ratings(kept_seconds: float = RATED_SECONDS) -> Ratings:
    return Kept(kept_seconds, RATED)


def gather(
    sources: Sources, kept: Ratings, contents: Contents, facts: CatalogFacts, variables: Sequence[Variable], key: str
) -> Inside:
    """``key``: the observed property to draw; another one than those of ``variables`` is as none."""
    now, dataset = sources.clock.micros(), contents.dataset
    store = exposed(sources.store, contents.exposures, now)
    choices = [one for one in variables if one.kind in DRAWN_KINDS]
    chosen = next((one for one in choices if one.key == key), choices[0] if choices else None)
    places = sources.catalogued.places(contents)
    shown = sorted(places)[:PLACES]
    names = {one.thing_id: one.thing for one in contents.members}
    return Inside(
        rows=_newest(store, contents.members, sources),
        chart=None if chosen is None else _chart(store, contents.members, chosen, sources),
        choices=choices,
        map=drawing.chart([(places[one].longitude, places[one].latitude) for one in shown]),
        names=[names[one] for one in shown],
        rating=kept.of(
            (dataset.id, dataset.revision), lambda: rating(facts, contents.members, store, now - dataset.delay)
        ),
    )


def _newest(store: Store, members: Sequence[Member], sources: Sources) -> list[dict[str, Any]]:
    table = store.latest([one.id for one in members[:LOOKED_AT]])
    newest = table.sort_by([("t", "descending"), ("datastream", "ascending")]).slice(0, PREVIEWED)
    return LongShape(members, sources.settings.zone).rows(newest)


def _chart(store: Store, members: Sequence[Member], of: Variable, sources: Sources) -> Chart | None:
    """Of the last 48 hours before the newest reading of the series that are drawn."""
    alike = [one for one in members if (one.observed, one.unit, one.kind) == (of.key, of.unit, of.kind)]
    drawn = alike[:DRAWN]
    extents = store.extent([one.id for one in drawn])
    if not extents:
        return None
    end = max(one.last for one in extents.values()) // HOUR * HOUR + HOUR
    edges = range(end - HOURS * HOUR, end + 1, HOUR)
    values = _hourly(store, drawn, of, edges)
    lines = graph([values[one.id] for one in drawn], edges, sources.settings.zone)
    if lines is None:
        return None
    series = [_drawn(one.thing, values[one.id]) for one in drawn]
    return Chart(of, lines, series, len(alike) - len(drawn), edges[0], end)


def _hourly(store: Store, drawn: Sequence[Member], of: Variable, edges: Sequence[int]) -> dict[int, list[float | None]]:
    name: Any = DRAWN_KINDS[of.kind]
    values: dict[int, list[float | None]] = {one.id: [] for one in drawn}
    table = store.aggregate(Windows([one.series for one in drawn], edges, (name,), fill=True))
    for datastream, value in zip(table["datastream"].to_pylist(), table[name].to_pylist(), strict=True):
        values[datastream].append(value)
    return values


def _drawn(thing: str, values: Sequence[float | None]) -> Drawn:
    known = [value for value in values if value is not None]
    return Drawn(thing, min(known, default=None), max(known, default=None), known[-1] if known else None)


def contents_of(sources: Sources, slug: str) -> Contents:
    """Raises ``NotFound``, ``Gone``."""
    found: Contents = sources.catalogued.contents(ANONYMOUS, slug)
    return found
