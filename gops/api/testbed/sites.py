"""Sites: places for pilots, their capacity and what is left of it week by week."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask.views import MethodView
from marshmallow import fields, validate

from gops.api import fields as own
from gops.api.blueprint import PREFIX, Blueprint
from gops.api.context import actor, services
from gops.api.fields import Strict
from gops.api.paging import PageQuery, page, page_of
from gops.api.testbed.fields import Week, amounts, length, raw, state
from gops.api.testbed.site_fields import Details
from gops.testbed.calendar import Calendar
from gops.testbed.lifecycles import SITE
from gops.testbed.sites import KINDS

blueprint = Blueprint("sites", __name__, description="Places where a pilot can stand")


class SitesQuery(PageQuery):
    organisation = own.slug("of this municipality", load_default=None)
    kind = own.choice("of this kind", KINDS, load_default=None)
    call = own.slug("of this call, from its publication on", load_default=None)
    bbox = own.bbox()


class SiteNew(Strict):
    organisation = own.slug("the municipality", required=True)
    name_ko = own.text("in Korean", 200, shortest=1, required=True)
    name_en = own.text("in English", 200, shortest=1, required=True)
    description = own.text("what it is", 2000, load_default="")
    kind = own.choice("what kind of place", KINDS, required=True)
    area = raw("GeoJSON Polygon or MultiPolygon, longitude first", required=True)
    capacity = amounts("what it has in every week", required=True)
    reference = own.text("what the municipality calls it; unique there", 100, shortest=1)
    details = fields.Nested(Details)


class SiteChange(Strict):
    name_ko = own.text("in Korean", 200, shortest=1)
    name_en = own.text("in English", 200, shortest=1)
    description = own.text("what it is", 2000)
    kind = own.choice("what kind of place", KINDS)
    area = raw("GeoJSON Polygon or MultiPolygon, longitude first")
    capacity = amounts("what it has in every week")
    reference = own.text("what the municipality calls it; unique there", 100, shortest=1)
    details = fields.Nested(Details, metadata={"description": "what is given takes the place of what was"})


class SiteState(Strict):
    state = state(SITE, "offered sites are public and can be ranked", ("offered", "paused", "withdrawn"), required=True)


class SiteOut(Strict):
    id = fields.Integer()
    organisation_id = fields.Integer()
    name_ko = fields.String()
    name_en = fields.String()
    description = fields.String()
    kind = fields.String()
    state = fields.String()
    area = fields.Dict(attribute="geojson", metadata={"description": "GeoJSON"})
    square_metres = fields.Float(metadata={"description": "geodesic"})
    longitude = fields.Float(metadata={"description": "of a point inside"})
    latitude = fields.Float(metadata={"description": "of a point inside"})
    capacity = amounts("in every week without closure")
    reference = fields.String(allow_none=True, metadata={"description": "what the municipality calls it"})
    details = fields.Nested(Details, attribute="facts")
    created_at = own.moment("when it was made")


class Closure(Strict):
    first_week = Week("the first closed week", required=True)
    weeks = length("how long", required=True)
    reason = own.text("why", 2000, load_default="")


class Closures(Strict):
    closures = fields.List(fields.Nested(Closure), required=True, validate=validate.Length(max=10_000))


class CalendarQuery(Strict):
    first_week = Week("the first week", required=True)
    weeks = length("how many", in_query=True, load_default=52)


class CalendarsQuery(CalendarQuery):
    site = own.ids("sites", required=True)


class WeekLeft(Strict):
    week = Week("the date of its Monday")
    left = amounts("what is left")
    closed = fields.Boolean()


class CalendarOut(Strict):
    site = fields.Integer()
    weeks = fields.List(fields.Nested(WeekLeft))


class CalendarsOut(Strict):
    calendars = fields.List(fields.Nested(CalendarOut))


@blueprint.route("/sites")
class SitesView(MethodView):
    @blueprint.arguments(SitesQuery, location="query")
    @blueprint.response(200, page_of(SiteOut))
    @blueprint.public(401, 404, 422)
    def get(self, query: dict[str, Any]) -> Any:
        """List sites

        Those that are offered. A key of their municipality shows its others too.
        """
        chosen = (query["organisation"], query["bbox"], query["kind"], query["call"])
        return page(query, lambda after, limit: services().sites.list(actor(), *chosen, after, limit))

    @blueprint.arguments(SiteNew)
    @blueprint.response(201, SiteOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, new: dict[str, Any]) -> Any:
        """Create a site

        A draft, until it is offered.
        """
        made = services().sites.create(actor(), new.pop("organisation"), **new)
        return made, {"Location": f"{PREFIX}/sites/{made.id}"}


@blueprint.route("/sites/<id:site_id>")
class SiteView(MethodView):
    @blueprint.response(200, SiteOut)
    @blueprint.public(401, 404)
    def get(self, site_id: int) -> Any:
        """Show a site"""
        return services().sites.get(actor(), site_id)

    @blueprint.arguments(SiteChange)
    @blueprint.response(200, SiteOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def patch(self, change: dict[str, Any], site_id: int) -> Any:
        """Change a site

        Its capacity is never cut below what slots hold.
        """
        return services().sites.edit(actor(), site_id, **change)


@blueprint.route("/sites/<id:site_id>/state")
class SiteStateView(MethodView):
    @blueprint.arguments(SiteState)
    @blueprint.response(200, SiteOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, wanted: dict[str, Any], site_id: int) -> Any:
        """Offer, pause or withdraw a site"""
        return services().sites.move(actor(), site_id, wanted["state"])


@blueprint.route("/sites/<id:site_id>/closures")
class ClosuresView(MethodView):
    @blueprint.response(200, Closures)
    @blueprint.public(401, 404)
    def get(self, site_id: int) -> Any:
        """List the weeks in which a site is closed"""
        return _closures(services().sites.closures(actor(), site_id))

    @blueprint.arguments(Closures)
    @blueprint.response(200, Closures)
    @blueprint.writes(404, 409, 413, 415, 422)
    def put(self, wanted: dict[str, Any], site_id: int) -> Any:
        """Replace the closures of a site

        Weeks in which slots hold some of it cannot be closed.
        """
        rows = [(row["first_week"], row["weeks"], row["reason"]) for row in wanted["closures"]]
        return _closures(services().sites.close_weeks(actor(), site_id, rows))


@blueprint.route("/sites/<id:site_id>/calendar")
class CalendarView(MethodView):
    @blueprint.arguments(CalendarQuery, location="query")
    @blueprint.response(200, CalendarOut)
    @blueprint.public(401, 404, 422)
    def get(self, query: dict[str, Any], site_id: int) -> Any:
        """Show what is left of a site, week by week"""
        return _calendar(services().slots.remaining(actor(), [site_id], query["first_week"], query["weeks"])[0])


@blueprint.route("/calendars")
class CalendarsView(MethodView):
    @blueprint.arguments(CalendarsQuery, location="query")
    @blueprint.response(200, CalendarsOut)
    @blueprint.public(401, 404, 422)
    def get(self, query: dict[str, Any]) -> Any:
        """Show what is left of several sites, week by week"""
        found = services().slots.remaining(actor(), query["site"], query["first_week"], query["weeks"])
        return {"calendars": [_calendar(one) for one in found]}


def _closures(rows: Sequence[Any]) -> dict[str, Any]:
    spans = [{"first_week": row.first_week, "weeks": row.end_week - row.first_week, "reason": row.reason}
             for row in rows]  # fmt: skip
    return {"closures": spans}


def _calendar(one: Calendar) -> dict[str, Any]:
    """Weeks as objects; what is closed or overbooked has 0 left."""
    columns = {name: [max(0, amount) for amount in amounts] for name, amounts in one.left.items()}
    length = len(next(iter(columns.values())))
    rows = (
        {
            "week": one.first_week + index,
            "left": {name: amounts[index] for name, amounts in columns.items()},
            "closed": one.first_week + index in one.closed,
        }
        for index in range(length)
    )
    return {"site": one.site, "weeks": list(rows)}
