"""What is said about a call after its publication: questions with their answers, and errata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask.views import MethodView
from marshmallow import fields

from gops.api import fields as own
from gops.api.blueprint import PREFIX, Blueprint
from gops.api.context import actor, services, settings
from gops.api.fields import Strict
from gops.api.paging import PageQuery, page, page_of
from gops.clock import from_micros

blueprint = Blueprint("questions", __name__, description="Public questions to a call, answers and errata")


class QuestionNew(Strict):
    text = own.text("public at once; who asks is not told", 2000, shortest=1, required=True)


class Answer(Strict):
    answer = own.text("public at once, and final", 2000, shortest=1, required=True)


class QuestionOut(Strict):
    id = fields.Integer()
    text = fields.String()
    asked_at = own.moment("when it was asked")
    answer = fields.String(allow_none=True)
    answered_at = own.moment("when it was answered", allow_none=True)


class ErratumNew(Strict):
    text_ko = own.text("what was wrong, in Korean", 2000, shortest=1, required=True)
    text_en = own.text("what was wrong, in English", 2000, shortest=1, required=True)
    title_ko = own.text("the right one, in Korean", 200, shortest=1)
    title_en = own.text("the right one, in English", 200, shortest=1)
    description = own.text("the right one", 2000)
    closes_at = own.moment_in("a later close, by 7 days or more")


class ErratumOut(Strict):
    id = fields.Integer()
    text_ko = fields.String()
    text_en = fields.String()
    changes = fields.Function(lambda row: _told(row.changes), metadata={
        "type": "object", "description": "of each field that was changed, what it was and what it is"})  # fmt: skip
    at = own.moment("when it was published")


@blueprint.route("/calls/<slug:slug>/questions")
class QuestionsView(MethodView):
    @blueprint.arguments(PageQuery, location="query")
    @blueprint.response(200, page_of(QuestionOut))
    @blueprint.public(401, 404, 422)
    def get(self, query: dict[str, Any], slug: str) -> Any:
        """List questions to a call, and their answers"""
        return page(query, lambda after, limit: services().questions.list(actor(), slug, after, limit))

    @blueprint.arguments(QuestionNew)
    @blueprint.response(201, QuestionOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, new: dict[str, Any], slug: str) -> Any:
        """Ask a question

        With any key, until the call's `questions_until`.
        """
        asked = services().questions.ask(actor(), slug, new["text"])
        return asked, {"Location": f"{PREFIX}/calls/{slug}/questions"}


@blueprint.route("/calls/<slug:slug>/questions/<id:question_id>/answer")
class AnswerView(MethodView):
    @blueprint.arguments(Answer)
    @blueprint.response(200, QuestionOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def put(self, given: dict[str, Any], slug: str, question_id: int) -> Any:
        """Answer a question

        The call's owner, once, until the call closes.
        """
        return services().questions.answer(actor(), slug, question_id, given["answer"])


@blueprint.route("/calls/<slug:slug>/errata")
class ErrataView(MethodView):
    @blueprint.arguments(PageQuery, location="query")
    @blueprint.response(200, page_of(ErratumOut))
    @blueprint.public(401, 404, 422)
    def get(self, query: dict[str, Any], slug: str) -> Any:
        """List errata of a call"""
        return page(query, lambda after, limit: services().errata.list(actor(), slug, after, limit))

    @blueprint.arguments(ErratumNew)
    @blueprint.response(201, ErratumOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, new: dict[str, Any], slug: str) -> Any:
        """Correct a published call

        Its wording, or a later close; never its terms.
        """
        made = services().errata.publish(actor(), slug, new.pop("text_ko"), new.pop("text_en"), **new)
        return made, {"Location": f"{PREFIX}/calls/{slug}/errata"}


def _told(changes: Mapping[str, list[Any]]) -> dict[str, Any]:
    """Moments are written as everywhere."""
    return {name: {"before": _shown(name, before), "after": _shown(name, after)}
            for name, (before, after) in changes.items()}  # fmt: skip


def _shown(name: str, value: Any) -> Any:
    return from_micros(value).astimezone(settings().zone).isoformat() if name.endswith("_at") else value
