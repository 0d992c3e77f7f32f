"""Appeals against a provisional round."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import fields

from gops.api import fields as own
from gops.api.blueprint import PREFIX, Blueprint
from gops.api.context import actor, services
from gops.api.fields import Strict
from gops.api.paging import PageQuery, page, page_of
from gops.api.testbed.fields import raw
from gops.testbed.appeals.corrections import ABOUT
from gops.testbed.appeals.service import ANSWERS, DECISIONS

blueprint = Blueprint("appeals", __name__, description="Appeals against a provisional round")


class AppealNew(Strict):
    about = own.choice("which input of the round", ABOUT, required=True)
    site = own.record_id("the site concerned, of a capacity or a verdict", load_default=None, allow_none=True)
    text = own.text("why", 2000, shortest=1, required=True)
    claimed = raw('what it should be: {"score"}, or {"resource", "amount"} of a capacity', load_default=dict)


class AppealAnswer(Strict):
    state = own.choice("upheld, dismissed, or panel", ANSWERS, required=True)
    text = own.text("reasons, for the applicant", 2000, shortest=1, required=True)
    correction = raw("with upheld: what the input is corrected to; without it what was claimed", load_default=dict)


class AppealRuling(AppealAnswer):
    state = own.choice("upheld or dismissed", DECISIONS, required=True)


class AppealOut(Strict):
    """Whose it is and its words are for those who see the application whole."""

    id = fields.Integer()
    application = fields.Integer(attribute="application_id", metadata={"description": "0: not for you"})
    about = fields.String()
    site = fields.Integer(attribute="site_id", allow_none=True)
    claimed = fields.Dict()
    text = fields.String()
    state = fields.String()
    filed_at = own.moment("when it was filed")
    due_at = own.moment("until when it is to be answered")
    answer = fields.String()
    answered_at = own.moment("when it was answered", allow_none=True)
    decision = fields.String(metadata={"description": "the panel's reasons"})
    decided_by = fields.String(allow_none=True, metadata={"description": "answer, panel, or silence"})
    decided_at = own.moment("when it was upheld or dismissed", allow_none=True)
    correction = fields.Dict(metadata={"description": "what the input is corrected to"})
    corrected_at = own.moment("when the round was computed again with it", allow_none=True)


class WindowOut(Strict):
    ends_at = own.moment("until when appeals are taken", allow_none=True)


@blueprint.route("/applications/<id:application_id>/appeals")
class OwnAppealsView(MethodView):
    @blueprint.arguments(AppealNew)
    @blueprint.response(201, AppealOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, new: dict[str, Any], application_id: int) -> Any:
        """File an appeal

        By the applicant, within the window of a published round, against an input of it. Upheld, the input is
        corrected and the round computed again once.
        """
        made = services().appeals.file(actor(), application_id, new["about"], new["text"], new["site"], new["claimed"])
        return made, {"Location": f"{PREFIX}/appeals/{made.id}"}


@blueprint.route("/calls/<slug:slug>/appeals")
class AppealsView(MethodView):
    @blueprint.arguments(PageQuery, location="query")
    @blueprint.response(200, page_of(AppealOut))
    @blueprint.public(401, 404, 422)
    def get(self, query: dict[str, Any], slug: str) -> Any:
        """List the appeals of a call"""
        return page(query, lambda after, limit: services().appeals.list(actor(), slug, after, limit))


@blueprint.route("/calls/<slug:slug>/rounds/<id:revision>/appeal-window")
class WindowView(MethodView):
    @blueprint.response(200, WindowOut)
    @blueprint.public(401, 404)
    def get(self, slug: str, revision: int) -> Any:
        """Show until when appeals against a round are taken"""
        return {"ends_at": services().appeals.window(actor(), slug, revision)}


@blueprint.route("/appeals/<id:appeal_id>")
class AppealView(MethodView):
    @blueprint.response(200, AppealOut)
    @blueprint.public(401, 404)
    def get(self, appeal_id: int) -> Any:
        """Show an appeal"""
        return services().appeals.get(actor(), appeal_id)


@blueprint.route("/appeals/<id:appeal_id>/answer")
class AnswerView(MethodView):
    @blueprint.arguments(AppealAnswer)
    @blueprint.response(200, AppealOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, answer: dict[str, Any], appeal_id: int) -> Any:
        """Answer an appeal

        By the call's owner or the operator. Unanswered in time it is upheld where it is about arithmetic or a missing
        reason, and goes to the panel otherwise.
        """
        return services().appeals.answer(actor(), appeal_id, answer["state"], answer["text"], answer["correction"])


@blueprint.route("/appeals/<id:appeal_id>/ruling")
class RulingView(MethodView):
    @blueprint.arguments(AppealRuling)
    @blueprint.response(200, AppealOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, ruling: dict[str, Any], appeal_id: int) -> Any:
        """Write down what the panel decided

        By the operator, and not by whoever answered.
        """
        return services().appeals.rule(actor(), appeal_id, ruling["state"], ruling["text"], ruling["correction"])
