"""The review of a call: its panel, bids, forms, and what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from flask.views import MethodView
from marshmallow import fields, validate

from gops.api import fields as own
from gops.api.blueprint import Blueprint
from gops.api.context import actor, services
from gops.api.fields import Strict
from gops.api.paging import PageQuery, page, page_of
from gops.testbed.review.assigning import LOAD_MAX
from gops.testbed.review.bidding import BIDS
from gops.testbed.review.forms import by_name

blueprint = Blueprint("review", __name__, description="Who judges applications, and how")
SEAT = "/calls/<slug:slug>/seats/<id:application_id>/<id:evaluator_id>"


class EvaluatorNew(Strict):
    email = own.email("of somebody who has a role in the organisation")
    organisation = own.slug("where they come from", required=True)
    name = own.text("what they are called in this call", 200, shortest=1, required=True)
    most = fields.Integer(
        data_key="load",
        attribute="load",
        strict=True,
        load_default=None,
        allow_none=True,
        validate=validate.Range(1, LOAD_MAX),
        metadata={"description": "applications that they judge at most"},
    )
    employers = fields.List(own.slug("an organisation"), load_default=list, validate=validate.Length(0, 50),
                            metadata={"description": "organisations that they worked for lately"})  # fmt: skip


class EvaluatorOut(Strict):
    id = fields.Integer()
    name = fields.String()
    organisation = fields.Integer(attribute="organisation_id", metadata={"description": "its id"})
    most = fields.Integer(data_key="load", attribute="load")
    added_at = own.moment("when they were added")


class EvaluatorsOut(Strict):
    evaluators = fields.List(fields.Nested(EvaluatorOut))


class Why(Strict):
    reason = own.text("why, for the audit", 2000, shortest=1, required=True)


class SeatOut(Strict):
    application = fields.Integer()
    evaluator = fields.Integer()
    state = fields.String(metadata={"description": "draft, submitted, or removed"})
    by_hand = fields.Boolean()


class SeatsOut(Strict):
    seats = fields.List(fields.Nested(SeatOut))


class BidIn(Strict):
    application = own.record_id("an eligible application of the call", required=True)
    bid = own.choice("a conflict is declared for good", BIDS, required=True)
    reason = own.text("of a conflict, say", 2000, load_default="")


class BidsIn(Strict):
    bids = fields.List(fields.Nested(BidIn), required=True, validate=validate.Length(1, 10_000))


class BidOut(Strict):
    application = fields.Integer()
    title = fields.String()
    organisation = fields.String()
    theme = fields.String(allow_none=True)
    bid = fields.String(allow_none=True)
    reason = fields.String()
    conflict = fields.String(allow_none=True, metadata={"description": "why one may not judge it"})


class BidsOut(Strict):
    bids = fields.List(fields.Nested(BidOut))


class ReviewIn(Strict):
    scores = fields.Dict(fields.String(), fields.Integer(strict=True), required=True,
                         metadata={"description": "0 to 100, by the names of the call's criteria"})  # fmt: skip
    comment_ko = own.text("for the applicant", 2000, load_default="")
    comment_en = own.text("for the applicant", 2000, load_default="")


class OtherOut(Strict):
    scores = fields.Dict(fields.String(), fields.Integer(), metadata={"description": "by criterion"})
    total = fields.Integer(allow_none=True, metadata={"description": "0 to 10000, once it is handed in"})
    comment_ko = fields.String()
    comment_en = fields.String()


class ReviewOut(OtherOut):
    id = fields.Integer()
    application = fields.Integer(attribute="application_id")
    state = fields.String()
    submitted_at = own.moment("when it was handed in", allow_none=True)


class OthersOut(Strict):
    reviews = fields.List(fields.Nested(OtherOut))


class SingleOut(ReviewOut):
    evaluator = fields.Integer()
    name = fields.String(metadata={"description": "of the evaluator"})


class CommentOut(Strict):
    ko = fields.String()
    en = fields.String()


class ConsolidatedOut(Strict):
    application = fields.Integer()
    score = fields.Integer(allow_none=True, metadata={"description": "what decides: the mean of the totals"})
    levelled = fields.Integer(allow_none=True, metadata={"description": "without each evaluator's habit"})
    reviews = fields.Integer()
    comments = fields.List(fields.Nested(CommentOut))


class SummaryOut(Strict):
    application = fields.Integer()
    reviews = fields.Integer()
    mean = fields.Integer()
    levelled = fields.Integer()
    spread = fields.Integer(metadata={"description": "the largest total less the smallest"})
    outliers = fields.List(
        fields.Integer(), metadata={"description": "evaluators; zeros for who may not know whose reviews are whose"}
    )


class HabitOut(Strict):
    evaluator = fields.Integer()
    reviews = fields.Integer()
    milder = fields.Integer(metadata={"description": "the mean above that of the same applications"})


class StatisticsOut(Strict):
    applications = fields.List(fields.Nested(SummaryOut))
    alpha = fields.Float(allow_none=True, metadata={"description": "Krippendorff's, of the totals (interval)"})
    icc = fields.Float(allow_none=True, metadata={"description": "ICC(1, 1): one review among an application's others"})
    icc_mean = fields.Float(allow_none=True, metadata={"description": "ICC(1, k): the mean that decides"})
    habits = fields.List(fields.Nested(HabitOut))


def _shown(rows: Sequence[Any]) -> list[dict[str, Any]]:
    names = services().reviews.criteria(rows)
    plain = ("id", "application_id", "state", "total", "comment_ko", "comment_en", "submitted_at")
    return [{**{key: getattr(row, key) for key in plain}, "scores": by_name(names[row.id], row)} for row in rows]


@blueprint.route("/calls/<slug:slug>/evaluators")
class EvaluatorsView(MethodView):
    @blueprint.response(200, EvaluatorsOut)
    @blueprint.reads(403, 404)
    def get(self, slug: str) -> Any:
        """List the evaluators of a call

        For its owner and the auditor.
        """
        return {"evaluators": services().panels.list(actor(), slug)}

    @blueprint.arguments(EvaluatorNew)
    @blueprint.response(201, EvaluatorOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, new: dict[str, Any], slug: str) -> Any:
        """Add an evaluator to a call"""
        return services().panels.add(
            actor(), slug, new["email"], new["organisation"], new["name"], new["load"], new["employers"]
        )


@blueprint.route("/calls/<slug:slug>/evaluators/<id:evaluator_id>/removal")
class EvaluatorRemovalView(MethodView):
    @blueprint.arguments(Why)
    @blueprint.response(204)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, given: dict[str, Any], slug: str, evaluator_id: int) -> None:
        """Take an evaluator out of a call"""
        services().panels.remove(actor(), slug, evaluator_id, given["reason"])


@blueprint.route("/calls/<slug:slug>/seats")
class SeatsView(MethodView):
    @blueprint.response(200, SeatsOut)
    @blueprint.reads(403, 404)
    def get(self, slug: str) -> Any:
        """Show who judges what

        And how far they are, never how they judge. For the call's owner and the auditor.
        """
        return {"seats": services().panels.seats(actor(), slug)}

    @blueprint.response(200, SeatsOut)
    @blueprint.writes(404, 409)
    def post(self, slug: str) -> Any:
        """Assign evaluators

        Gives each eligible application those it lacks: the best assignment by bids, then by even loads, never against
        a conflict of interest. Where there is none it is said which application lacks whom.
        """
        return {"seats": services().panels.assign(actor(), slug)}


@blueprint.route(SEAT)
class SeatView(MethodView):
    @blueprint.arguments(Why)
    @blueprint.response(200, SeatsOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def put(self, given: dict[str, Any], slug: str, application_id: int, evaluator_id: int) -> Any:
        """Assign an evaluator by hand"""
        return {"seats": services().panels.seat(actor(), slug, application_id, evaluator_id, given["reason"])}


@blueprint.route(SEAT + "/removal")
class SeatRemovalView(MethodView):
    @blueprint.arguments(Why)
    @blueprint.response(200, SeatsOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, given: dict[str, Any], slug: str, application_id: int, evaluator_id: int) -> Any:
        """Take a review away by hand"""
        return {"seats": services().panels.unseat(actor(), slug, application_id, evaluator_id, given["reason"])}


@blueprint.route("/calls/<slug:slug>/bids")
class BidsView(MethodView):
    @blueprint.response(200, BidsOut)
    @blueprint.reads(403, 404)
    def get(self, slug: str) -> Any:
        """List what an evaluator may bid for"""
        return {"bids": services().bids.list(actor(), slug)}

    @blueprint.arguments(BidsIn)
    @blueprint.response(200, BidsOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def put(self, given: dict[str, Any], slug: str) -> Any:
        """Bid, and declare conflicts of interest"""
        wanted = {row["application"]: (row["bid"], row["reason"]) for row in given["bids"]}
        return {"bids": services().bids.put(actor(), slug, wanted)}


@blueprint.route("/reviews")
class ReviewsView(MethodView):
    @blueprint.arguments(PageQuery, location="query")
    @blueprint.response(200, page_of(ReviewOut))
    @blueprint.reads(403, 422)
    def get(self, query: dict[str, Any]) -> Any:
        """List one's own reviews"""
        body, headers = page(query, lambda after, limit: services().reviews.list(actor(), None, after, limit))
        return {**body, "items": _shown(body["items"])}, headers


@blueprint.route("/reviews/<id:review_id>")
class ReviewView(MethodView):
    @blueprint.response(200, ReviewOut)
    @blueprint.reads(403, 404)
    def get(self, review_id: int) -> Any:
        """Show an own review"""
        return _shown([services().reviews.get(actor(), review_id)])[0]

    @blueprint.arguments(ReviewIn)
    @blueprint.response(200, ReviewOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def put(self, given: dict[str, Any], review_id: int) -> Any:
        """Write a review"""
        return _shown([services().reviews.save(actor(), review_id, **given)])[0]


@blueprint.route("/reviews/<id:review_id>/submission")
class SubmissionView(MethodView):
    @blueprint.response(200, ReviewOut)
    @blueprint.writes(404, 409, 422)
    def post(self, review_id: int) -> Any:
        """Hand a review in

        For good, with a score of every criterion and words for the applicant.
        """
        return _shown([services().reviews.submit(actor(), review_id)])[0]


@blueprint.route("/reviews/<id:review_id>/others")
class OthersView(MethodView):
    @blueprint.response(200, OthersOut)
    @blueprint.reads(403, 404, 409)
    def get(self, review_id: int) -> Any:
        """Show what others wrote of the same application

        Without names, once one's own is handed in and the call is scored.
        """
        return {"reviews": _shown(services().reviews.others(actor(), review_id))}


@blueprint.route("/applications/<id:application_id>/review")
class ConsolidatedView(MethodView):
    @blueprint.response(200, ConsolidatedOut)
    @blueprint.reads(404)
    def get(self, application_id: int) -> Any:
        """Show the consolidated score and the comments of an application

        For those who see it whole, once a round was published.
        """
        found = services().review_results.consolidated(actor(), application_id)
        comments = [{"ko": korean, "en": english} for korean, english in found.comments]
        return {**vars(found), "comments": comments}


@blueprint.route("/calls/<slug:slug>/review-statistics")
class StatisticsView(MethodView):
    @blueprint.response(200, StatisticsOut)
    @blueprint.reads(403, 404, 409)
    def get(self, slug: str) -> Any:
        """Show how far reviews agree

        Of a scored call, for its owner, the operator and the auditor.
        """
        found = services().review_results.statistics(actor(), slug)
        habits = [{"evaluator": one, "reviews": count, "milder": by} for one, (count, by) in found.habits.items()]
        return {**vars(found), "habits": habits}


@blueprint.route("/calls/<slug:slug>/reviews")
class SinglesView(MethodView):
    @blueprint.arguments(PageQuery, location="query")
    @blueprint.response(200, page_of(SingleOut))
    @blueprint.reads(403, 404, 409, 422)
    def get(self, query: dict[str, Any], slug: str) -> Any:
        """List every review of a scored call

        And whose it is. For the auditor.
        """
        return page(query, lambda after, limit: _singles(services().review_results.single(actor(), slug, after, limit)))


def _singles(found: Sequence[Any]) -> list[Any]:
    rows = _shown([row for row, _ in found])
    return [
        SimpleNamespace(**shown, evaluator=one.id, name=one.name) for shown, (_, one) in zip(rows, found, strict=True)
    ]
