"""Observed properties: one list for the whole platform."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import fields

from gops.api import fields as own
from gops.api.blueprint import PREFIX, Blueprint
from gops.api.context import actor, services
from gops.api.fields import Strict
from gops.api.paging import PageQuery, page, page_of

blueprint = Blueprint("observed-properties", __name__, description="Phenomena: one list for all cities")


class PropertyNew(Strict):
    key = own.text("name in addresses and queries", 64, shortest=1, required=True)
    name_ko = own.text("Korean name", 200, shortest=1, required=True)
    name_en = own.text("English name", 200, shortest=1, required=True)
    unit = own.text("UCUM code that others convert to", 64, shortest=1, required=True)
    kind = own.kind(required=True)
    definition = own.text("address of its definition in a vocabulary", 2000, load_default="")


class PropertyOut(PropertyNew):
    id = fields.Integer()


@blueprint.route("/observed-properties")
class PropertiesView(MethodView):
    @blueprint.arguments(PageQuery, location="query")
    @blueprint.response(200, page_of(PropertyOut))
    @blueprint.public(422)
    def get(self, query: dict[str, Any]) -> Any:
        """List observed properties"""
        return page(query, services().properties.list)

    @blueprint.arguments(PropertyNew)
    @blueprint.response(201, PropertyOut)
    @blueprint.writes(409, 413, 415, 422)
    def post(self, new: dict[str, Any]) -> Any:
        """Add an observed property"""
        made = services().properties.create(actor(), **new)
        return made, {"Location": f"{PREFIX}/observed-properties/{made.key}"}


@blueprint.route("/observed-properties/<key>")
class PropertyView(MethodView):
    @blueprint.response(200, PropertyOut)
    @blueprint.public(404)
    def get(self, key: str) -> Any:
        """Show an observed property"""
        return services().properties.get(key)
