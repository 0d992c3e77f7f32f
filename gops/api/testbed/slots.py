"""Slots: what is held of a site, for whom and for how long."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import fields

from gops.api import fields as own
from gops.api.blueprint import PREFIX, Blueprint
from gops.api.context import actor, services
from gops.api.fields import Strict
from gops.api.paging import PageQuery, page, page_of
from gops.api.testbed.fields import Reasoned, Week, amounts, length, state
from gops.testbed.lifecycles import CONDITION, SLOT

blueprint = Blueprint("slots", __name__, description="What is held of sites")


class SlotsQuery(PageQuery):
    site = own.asked_id("at this site", load_default=None)


class SlotNew(Strict):
    site = own.record_id("where", required=True)
    organisation = own.slug("who holds it", required=True)
    first_week = Week("from this week on", required=True)
    weeks = length("how long", required=True)
    amounts = amounts("what is held in each week, above 0", required=True)
    note = own.text("what for", 2000, load_default="")


class SlotState(Reasoned):
    state = state(SLOT, "where it goes from here", SLOT.states[1:], required=True)


class SlotOut(Strict):
    id = fields.Integer()
    site = fields.Integer(attribute="site_id")
    organisation_id = fields.Integer()
    application = fields.Integer(attribute="application_id", allow_none=True)
    state = fields.String()
    first_week = Week("its first week")
    end_week = Week("the first week after it")
    amounts = amounts("held in each week")
    note = fields.String()
    created_at = own.moment("when it was booked")


@blueprint.route("/slots")
class SlotsView(MethodView):
    @blueprint.arguments(SlotsQuery, location="query")
    @blueprint.response(200, page_of(SlotOut))
    @blueprint.reads(422)
    def get(self, query: dict[str, Any]) -> Any:
        """List slots

        Of the own organisation, and of the own sites.
        """
        return page(query, lambda after, limit: services().slots.list(actor(), query["site"], after, limit))

    @blueprint.arguments(SlotNew)
    @blueprint.response(201, SlotOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, new: dict[str, Any]) -> Any:
        """Book a slot outside of a call

        By the site's municipality. A site is never booked beyond what it has.
        """
        who, asked = (new["site"], new["organisation"]), (new["first_week"], new["weeks"], new["amounts"])
        made = services().slots.book(actor(), *who, *asked, new["note"])
        return made, {"Location": f"{PREFIX}/slots/{made.id}"}


@blueprint.route("/slots/<id:slot_id>")
class SlotView(MethodView):
    @blueprint.response(200, SlotOut)
    @blueprint.reads(404)
    def get(self, slot_id: int) -> Any:
        """Show a slot"""
        return services().slots.get(actor(), slot_id)


@blueprint.route("/slots/<id:slot_id>/state")
class SlotStateView(MethodView):
    @blueprint.arguments(SlotState)
    @blueprint.response(200, SlotOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, wanted: dict[str, Any], slot_id: int) -> Any:
        """Move a slot along, or cancel it"""
        return services().slots.move(actor(), slot_id, wanted["state"], wanted["reason"])


class ConditionState(Strict):
    state = state(CONDITION, "handed_in by who holds the slot; met, or open again, by the municipality", required=True)
    note = own.text("such as the number of a policy; kept as it is where none is given", 2000, load_default="")


class ConditionOut(Strict):
    kind = fields.String()
    state = fields.String()
    note = fields.String()
    changed_at = own.moment("when it changed last")


class ConditionsOut(Strict):
    items = fields.List(fields.Nested(ConditionOut))


@blueprint.route("/slots/<id:slot_id>/conditions")
class ConditionsView(MethodView):
    @blueprint.response(200, ConditionsOut)
    @blueprint.reads(404)
    def get(self, slot_id: int) -> Any:
        """List what a slot waits for

        When all of it is met the slot is ready; what is not met on its first day cancels it.
        """
        return {"items": services().slots.conditions(actor(), slot_id)}


@blueprint.route("/slots/<id:slot_id>/conditions/<name:kind>")
class ConditionView(MethodView):
    @blueprint.arguments(ConditionState)
    @blueprint.response(200, ConditionOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, wanted: dict[str, Any], slot_id: int, kind: str) -> Any:
        """Hand in a condition of a slot, or confirm it"""
        return services().slots.set_condition(actor(), slot_id, kind, wanted["state"], wanted["note"])
