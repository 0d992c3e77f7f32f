"""Webhooks of dataset news."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import fields, validate

from gops.api import fields as own
from gops.api.blueprint import PREFIX, Blueprint
from gops.api.context import actor, services
from gops.api.fields import Strict
from gops.api.paging import PageQuery, page, page_of
from gops.catalog.history.news import KINDS
from gops.catalog.hooks.service import ADDRESS_LENGTH

blueprint = Blueprint("dataset-hooks", __name__, description="Webhooks: news of datasets, told to an address")
DELIVERY_STATES = ("waiting", "sent", "dead")


class DatasetHookSaid(Strict):
    address = own.text("where a signed POST goes; a public one, unless the operator allows others", ADDRESS_LENGTH)
    events = fields.List(
        own.choice("what happened", KINDS),
        validate=validate.Length(1, len(KINDS)),
        metadata={"description": "all unless some are named", "example": ["published", "withdrawn"]},
    )
    dataset = own.slug("of this one alone", allow_none=True)


class DatasetHookNew(DatasetHookSaid):
    organisation = own.slug("whose it is", required=True)
    address = own.text("where a signed POST goes", ADDRESS_LENGTH, shortest=1, required=True)


class DatasetHookOut(DatasetHookSaid):
    id = fields.Integer()
    organisation = fields.String()
    created_at = own.moment("since when")


class DatasetHookMade(DatasetHookOut):
    secret = fields.String(metadata={"description": "under which `GOPS-Signature` is made; shown this once"})


class DatasetHooksQuery(PageQuery):
    organisation = own.slug("of this organisation", required=True)


class HookDeliveriesQuery(PageQuery):
    state = own.choice("in this state", DELIVERY_STATES, load_default=None)


class HookDeliveryOut(Strict):
    id = fields.Integer()
    news = fields.Integer(attribute="news_id", metadata={"description": "id of the news, as in the body"})
    state = own.choice("what has become of it", DELIVERY_STATES)
    attempts = fields.Integer()
    begun_at = own.moment("when it was to go out")
    next_at = own.moment("when it is tried again, while it waits")
    ended_at = own.moment("when it was sent or given up", allow_none=True)
    problem = fields.String(allow_none=True, metadata={"description": "why it was not taken last"})


@blueprint.route("/dataset-hooks")
class DatasetHooksView(MethodView):
    @blueprint.arguments(DatasetHooksQuery, location="query")
    @blueprint.response(200, page_of(DatasetHookOut))
    @blueprint.reads(403, 404, 422)
    def get(self, query: dict[str, Any]) -> Any:
        """List the webhooks of dataset news of an organisation"""
        home = query["organisation"]
        body, headers = page(query, lambda after, limit: services().dataset_hooks.list(actor(), home, after, limit))
        return {**body, "items": [_shown(one) for one in body["items"]]}, headers

    @blueprint.arguments(DatasetHookNew)
    @blueprint.response(201, DatasetHookMade)
    @blueprint.writes(404, 409, 410, 413, 415, 422, 503)
    def post(self, new: dict[str, Any]) -> Any:
        """Be told of news of datasets

        By a POST that is signed like the webhooks of alerts, from now on; tried for a day where it is not taken.
        """
        words = new["address"], new.get("events", KINDS), new.get("dataset")
        made, secret = services().dataset_hooks.create(actor(), new["organisation"], *words)
        return _shown(made) | {"secret": secret}, {"Location": f"{PREFIX}/dataset-hooks/{made.id}/deliveries"}


@blueprint.route("/dataset-hooks/<id:hook_id>")
class OneDatasetHook(MethodView):
    @blueprint.response(204)
    @blueprint.writes(404)
    def delete(self, hook_id: int) -> None:
        """Delete a webhook of dataset news"""
        services().dataset_hooks.delete(actor(), hook_id)


@blueprint.route("/dataset-hooks/<id:hook_id>/deliveries")
class HookDeliveries(MethodView):
    @blueprint.arguments(HookDeliveriesQuery, location="query")
    @blueprint.response(200, page_of(HookDeliveryOut))
    @blueprint.reads(404, 422)
    def get(self, query: dict[str, Any], hook_id: int) -> Any:
        """List what a webhook was sent, has to be, or could not"""
        listed, state = services().dataset_hooks.deliveries, query["state"]
        return page(query, lambda after, limit: listed(actor(), hook_id, after, limit, state=state))


@blueprint.route("/dataset-hooks/<id:hook_id>/deliveries/<id:delivery_id>/retry")
class HookRetry(MethodView):
    @blueprint.response(200, HookDeliveryOut)
    @blueprint.writes(404, 409)
    def post(self, hook_id: int, delivery_id: int) -> Any:
        """Send again what was given up"""
        return services().dataset_hooks.send_again(actor(), hook_id, delivery_id)


def _shown(view: Any) -> dict[str, Any]:
    row = view.row
    told = {"id": row.id, "organisation": view.organisation, "dataset": view.dataset, "created_at": row.created_at}
    return told | {"address": row.address, "events": row.events}
