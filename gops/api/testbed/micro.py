"""Micro-slots: short slots outside of a call."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from gops.api import fields as own
from gops.api.blueprint import PREFIX, Blueprint
from gops.api.context import actor, services
from gops.api.fields import Strict
from gops.api.testbed.fields import Week, amounts, length
from gops.api.testbed.slots import SlotOut

blueprint = Blueprint("micro", __name__, description="Short slots outside of calls")


class MicroNew(Strict):
    organisation = own.slug("who takes it", required=True)
    first_week = Week("from this week on: next week at the earliest", required=True)
    weeks = length("how long", required=True)
    amounts = amounts("what is held in each week, above 0", required=True)
    note = own.text("what for", 2000, load_default="")


@blueprint.route("/sites/<id:site_id>/micro-slots")
class MicroSlotsView(MethodView):
    @blueprint.arguments(MicroNew)
    @blueprint.response(201, SlotOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, new: dict[str, Any], site_id: int) -> Any:
        """Take a short slot at a site

        Granted at once while the site keeps free what it says in `details.micro`; one a company and quarter.
        """
        asked = (new["organisation"], new["first_week"], new["weeks"], new["amounts"], new["note"])
        made = services().micro_slots.take(actor(), site_id, *asked)
        return made, {"Location": f"{PREFIX}/slots/{made.id}"}


@blueprint.route("/micro-slots/<id:slot_id>")
class MicroSlotView(MethodView):
    @blueprint.response(200, SlotOut)
    @blueprint.writes(404, 409)
    def delete(self, slot_id: int) -> Any:
        """Give a short slot back before it begins"""
        return services().micro_slots.give_back(actor(), slot_id)
