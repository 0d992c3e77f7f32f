"""Readings and their aggregates over a range, as JSON or CSV."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask.views import MethodView
from marshmallow import fields, validate

from gops.api import fields as own
from gops.api.blueprint import Blueprint
from gops.api.fields import Strict
from gops.api.ranges import RangeQuery, refuse
from gops.api.series import observations
from gops.kinds import AGGREGATES
from gops.sensors.retention import STEPS

blueprint = Blueprint("observations", __name__, description="Readings: raw, or aggregated over windows of time")


class ObservationsQuery(RangeQuery):
    quality = own.quality()
    every = own.every()
    aggregate = fields.String(
        validate=validate.Length(1, 200),
        metadata={
            "description": "aggregates with commas between, of " + ", ".join(AGGREGATES) + "; default by kind",
            "example": "mean,max",
        },
    )
    fill = fields.Boolean(load_default=False, metadata={"description": "give empty windows too, with nulls"})
    limit = fields.Integer(validate=validate.Range(1), metadata={"description": "rows in a page"})
    order = own.choice("of time and of the Datastreams", ("asc", "desc"))
    cursor = own.text("where the page before ended: take the address in next or Link", 100)
    format = own.choice("representation; otherwise the Accept header decides", ("json", "csv"))

    def agree(self, query: dict[str, Any]) -> None:
        if "every" not in query and ("aggregate" in query or query["fill"]):
            refuse("every", "aggregates are of windows; no length of windows is given", "every=1h, say", "required")
        if "every" in query and "order" in query:
            refuse("order", "windows are always given in ascending order", "no order beside every")


class ManyQuery(ObservationsQuery):
    datastream = own.ids("Datastreams whose readings are wanted", required=True)


class Reading(Strict):
    """A reading. Documentation of rows that are written from columns; a test holds it against a real answer."""

    id = fields.String(required=True, metadata={"description": "{datastream}_{microseconds since 1970}"})
    datastream = fields.Integer(required=True)
    time = fields.String(required=True, metadata={"description": "as the source labels it, with the offset of zone"})
    value = fields.Raw(
        required=True,
        allow_none=True,
        metadata={"type": ["number", "string"], "description": "a number, the text of a state, or null"},
    )
    quality = own.choice("quality", own.WORDS, required=True)
    result_time = fields.String(required=True, allow_none=True, metadata={"description": "when the source produced it"})


class SeriesFacts(Strict):
    id = fields.Integer(required=True)
    name = fields.String(required=True)
    unit = fields.String(required=True, metadata={"description": "UCUM code"})
    kind = own.kind(required=True)
    thinned_until = fields.String(metadata={"description": "readings before were thinned; absent where none were"})
    thinned_every = own.choice("step to which they were thinned at last", tuple(STEPS))


class Window(Strict):
    """Aggregates of one Datastream in one window: beside these, a member for each aggregate asked for."""

    datastream = fields.Integer(required=True)
    start = fields.String(required=True)
    end = fields.String(required=True)
    mean = fields.Float(allow_none=True)
    sum = fields.Float(allow_none=True)
    min = fields.Float(allow_none=True)
    max = fields.Float(allow_none=True)
    stddev = fields.Float(allow_none=True, metadata={"description": "of the sample"})
    median = fields.Float(allow_none=True)
    first = fields.Raw(allow_none=True, metadata={"type": ["number", "string"]})
    last = fields.Raw(allow_none=True, metadata={"type": ["number", "string"]})
    increase = fields.Float(allow_none=True, metadata={"description": "growth of a counter, resets handled"})
    share = fields.Dict(
        fields.String(), fields.Float(), allow_none=True, metadata={"description": "of the known time, by state"}
    )
    count = fields.Integer(required=True, metadata={"description": "rows in the window"})
    good = fields.Integer(required=True, metadata={"description": "rows of good quality"})
    coverage = fields.Float(
        required=True,
        allow_none=True,
        metadata={"description": "good / expected, at most 1; null without a period, and where readings were thinned"},
    )


class Observations(Strict):
    """A page of readings, or of windows where ``every`` is given."""

    zone = fields.String(required=True)
    start = fields.String(required=True, allow_none=True, data_key="from")
    end = fields.String(required=True, allow_none=True, data_key="to")
    datastreams = fields.List(fields.Nested(SeriesFacts), required=True)
    every = fields.String()
    aggregates = fields.List(fields.String())
    observations = fields.List(fields.Nested(Reading), metadata={"description": "without every"})
    windows = fields.List(fields.Nested(Window), metadata={"description": "with every"})
    next = fields.String(required=True, allow_none=True, metadata={"description": "address of the next page"})


@blueprint.route("/datastreams/<id:datastream_id>/observations")
class ObservationsOfOne(MethodView):
    @blueprint.arguments(ObservationsQuery, location="query")
    @blueprint.readings(Observations)
    def get(self, query: dict[str, Any], datastream_id: int) -> Response:
        """Readings of one Datastream

        Rows in the order of time, or aggregates over windows where `every` is given. JSON comes in pages; CSV without
        `limit` is the whole range, streamed.
        """
        return observations((datastream_id,), query)


@blueprint.route("/observations")
class ObservationsOfMany(MethodView):
    @blueprint.arguments(ManyQuery, location="query")
    @blueprint.readings(Observations)
    def get(self, query: dict[str, Any]) -> Response:
        """Readings of several Datastreams

        Ordered by Datastream, then time. Otherwise as for one Datastream.
        """
        return observations(query["datastream"], query)
