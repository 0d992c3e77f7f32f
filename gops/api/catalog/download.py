"""Answers of a dataset's readings: ETag first, then rows from the store's columns, streamed where they are many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pyarrow as pa
from flask import Response, request
from werkzeug.exceptions import NotAcceptable
from werkzeug.http import quote_etag

from gops.api import cursors, etags, exports, paging
from gops.api.arguments import KEY_PARAMETER, refuse_limit_beyond
from gops.api.catalog.addresses import base
from gops.api.catalog.sources import Source, source
from gops.api.context import services, settings
from gops.api.series import life
from gops.api.times import write_time
from gops.catalog.contents import Contents
from gops.catalog.long_shape import HEADER, LongShape, parquet
from gops.catalog.vocabularies import FILE_TYPES
from gops.quality import ANY
from gops.store.port import Read

FORMATS = tuple(FILE_TYPES)
JSON = FILE_TYPES["json"].media_type
CONTENT_TYPES = {"csv": "text/csv; charset=utf-8; header=present", "parquet": FILE_TYPES["parquet"].media_type}
ROWS = {"csv": 32_768, "parquet": 131_072}  # in a batch, which is a row group of Parquet
Cut = tuple[pa.Table, str | None]


def data(slug: str, query: Mapping[str, Any]) -> Response:
    """Readings; 304 where the asker has them."""
    limit = refuse_limit_beyond(query.get("limit"), settings().page_rows_max)
    origin, form = source(slug, query), _form(query.get("format"))
    zone: ZoneInfo = query["zone"]
    etag = _tag(origin, zone, form)
    response = etags.unchanged(etag)
    if response is None:
        if form == "json" or limit is not None:
            response = _page(origin, query, form, limit or settings().page_rows)
        else:
            response = _whole(origin, query, form)
        response.headers["ETag"] = quote_etag(etag)
    response.headers["GOPS-Zone"] = zone.key
    return response


def latest(slug: str, query: Mapping[str, Any]) -> Response:
    """The newest reading of each Datastream of a page."""
    zone: ZoneInfo = query.get("zone") or settings().zone
    most = settings().latest_max
    limit = refuse_limit_beyond(query.get("limit"), most, "GOPS_LATEST_MAX") or min(settings().page_rows, most)
    contents = source(slug, query).contents
    behind = [one for one in contents.members if one.id > query["after"]]
    members = behind[:limit]
    following = paging.next_address(after=members[-1].id) if len(behind) > limit else None
    shown = Contents(contents.dataset, tuple(members), contents.is_former_slug)
    places = services().catalogued.places(shown)
    spots = {one: (spot.longitude, spot.latitude, spot.name) for one, spot in places.items()}
    version = life(), services().store.version(shown.ids)
    etag = _tag(Source(shown, services().store, version), zone, "latest", sorted(spots.items()))
    unchanged = etags.unchanged(etag)
    if unchanged is not None:
        return unchanged
    rows = LongShape(members, zone).rows(services().store.latest(shown.ids))
    things = {one.id: one.thing_id for one in members}
    newest = [row | _where(things[row["datastream"]], spots) for row in rows]
    body = {"dataset": contents.dataset.slug, "zone": zone.key, "latest": newest, "next": following}
    headers = {"ETag": quote_etag(etag), **paging.link(following)}
    return Response(orjson.dumps(body), mimetype=JSON, headers=headers)


def _where(thing: int, spots: Mapping[int, tuple[float, float, str]]) -> dict[str, Any]:
    spot = spots.get(thing)
    place = None if spot is None else dict(zip(("longitude", "latitude", "name"), spot, strict=True))
    return {"thing_id": thing, "location": place}


def _form(named: str | None) -> str:
    """json, csv or parquet, by name or by the Accept header. Raises 406."""
    if named is not None:
        return named
    accepted = request.accept_mimetypes
    types = {FILE_TYPES[form].media_type: form for form in ("json", "csv", "parquet")}
    best = accepted.best_match(list(types))
    if best is None and accepted:
        raise NotAcceptable
    return types[best or JSON]


def _tag(origin: Source, zone: ZoneInfo, form: str, *more: Any) -> str:
    """Changes with the readings, the dataset, what is said of its Datastreams, the question and the form."""
    words = sorted((name, value) for name, value in request.args.items() if name != KEY_PARAMETER)
    contents = origin.contents
    what = contents.dataset.id, contents.dataset.revision, contents.members
    return etags.tag(origin.version, what, zone.key, request.path, words, form, *more)


def _read(origin: Source, query: Mapping[str, Any], limit: int | None) -> Read:
    return Read(
        series=[one.series for one in origin.contents.members],
        start=query["start"],
        end=query["end"],
        quality=query.get("quality", ANY),
        limit=limit,
        after=cursors.read(query["cursor"], _question(origin)) if "cursor" in query else None,
    )


def _page(origin: Source, query: Mapping[str, Any], form: str, limit: int) -> Response:
    zone: ZoneInfo = query["zone"]
    shape = LongShape(origin.contents.members, zone)
    table, following = _cut(origin, origin.readings.read(_read(origin, query, limit + 1)), limit)
    if form == "csv":
        return _file(HEADER + shape.csv(table), origin, form, following)
    if form == "parquet":
        return _file(b"".join(parquet(shape, iter(table.to_batches()), _about(origin))), origin, form, following)
    body = {
        "dataset": origin.contents.dataset.slug,
        "snapshot": origin.told(),
        "zone": zone.key,
        "from": write_time(query["start"], zone),
        "to": write_time(query["end"], zone),
        "rows": shape.rows(table),
        "next": following,
    }
    return Response(orjson.dumps(body), mimetype=JSON, headers=origin.headers(following))


def _cut(origin: Source, table: pa.Table, limit: int) -> Cut:
    """The first ``limit`` rows, and the address of the next page where there are more."""
    if table.num_rows <= limit:
        return table, None
    last = table["datastream"][limit - 1].as_py(), table["t"][limit - 1].as_py()
    return table.slice(0, limit), paging.next_address(cursor=cursors.write(_question(origin), *last))


def _question(origin: Source) -> bytes:
    """A cursor of one snapshot leads nowhere in another."""
    frozen = {} if origin.snapshot is None else {"snapshot": origin.snapshot.sha256}
    return cursors.question(request.path, dict(request.args) | frozen)


def _whole(origin: Source, query: Mapping[str, Any], form: str) -> Response:
    """The whole range, in flat memory. The first batch is read before the status is sent."""
    wanted = _read(origin, query, None)
    origin.bound(wanted)
    end = exports.begin()
    try:
        batches = origin.readings.stream(wanted, ROWS[form])
        first = [batch for batch in [next(batches, None)] if batch is not None]
    except BaseException:
        end()
        raise
    shape = LongShape(origin.contents.members, query["zone"])
    response = _file(_pieces(shape, chain(first, batches), form, _about(origin)), origin, form, None)
    response.call_on_close(end)
    close = getattr(batches, "close", None)  # a generator left half-way holds the store's view, or files
    if close is not None:
        response.call_on_close(close)
    return response


def _pieces(shape: LongShape, batches: Iterator[pa.RecordBatch], form: str, about: dict[str, str]) -> Iterator[bytes]:
    if form == "parquet":
        return parquet(shape, batches, about)
    return chain([HEADER], (shape.csv(batch) for batch in batches))


def _about(origin: Source) -> dict[str, str]:
    """What a Parquet file says of itself."""
    dataset = origin.contents.dataset
    address = f"{base()}/api/v1/datasets/{dataset.slug}"
    about = {"dataset": address, "title": dataset.title_ko, "licence": dataset.licence}
    return about if origin.snapshot is None else about | {"snapshot": origin.snapshot.sha256}


def _file(body: bytes | Iterator[bytes], origin: Source, form: str, following: str | None) -> Response:
    name = f'attachment; filename="{origin.contents.dataset.slug}.{form}"'
    headers = {"Content-Disposition": name} | origin.headers(following)
    return Response(body, content_type=CONTENT_TYPES[form], headers=headers)
