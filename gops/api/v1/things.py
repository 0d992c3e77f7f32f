"""Things: what is measured somewhere, and where they were when."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from flask.views import MethodView
from marshmallow import fields, validate

from gops.api import fields as own
from gops.api.blueprint import PREFIX, Blueprint
from gops.api.context import actor, services
from gops.api.fields import Strict
from gops.api.paging import PageQuery, page, page_of
from gops.geo import Point

blueprint = Blueprint("things", __name__, description="What is measured somewhere")


class ThingsQuery(PageQuery):
    organisation = own.slug("of this organisation", load_default=None)
    bbox = own.bbox()


class Place(Strict):
    longitude = fields.Float(required=True, validate=validate.Range(-180, 180), metadata={"example": 127.0286})
    latitude = fields.Float(required=True, validate=validate.Range(-90, 90), metadata={"example": 37.2636})
    name = own.text("of the place", 200, load_default="")
    since = own.moment_in("from when on; now where none is given")


class Spot(Strict):
    longitude = fields.Float()
    latitude = fields.Float()
    name = fields.String()


class PlaceOut(Spot):
    since = own.moment("from when on")


class ThingNew(Strict):
    organisation = own.slug("whose it is", required=True)
    name = own.text("name", 200, shortest=1, required=True)
    description = own.text("what it is", 2000, load_default="")
    properties = fields.Dict(fields.String(), load_default=dict, metadata={"description": "more about it, as JSON"})
    device = own.text("address of the device that speaks for it", 130, load_default=None)
    location = fields.Nested(Place, load_default=None, metadata={"description": "where it is"})


class ThingChange(Strict):
    name = own.text("name", 200, shortest=1)
    description = own.text("what it is", 2000)
    properties = fields.Dict(fields.String(), metadata={"description": "more about it, as JSON"})
    device = own.text("address of the device that speaks for it; empty: of none", 130)


class Placed(PlaceOut):
    id = fields.Integer()


class End(Strict):
    reason = own.text("why; it is shown", 2000, shortest=1, required=True)


class ThingOut(Strict):
    id = fields.Integer()
    organisation_id = fields.Integer()
    name = fields.String()
    description = fields.String()
    properties = fields.Dict()
    created_at = own.moment("when it came to this GOPS")
    decommissioned_at = own.moment("when it was taken out of service", allow_none=True)
    decommission_reason = fields.String(allow_none=True)
    location = fields.Nested(PlaceOut, allow_none=True, metadata={"description": "where it is"})


@blueprint.route("/things")
class ThingsView(MethodView):
    @blueprint.arguments(ThingsQuery, location="query")
    @blueprint.response(200, page_of(ThingOut))
    @blueprint.public(401, 404, 422)
    def get(self, query: dict[str, Any]) -> Any:
        """List Things

        Public ones: those with a public Datastream. A key shows its organisation's too.
        """
        things = services().things
        body, headers = page(
            query, lambda after, limit: things.list(actor(), query["organisation"], query["bbox"], after, limit)
        )
        return {**body, "items": placed(body["items"])}, headers

    @blueprint.arguments(ThingNew)
    @blueprint.response(201, ThingOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, new: dict[str, Any]) -> Any:
        """Create a Thing"""
        place = new.pop("location")
        if place is not None:
            new |= {"location": Point(place["longitude"], place["latitude"]), "location_name": place["name"]}
            new["location_since"] = place["since"]
        made = services().things.create(actor(), device_address=new.pop("device"), **new)
        return placed([made])[0], {"Location": f"{PREFIX}/things/{made.id}"}


@blueprint.route("/things/<id:thing_id>")
class ThingView(MethodView):
    @blueprint.response(200, ThingOut)
    @blueprint.public(401, 404)
    def get(self, thing_id: int) -> Any:
        """Show a Thing"""
        return placed([services().things.get(actor(), thing_id)])[0]

    @blueprint.arguments(ThingChange)
    @blueprint.response(200, ThingOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def patch(self, change: dict[str, Any], thing_id: int) -> Any:
        """Change a Thing"""
        given = {("device_address" if name == "device" else name): value for name, value in change.items()}
        return placed([services().things.edit(actor(), thing_id, **given)])[0]


@blueprint.route("/things/<id:thing_id>/locations")
class LocationsView(MethodView):
    @blueprint.arguments(PageQuery, location="query")
    @blueprint.response(200, page_of(Placed))
    @blueprint.public(401, 404, 422)
    def get(self, query: dict[str, Any], thing_id: int) -> Any:
        """List where a Thing was, oldest first"""
        return page(query, lambda after, limit: services().things.locations(actor(), thing_id, after, limit))

    @blueprint.arguments(Place)
    @blueprint.response(201, Placed)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, place: dict[str, Any], thing_id: int) -> Any:
        """Say where a Thing is, from a moment on"""
        return services().things.move(actor(), thing_id, **place)


@blueprint.route("/things/<id:thing_id>/decommission")
class ThingEndView(MethodView):
    @blueprint.arguments(End)
    @blueprint.response(200, ThingOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, end: dict[str, Any], thing_id: int) -> Any:
        """Take a Thing out of service

        Its Datastreams end with it; their readings stay.
        """
        return placed([services().things.decommission(actor(), thing_id, end["reason"])])[0]


def placed(found: Sequence[Any]) -> list[SimpleNamespace]:
    """Things with where they are."""
    where = services().things.places(actor(), [thing.id for thing in found])
    plain = [name for name in ThingOut().fields if name != "location"]
    return [
        SimpleNamespace(**{name: getattr(thing, name) for name in plain}, location=where.get(thing.id))
        for thing in found
    ]
