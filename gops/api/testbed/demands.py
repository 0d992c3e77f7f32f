"""The demand board: problems, who supports them, and which call took them up."""

from __future__ import annotations

from typing import Any

from flask import request
from flask.views import MethodView
from marshmallow import fields, validate
from werkzeug.routing import RequestRedirect

from gops.api import fields as own
from gops.api.blueprint import PREFIX, Blueprint
from gops.api.context import actor, services
from gops.api.fields import Strict
from gops.api.paging import PageQuery, page, page_of
from gops.api.testbed.fields import Reasoned, raw, state
from gops.testbed.checks import THEMES
from gops.testbed.demands.board import SITES_MAX
from gops.testbed.lifecycles import DEMAND

blueprint = Blueprint("demands", __name__, description="Problems that cities, residents and companies state")


class DemandsQuery(PageQuery):
    state = state(DEMAND, "in this state; without it all but merged ones", load_default=None)
    theme = own.choice("of this theme", THEMES, load_default=None)
    organisation = own.slug("stated by this organisation", load_default=None)
    municipality = own.slug("about this municipality", load_default=None)
    call = own.slug("taken up by this call", load_default=None)
    q = own.text("words that all stand in title or description", 200, load_default="")


class DemandText(Strict):
    title_en = own.text("in English", 200)
    description_ko = own.text("what the problem is, in Korean", 2000)
    description_en = own.text("in English", 2000)
    outcome_ko = own.text("what would be better, in Korean", 2000)
    outcome_en = own.text("in English", 2000)
    municipality = own.slug("the municipality it is about", allow_none=True)
    sites = fields.List(
        own.record_id("a site"), validate=validate.Length(max=SITES_MAX), metadata={"description": "where it is"}
    )
    area = raw("where it is: GeoJSON Polygon or MultiPolygon, longitude first", allow_none=True)


class DemandNew(DemandText):
    organisation = own.slug("whose demand: a municipality, a citizen group or a company", required=True)
    title_ko = own.text("in Korean", 200, shortest=1, required=True)
    theme = own.choice("what it is about", THEMES, required=True)


class DemandChange(DemandText):
    title_ko = own.text("in Korean", 200, shortest=1)
    theme = own.choice("what it is about", THEMES)


class DemandState(Reasoned):
    state = state(DEMAND, "open: public from now on", ("open", "closed"), required=True)


class DemandMerge(Strict):
    into = own.record_id("the demand that goes on; null takes an offer back", required=True, allow_none=True)


class DemandCall(Strict):
    call = own.slug("the call", required=True)


class LikelyOut(Strict):
    id = fields.Integer()
    title_ko = fields.String()
    title_en = fields.String()
    supports = fields.Integer()
    likeness = fields.Float(metadata={"description": "of the titles, from 0.5 to 1"})


class DemandOut(Strict):
    id = fields.Integer()
    organisation_id = fields.Integer()
    municipality_id = fields.Integer(allow_none=True)
    title_ko = fields.String()
    title_en = fields.String()
    description_ko = fields.String()
    description_en = fields.String()
    outcome_ko = fields.String()
    outcome_en = fields.String()
    theme = fields.String()
    state = fields.String()
    sites = fields.List(fields.Integer())
    area = fields.Dict(attribute="geojson", allow_none=True, metadata={"description": "GeoJSON"})
    supports = fields.Integer(metadata={"description": "how many people support it"})
    call_id = fields.Integer(allow_none=True, metadata={"description": "the call that took it up"})
    merged_into = fields.Integer(allow_none=True)
    offered_to = fields.Integer(allow_none=True, metadata={"description": "its owner would have it merged into this"})
    reason = fields.String(allow_none=True, metadata={"description": "why it was closed"})
    created_at = own.moment("when it was stated")
    opened_at = own.moment("since when it is public", allow_none=True)


class DemandMade(Strict):
    demand = fields.Nested(DemandOut)
    similar = fields.List(fields.Nested(LikelyOut), metadata={"description": "open demands that say likely the same"})


class SimilarQuery(Strict):
    title_ko = own.text("in Korean", 200, required=True)
    title_en = own.text("in English", 200, load_default="")


class SimilarOut(Strict):
    similar = fields.List(fields.Nested(LikelyOut), metadata={"description": "the likest first"})


class SupportOut(Strict):
    demand = fields.Integer(metadata={"description": "the demand that counts it; where it was merged, another"})
    supports = fields.Integer()
    supported = fields.Boolean(metadata={"description": "by whoever asks"})


@blueprint.route("/demands")
class DemandsView(MethodView):
    @blueprint.arguments(DemandsQuery, location="query")
    @blueprint.response(200, page_of(DemandOut))
    @blueprint.public(401, 404, 422)
    def get(self, query: dict[str, Any]) -> Any:
        """List demands

        Those that were opened. A key of their organisation shows its drafts too.
        """
        asked = {name: query[name] for name in ("state", "theme", "municipality", "call")}
        asked |= {"organisation_slug": query["organisation"], "words": query["q"]}
        return page(query, lambda after, limit: services().demands.list(actor(), after=after, limit=limit, **asked))

    @blueprint.arguments(DemandNew)
    @blueprint.response(201, DemandMade)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, new: dict[str, Any]) -> Any:
        """State a demand

        A draft, until it is opened. The answer shows open demands that say likely the same.
        """
        made, similar = services().demands.create(actor(), new.pop("organisation"), **new)
        return {"demand": made, "similar": similar}, {"Location": f"{PREFIX}/demands/{made.id}"}


@blueprint.route("/demands/similar")
class SimilarView(MethodView):
    @blueprint.arguments(SimilarQuery, location="query")
    @blueprint.response(200, SimilarOut)
    @blueprint.public(401, 422)
    def get(self, query: dict[str, Any]) -> Any:
        """Find open demands that say likely the same"""
        return {"similar": services().demands.like(query["title_ko"], query["title_en"])}


@blueprint.route("/demands/<id:demand_id>")
class DemandView(MethodView):
    @blueprint.response(200, DemandOut)
    @blueprint.public(401, 404)
    @blueprint.alt_response(308, description="it was merged; `Location` has the one that goes on", success=True)
    def get(self, demand_id: int) -> Any:
        """Show a demand"""
        found = services().demands.get(actor(), demand_id)
        if found.merged_into is not None:
            query = request.query_string.decode("ascii", "replace")
            raise RequestRedirect(f"{PREFIX}/demands/{found.merged_into}" + (f"?{query}" if query else ""))
        return found

    @blueprint.arguments(DemandChange)
    @blueprint.response(200, DemandOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def patch(self, change: dict[str, Any], demand_id: int) -> Any:
        """Change a demand

        Once somebody supports it only its English wording and description may be added to.
        """
        return services().demands.edit(actor(), demand_id, **change)


@blueprint.route("/demands/<id:demand_id>/state")
class DemandStateView(MethodView):
    @blueprint.arguments(DemandState)
    @blueprint.response(200, DemandOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, wanted: dict[str, Any], demand_id: int) -> Any:
        """Open or close a demand"""
        return services().demands.move(actor(), demand_id, wanted["state"], wanted["reason"])


@blueprint.route("/demands/<id:demand_id>/merge")
class DemandMergeView(MethodView):
    @blueprint.arguments(DemandMerge)
    @blueprint.response(200, DemandOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, wanted: dict[str, Any], demand_id: int) -> Any:
        """Merge a demand into a like one

        Its owner offers it; an owner of the other merges it. Supports add up, of nobody twice.
        """
        return services().demand_joins.merge(actor(), demand_id, wanted["into"])


@blueprint.route("/demands/<id:demand_id>/call")
class DemandCallView(MethodView):
    @blueprint.arguments(DemandCall)
    @blueprint.response(200, DemandOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, wanted: dict[str, Any], demand_id: int) -> Any:
        """Take a demand up in a call

        By the call's owner. `GET /demands?call=` lists what a call has taken up.
        """
        return services().demand_joins.take_up(actor(), demand_id, wanted["call"])


@blueprint.route("/demands/<id:demand_id>/support")
class SupportView(MethodView):
    @blueprint.response(200, SupportOut)
    @blueprint.reads(403, 404)
    def get(self, demand_id: int) -> Any:
        """Show whether one supports a demand"""
        return services().demand_joins.supported(actor(), demand_id)

    @blueprint.response(200, SupportOut)
    @blueprint.writes(404, 409)
    def put(self, demand_id: int) -> Any:
        """Support a demand

        Once a person; again changes nothing. How many support it is public, who does is not.
        """
        return services().demand_joins.support(actor(), demand_id, True)

    @blueprint.response(200, SupportOut)
    @blueprint.writes(404, 409)
    def delete(self, demand_id: int) -> Any:
        """Take one's support back"""
        return services().demand_joins.support(actor(), demand_id, False)
