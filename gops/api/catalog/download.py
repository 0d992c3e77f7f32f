"""Answers of a dataset's readings: ETag first, then rows from columns, streamed where they are many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pyarrow as pa
from flask import Response, request
from werkzeug.exceptions import NotAcceptable
from werkzeug.http import quote_etag

from gops import logs
from gops.api import cursors, etags, exports, paging
from gops.api.arguments import KEY_PARAMETER, refuse_limit_beyond
from gops.api.catalog import filed
from gops.api.catalog.asking import Asking, asking, has_positions, moves_with_time
from gops.api.catalog.costs import refuse_costly
from gops.api.catalog.filed import FileSource, chosen
from gops.api.catalog.sources import Source, source
from gops.api.context import services, settings
from gops.api.counted import rows_of, used
from gops.api.times import write_time
from gops.catalog.contents import Contents
from gops.catalog.long_shape import LongShape
from gops.catalog.querying.ahead import Ahead
from gops.catalog.querying.forms import FORMS, Form, Written, pieces
from gops.catalog.querying.port import PLACE, schema_of
from gops.errors import Invalid
from gops.formats import json
from gops.formats.csv import CODINGS

JSON = FORMS["json"].media_type
Query = Mapping[str, Any]
log = logs.get(__name__)


def data(slug: str, query: Query) -> Response:
    """Readings; 304 where the asker has them. To HEAD the same, without reading a whole range."""
    refuse_limit_beyond(query.get("limit"), settings().page_rows_max)
    origin = chosen(slug, query)
    return answered(origin, query, form_of(query))


def answered(origin: Source, query: Query, form: Form) -> Response:
    """Readings; 304 where the asker has them."""
    places = sorted(origin.places.items()) if has_positions(query, form) else None
    etag = _tag(origin, query["zone"], form.key, moves_with_time(origin, query), places)
    response = etags.unchanged(etag)
    if response is None:
        response = _answer(origin, query, form, query.get("limit"))
        response.headers["ETag"] = quote_etag(etag)
    response.headers["GOPS-Zone"] = query["zone"].key
    return response


def latest(slug: str, query: Query) -> Response:
    """The newest reading of each Datastream of a page."""
    zone: ZoneInfo = query.get("zone") or settings().zone
    most = settings().latest_max
    limit = refuse_limit_beyond(query.get("limit"), most, "GOPS_LATEST_MAX") or min(settings().page_rows, most)
    origin = source(slug, query)
    contents = origin.contents
    behind = [one for one in contents.members if one.id > query["after"]]
    members = behind[:limit]
    following = paging.next_address(after=members[-1].id) if len(behind) > limit else None
    shown = Contents(contents.dataset, tuple(members), contents.is_former_slug, contents.is_own)
    places = services().catalogued.places(shown)
    spots = {one: (spot.longitude, spot.latitude, spot.name) for one, spot in places.items()}
    etag = _tag(replace(origin, contents=shown, facts=(shown.digest,)), zone, "latest", sorted(spots.items()))
    unchanged = etags.unchanged(etag)
    if unchanged is not None:
        return unchanged
    rows = LongShape(members, zone).rows(origin.store.latest(shown.ids))
    used("query", origin.dataset_id, rows=len(rows))
    things = {one.id: one.thing_id for one in members}
    newest = [row | _where(things[row["datastream"]], spots) for row in rows]
    body = {"dataset": contents.dataset.slug, "zone": zone.key, "latest": newest, "next": following}
    headers = {"ETag": quote_etag(etag), **paging.link(following)}
    return Response(orjson.dumps(body), mimetype=JSON, headers=headers)


def _where(thing: int, spots: Mapping[int, tuple[float, float, str]]) -> dict[str, Any]:
    spot = spots.get(thing)
    place = None if spot is None else dict(zip(("longitude", "latitude", "name"), spot, strict=True))
    return {"thing_id": thing, "location": place}


def form_of(query: Query) -> Form:
    """By name or by the Accept header. Raises 406, and ``Invalid`` for what is said of another form."""
    if "format" in query:
        form = FORMS[query["format"]]
    elif request.headers.get("Accept", "*/*") == "*/*":
        form = FORMS["json"]
    else:
        types = {one.media_type: one for one in FORMS.values()}
        best = request.accept_mimetypes.best_match(list(types))
        if best is None and request.accept_mimetypes:
            raise NotAcceptable
        form = types[best or JSON]
    for name, forms in (("bom", ("csv",)), ("encoding", ("csv",)), ("escape", ("csv", "xlsx"))):
        if name in query and form.key not in forms:
            raise Invalid(f"{name} is of {' and '.join(forms)}", field=name, expected=f"format={forms[0]} beside it")
    return form


def _tag(origin: Source, zone: ZoneInfo, form: str, *more: Any) -> str:
    """Changes with the readings, the dataset, what is said of its Datastreams, the question and the form."""
    words = sorted((name, value) for name, value in request.args.items() if name != KEY_PARAMETER)
    return etags.tag(origin.version, *origin.facts, zone.key, request.path, words, form, *more)


def _answer(origin: Source, query: Query, form: Form, limit: int | None) -> Response:
    asked = filed.asking(origin, query, form) if isinstance(origin, FileSource) else asking(origin, query, form)
    if "cursor" in query:
        asked = asked.behind(cursors.read(query["cursor"], _question(origin)))
    is_page = form.key == "json" or limit is not None
    size = (limit or settings().page_rows) if is_page else None
    refuse_costly(origin, asked, query, form, size)
    if size is None and request.method == "HEAD":
        return _file(iter(()), origin, query, form, None)
    if size is None:
        return _whole(origin, query, form, asked)
    return _page(origin, query, form, asked, size)


def _page(origin: Source, query: Query, form: Form, asked: Asking, limit: int) -> Response:
    schema = schema_of(asked.table, asked.ask)
    placed = asked.first(limit + 1)
    table = pa.Table.from_batches(list(asked.table.scan(placed)), schema_of(asked.table, placed))
    following = None
    if table.num_rows > limit:
        last = table[PLACE[0]][limit - 1].as_py(), table[PLACE[1]][limit - 1].as_py()
        following = paging.next_address(cursor=cursors.write(_question(origin), *last))
    shown = table.slice(0, limit).select(schema.names).unify_dictionaries().combine_chunks()
    used("query", origin.dataset_id, rows=shown.num_rows)
    batches = iter(shown.to_batches())
    if form.key == "json":
        body = _document(origin, query, asked, json.rows(schema, batches), following)
        return Response(body, mimetype=JSON, headers=origin.headers(following))
    return _file(b"".join(pieces(form, schema, batches, _written(origin, query))), origin, query, form, following)


def _document(origin: Source, query: Query, asked: Asking, rows: bytes, following: str | None) -> bytes:
    zone: ZoneInfo = query["zone"]
    span = {"zone": zone.key, "from": write_time(query["start"], zone), "to": write_time(query["end"], zone)}
    units = {"units": asked.units} if asked.is_wide else {}
    return orjson.dumps(origin.document(span, {**units, "rows": orjson.Fragment(rows), "next": following}, query))


def _question(origin: Source) -> bytes:
    """A cursor of one snapshot leads nowhere in another."""
    frozen = {} if origin.snapshot is None else {"snapshot": origin.snapshot.sha256}
    return cursors.question(request.path, dict(request.args) | frozen)


def _whole(origin: Source, query: Query, form: Form, asked: Asking) -> Response:
    """The whole range, in flat memory. The first piece is made before the status is sent."""
    end = exports.begin()
    try:
        batches = rows_of(asked.table.scan(asked.ask), "download", origin.dataset_id)
        first = [batch for batch in [next(batches, None)] if batch is not None]
        ahead = Ahead(batches)
        made = pieces(form, schema_of(asked.table, asked.ask), chain(first, ahead), _written(origin, query))
        head = [next(made)]
    except BaseException:
        end()
        raise
    used("download", origin.dataset_id)
    response = _file(_to_the_end(chain(head, made), form), origin, query, form, None)
    response.call_on_close(end)
    response.call_on_close(ahead.close)
    close = getattr(made, "close", None)  # of a generator left half-way: its temporary file
    if close is not None:
        response.call_on_close(close)
    return response


def _to_the_end(made: Iterator[bytes], form: Form) -> Iterator[bytes]:
    """The pieces. The server ends a body that fails as it ends a whole one, so the body itself has to tell.

    CSV and NDJSON get an end that no strict reader takes; the others lack the end without which they are none.
    """
    try:
        yield from made
    except Exception as error:
        log.error("download_broken", form=form.key, exc_info=error)
        yield form.broken


def _written(origin: Source, query: Query) -> Written:
    """What a file says of itself."""
    about = origin.about() | {"zone": query["zone"].key}
    return Written(about, query.get("bom", False), query.get("encoding", "utf-8"), query.get("escape"))


def _content_type(form: Form, query: Query) -> str:
    return form.content_type.replace("utf-8", CODINGS[query.get("encoding", "utf-8")])


def _named(origin: Source, form: Form) -> str:
    return f'attachment; filename="{origin.name}.{form.suffix}"'


def _file(body: bytes | Iterator[bytes], origin: Source, query: Query, form: Form, following: str | None) -> Response:
    headers = {"Content-Disposition": _named(origin, form)} | origin.headers(following)
    return Response(body, content_type=_content_type(form, query), headers=headers)
