"""The life of a dataset: its review, its revisions, and its end."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import fields

from gops.api import fields as own
from gops.api.blueprint import PREFIX, Blueprint
from gops.api.catalog.addresses import follow
from gops.api.catalog.datasets import DatasetOut, complete, shown
from gops.api.context import actor, services
from gops.api.fields import Strict
from gops.api.paging import PageQuery, page, page_of

blueprint = Blueprint("dataset-life", __name__, description="Datasets over time: reviewed, revised, deprecated")


class ReviewAsked(Strict):
    note = own.text("for who reviews it", 2000, load_default="")


class ReviewAnswer(Strict):
    approve = fields.Boolean(required=True, metadata={"description": "publish it; otherwise it is a draft again"})
    note = own.text("what is still to be done; needed where it is returned", 2000, load_default="")


class DatasetDeprecation(Strict):
    reason = own.text("why it should not be used any more", 2000, shortest=1, required=True)
    replaced_by = own.slug("the public dataset to use instead", load_default=None)


class DatasetRevisionOut(Strict):
    number = fields.Integer(metadata={"description": "the dataset's `revision` then"})
    dataset = fields.String()
    at = own.moment("since when that was said")
    by = fields.Integer(allow_none=True, metadata={"description": "id of who changed it; for its own organisation"})
    note = fields.String(metadata={"description": "on the change"})
    address = fields.String()


class WholeDatasetRevision(DatasetRevisionOut):
    document = fields.Dict(metadata={"description": "all that was said of the dataset"})


class DatasetDifference(Strict):
    field = fields.String()
    before = fields.Raw(allow_none=True, metadata={"description": "null: nothing"})
    after = fields.Raw(allow_none=True)


class DatasetComparison(Strict):
    dataset = fields.String()
    before = fields.Integer(metadata={"description": "number of the one revision"})
    after = fields.Integer(metadata={"description": "number of the other"})
    changes = fields.List(fields.Nested(DatasetDifference))


@blueprint.route("/datasets/<slug:slug>/review")
class ReviewView(MethodView):
    @blueprint.arguments(ReviewAsked)
    @blueprint.response(200, DatasetOut)
    @blueprint.writes(404, 409, 410, 413, 415, 422)
    def post(self, asked: dict[str, Any], slug: str) -> Any:
        """Hand a draft in for review

        It has to be complete. It does not change until it is answered.
        """
        return shown([complete(lambda: services().datasets.ask_review(actor(), slug, asked["note"]))])[0]


@blueprint.route("/datasets/<slug:slug>/review/answer")
class ReviewAnswerView(MethodView):
    @blueprint.arguments(ReviewAnswer)
    @blueprint.response(200, DatasetOut)
    @blueprint.writes(404, 409, 410, 413, 415, 422)
    def post(self, answer: dict[str, Any], slug: str) -> Any:
        """Answer a review

        An owner of the organisation approves, which publishes it; where the setting `GOPS_CATALOG_REVIEW` is on,
        another person than the one who handed it in. Or it is returned as a draft, with a note; its publisher may take
        it back that way too.
        """
        act = services().datasets.answer
        return shown([complete(lambda: act(actor(), slug, answer["approve"], answer["note"]))])[0]


@blueprint.route("/datasets/<slug:slug>/deprecate")
class DeprecateView(MethodView):
    @blueprint.arguments(DatasetDeprecation)
    @blueprint.response(200, DatasetOut)
    @blueprint.writes(404, 409, 410, 413, 415, 422)
    def post(self, said: dict[str, Any], slug: str) -> Any:
        """Deprecate a dataset

        It is served as before and says so, also in the headers `Deprecation` and `Link` of its readings. To publish it
        again takes that back.
        """
        made = services().datasets.deprecate(actor(), slug, said["reason"], said["replaced_by"])
        return shown([made])[0]


@blueprint.route("/datasets/<slug:slug>/revisions")
class RevisionsView(MethodView):
    @blueprint.arguments(PageQuery, location="query")
    @blueprint.response(200, page_of(DatasetRevisionOut))
    @blueprint.moves
    @blueprint.public(401, 404, 410, 422)
    def get(self, query: dict[str, Any], slug: str) -> Any:
        """List what was said of a dataset

        From its publication on, the oldest first; the last is what is said now.
        """
        follow(slug, services().datasets.get(actor(), slug).slug)
        body, headers = page(query, lambda after, limit: services().revisions.list(actor(), slug, after, limit))
        return {**body, "items": [_shown(one) for one in body["items"]]}, headers


@blueprint.route("/datasets/<slug:slug>/revisions/<id:number>")
class OneRevision(MethodView):
    @blueprint.response(200, WholeDatasetRevision)
    @blueprint.moves
    @blueprint.public(401, 404, 410)
    def get(self, slug: str, number: int) -> Any:
        """Show a revision"""
        found = services().revisions.get(actor(), slug, number)
        follow(slug, found.dataset)
        return _shown(found) | {"document": found.document}


@blueprint.route("/datasets/<slug:slug>/revisions/<id:before>/to/<id:after>")
class ComparisonView(MethodView):
    @blueprint.response(200, DatasetComparison)
    @blueprint.moves
    @blueprint.public(401, 404, 410)
    def get(self, slug: str, before: int, after: int) -> Any:
        """Compare two revisions"""
        present = services().datasets.get(actor(), slug).slug
        follow(slug, present)
        changes = services().revisions.compare(actor(), slug, before, after)
        return {"dataset": present, "before": before, "after": after, "changes": changes}


def _shown(view: Any) -> dict[str, Any]:
    address = f"{PREFIX}/datasets/{view.dataset}/revisions/{view.number}"
    names = ("number", "dataset", "at", "by", "note")
    return {name: getattr(view, name) for name in names} | {"address": address}
