"""The newest reading of each Datastream."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask.views import MethodView
from marshmallow import fields

from gops.api import fields as own
from gops.api.blueprint import Blueprint
from gops.api.fields import Strict
from gops.api.newest import latest
from gops.api.paging import PageQuery
from gops.api.v1.observations import Reading
from gops.api.v1.things import Spot

blueprint = Blueprint("latest", __name__, description="What is measured now")


class LatestQuery(PageQuery):
    datastream = own.ids("of these Datastreams, ended ones too", load_default=None)
    observed_property = own.text("of this observed property, by its key", 64, load_default=None)
    organisation = own.slug("of this organisation", load_default=None)
    bbox = own.bbox()
    zone = own.zone()


class ThingNamed(Strict):
    id = fields.Integer()
    name = fields.String()


class Newest(Reading):
    name = fields.String(metadata={"description": "of the Datastream"})
    observed_property = fields.String()
    unit = fields.String(metadata={"description": "UCUM code"})
    kind = own.kind()
    organisation_id = fields.Integer()
    thing = fields.Nested(ThingNamed)
    location = fields.Nested(Spot, allow_none=True)


class Latest(Strict):
    zone = fields.String(required=True)
    latest = fields.List(fields.Nested(Newest), required=True)
    next = fields.String(required=True, allow_none=True)


@blueprint.route("/latest")
class LatestView(MethodView):
    @blueprint.arguments(LatestQuery, location="query")
    @blueprint.response(200, Latest)
    @blueprint.alt_response(304, description="as the asker has it (If-None-Match)", success=True)
    @blueprint.public(401, 404, 413, 422)
    def get(self, query: dict[str, Any]) -> Response:
        """Show the newest readings

        With the place and the unit, so that one answer fills a map. Datastreams without a reading are left out.
        """
        return latest(query)
