"""What was used, for everybody; and what one may still use, for who asks."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import fields, validate

from gops.api import fields as own
from gops.api.blueprint import Blueprint
from gops.api.context import actor, services, settings
from gops.api.fields import Strict
from gops.api.limits import network
from gops.api.times import write_time
from gops.usage.service import Asked
from gops.usage.tally import KINDS

blueprint = Blueprint("usage", __name__, description="What is used")


class QuotaStanding(Strict):
    tier = fields.String(
        required=True, metadata={"description": "address, reader, member, or exempt", "example": "reader"}
    )
    day = fields.String(required=True, metadata={"format": "date", "description": "on the clock of GOPS_ZONE"})
    quota = fields.Integer(required=True, allow_none=True, metadata={"description": "requests of a day; null: any"})
    used = fields.Integer(required=True)
    remaining = fields.Integer(required=True, allow_none=True)
    resets_at = fields.String(required=True, metadata={"format": "date-time"})


class UsageQuery(Strict):
    by = own.choice("what the sums are of", ("day", "dataset", "publisher", "kind"), load_default="day")
    start = fields.Date(
        data_key="from", load_default=None, metadata={"description": "first day; default: 30 days before to"}
    )
    end = fields.Date(
        data_key="to", load_default=None, metadata={"description": "the day after the last one; default: tomorrow"}
    )
    kind = own.choice("of this kind alone", KINDS, load_default=None)
    dataset = own.text("of this dataset alone, by slug", 63, load_default=None)
    publisher = own.text("of this organisation alone, by slug", 63, load_default=None)
    limit = fields.Integer(
        load_default=100,
        validate=validate.Range(1, 1000),
        metadata={"description": "most sums, the most used first; of days all are given"},
    )


class UsageSum(Strict):
    name = fields.String(required=True, metadata={"description": "a day, a kind, or a slug", "example": "suwon-air"})
    requests = fields.Integer(required=True)
    rows = fields.Integer(required=True, metadata={"description": "of readings that were given"})


class UsageReport(Strict):
    by = fields.String(required=True)
    items = fields.List(fields.Nested(UsageSum), required=True)


@blueprint.route("/me/usage")
class MyUsageView(MethodView):
    @blueprint.response(200, QuotaStanding)
    @blueprint.public(401)
    def get(self) -> Any:
        """Show what one has left of the day

        Of the key, or without one of the address. This request is counted too.
        """
        found = services().usage.quotas.standing(actor(), network())
        return {**vars(found), "remaining": found.remaining, "resets_at": write_time(found.resets_at, settings().zone)}


@blueprint.route("/usage")
class UsageView(MethodView):
    @blueprint.arguments(UsageQuery, location="query")
    @blueprint.response(200, UsageReport)
    @blueprint.public(401, 404, 422)
    def get(self, query: dict[str, Any]) -> Any:
        """Add up what was used

        By day, dataset, publisher or kind, of public datasets; with a key of its publisher also of those that are not.
        Nothing is kept of who asked. The newest counts are a few seconds old.
        """
        return {"by": query["by"], "items": services().usage.report(actor(), Asked(**query))}
