"""Readings of Datastreams over a range, and their aggregates: the question of ``asked``, by Datastream."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask.views import MethodView
from marshmallow import fields

from gops.api import fields as own
from gops.api.asked import DataAsked
from gops.api.blueprint import Blueprint
from gops.api.fields import Strict
from gops.api.series import observations
from gops.sensors.retention import STEPS

blueprint = Blueprint("observations", __name__, description="Readings: raw, or aggregated over windows of time")


class ManyQuery(DataAsked):
    datastream = own.ids("Datastreams whose readings are wanted", required=True)


class Reading(Strict):
    """A reading. Documentation of rows that are written from columns; a test holds it against a real answer.

    With `columns` it has those, in the wide shape `time`, `thing` and a member a column."""

    id = fields.String(metadata={"description": "{datastream}_{microseconds since 1970}"})
    datastream = fields.Integer()
    time = fields.String(metadata={"description": "as the source labels it, with the offset of zone"})
    value = fields.Raw(
        allow_none=True,
        metadata={"type": ["number", "string"], "description": "a number, the text of a state, or null"},
    )
    quality = own.choice("quality", own.WORDS)
    result_time = fields.String(allow_none=True, metadata={"description": "when the source produced it"})


class SeriesFacts(Strict):
    id = fields.Integer(required=True)
    name = fields.String(required=True)
    unit = fields.String(required=True, metadata={"description": "UCUM code"})
    kind = own.kind(required=True)
    thinned_until = fields.String(metadata={"description": "readings before were thinned; absent where none were"})
    thinned_every = own.choice("step to which they were thinned at last", tuple(STEPS))


class Window(Strict):
    """Aggregates of one Datastream in one window: beside these, a member for each aggregate asked for."""

    datastream = fields.Integer()
    start = fields.String()
    end = fields.String()
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
    count = fields.Integer(metadata={"description": "rows in the window"})
    good = fields.Integer(metadata={"description": "rows of good quality"})
    coverage = fields.Float(
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
    units = fields.Dict(
        fields.String(), fields.String(), metadata={"description": "UCUM code by column, in the wide shape"}
    )
    observations = fields.List(fields.Nested(Reading), metadata={"description": "without every"})
    windows = fields.List(fields.Nested(Window), metadata={"description": "with every"})
    next = fields.String(required=True, allow_none=True, metadata={"description": "address of the next page"})


@blueprint.route("/datastreams/<id:datastream_id>/observations")
class ObservationsOfOne(MethodView):
    @blueprint.arguments(DataAsked, location="query")
    @blueprint.readings(Observations)
    def get(self, query: dict[str, Any], datastream_id: int) -> Response:
        """Readings of one Datastream

        Rows in the order of time, or aggregates over windows where `every` is given. JSON comes in pages; the other
        formats are the whole range, streamed, unless `limit` is given. `columns`, `filter`, `shape` and `order` do what
        they do for a dataset's data.
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
