"""``datastore_search``: readings of a live dataset row by row, as CKAN's DataStore gives records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast
from urllib.parse import urlencode

import pyarrow as pa
from flask import request

from gops.api import exports
from gops.api.catalog.sources import source
from gops.api.ckan.asked import Asked
from gops.api.ckan.packages import of_package
from gops.api.context import settings
from gops.catalog.profiles.ckan import READABLE
from gops.catalog.querying.live import Asked as InRange
from gops.catalog.querying.live import LiveTable
from gops.catalog.querying.port import Ask, Column, Table
from gops.catalog.querying.predicate import All, OneOf
from gops.errors import Invalid, TooLarge
from gops.permissions import missing
from gops.quality import ANY
from gops.store.port import Read, Store, Windows
from gops.timetext import write_times

DEFAULT = 100
REACH = 1_000_000  # rows up to which an offset may lead, and that an order by time may look at
AT_ONCE = 10_000  # rows that are read in one piece
TYPES = ("text", "float8", "int", "timestamptz")


@dataclass(frozen=True)
class Order:
    by_time: bool = False
    descending: bool = False


def datastore_search(asked: Asked) -> dict[str, Any]:
    one = asked.needed("resource_id")
    limit = asked.whole("limit", 0, 10**9, DEFAULT)
    limit, offset = min(limit, settings().page_rows_max), asked.whole("offset", 0, 10**9, 0)
    _refuse_unread(asked)
    table, ask = _table(one, asked)
    wanted, order = replace(ask, columns=_shown(table, asked)), _order(asked.text("sort"))
    if offset + limit > REACH:
        raise _too_far("offset", offset)
    end = exports.begin()
    try:
        get = _by_time if order.by_time else _plain
        found = get(table, wanted, order, offset, limit)
        counted = _total(table, wanted) if asked.flag("include_total", True) else {}
    finally:
        end()
    form = asked.text("records_format", "objects")
    return {
        "include_total": bool(counted),
        "limit": limit,
        "offset": offset,
        "records_format": form,
        "resource_id": one,
        **counted,
        "fields": [{"id": "_id", "type": "int"}, *map(_field, _columns(table, wanted.columns))],
        "records": _records(found, offset, form),
        "_links": _links(asked, offset, limit),
    }


def _refuse_unread(asked: Asked) -> None:
    """What CKAN can and this cannot is refused, never passed over."""
    if asked.raw("q") not in (None, "", {}):
        raise Invalid("readings are not searched by words", field="q", expected="filters")
    if asked.flag("distinct"):
        raise Invalid("rows are not made distinct", field="distinct", found=True, expected="false")
    for name in ("plain", "total_estimation_threshold", "q_language", "full_text"):
        asked.raw(name)
    form = asked.text("records_format", "objects")
    if form not in ("objects", "lists"):
        raise Invalid("not given here", field="records_format", found=form, expected="objects or lists")


def _table(resource: str, asked: Asked) -> tuple[LiveTable, Ask]:
    package, _, key = resource.partition(".")
    if key != READABLE:
        raise missing("resource with rows")
    dataset = of_package(package, noun="resource")
    origin = source(dataset.slug, {"thing": None, "property": None, "bbox": None})
    store = cast(Store, origin.readings)  # of what is live, as whoever asks sees it
    table = LiveTable(store, origin.contents.members, InRange(settings().zone), partial(_count, store))
    return table, Ask((), _conditions(table, asked.mapping("filters")))


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


def _conditions(table: Table, filters: Mapping[str, Any]) -> Any:
    """Of each field one value, or a list of which any will do."""
    known = {one.name: one for one in table.columns}
    parts = []
    for name, value in filters.items():
        if name not in known:
            raise Invalid("there is no such field", field="filters", found=name, expected="some of " + ", ".join(known))
        values = value if isinstance(value, list) else [value]
        if not values or len(values) > 100:
            raise Invalid("not a fitting list", field=f"filters.{name}"[:100], found=len(values), expected="1 to 100")
        parts.append(OneOf(name, tuple(_scalar(known[name], one) for one in values)))
    return All(tuple(parts)) if len(parts) > 1 else parts[0] if parts else None


def _scalar(column: Column, value: Any) -> pa.Scalar:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_timestamp(kind):
        raise Invalid(
            "times are not filtered by", field="filters", found=column.name, expected="from and to of the API"
        )
    try:
        if pa.types.is_string(kind):
            if not isinstance(value, str):
                raise TypeError
            return pa.scalar(value, kind)
        if isinstance(value, bool):
            raise TypeError
        return pa.scalar(float(value)) if not pa.types.is_integer(kind) else pa.scalar(int(value), kind)
    except (TypeError, ValueError, OverflowError) as error:
        name = f"filters.{column.name}"
        raise Invalid("not a value of that field", field=name, found=value, expected=_type(column)) from error


def _shown(table: Table, asked: Asked) -> Sequence[str]:
    known = [one.name for one in table.columns]
    wanted = [one for one in asked.names("fields") if one != "_id"]
    for one in wanted:
        if one not in known:
            raise Invalid("there is no such field", field="fields", found=one, expected="some of " + ", ".join(known))
    standard = ("time", "thing", "property", "value", "text", "unit", "quality", "datastream")
    return wanted or [one for one in known if one in standard]


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
    _close(batches)
    return pa.Table.from_batches(found, schema) if found else schema.empty_table()


def _by_time(table: LiveTable, ask: Ask, order: Order, offset: int, limit: int) -> pa.Table:
    """Rows of all Datastreams by time: of a range at one end that grows until it holds enough."""
    sides = ("time", "datastream")
    columns = [*ask.columns, *(one for one in sides if one not in ask.columns)]
    reach = offset + limit
    for part in _ranges(table, ask, order, reach):
        asked = replace(ask, columns=columns)
        if part.at_most(asked, REACH) > REACH:
            raise _too_far("sort", "time")
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
    _close(batches)
    return {"total": counted, "total_was_estimated": counted >= REACH}


def _columns(table: Table, names: Sequence[str]) -> list[Column]:
    known = {one.name: one for one in table.columns}
    return [known[name] for name in names]


def _type(column: Column) -> str:
    if pa.types.is_timestamp(column.type):
        return "timestamptz"
    if pa.types.is_integer(column.type):
        return "int"
    return "float8" if pa.types.is_floating(column.type) else "text"


def _field(column: Column) -> dict[str, Any]:
    said = {"id": column.name, "type": _type(column)}
    return said if column.unit is None else said | {"info": {"unit": column.unit}}


def _records(found: pa.Table, offset: int, form: str) -> list[Any]:
    names = ["_id", *found.column_names]
    columns = [list(range(offset + 1, offset + 1 + found.num_rows)), *map(_values, found.columns)]
    rows = zip(*columns, strict=True)
    return [list(row) for row in rows] if form == "lists" else [dict(zip(names, row, strict=True)) for row in rows]


def _values(column: pa.ChunkedArray) -> list[Any]:
    if not pa.types.is_timestamp(column.type) or column.null_count:
        return [str(one) for one in column] if pa.types.is_timestamp(column.type) else column.to_pylist()
    written: list[Any] = write_times(column.cast(pa.int64()).to_numpy(), settings().zone).to_pylist()
    return written


def _links(asked: Asked, offset: int, limit: int) -> dict[str, str]:
    given = {name: value for name, value in request.args.items() if name not in ("offset", "key")}
    path = request.path
    return {
        "start": f"{path}?{urlencode(given)}",
        "next": f"{path}?{urlencode(given | {'offset': str(offset + limit)})}",
    }


def _too_far(field: str, found: Any) -> TooLarge:
    return TooLarge(
        "that is too far into the readings",
        field=field,
        found=found,
        expected=f"at most {REACH} rows looked at; filters, or the download of the resource",
    )


def _close(batches: object) -> None:
    close = getattr(batches, "close", None)  # one left half-way holds the store's view
    if close is not None:
        close()
