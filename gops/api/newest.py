"""The answer of newest readings: of each Datastream one, with what the registry says of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from flask import Response, request
from werkzeug.http import quote_etag

from gops.api import etags, paging, rows
from gops.api.arguments import refuse_limit_beyond
from gops.api.context import actor, services, settings
from gops.api.reading import life, refuse_too_many
from gops.api.series import JSON
from gops.catalog.exposed import exposed, moment
from gops.sensors.exposure import Exposure
from gops.store.port import Store


def latest(query: dict[str, Any]) -> Response:
    """The newest readings of a page of Datastreams; 304 where the asker has them."""
    zone = query.get("zone") or settings().zone
    most = settings().latest_max
    limit = refuse_limit_beyond(query.get("limit"), most, "GOPS_LATEST_MAX") or min(settings().page_rows, most)
    found = _datastreams(query, limit + 1)
    shown = found[:limit]
    following = paging.next_address(after=shown[-1].id) if len(found) > limit else None
    version = services().store.version([one.id for one in shown])
    exposures, now = {one.id: Exposure.of(one) for one in shown}, services().clock.micros()
    facts = orjson.dumps([tuple(one) for one in shown]), moment(exposures, now)
    etag = etags.tag(life(), version, *facts, zone.key, request.path, following)
    store = exposed(services().store, exposures, now)
    return etags.unchanged(etag) or _answer(shown, store, zone, following, etag)


def _answer(datastreams: Sequence[Any], store: Store, zone: Any, following: str | None, etag: str) -> Response:
    readings = rows.readings(store.latest([one.id for one in datastreams]), zone)
    facts = {one.id: _facts(one) for one in datastreams}
    newest = [reading | facts[reading["datastream"]] for reading in readings]
    body = orjson.dumps({"zone": zone.key, "latest": newest, "next": following})
    return Response(body, mimetype=JSON, headers={"ETag": quote_etag(etag), **paging.link(following)})


def _datastreams(query: dict[str, Any], limit: int) -> Sequence[Any]:
    """At most ``limit`` Datastreams behind ``after``, by id: those asked for, or those in use that fit."""
    ids = query["datastream"]
    filters = {name: query[name] for name in ("organisation", "observed_property", "bbox") if query[name] is not None}
    if ids is not None:
        refuse_too_many(ids)
        paging.refuse_beside("datastream", filters)
    placed: Sequence[Any] = services().datastreams.placed(actor(), ids, **filters, after=query["after"], limit=limit)
    return placed


def _facts(one: Any) -> dict[str, Any]:
    """What an answer says of a Datastream."""
    location = None
    if one.longitude is not None:
        location = {"longitude": one.longitude, "latitude": one.latitude, "name": one.place}
    return {
        "name": one.name,
        "observed_property": one.observed_property,
        "unit": one.unit,
        "kind": one.kind,
        "organisation_id": one.organisation_id,
        "thing": {"id": one.thing_id, "name": one.thing},
        "location": location,
    }
