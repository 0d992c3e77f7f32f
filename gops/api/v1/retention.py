"""How long readings are kept: of a Datastream, an organisation, a dataset."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import fields

from gops.api import fields as own
from gops.api.blueprint import Blueprint
from gops.api.context import actor, services
from gops.api.fields import Strict
from gops.sensors.retention import STEPS

blueprint = Blueprint("retention", __name__, description="How long readings are kept, and to what old ones are thinned")


def _duration(about: str) -> fields.String:
    return own.text(about, 32, allow_none=True, load_default=None)


class RetentionRule(Strict):
    """What is said here; null: nothing, so the organisation's rule holds, then the platform's."""

    retention = _duration("readings older than this are deleted: an ISO 8601 duration of fixed length, or none")
    thin_after = _duration("of readings older than this one a step is kept: the same, or none")
    thin_every = own.choice("that step, with thin_after", tuple(STEPS), allow_none=True, load_default=None)


class RetentionOut(Strict):
    said = fields.Nested(RetentionRule)
    retention = fields.String(allow_none=True, metadata={"description": "what holds; null: for ever"})
    thin_after = fields.String(allow_none=True, metadata={"description": "what holds; null: never"})
    thin_every = own.choice("what holds", tuple(STEPS), allow_none=True)
    thinned_until = own.moment("readings before were thinned", allow_none=True)
    thinned_every = own.choice("step to which they were thinned at last", tuple(STEPS), allow_none=True)


class RetentionOfMany(Strict):
    datastreams = fields.Integer(metadata={"description": "how many have the rule now"})


@blueprint.route("/datastreams/<id:datastream_id>/retention")
class DatastreamRetention(MethodView):
    @blueprint.response(200, RetentionOut)
    @blueprint.public(401, 404)
    def get(self, datastream_id: int) -> Any:
        """Show how long the readings of a Datastream are kept"""
        return services().retaining.of(actor(), datastream_id)

    @blueprint.arguments(RetentionRule)
    @blueprint.response(200, RetentionOut)
    @blueprint.writes(404, 413, 415, 422, 501)
    def put(self, rule: dict[str, Any], datastream_id: int) -> Any:
        """Say how long the readings of a Datastream are kept

        In place of what was said. What is older is deleted or thinned within a day, and refused when it comes later.
        """
        return services().retaining.put(actor(), [datastream_id], *said(rule))[0]


@blueprint.route("/organisations/<slug:slug>/retention")
class OrganisationRetention(MethodView):
    @blueprint.response(200, RetentionOut)
    @blueprint.public(401, 404)
    def get(self, slug: str) -> Any:
        """Show how long an organisation keeps readings

        Of its Datastreams that say nothing themselves.
        """
        return services().retaining.default(slug)

    @blueprint.arguments(RetentionRule)
    @blueprint.response(200, RetentionOut)
    @blueprint.writes(404, 413, 415, 422, 501)
    def put(self, rule: dict[str, Any], slug: str) -> Any:
        """Say how long an organisation keeps readings

        Of its Datastreams that say nothing themselves.
        """
        return services().retaining.put_default(actor(), slug, *said(rule))


@blueprint.route("/datasets/<slug:slug>/retention")
class DatasetRetention(MethodView):
    @blueprint.arguments(RetentionRule)
    @blueprint.response(200, RetentionOfMany)
    @blueprint.writes(404, 410, 413, 415, 422, 501)
    def put(self, rule: dict[str, Any], slug: str) -> Any:
        """Say how long the readings of a dataset are kept

        For each Datastream that is in it now, as if it were said of each. One that joins later follows its
        organisation's rule.
        """
        ids = services().catalogued.contents(actor(), slug).ids
        return {"datastreams": len(services().retaining.put(actor(), ids, *said(rule)))}


def said(rule: dict[str, Any]) -> tuple[str | None, str | None, str | None]:
    """The parts of a rule as the service takes them."""
    return rule["retention"], rule["thin_after"], rule["thin_every"]
