"""Offers of places, and the reserve list."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import fields

from gops.api import fields as own
from gops.api.blueprint import Blueprint
from gops.api.context import actor, services
from gops.api.fields import Strict
from gops.api.paging import PageQuery, page, page_of
from gops.api.testbed.fields import Reasoned, state
from gops.testbed.lifecycles import OFFER
from gops.testbed.offers.service import ANSWERS

blueprint = Blueprint("offers", __name__, description="Places that are offered, and who waits for one")


class OffersQuery(PageQuery):
    call = own.slug("in this call", load_default=None)
    state = state(OFFER, "in this state", load_default=None)


class OfferAnswer(Reasoned):
    state = state(OFFER, "accepted or declined", ANSWERS, required=True)


class OfferOut(Strict):
    id = fields.Integer()
    call_id = fields.Integer()
    application = fields.Integer(attribute="application_id")
    slot = fields.Integer(attribute="slot_id")
    state = fields.String()
    from_reserve = fields.Boolean(metadata={"description": "moved up from the reserve list"})
    offered_at = own.moment("when it was made")
    lapses_at = own.moment("from when on it can't be accepted")
    answered_at = own.moment("when it was answered or lapsed", allow_none=True)
    reason = fields.String()


class Turn(Strict):
    turn = fields.Integer(metadata={"description": "1: the first whom a freed place is offered"})
    application = fields.Integer()


class TurnPage(Strict):
    items = fields.List(fields.Nested(Turn))


@blueprint.route("/offers")
class OffersView(MethodView):
    @blueprint.arguments(OffersQuery, location="query")
    @blueprint.response(200, page_of(OfferOut))
    @blueprint.reads(404, 422)
    def get(self, query: dict[str, Any]) -> Any:
        """List offers

        Of the applications that one sees whole.
        """
        offers = services().offers
        return page(query, lambda after, limit: offers.list(actor(), query["call"], query["state"], after, limit))


@blueprint.route("/offers/<id:offer_id>")
class OfferView(MethodView):
    @blueprint.response(200, OfferOut)
    @blueprint.reads(404)
    def get(self, offer_id: int) -> Any:
        """Show an offer"""
        return services().offers.get(actor(), offer_id)


@blueprint.route("/offers/<id:offer_id>/state")
class OfferStateView(MethodView):
    @blueprint.arguments(OfferAnswer)
    @blueprint.response(200, OfferOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, wanted: dict[str, Any], offer_id: int) -> Any:
        """Accept or decline an offer

        By the applicant, until it lapses. A declined place is offered to the reserve list.
        """
        return services().offers.answer(actor(), offer_id, wanted["state"], wanted["reason"])


@blueprint.route("/calls/<slug:slug>/reserve")
class ReserveView(MethodView):
    @blueprint.response(200, TurnPage)
    @blueprint.reads(404)
    def get(self, slug: str) -> Any:
        """List the reserve of a final call

        In the order in which it moves up; the applications that one sees whole.
        """
        rows = services().offers.reserve(actor(), slug)
        return {"items": [{"turn": turn, "application": row.id} for turn, row in rows]}
