"""Runs of the allocation: ordered, watched, cancelled; the comparison of mechanisms; marks of applications."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import fields, validate

from gops.api import fields as own
from gops.api.blueprint import PREFIX, Blueprint
from gops.api.context import actor, services
from gops.api.fields import Strict
from gops.api.paging import PageQuery, page, page_of
from gops.api.testbed.fields import state
from gops.testbed.allocation.instance import GROUP_MAX
from gops.testbed.lifecycles import RUN
from gops.testbed.round_jobs import KINDS

blueprint = Blueprint("runs", __name__, description="Allocations that take their time, and what they heed")


class Comparison(Strict):
    seconds = fields.Integer(
        strict=True,
        load_default=None,
        allow_none=True,
        metadata={"description": "for the mechanism optimal, at most GOPS_ROUND_SECONDS; null: that"},
    )


class RunNew(Comparison):
    kind = fields.String(
        load_default="round",
        validate=validate.OneOf(KINDS),
        metadata={"description": "round computes one; compare tells what every mechanism would make of the call"},
    )


class RunState(Strict):
    state = state(RUN, "cancelled ends it within seconds", ("cancelled",), required=True)


class RunOut(Strict):
    id = fields.Integer()
    kind = fields.String()
    state = fields.String()
    seconds = fields.Integer(metadata={"description": "its limit"})
    progress = fields.Dict(metadata={"description": "stage, value, bound so far, milliseconds, and curve: "
                                     "[milliseconds, value, bound] of the sum of scores"})  # fmt: skip
    result = fields.Dict(allow_none=True, metadata={"description": "of a comparison: rows, one of each mechanism"})
    revision = fields.Integer(allow_none=True, metadata={"description": "of the round that it made"})
    reason = fields.String(metadata={"description": "why it failed"})
    created_at = own.moment("when it was ordered")
    started_at = own.moment("when it began", allow_none=True)
    ended_at = own.moment("when it ended", allow_none=True)


class Mark(Strict):
    application = own.record_id("an eligible application of the call", required=True)
    labels = fields.List(
        fields.String(),
        load_default=list,
        metadata={"description": "of the call's shares: those it may take a place of"},
    )


class Group(Strict):
    name = own.text("of the joint pilots, or of a part of them", 80, shortest=1, required=True)
    members = fields.List(
        fields.Raw(metadata={"type": ["integer", "string"]}),
        required=True,
        validate=validate.Length(0, GROUP_MAX),
        metadata={"description": "ids of applications, names of other groups"},
    )


class Marks(Strict):
    marks = fields.List(fields.Nested(Mark), load_default=list, validate=validate.Length(0, 10_000))
    groups = fields.List(fields.Nested(Group), load_default=list, validate=validate.Length(0, 1_000))


class MarkedOut(Strict):
    application = fields.Integer(attribute="application_id")
    labels = fields.List(fields.String())
    group = fields.String(allow_none=True, metadata={"description": "all of it are placed or none"})


class MarksOut(Strict):
    marks = fields.List(fields.Nested(MarkedOut))


@blueprint.route("/calls/<slug:slug>/runs")
class RunsView(MethodView):
    @blueprint.arguments(PageQuery, location="query")
    @blueprint.response(200, page_of(RunOut))
    @blueprint.reads(403, 404, 422)
    def get(self, query: dict[str, Any], slug: str) -> Any:
        """List the runs of a call

        For the operator.
        """
        return page(query, lambda after, limit: services().round_jobs.list(actor(), slug, after, limit))

    @blueprint.arguments(RunNew)
    @blueprint.response(202, RunOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, new: dict[str, Any], slug: str) -> Any:
        """Order a run

        Of a scored call, by the operator; one at a time.
        """
        made = services().round_jobs.order(actor(), slug, new["kind"], new["seconds"])
        return made, {"Location": f"{PREFIX}/calls/{slug}/runs/{made.id}"}


@blueprint.route("/calls/<slug:slug>/runs/<id:run_id>")
class RunView(MethodView):
    @blueprint.response(200, RunOut)
    @blueprint.reads(403, 404)
    def get(self, slug: str, run_id: int) -> Any:
        """Show a run, and how far it is"""
        return services().round_jobs.get(actor(), slug, run_id)


@blueprint.route("/calls/<slug:slug>/runs/<id:run_id>/state")
class RunStateView(MethodView):
    @blueprint.arguments(RunState)
    @blueprint.response(200, RunOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, _wanted: dict[str, Any], slug: str, run_id: int) -> Any:
        """Cancel a run"""
        return services().round_jobs.cancel(actor(), slug, run_id)


@blueprint.route("/calls/<slug:slug>/rounds/compare")
class ComparisonView(MethodView):
    @blueprint.response(200, RunOut)
    @blueprint.reads(403, 404)
    def get(self, slug: str) -> Any:
        """Show the newest comparison of mechanisms

        Figures alone: placed, sum of scores, envy and blocking pairs, waste, price of fairness. For the operator.
        """
        return services().round_jobs.comparison(actor(), slug)

    @blueprint.arguments(Comparison)
    @blueprint.response(202, RunOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, new: dict[str, Any], slug: str) -> Any:
        """Compare the mechanisms on a scored call

        A run of the kind compare.
        """
        made = services().round_jobs.order(actor(), slug, "compare", new["seconds"])
        return made, {"Location": f"{PREFIX}/calls/{slug}/runs/{made.id}"}


@blueprint.route("/calls/<slug:slug>/marks")
class MarksView(MethodView):
    @blueprint.response(200, MarksOut)
    @blueprint.reads(403, 404)
    def get(self, slug: str) -> Any:
        """Show the marks of applications

        For the call's owner.
        """
        return {"marks": services().marks.list(actor(), slug)}

    @blueprint.arguments(Marks)
    @blueprint.response(200, MarksOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def put(self, given: dict[str, Any], slug: str) -> Any:
        """Set the marks of applications

        All of a closed call, by its owner: which shares each may take a place of, and which pilots are joint.
        """
        labels = {row["application"]: row["labels"] for row in given["marks"]}
        groups = {row["name"]: row["members"] for row in given["groups"]}
        return {"marks": services().marks.put(actor(), slug, labels, groups)}
