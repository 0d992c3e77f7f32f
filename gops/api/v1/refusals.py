"""What was refused, and why."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import fields, validate

from gops.api import fields as own
from gops.api.blueprint import Blueprint
from gops.api.context import actor, services
from gops.api.fields import Strict
from gops.api.paging import PageQuery, page, page_of
from gops.api.ranges import RangeQuery

blueprint = Blueprint("refusals", __name__, description="What was not stored, and why")


class RefusalsQuery(PageQuery, RangeQuery):
    organisation = own.slug("of this organisation; the key's own where none is named", load_default=None)
    device = own.text("of the device at this address", 130, load_default=None)
    code = own.text("of this code", 32, load_default=None)
    field = own.text("of this field", 64, load_default=None)


class CountsQuery(RangeQuery):
    organisation = own.slug("of this organisation; without it those of all", load_default=None)
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 10_000), metadata={"description": "rows"})


class RawOut(Strict):
    text = fields.String(allow_none=True, metadata={"description": "what is kept, where it is UTF-8"})
    base64 = fields.String(allow_none=True, metadata={"description": "what is kept, where it is not"})
    cut = fields.Boolean(metadata={"description": "there was more of it"})


class RefusalListed(Strict):
    id = fields.Integer()
    at = own.moment("when")
    organisation_id = fields.Integer()
    feed = fields.String()
    device = fields.String(metadata={"description": "address, as its topic has it"})
    topic = fields.String()
    code = fields.String(metadata={"example": "unknown_field"})
    field = fields.String(allow_none=True)
    place = fields.String(metadata={"description": "where in the message", "example": "[2].values.pm10"})
    note = fields.String(metadata={"description": "what was found, and what was expected"})
    revision = fields.Integer(allow_none=True, metadata={"description": "of the mapping"})
    digest = fields.String(metadata={"description": "SHA-256 of the whole message"})
    size = fields.Integer(metadata={"description": "bytes of the whole message"})


class RefusalOut(RefusalListed):
    raw = fields.Nested(RawOut, metadata={"description": "the message"})


class Total(Strict):
    organisation_id = fields.Integer(metadata={"description": "0 for what names no known organisation"})
    feed = fields.String()
    device = fields.String(allow_none=True, metadata={"description": "null for who may only count"})
    code = fields.String()
    field = fields.String(allow_none=True)
    total = fields.Integer()


@blueprint.route("/refusals")
class RefusalsView(MethodView):
    @blueprint.arguments(RefusalsQuery, location="query")
    @blueprint.response(200, page_of(RefusalListed))
    @blueprint.reads(403, 404, 422)
    def get(self, query: dict[str, Any]) -> Any:
        """List refusals

        The first like ones of an hour are kept; the rest are counted.
        """
        names = ("device", "code", "field", "start", "end")
        asked = {name: query[name] for name in names}
        home = _organisation_id(query["organisation"]) or actor().organisation_id or 0
        return page(
            query, lambda after, limit: services().refusals.list(actor(), home, after=after, limit=limit, **asked)
        )


@blueprint.route("/refusals/<id:refusal_id>")
class RefusalView(MethodView):
    @blueprint.response(200, RefusalOut)
    @blueprint.reads(404)
    def get(self, refusal_id: int) -> Any:
        """Show a refusal with its message"""
        return services().refusals.get(actor(), refusal_id)


@blueprint.route("/refusals/counts")
class CountsView(MethodView):
    @blueprint.arguments(CountsQuery, location="query")
    @blueprint.response(200, Total(many=True))
    @blueprint.reads(403, 404, 422)
    def get(self, query: dict[str, Any]) -> Any:
        """Count refusals by reason, most frequent first

        Whole hours that begin in the range.
        """
        home = _organisation_id(query["organisation"])
        return services().refusals.counts(actor(), home, start=query["start"], end=query["end"], limit=query["limit"])


def _organisation_id(slug: str | None) -> int | None:
    return None if slug is None else services().organisations.get(slug).id
