"""From the words of a request to a question to a table of data: which table, which columns, which rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import pyarrow as pa

from gops.api.catalog.sources import Source
from gops.api.context import settings
from gops.api.reading import Question, known_until, measured, one_kind, question, windows
from gops.catalog.querying import cql, wide, windowed
from gops.catalog.querying.forms import Form
from gops.catalog.querying.live import Asked, LiveTable
from gops.catalog.querying.port import Ask, Column, Table
from gops.catalog.querying.predicate import columns as looked_at
from gops.errors import Invalid
from gops.kinds import Aggregate, check_aggregates
from gops.quality import ANY

POSITION = ("longitude", "latitude")
AT_REQUEST = frozenset({"datastream", "thing_id", "result_time", *POSITION})
"""Columns that come only where they are asked for."""
OF_THINGS = frozenset({"thing", "thing_id", "property", "unit", *POSITION})
"""Those of rows of Datastreams, of which the answer says elsewhere what they are."""
FIRST = ("id", "datastream")
OBJECTS = ("json", "ndjson", "geojson")  # forms of objects, which name the Datastream of a row


@dataclass(frozen=True)
class Asking:
    """A table and what is asked of it; ``is_wide`` tables read more than they show."""

    table: Table
    ask: Ask
    is_wide: bool = False

    @property
    def looked_at(self) -> int:
        """How many columns are looked at: shown, or named in the filter."""
        return len({*self.ask.columns, *(looked_at(self.ask.where) if self.ask.where is not None else ())})

    def behind(self, place: tuple[int, int]) -> Asking:
        return replace(self, ask=replace(self.ask, after=place))

    def first(self, rows: int) -> Ask:
        """The first rows of it, with their places."""
        return replace(self.ask, limit=rows, placed=True)

    @property
    def units(self) -> Mapping[str, str]:
        """Of the columns that are shown, where all values of one have the same."""
        units = {one.name: one.unit for one in self.table.columns}
        return {name: unit for name in self.ask.columns if (unit := units[name]) is not None}


def asking(origin: Source, query: Mapping[str, Any], form: Form) -> Asking:
    """Reads no reading yet. Raises ``Invalid``: ``unknown_column``, ``bad_filter``, ``aggregate_of_kind`` ..."""
    _refuse_of_snapshots(origin, query)
    live = _live(origin, query, form)
    is_wide = query["shape"] == "wide"
    table: Table = live
    if "every" in query:
        table = _windows(origin, live, query, is_wide)
    elif is_wide:
        table = wide.readings(live, query["across"], settings().wide_columns)
    where = cql.parse(query["filter"], table.columns, query["zone"]) if query.get("filter") else None
    shown = _shown(table.columns, query.get("columns"), form, origin.by_datastream and not is_wide)
    ask = Ask(shown, where, query.get("order") == "desc", rows=form.rows)
    return Asking(table, ask, is_wide)


def moves_with_time(origin: Source, query: Mapping[str, Any]) -> int | None:
    """Until when states are known, where windows of them are asked for: that moves by itself (see ``reading``)."""
    if "every" not in query or origin.snapshot is not None or all(one.kind != "state" for one in origin.members):
        return None
    asked = Question(origin.members, query["zone"], query["start"], query["end"], None)
    known = known_until(asked, origin.store)
    return known if known is None or asked.end is None else min(known, asked.end)


def has_positions(query: Mapping[str, Any], form: Form) -> bool:
    """Do positions stand in the answer, or decide it?"""
    words = f"{query.get('columns')} {query.get('filter')}"
    return form.key == "geojson" or any(name in words for name in POSITION)


def _live(origin: Source, query: Mapping[str, Any], form: Form) -> LiveTable:
    asked = Asked(query["zone"], query["start"], query["end"], query.get("quality", ANY))
    places = origin.places if has_positions(query, form) else {}
    members = origin.members
    is_plain = "text" not in (query.get("columns") or ())
    return LiveTable(
        origin.readings, members, asked, origin.count, places, origin.snapshot is None, is_plain, origin.by_datastream
    )


def _refuse_of_snapshots(origin: Source, query: Mapping[str, Any]) -> None:
    if origin.snapshot is None:
        return
    for name, is_given in (("every", "every" in query), ("order", query.get("order") == "desc")):
        if is_given:
            message = "windows are of live data" if name == "every" else "a snapshot is read forwards"
            raise Invalid(f"{message}, not of a snapshot", field=name, expected=f"no {name} beside asof")


def _windows(origin: Source, live: LiveTable, query: Mapping[str, Any], is_wide: bool) -> Table:
    members = origin.members
    kind = one_kind(members) if members else "gauge"
    wanted = aggregates(members, query)

    def aggregated() -> pa.Table:
        asked = question([one.id for one in members], query)
        found = windows(
            replace(asked, quality=query.get("quality")), query["every"], wanted, query["fill"], origin.store
        )
        return measured(asked, origin.store.aggregate(found))

    if not is_wide:
        return windowed.long(live, kind, wanted, aggregated)
    return windowed.wide(live, kind, wanted, aggregated, query["across"], settings().wide_columns)


def aggregates(members: Sequence[Any], query: Mapping[str, Any]) -> Sequence[Aggregate]:
    """Which aggregates come. Raises ``Invalid``: ``mixed_kinds``, ``unknown_aggregate``, ``aggregate_of_kind``."""
    names = [one.strip() for one in query["aggregate"].split(",")] if "aggregate" in query else []
    return check_aggregates(one_kind(members) if members else "gauge", names)


def _usual(known: Iterable[str], form: Form, by_datastream: bool) -> list[str]:
    """The columns of an answer that were not asked for by name. Rows of Datastreams say no more than which it is."""
    if not by_datastream:
        hidden = AT_REQUEST - ({"datastream"} if form.key in OBJECTS else set())
        return [name for name in known if name not in hidden]
    hidden = OF_THINGS if form.key in OBJECTS else OF_THINGS | {"id"}
    shown = [name for name in known if name not in hidden]
    return sorted(shown, key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))


def _shown(columns: Sequence[Column], wanted: Sequence[str] | None, form: Form, by_datastream: bool) -> list[str]:
    """The columns of the answer, in its order."""
    known = {one.name: one for one in columns}
    if wanted is None:
        wanted = _usual(known, form, by_datastream)
    for name in wanted:
        if name not in known:
            refuse_unknown_column(name, known)
    shown = list(wanted)
    for one in columns:  # what stands instead of the value of a column goes with it
        if one.instead_of in shown and one.name not in shown:
            shown.insert(shown.index(one.instead_of) + 1, one.name)
    if form.key == "geojson":
        _refuse_without_place(known)
        shown += [name for name in POSITION if name not in shown]
    return shown


def refuse_unknown_column(name: str, known: Iterable[str]) -> NoReturn:
    raise Invalid(
        f"there is no column {name[:60]}",
        code="unknown_column",
        field="columns",
        found=name,
        expected=f"some of {', '.join(list(known)[:40])}",
    )


def _refuse_without_place(known: Mapping[str, Column]) -> None:
    if not set(POSITION) <= set(known):
        raise Invalid(
            "a row of several Things has no position",
            field="across",
            found="datastream",
            expected="across=property, or shape=long",
        )
