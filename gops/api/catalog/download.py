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

from gops.api import cursors, etags, paging
from gops.api.arguments import KEY_PARAMETER, refuse_limit_beyond
from gops.api.catalog.addresses import base, follow
from gops.api.context import actor, services, settings
from gops.api.series import bound_rows, life
from gops.api.times import write_time
from gops.catalog.contents import Contents, Filter
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
    contents, form = _contents(slug, query), _form(query.get("format"))
    zone: ZoneInfo = query["zone"]
    etag = _tag(contents, zone, form)
    response = etags.unchanged(etag)
    if response is None:
        if form == "json" or limit is not None:
            response = _page(contents, query, form, limit or settings().page_rows)
        else:
            response = _whole(contents, query, form)
        response.headers["ETag"] = quote_etag(etag)
    response.headers["GOPS-Zone"] = zone.key
    return response


def latest(slug: str, query: Mapping[str, Any]) -> Response:
    """The newest reading of each Datastream of a page."""
    zone: ZoneInfo = query.get("zone") or settings().zone
    most = settings().latest_max
    limit = refuse_limit_beyond(query.get("limit"), most, "GOPS_LATEST_MAX") or min(settings().page_rows, most)
    contents = _contents(slug, query)
    behind = [one for one in contents.members if one.id > query["after"]]
    members = behind[:limit]
    following = paging.next_address(after=members[-1].id) if len(behind) > limit else None
    shown = Contents(contents.dataset, tuple(members), contents.is_former_slug)
    places = services().catalogued.places(shown)
    spots = {one: (spot.longitude, spot.latitude, spot.name) for one, spot in places.items()}
    etag = _tag(shown, zone, "latest", sorted(spots.items()))
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


def _contents(slug: str, query: Mapping[str, Any]) -> Contents:
    wanted = Filter(query["thing"], query["property"], query["bbox"])
    contents: Contents = services().catalogued.contents(actor(), slug, wanted)
    follow(slug, contents.dataset.slug)
    return contents


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


def _tag(contents: Contents, zone: ZoneInfo, form: str, *more: Any) -> str:
    """Changes with the readings, the dataset, what the registry says of its Datastreams, the question and the form."""
    words = sorted((name, value) for name, value in request.args.items() if name != KEY_PARAMETER)
    version = services().store.version(contents.ids)
    what = contents.dataset.id, contents.dataset.revision, contents.members
    return etags.tag(life(), version, what, zone.key, request.path, words, form, *more)


def _read(contents: Contents, query: Mapping[str, Any], limit: int | None) -> Read:
    return Read(
        series=[one.series for one in contents.members],
        start=query["start"],
        end=query["end"],
        quality=query.get("quality", ANY),
        limit=limit,
        after=cursors.read(query["cursor"], _question()) if "cursor" in query else None,
    )


def _page(contents: Contents, query: Mapping[str, Any], form: str, limit: int) -> Response:
    zone: ZoneInfo = query["zone"]
    shape = LongShape(contents.members, zone)
    table, following = _cut(services().store.read(_read(contents, query, limit + 1)), limit)
    if form == "csv":
        return _file(HEADER + shape.csv(table), contents, form, following)
    if form == "parquet":
        return _file(b"".join(parquet(shape, iter(table.to_batches()), _about(contents))), contents, form, following)
    body = {
        "dataset": contents.dataset.slug,
        "zone": zone.key,
        "from": write_time(query["start"], zone),
        "to": write_time(query["end"], zone),
        "rows": shape.rows(table),
        "next": following,
    }
    return Response(orjson.dumps(body), mimetype=JSON, headers=paging.link(following))


def _cut(table: pa.Table, limit: int) -> Cut:
    """The first ``limit`` rows, and the address of the next page where there are more."""
    if table.num_rows <= limit:
        return table, None
    last = table["datastream"][limit - 1].as_py(), table["t"][limit - 1].as_py()
    return table.slice(0, limit), paging.next_address(cursor=cursors.write(_question(), *last))


def _question() -> bytes:
    return cursors.question(request.path, request.args)


def _whole(contents: Contents, query: Mapping[str, Any], form: str) -> Response:
    """The whole range, in flat memory. The first batch is read before the status is sent."""
    wanted = _read(contents, query, None)
    bound_rows(wanted.series, wanted.start, wanted.end)
    batches = services().store.stream(wanted, ROWS[form])
    first = [batch for batch in [next(batches, None)] if batch is not None]
    shape = LongShape(contents.members, query["zone"])
    pieces = _pieces(shape, chain(first, batches), form, _about(contents))
    response = _file(pieces, contents, form, None)
    close = getattr(batches, "close", None)  # a generator left half-way holds the store's view
    if close is not None:
        response.call_on_close(close)
    return response


def _pieces(shape: LongShape, batches: Iterator[pa.RecordBatch], form: str, about: dict[str, str]) -> Iterator[bytes]:
    if form == "parquet":
        return parquet(shape, batches, about)
    return chain([HEADER], (shape.csv(batch) for batch in batches))


def _about(contents: Contents) -> dict[str, str]:
    """What a Parquet file says of itself."""
    dataset = contents.dataset
    address = f"{base()}/api/v1/datasets/{dataset.slug}"
    return {"dataset": address, "title": dataset.title_ko, "licence": dataset.licence}


def _file(body: bytes | Iterator[bytes], contents: Contents, form: str, following: str | None) -> Response:
    name = f'attachment; filename="{contents.dataset.slug}.{form}"'
    headers = {"Content-Disposition": name} | paging.link(following)
    return Response(body, content_type=CONTENT_TYPES[form], headers=headers)
