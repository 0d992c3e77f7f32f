"""Places: what is near a site and in it, calendars of many, and which sites would do for a requirement."""

from __future__ import annotations

import re
from typing import Any

import orjson
from flask import Response
from flask.views import MethodView
from marshmallow import fields, validate

from gops.api import fields as own
from gops.api.arguments import refuse_limit_beyond
from gops.api.blueprint import PREFIX, Blueprint
from gops.api.context import actor, services, settings
from gops.api.fields import Parsed, Strict
from gops.api.paging import PageQuery, link, next_address, page, page_of
from gops.api.testbed.fields import Week, amounts, length
from gops.errors import Invalid
from gops.geo import Point, point
from gops.testbed import weeks
from gops.testbed.checks import AMOUNT_MAX
from gops.testbed.places.grid import Grid
from gops.testbed.places.service import SUGGESTED_MAX, WITHIN_MAX, Asked, Suggested
from gops.testbed.places.suggesting import Fit, Miss
from gops.testbed.places.wording import against, reasons
from gops.testbed.sites import KINDS

blueprint = Blueprint("places", __name__, description="What is near, inside and free at sites")
ICALENDAR = "text/calendar"
NEED = re.compile(r"([a-z][a-z0-9_]{0,31}):([0-9]{1,10})")
NEEDS = "resources and amounts, such as area_m2:60,power_w:500"


def parse_needs(text: str) -> dict[str, int]:
    """``area_m2:60,power_w:500``. Raises ``Invalid`` (``bad_need``)."""
    parts = [NEED.fullmatch(part) for part in text.split(",")]
    found = {part[1]: int(part[2]) for part in parts if part}
    if len(found) != len(parts) or not all(0 < amount <= AMOUNT_MAX for amount in found.values()):
        raise Invalid("not a list of needs", code="bad_need", found=text[:200], expected=NEEDS)
    return found


def parse_near(text: str) -> Point:
    """``127.0286,37.2636``. Raises ``Invalid`` (``bad_point``)."""
    try:
        longitude, latitude = (float(part) for part in text.split(","))
    except ValueError as error:
        raise Invalid("not a point", code="bad_point", found=text[:80], expected="longitude,latitude") from error
    return point(longitude, latitude, "near")


def parse_words(text: str) -> tuple[str, ...]:
    """Words with commas between, at most 16."""
    words = tuple(dict.fromkeys(word.strip() for word in text.split(",")))
    if not all(words) or len(words) > 16:
        raise Invalid("not a list of words", found=text[:200], expected="at most 16 words with commas between")
    return words


class Within(Strict):
    within_m = fields.Integer(
        load_default=1_000,
        validate=validate.Range(1, WITHIN_MAX),
        metadata={"description": "closer than so many metres, on the plane of EPSG:5186"},
    )


class NeighbourOut(Strict):
    id = fields.Integer()
    name_ko = fields.String()
    name_en = fields.String()
    organisation_id = fields.Integer()
    kind = fields.String()
    distance_m = fields.Float(metadata={"description": "between the polygons; 0 where they touch"})
    overlap_m2 = fields.Float()


class NeighboursOut(Strict):
    neighbours = fields.List(fields.Nested(NeighbourOut), metadata={"description": "the nearest first"})


class StreamOut(Strict):
    id = fields.Integer()
    name = fields.String()
    observed_property = fields.String(metadata={"description": "its key"})
    unit = fields.String(metadata={"description": "UCUM"})
    kind = fields.String()


class StandingOut(Strict):
    id = fields.Integer(metadata={"description": "of the Thing"})
    name = fields.String()
    longitude = fields.Float()
    latitude = fields.Float()
    datastreams = fields.List(fields.Nested(StreamOut))


class SpanQuery(Strict):
    first_week = Week("the first week; without it this one", load_default=None)
    weeks = length("how many", in_query=True, load_default=52)


class SitesCalendarQuery(PageQuery):
    first_week = Week("the first week; without it this one", load_default=None)
    weeks = length("how many", in_query=True, load_default=52)
    organisation = own.slug("of this municipality", load_default=None)


class SiteLeft(Strict):
    site = fields.Integer()
    closed = fields.List(fields.Integer(), metadata={"description": "closed weeks, counted from the first as 0"})
    left = fields.Dict(
        fields.String(), fields.List(fields.Integer()), metadata={"description": "by resource, an amount a week"}
    )


class SitesCalendarOut(Strict):
    first_week = Week("the date of the first Monday")
    weeks = fields.Integer()
    sites = fields.List(fields.Nested(SiteLeft))
    next = fields.String(allow_none=True, metadata={"description": "address of the next page; null on the last one"})


class SuggestionQuery(Strict):
    needs = Parsed(parse_needs, NEEDS, "what is needed in each week", required=True)
    weeks = length("how long", in_query=True, required=True)
    first_start = Week("the earliest week to begin", required=True)
    last_start = Week("the latest; without it the earliest", load_default=None)
    kind = own.choice("of this kind", KINDS, load_default=None)
    organisation = own.slug("of this municipality", load_default=None)
    band = own.text("where this radio band can be used", 32, load_default=None)
    tags = Parsed(parse_words, "words with commas between", "with all of these tags", load_default=())
    equipment = Parsed(parse_words, "words with commas between", "with equipment of these kinds", load_default=())
    near = Parsed(parse_near, "longitude,latitude", "near this point: the nearest come first", load_default=None)
    within_m = fields.Integer(
        load_default=None,
        validate=validate.Range(1, WITHIN_MAX),
        metadata={"description": "closer than so many metres to `near`"},
    )
    limit = fields.Integer(
        load_default=10, validate=validate.Range(1, SUGGESTED_MAX), metadata={"description": "most sites that would do"}
    )
    misses = fields.Integer(
        load_default=5, validate=validate.Range(0, SUGGESTED_MAX), metadata={"description": "most near misses"}
    )


class ReasonOut(Strict):
    code = fields.String()
    ko = fields.String()
    en = fields.String()


class FitOut(Strict):
    site = fields.Integer()
    name_ko = fields.String()
    name_en = fields.String()
    start = Week("the earliest week in which it can begin")
    starts = fields.Integer(metadata={"description": "how many of the weeks asked for it can begin in"})
    distance_m = fields.Integer(allow_none=True)
    spare = amounts("least left over")
    reasons = fields.List(fields.Nested(ReasonOut))


class ChangeOut(Strict):
    field = fields.String(metadata={"description": "of the query, or needs.{resource}; start is first_start"})
    to = fields.Raw(allow_none=True, metadata={"description": "the value that would do; null: leave it out"})


class MissOut(Strict):
    site = fields.Integer()
    name_ko = fields.String()
    name_en = fields.String()
    distance_m = fields.Integer(allow_none=True)
    fails = fields.List(fields.Nested(ReasonOut))
    change = fields.Nested(ChangeOut, allow_none=True, metadata={"description": "the one change that would do"})


class SuggestionsOut(Strict):
    sites = fields.List(fields.Nested(FitOut), metadata={"description": "the best first"})
    near_misses = fields.List(fields.Nested(MissOut), metadata={"description": "those that fail least first"})


@blueprint.route("/sites/<id:site_id>/neighbours")
class NeighboursView(MethodView):
    @blueprint.arguments(Within, location="query")
    @blueprint.response(200, NeighboursOut)
    @blueprint.public(401, 404, 422)
    def get(self, query: dict[str, Any], site_id: int) -> Any:
        """List the sites near a site, and what overlaps it"""
        return {"neighbours": services().places.neighbours(actor(), site_id, query["within_m"])}


@blueprint.route("/sites/<id:site_id>/sensors")
class SensorsView(MethodView):
    @blueprint.arguments(PageQuery, location="query")
    @blueprint.response(200, page_of(StandingOut))
    @blueprint.public(401, 404, 422)
    def get(self, query: dict[str, Any], site_id: int) -> Any:
        """List the Things inside a site

        With their public Datastreams; a key of their owner shows its others too.
        """
        return page(query, lambda after, limit: services().places.sensors(actor(), site_id, after, limit))


@blueprint.route("/sites/<id:site_id>/calendar.ics")
class IcalView(MethodView):
    @blueprint.arguments(SpanQuery, location="query")
    @blueprint.response(200, {"type": "string"}, content_type=ICALENDAR)
    @blueprint.public(401, 404, 422)
    def get(self, query: dict[str, Any], site_id: int) -> Any:
        """Show the calendar of a site as iCalendar

        Closures and weeks that are partly booked; not by whom.
        """
        address = f"{settings().base_url.rstrip('/')}{PREFIX}/sites/{site_id}"
        text = services().places.ical(actor(), site_id, query["first_week"], query["weeks"], address)
        return Response(text, content_type=f"{ICALENDAR}; charset=utf-8")


@blueprint.route("/sites/calendar")
class SitesCalendarView(MethodView):
    @blueprint.arguments(SitesCalendarQuery, location="query")
    @blueprint.response(200, SitesCalendarOut)
    @blueprint.public(401, 404, 422)
    def get(self, query: dict[str, Any]) -> Any:
        """Show what is left of many sites, week by week

        By resource one amount a week: 330 sites and a year are one answer.
        """
        limit = refuse_limit_beyond(query.get("limit"), settings().page_rows_max) or settings().page_rows
        span = (query["first_week"], query["weeks"], query["organisation"])
        grid = services().places.calendar(actor(), *span, query["after"], limit + 1)  # one more tells of a next page
        following = next_address(after=grid.ids[limit - 1]) if len(grid.ids) > limit else None
        return Response(written(grid, limit, following), mimetype="application/json", headers=link(following))


@blueprint.route("/sites/suggestions")
class SuggestionsView(MethodView):
    @blueprint.arguments(SuggestionQuery, location="query")
    @blueprint.response(200, SuggestionsOut)
    @blueprint.public(401, 404, 422)
    def get(self, query: dict[str, Any]) -> Any:
        """Suggest sites for a requirement

        Offered sites that would do, with reasons, and near misses with what fails and the nearest change.
        """
        limits = query.pop("limit"), query.pop("misses")
        query["last_start"] = query["last_start"] if query["last_start"] is not None else query["first_start"]
        return _suggested(services().places.suggest(Asked(**query), *limits))


def written(grid: Grid, limit: int, following: str | None = None) -> bytes:
    """The first ``limit`` sites of a grid as JSON, straight from the arrays."""
    sites = [
        {
            "site": grid.ids[row],
            "closed": grid.closed[row].nonzero()[0],
            "left": {name: grid.left[row, at] for at, name in enumerate(grid.resources) if name in grid.own[row]},
        }
        for row in range(min(limit, len(grid.ids)))
    ]
    body = {"first_week": weeks.name(grid.first_week), "weeks": grid.left.shape[2], "sites": sites, "next": following}
    return orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)


def _suggested(found: Suggested) -> dict[str, Any]:
    def named(one: Fit | Miss) -> dict[str, Any]:
        korean, english = found.index.names[one.row]
        return {"site": int(found.index.ids[one.row]), "name_ko": korean, "name_en": english,
                "distance_m": one.distance_m}  # fmt: skip

    fits = [
        {**named(one), "start": one.start, "starts": one.starts, "spare": one.spare,
         "reasons": reasons(one, found.asked)}
        for one in found.fits
    ]  # fmt: skip
    misses = [{**named(one), "fails": [against(lack) for lack in one.lacks], "change": _change(one)}
              for one in found.misses]  # fmt: skip
    return {"sites": fits, "near_misses": misses}


def _change(miss: Miss) -> dict[str, Any] | None:
    if miss.change is None:
        return None
    field, value = miss.change
    return {"field": field, "to": weeks.name(value) if field == "start" else value}
