"""``datastore_search`` gives records as CKAN's DataStore does; here readings of a live dataset, of files ``filed``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast
from urllib.parse import urlencode

import pyarrow as pa
from flask import request

from gops.api import exports
from gops.api.catalog.sources import source
from gops.api.ckan import cells, filed
from gops.api.ckan.asked import Asked
from gops.api.ckan.found import REACH, Rows, close, too_far
from gops.api.ckan.packages import of_package
from gops.api.context import settings
from gops.api.counted import used
from gops.catalog.model import FILES, Dataset
from gops.catalog.profiles.ckan import READABLE
from gops.catalog.querying.live import Asked as InRange
from gops.catalog.querying.live import LiveTable
from gops.catalog.querying.port import Ask, Column, Table
from gops.errors import Invalid
from gops.permissions import missing
from gops.quality import ANY
from gops.store.port import Read, Store, Windows

DEFAULT = 100
AT_ONCE = 10_000  # rows that are read in one piece


@dataclass(frozen=True)
class Order:
    by_time: bool = False
    descending: bool = False


def datastore_search(asked: Asked) -> dict[str, Any]:
    one = asked.needed("resource_id")
    limit = asked.whole("limit", 0, 10**9, DEFAULT)
    limit, offset = min(limit, settings().page_rows_max), asked.whole("offset", 0, 10**9, 0)
    _refuse_unread(asked)
    package, _, key = one.partition(".")
    dataset = of_package(package, noun="resource")
    get = filed.rows if dataset.kind == FILES else _live
    end = exports.begin()
    try:
        found = get(dataset, key, asked, (offset, limit))
    finally:
        end()
    used("query", dataset.id, len(found.numbers))
    form = asked.text("records_format", "objects")
    return {
        "include_total": bool(found.counted),
        "limit": limit,
        "offset": offset,
        "records_format": form,
        "resource_id": one,
        **found.counted,
        "fields": [{"id": "_id", "type": "int"}, *found.fields],
        "records": cells.records(found.table, found.numbers, form),
        "_links": _links(asked, offset, limit),
    }


def _live(dataset: Dataset, key: str, asked: Asked, part: tuple[int, int]) -> Rows:
    if asked.raw("q") not in (None, "", {}):
        raise Invalid("readings are not searched by words", field="q", expected="filters")
    offset, limit = part
    table, ask = _table(dataset, key, asked)
    wanted, order = replace(ask, columns=_shown(table, asked)), _order(asked.text("sort"))
    if offset + limit > REACH:
        raise too_far("offset", offset)
    find = _by_time if order.by_time else _plain
    found = find(table, wanted, order, offset, limit)
    counted = _total(table, wanted) if asked.flag("include_total", True) else {}
    numbers = range(offset + 1, offset + 1 + found.num_rows)
    return Rows(found, numbers, [cells.field(one) for one in _columns(table, wanted.columns)], counted)


def _refuse_unread(asked: Asked) -> None:
    """What CKAN can and this cannot is refused, never passed over."""
    if asked.flag("distinct"):
        raise Invalid("rows are not made distinct", field="distinct", found=True, expected="false")
    for name in ("plain", "total_estimation_threshold", "q_language", "full_text"):
        asked.raw(name)
    form = asked.text("records_format", "objects")
    if form not in ("objects", "lists"):
        raise Invalid("not given here", field="records_format", found=form, expected="objects or lists")


def _table(dataset: Dataset, key: str, asked: Asked) -> tuple[LiveTable, Ask]:
    if key != READABLE:
        raise missing("resource with rows")
    origin = source(dataset.slug, {"thing": None, "property": None, "bbox": None})
    store = cast(Store, origin.readings)  # of what is live, as whoever asks sees it
    table = LiveTable(store, origin.contents.members, InRange(settings().zone), partial(_count, store))
    return table, Ask((), cells.conditions(table.columns, asked.mapping("filters")))


def _count(store: Store, read: Read, enough: int) -> int:
    """The rows of ``read``, its limit apart; a bound of them where that is not over ``enough``."""
    extents = store.extent([one.datastream for one in read.series])
    bound = sum(one.rows for one in extents.values())
    if bound <= enough or not extents:
        return bound
    low = min(one.first for one in extents.values()) - 1 if read.start is None else read.start
    high = max(one.last for one in extents.values()) + 1 if read.end is None else read.end
    kinds = {one.kind for one in read.series} if low < high else ()
    alike = ([one for one in read.series if one.kind == kind] for kind in kinds)
    tables = (store.aggregate(Windows(some, [low, high], (), ANY)) for some in alike)
    return sum(sum(table["count"].to_pylist()) for table in tables)


def _shown(table: Table, asked: Asked) -> Sequence[str]:
    wanted = [cells.known(table.columns, one, "fields").name for one in asked.names("fields") if one != "_id"]
    standard = ("time", "thing", "property", "value", "text", "unit", "quality", "datastream")
    return wanted or [one.name for one in table.columns if one.name in standard]


def _order(text: str) -> Order:
    words = text.lower().split()
    if not words or words in (["_id"], ["_id", "asc"]):
        return Order()
    if words == ["_id", "desc"]:
        return Order(descending=True)
    if words[0] == "time" and words[1:] in ([], ["asc"], ["desc"]):
        return Order(True, words[1:] == ["desc"])
    raise Invalid("there is no such order", field="sort", found=text, expected="time, time desc, _id or _id desc")


def _plain(table: LiveTable, ask: Ask, order: Order, offset: int, limit: int) -> pa.Table:
    """Rows in the table's own order: by Datastream, then time."""
    reach = offset + limit
    ask = replace(ask, descending=order.descending, limit=reach if reach <= AT_ONCE else None)
    found, at, schema = [], 0, pa.schema([one.field for one in _columns(table, ask.columns)])
    batches = table.scan(ask) if limit else iter(())
    for batch in batches:
        found.append(batch.slice(max(0, offset - at), max(0, reach - max(at, offset))))
        at += batch.num_rows
        if at >= reach:
            break
    close(batches)
    return pa.Table.from_batches(found, schema) if found else schema.empty_table()


def _by_time(table: LiveTable, ask: Ask, order: Order, offset: int, limit: int) -> pa.Table:
    """Rows of all Datastreams by time: of a range at one end that grows until it holds enough."""
    sides = ("time", "datastream")
    columns = [*ask.columns, *(one for one in sides if one not in ask.columns)]
    reach = offset + limit
    for part in _ranges(table, ask, order, reach):
        asked = replace(ask, columns=columns)
        if part.at_most(asked, REACH) > REACH:
            raise too_far("sort", "time")
        found = pa.Table.from_batches(list(part.scan(asked)), pa.schema([one.field for one in _columns(part, columns)]))
        if found.num_rows >= reach or part.asked == table.asked:
            break
    way = "descending" if order.descending else "ascending"
    return found.sort_by([("time", way), ("datastream", way)]).slice(offset, limit).select(list(ask.columns))


def _ranges(table: LiveTable, ask: Ask, order: Order, reach: int) -> Iterator[LiveTable]:
    """The same table over ever longer ranges, the whole at last. ``asked`` of the last is that of ``table``."""
    members, _rest = table.chosen(ask.where)
    extents = cast(Store, table.readings).extent([one.id for one in members]).values()
    if extents:
        first, last = min(one.first for one in extents) - 1, max(one.last for one in extents) + 1
        width = max(1, (last - first) * (reach + 1) // max(1, sum(one.rows for one in extents)))
        while width < last - first:
            low, high = (last - width, last) if order.descending else (first, first + width)
            yield replace(table, asked=replace(table.asked, start=low, end=high))
            width *= 4
    yield table


def _total(table: LiveTable, ask: Ask) -> dict[str, Any]:
    """How many rows there are; where conditions look at each, no more than ``REACH`` are counted."""
    asked, counted = replace(ask, columns=["datastream"], limit=None), 0
    looked = table.at_most(asked, 0)
    if table.chosen(ask.where)[1] is None:
        return {"total": looked, "total_was_estimated": False}
    batches = table.scan(asked)
    for batch in batches:
        counted += batch.num_rows
        if counted >= REACH:
            break
    close(batches)
    return {"total": counted, "total_was_estimated": counted >= REACH}


def _columns(table: Table, names: Sequence[str]) -> list[Column]:
    known = {one.name: one for one in table.columns}
    return [known[name] for name in names]


def _links(asked: Asked, offset: int, limit: int) -> dict[str, str]:
    given = {name: value for name, value in request.args.items() if name not in ("offset", "key")}
    path = request.path
    return {
        "start": f"{path}?{urlencode(given)}",
        "next": f"{path}?{urlencode(given | {'offset': str(offset + limit)})}",
    }
