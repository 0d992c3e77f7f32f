"""Sensors: the instruments or procedures that yield values."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import fields

from gops.api import fields as own
from gops.api.blueprint import PREFIX, Blueprint
from gops.api.context import actor, services
from gops.api.fields import Strict
from gops.api.paging import PageQuery, page, page_of
from gops.api.v1.things import End

blueprint = Blueprint("sensors", __name__, description="The instruments or procedures that yield values")


class SensorsQuery(PageQuery):
    organisation = own.slug("of this organisation", load_default=None)


class SensorNew(Strict):
    organisation = own.slug("whose it is", required=True)
    name = own.text("name", 200, shortest=1, required=True)
    description = own.text("what it is", 2000, load_default="")
    encoding_type = own.text("media type of metadata", 200, load_default="text/plain")
    metadata = own.text("its data sheet or specification, or the address of one", 2000, load_default="")


class SensorOut(Strict):
    id = fields.Integer()
    organisation_id = fields.Integer()
    name = fields.String()
    description = fields.String()
    encoding_type = fields.String()
    metadata = fields.String(attribute="metadata_")
    decommissioned_at = own.moment("when it was taken out of use", allow_none=True)
    decommission_reason = fields.String(allow_none=True)


@blueprint.route("/sensors")
class SensorsView(MethodView):
    @blueprint.arguments(SensorsQuery, location="query")
    @blueprint.response(200, page_of(SensorOut))
    @blueprint.public(401, 404, 422)
    def get(self, query: dict[str, Any]) -> Any:
        """List Sensors"""
        return page(query, lambda after, limit: services().sensors.list(actor(), query["organisation"], after, limit))

    @blueprint.arguments(SensorNew)
    @blueprint.response(201, SensorOut)
    @blueprint.writes(404, 413, 415, 422)
    def post(self, new: dict[str, Any]) -> Any:
        """Create a Sensor"""
        made = services().sensors.create(actor(), **new)
        return made, {"Location": f"{PREFIX}/sensors/{made.id}"}


@blueprint.route("/sensors/<id:sensor_id>")
class SensorView(MethodView):
    @blueprint.response(200, SensorOut)
    @blueprint.public(401, 404)
    def get(self, sensor_id: int) -> Any:
        """Show a Sensor"""
        return services().sensors.get(actor(), sensor_id)


@blueprint.route("/sensors/<id:sensor_id>/decommission")
class SensorEndView(MethodView):
    @blueprint.arguments(End)
    @blueprint.response(200, SensorOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, end: dict[str, Any], sensor_id: int) -> Any:
        """Take a Sensor out of use

        Replace it in its Datastreams first.
        """
        return services().sensors.decommission(actor(), sensor_id, end["reason"])
