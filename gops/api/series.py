"""Answers of readings: ETag first, then rows from the store's columns as JSON or CSV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pyarrow as pa
from flask import Response, request
from werkzeug.http import quote_etag

from gops.api import cursors, etags, exports, paging, rows
from gops.api.arguments import KEY_PARAMETER, refuse_limit_beyond
from gops.api.catalog.download import answered, form_of
from gops.api.catalog.observed import datastreams
from gops.api.context import actor, services, settings
from gops.api.counted import rows_of, used
from gops.api.known import AGAIN, Again
from gops.api.reading import (
    Question,
    behind,
    count_rows,
    facts_of,
    known_until,
    life,
    measured,
    question,
    raw,
    windows,
)
from gops.api.services import Services
from gops.api.times import write_time
from gops.catalog.querying.forms import Form
from gops.errors import TooLarge
from gops.permissions import ANONYMOUS
from gops.store.port import Read, Store
from gops.windows import EVERY

JSON, CSV = "application/json", "text/csv"
MORE = frozenset({"columns", "filter", "bom", "encoding", "escape"})
CSV_TYPE = "text/csv; charset=utf-8; header=present"


def observations(ids: Sequence[int], query: dict[str, Any]) -> Response:
    """Readings, or aggregates where ``every`` is asked for; 304 where the asker has them."""
    refuse_limit_beyond(query.get("limit"), settings().page_rows_max)
    form = form_of(query)
    asked = question(ids, query)
    if _is_plain(query, form):
        response = _known_or_read(asked, query, form.media_type)
    else:
        told = [_facts(one, asked.zone) for one in asked.datastreams]
        response = answered(datastreams(asked, told), query, form)
    response.headers["GOPS-Zone"] = asked.zone.key
    response.headers.extend(_thinned(asked))
    return response


def _is_plain(query: dict[str, Any], form: Form) -> bool:
    """Is it a question that most ask, whose rows are written without a table in between? That takes half the time."""
    is_usual = form.media_type in (JSON, CSV) and query["shape"] == "long" and MORE.isdisjoint(query)
    return is_usual and not ("every" in query and "order" in query)


def _known_or_read(asked: Question, query: dict[str, Any], media_type: str) -> Response:
    etag = tag_of(asked, media_type)
    response = etags.unchanged(etag)
    if response is None:
        answer = _aggregated if "every" in query else _plain
        response = answer(asked, query, media_type)
        response.headers["ETag"] = quote_etag(etag)
    return response


def tag_of(asked: Question, media_type: str) -> str:
    """Changes with the readings, with what the registry says of them, with the question and its representation; and
    with time, where that adds to how long a state has held."""
    words = sorted((name, value) for name, value in request.args.items() if name != KEY_PARAMETER)
    known = known_until(asked) if "every" in request.args else None
    known = known if known is None or asked.end is None else min(known, asked.end)
    question = asked.zone.key, request.path, words, media_type, known
    etag = _tag(services(), asked.datastreams, asked.now, question)
    if known is None and actor() is ANONYMOUS:
        request.environ[AGAIN] = Again(etag, partial(_tag_again, asked.ids, question))
    return etag


def _tag_again(ids: Sequence[int], question: tuple[Any, ...], of: Services) -> str:
    """The same as it is now, for who shows no key. Raises ``NotFound``."""
    return _tag(of, of.datastreams.known(ANONYMOUS, ids), of.clock.micros(), question)


def _tag(of: Services, datastreams: Sequence[Any], now: int, question: tuple[Any, ...]) -> str:
    version = of.store.version([one.id for one in datastreams])
    return etags.tag(life(of), version, facts_of(datastreams, now), *question)


def _plain(asked: Question, query: dict[str, Any], media_type: str) -> Response:
    after = _after(query)
    if media_type == CSV and "limit" not in query:
        return _export(asked, after)
    limit = query.get("limit", settings().page_rows)
    table = asked.store.read(raw(asked, limit + 1, after))
    shown, following = _cut(table, limit, "t")
    used("query", rows=shown.num_rows)
    if media_type == CSV:
        return _csv(rows.header(rows.READING_COLUMNS) + rows.readings_csv(shown, asked.zone), following)
    return _json(asked, {"observations": orjson.Fragment(rows.readings_json(shown, asked.zone))}, following)


def _aggregated(asked: Question, query: dict[str, Any], media_type: str) -> Response:
    names = [one.strip() for one in query["aggregate"].split(",")] if "aggregate" in query else []
    wanted = windows(asked, query["every"], names, query["fill"])
    table = behind(measured(asked, asked.store.aggregate(wanted)), _after(query))
    limit = query.get("limit", table.num_rows if media_type == CSV else settings().page_rows_max)
    shown, following = _cut(table, limit, "start")
    used("query", rows=shown.num_rows)
    if media_type == CSV:
        return _csv(rows.header(table.column_names) + rows.windows_csv(shown, asked.zone), following)
    body = {"every": query["every"], "aggregates": list(wanted.aggregates)}
    return _json(asked, {**body, "windows": orjson.Fragment(rows.windows_json(shown, asked.zone))}, following)


def _after(query: dict[str, Any]) -> tuple[int, int] | None:
    return cursors.read(query["cursor"], _question()) if "cursor" in query else None


def _question() -> bytes:
    return cursors.question(request.path, request.args)


def _cut(table: pa.Table, limit: int, moment: str) -> tuple[pa.Table, str | None]:
    """The first ``limit`` rows, and the address of the next page where there are more."""
    if table.num_rows <= limit:
        return table, None
    last = (table["datastream"][limit - 1].as_py(), table[moment][limit - 1].as_py())
    return table.slice(0, limit), paging.next_address(cursor=cursors.write(_question(), *last))


def _json(asked: Question, body: dict[str, Any], following: str | None) -> Response:
    document = {
        "zone": asked.zone.key,
        "from": write_time(asked.start, asked.zone),
        "to": write_time(asked.end, asked.zone),
        "datastreams": [_facts(one, asked.zone) for one in asked.datastreams],
        **body,
        "next": following,
    }
    return Response(orjson.dumps(document), mimetype=JSON, headers=paging.link(following))


def _facts(one: Any, zone: ZoneInfo) -> dict[str, Any]:
    facts = {"id": one.id, "name": one.name, "unit": one.unit, "kind": one.kind}
    until = write_time(one.thinned_until, zone)
    return facts if until is None else {**facts, "thinned_until": until, "thinned_every": one.thinned_every}


def _thinned(asked: Question) -> dict[str, str]:
    """A header that says what CSV can't: until when readings were thinned (the latest), to what step (the longest)."""
    thinned = [one for one in asked.datastreams if one.thinned_until is not None]
    if not thinned:
        return {}
    every = max((one.thinned_every for one in thinned), key=EVERY.index)
    return {"GOPS-Thinned": f"{write_time(max(one.thinned_until for one in thinned), asked.zone)}; every={every}"}


def _csv(body: bytes | Iterator[bytes], following: str | None) -> Response:
    headers = {"Content-Disposition": 'attachment; filename="observations.csv"'} | paging.link(following)
    return Response(body, content_type=CSV_TYPE, headers=headers)


def _export(asked: Question, after: tuple[int, int] | None) -> Response:
    """The whole range as CSV, in flat memory. The first batch is read before the status is sent."""
    bound_rows(raw(asked, None, after), asked.store)
    if request.method == "HEAD":
        return _csv(iter(()), None)
    end = exports.begin()
    try:
        batches = rows_of(asked.store.stream(raw(asked, None, after)), "download", 0)
        first = [batch for batch in [next(batches, None)] if batch is not None]
    except BaseException:
        end()
        raise
    lines = (rows.readings_csv(batch, asked.zone) for batch in chain(first, batches))
    used("download")
    response = _csv(chain([rows.header(rows.READING_COLUMNS)], lines), None)
    response.call_on_close(end)
    close = getattr(batches, "close", None)  # a generator left half-way holds the store's view
    if close is not None:
        response.call_on_close(close)
    return response


def bound_rows(wanted: Read, store: Store) -> None:
    """Raises ``TooLarge`` above the setting export_rows_max."""
    most = settings().export_rows_max
    counted = count_rows(store, wanted, most)
    if counted > most:
        raise TooLarge(
            f"the range has {counted} rows; one CSV answer has at most {most}",
            field="from",
            found=counted,
            expected=f"at most {most} rows (GOPS_EXPORT_ROWS_MAX), or pages with limit",
        )
