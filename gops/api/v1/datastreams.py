"""Datastreams: (Thing, ObservedProperty, Sensor, unit, kind)."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from flask.views import MethodView
from marshmallow import ValidationError, fields

from gops.api import fields as own
from gops.api.blueprint import PREFIX, Blueprint
from gops.api.context import actor, services
from gops.api.fields import Strict
from gops.api.paging import PageQuery, page, page_of
from gops.api.v1.things import End
from gops.records.paging import is_id
from gops.sensors.retention import STEPS

blueprint = Blueprint("datastreams", __name__, description="What is measured, of what, by what, in which unit")


class DatastreamsQuery(PageQuery):
    organisation = own.slug("of this organisation", load_default=None)
    thing = own.asked_id("of this Thing", load_default=None)
    observed_property = own.text("of this observed property, by its key", 64, load_default=None)
    bbox = own.bbox()
    in_use = fields.Boolean(load_default=None, metadata={"description": "true: not ended; false: ended"})


def _sensor(value: Any) -> None:
    if not (isinstance(value, int) and not isinstance(value, bool) and is_id(value)) and not isinstance(value, str):
        raise ValidationError("Not a Sensor.")


def _sensor_field() -> fields.Raw:
    about = "id of a Sensor, or a name: the first in use of that name, or a new one"
    what = {"type": ["integer", "string"], "description": about, "expected": "the id of a Sensor, or a name"}
    return fields.Raw(required=True, validate=_sensor, metadata=what)


class Declared(Strict):
    """What may be changed; what is not given stays."""

    name = own.text("name", 200, shortest=1)
    description = own.text("what it is", 2000)
    unit = own.text("UCUM code", 64, shortest=1)
    kind = own.kind()
    period = own.text("ISO 8601 duration of fixed length between readings", 32, allow_none=True)
    label = own.label()
    range_low = fields.Float(allow_none=True, metadata={"description": "a number below is suspect"})
    range_high = fields.Float(allow_none=True, metadata={"description": "a number above is suspect"})


class DatastreamNew(Declared):
    thing = own.record_id("Thing that it is of", required=True)
    sensor = _sensor_field()
    observed_property = own.text("key of what is observed", 64, shortest=1, required=True)
    field = own.text("name in the messages of the Thing's device that becomes it", 64, shortest=1)
    field_unit = own.text("UCUM code that the device sends in", 64, shortest=1)


class Replacement(Declared):
    sensor = _sensor_field()
    reason = own.text("why", 1900, load_default="")


class Publication(Strict):
    public = fields.Boolean(required=True, truthy={True}, falsy={False}, metadata={"description": "for all?"})


class DatastreamOut(Strict):
    id = fields.Integer()
    organisation_id = fields.Integer()
    thing_id = fields.Integer()
    sensor_id = fields.Integer()
    observed_property = fields.String(metadata={"example": "pm10"})
    name = fields.String()
    description = fields.String()
    unit = fields.String(metadata={"description": "UCUM code", "example": "ug/m3"})
    kind = own.kind()
    period = fields.String(allow_none=True, metadata={"example": "PT10M"})
    label = own.label()
    range_low = fields.Float(allow_none=True)
    range_high = fields.Float(allow_none=True)
    public = fields.Boolean()
    created_at = own.moment("when it was declared")
    thinned_until = own.moment("readings before were thinned", allow_none=True)
    thinned_every = own.choice("step to which they were thinned at last", tuple(STEPS), allow_none=True)
    ended_at = own.moment("when it ended", allow_none=True)
    end_reason = fields.String(allow_none=True)


@blueprint.route("/datastreams")
class DatastreamsView(MethodView):
    @blueprint.arguments(DatastreamsQuery, location="query")
    @blueprint.response(200, page_of(DatastreamOut))
    @blueprint.public(401, 404, 422)
    def get(self, query: dict[str, Any]) -> Any:
        """List Datastreams

        Public ones; a key shows its organisation's too.
        """
        names = ("organisation", "thing", "observed_property", "bbox", "in_use")
        asked = {name: query[name] for name in names}
        body, headers = page(
            query, lambda after, limit: services().datastreams.list(actor(), after=after, limit=limit, **asked)
        )
        return {**body, "items": described(body["items"])}, headers

    @blueprint.arguments(DatastreamNew)
    @blueprint.response(201, DatastreamOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, new: dict[str, Any]) -> Any:
        """Declare a Datastream

        Unit and kind are those of the observed property where none are given.
        """
        made = services().datastreams.create(actor(), new.pop("thing"), **new)
        return described([made])[0], {"Location": f"{PREFIX}/datastreams/{made.id}"}


@blueprint.route("/datastreams/<id:datastream_id>")
class DatastreamView(MethodView):
    @blueprint.response(200, DatastreamOut)
    @blueprint.public(401, 404)
    def get(self, datastream_id: int) -> Any:
        """Show a Datastream"""
        return described([services().datastreams.get(actor(), datastream_id)])[0]

    @blueprint.arguments(Declared)
    @blueprint.response(200, DatastreamOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def patch(self, change: dict[str, Any], datastream_id: int) -> Any:
        """Change a Datastream

        Unit and kind stand once there are readings.
        """
        return described([services().datastreams.edit(actor(), datastream_id, **change)])[0]


@blueprint.route("/datastreams/<id:datastream_id>/replace-sensor")
class ReplaceSensorView(MethodView):
    @blueprint.arguments(Replacement)
    @blueprint.response(201, DatastreamOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, change: dict[str, Any], datastream_id: int) -> Any:
        """Go on with another Sensor

        The Datastream ends and a new one begins, which takes over its mapped fields and its being public.
        """
        sensor, reason = change.pop("sensor"), change.pop("reason")
        made = services().datastreams.replace_sensor(actor(), datastream_id, sensor, reason, **change)
        return described([made])[0], {"Location": f"{PREFIX}/datastreams/{made.id}"}


@blueprint.route("/datastreams/<id:datastream_id>/publication")
class PublicationView(MethodView):
    @blueprint.arguments(Publication)
    @blueprint.response(200, DatastreamOut)
    @blueprint.writes(404, 413, 415, 422)
    def post(self, publication: dict[str, Any], datastream_id: int) -> Any:
        """Make a Datastream public, or no longer"""
        return described([services().datastreams.publish(actor(), datastream_id, publication["public"])])[0]


@blueprint.route("/datastreams/<id:datastream_id>/end")
class EndView(MethodView):
    @blueprint.arguments(End)
    @blueprint.response(200, DatastreamOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, end: dict[str, Any], datastream_id: int) -> Any:
        """End a Datastream

        Its readings stay; new ones are refused.
        """
        return described([services().datastreams.end(actor(), datastream_id, end["reason"])])[0]


def described(found: Sequence[Any]) -> list[SimpleNamespace]:
    """Datastreams with the key of what they observe."""
    properties = services().properties.many([one.observed_property_id for one in found])
    plain = [name for name in DatastreamOut().fields if name != "observed_property"]
    return [
        SimpleNamespace(
            **{name: getattr(one, name) for name in plain}, observed_property=properties[one.observed_property_id].key
        )
        for one in found
    ]
