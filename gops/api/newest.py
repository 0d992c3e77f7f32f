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
from gops.api.reading import refuse_too_many
from gops.api.series import JSON, life

Facts = dict[int, dict[str, Any]]


def latest(query: dict[str, Any]) -> Response:
    """The newest readings of a page of Datastreams; 304 where the asker has them."""
    zone = query.get("zone") or settings().zone
    most = settings().latest_max
    limit = refuse_limit_beyond(query.get("limit"), most, "GOPS_LATEST_MAX") or min(settings().page_rows, most)
    found = _datastreams(query, limit + 1)
    shown = found[:limit]
    following = paging.next_address(after=shown[-1].id) if len(found) > limit else None
    facts = _facts(shown)
    version = services().store.version(list(facts))
    etag = etags.tag(life(), version, facts, zone.key, request.path, following)
    return etags.unchanged(etag) or _answer(facts, zone, following, etag)


def _answer(facts: Facts, zone: Any, following: str | None, etag: str) -> Response:
    readings = rows.readings_json(services().store.latest(list(facts)), zone)
    newest = [{**reading, **facts[reading["datastream"]]} for reading in readings]
    body = orjson.dumps({"zone": zone.key, "latest": newest, "next": following})
    return Response(body, mimetype=JSON, headers={"ETag": quote_etag(etag), **paging.link(following)})


def _datastreams(query: dict[str, Any], limit: int) -> Sequence[Any]:
    """At most ``limit`` Datastreams behind ``after``, by id: those asked for, or those in use that fit."""
    service, after = services().datastreams, query["after"]
    filters = {name: query[name] for name in ("organisation", "observed_property", "bbox") if query[name] is not None}
    if query["datastream"] is None:
        return service.list(actor(), in_use=True, after=after, limit=limit, **filters)
    refuse_too_many(query["datastream"])
    paging.refuse_beside("datastream", filters)
    found = service.many(actor(), query["datastream"])
    return sorted((one for one in found if one.id > after), key=lambda one: one.id)[:limit]


def _facts(datastreams: Sequence[Any]) -> Facts:
    """What an answer says of each Datastream."""
    things = services().things.many(actor(), [one.thing_id for one in datastreams])
    places = services().things.places(actor(), things)
    properties = services().properties.many([one.observed_property_id for one in datastreams])
    return {
        one.id: {
            "name": one.name,
            "observed_property": properties[one.observed_property_id].key,
            "unit": one.unit,
            "kind": one.kind,
            "organisation_id": one.organisation_id,
            "thing": {"id": one.thing_id, "name": things[one.thing_id].name},
            "location": _location(places.get(one.thing_id)),
        }
        for one in datastreams
        if one.thing_id in things  # not made private since the Datastreams were read
    }


def _location(place: Any) -> dict[str, Any] | None:
    if place is None:
        return None
    return {"longitude": place.longitude, "latitude": place.latitude, "name": place.name}
