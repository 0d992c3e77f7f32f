"""Regulatory checks and exemptions."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import fields

from gops.api import fields as own
from gops.api.blueprint import PREFIX, Blueprint
from gops.api.context import actor, services
from gops.api.fields import Strict
from gops.api.paging import PageQuery, page, page_of
from gops.api.testbed.fields import Week, length
from gops.api.testbed.review import Why
from gops.testbed.regulatory.checks import ANSWERS, LABELS
from gops.testbed.regulatory.exemptions import DECISIONS

blueprint = Blueprint("regulatory", __name__, description="Is a rule in the way, and exemptions from it")


class AnswererNew(Strict):
    email = own.email("of somebody who has a role in the regulator")
    organisation = own.slug("the regulator", required=True)
    name = own.text("what they are called in this call", 200, shortest=1, required=True)


class AnswererOut(Strict):
    id = fields.Integer()
    name = fields.String()
    organisation = fields.Integer(attribute="organisation_id", metadata={"description": "its id"})
    added_at = own.moment("when they were added")


class AnswerersOut(Strict):
    answerers = fields.List(fields.Nested(AnswererOut))


class CheckNew(Strict):
    rule = own.text("the law or rule in question", 200, shortest=1, required=True)
    question = own.text("what the pilot does that it may stand against", 2000, shortest=1, required=True)


class CheckAnswer(Strict):
    answer = own.choice("what stands in the way", ANSWERS, required=True)
    text = own.text("reasons, and what would be needed", 2000, shortest=1, required=True)


class CheckOut(Strict):
    id = fields.Integer()
    application = fields.Integer(attribute="application_id")
    rule = fields.String()
    question = fields.String()
    state = fields.String(metadata={"description": "requested, answered, or presumed_none"})
    answer = fields.String(allow_none=True, metadata={"description": "null where nobody answered"})
    label_ko = fields.Function(lambda row: LABELS[row.answer or row.state][0])
    label_en = fields.Function(lambda row: LABELS[row.answer or row.state][1])
    text = fields.String()
    requested_at = own.moment("when it was asked")
    due_at = own.moment("from when silence presumes that there is no rule")
    answered_at = own.moment("when it was answered", allow_none=True)
    confirmed_at = own.moment("when the call's owner took it for settled", allow_none=True)


class ChecksQuery(PageQuery):
    call = own.slug("of this call", load_default=None)
    application = own.asked_id("of this application", load_default=None)


class ExemptionNew(Strict):
    law = own.text("from which law or rule", 200, shortest=1, required=True)
    need = own.text("why, and how far", 2000, shortest=1, required=True)
    site = own.record_id("one of the application's; without it all of them", load_default=None, allow_none=True)


class ExemptionDecision(Strict):
    state = own.choice("what becomes of it", DECISIONS, required=True)
    reason = own.text("why", 2000, shortest=1, required=True)
    first_week = Week("granted: its first week", load_default=None)
    weeks = length("granted or extended: how many from the first on", load_default=None)
    scale = own.text("granted: how far it goes", 2000, load_default="")


class Pending(Strict):
    pending = fields.Boolean(required=True, metadata={"description": "nothing expires while a statutory review is"})


class ExemptionOut(Strict):
    id = fields.Integer()
    application = fields.Integer(attribute="application_id")
    site = fields.Integer(attribute="site_id", allow_none=True)
    law = fields.String()
    need = fields.String()
    state = fields.String()
    first_week = Week("its first week", allow_none=True)
    end_week = Week("the first week after it", allow_none=True)
    scale = fields.String()
    reason = fields.String()
    review_pending = fields.Boolean()
    requested_at = own.moment("when it was requested")
    decided_at = own.moment("when it was decided last", allow_none=True)


class ExemptionsQuery(PageQuery):
    application = own.asked_id("of this application", load_default=None)


@blueprint.route("/calls/<slug:slug>/answerers")
class AnswerersView(MethodView):
    @blueprint.response(200, AnswerersOut)
    @blueprint.reads(403, 404)
    def get(self, slug: str) -> Any:
        """List who answers for regulators in a call

        For its owner and the auditor.
        """
        return {"answerers": services().answerers.list(actor(), slug)}

    @blueprint.arguments(AnswererNew)
    @blueprint.response(201, AnswererOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, new: dict[str, Any], slug: str) -> Any:
        """Add somebody who answers for a regulator"""
        return services().answerers.add(actor(), slug, new["email"], new["organisation"], new["name"])


@blueprint.route("/calls/<slug:slug>/answerers/<id:answerer_id>/removal")
class AnswererRemovalView(MethodView):
    @blueprint.arguments(Why)
    @blueprint.response(204)
    @blueprint.writes(404, 413, 415, 422)
    def post(self, given: dict[str, Any], slug: str, answerer_id: int) -> None:
        """Take somebody out who answers for a regulator"""
        services().answerers.remove(actor(), slug, answerer_id, given["reason"])


@blueprint.route("/applications/<id:application_id>/regulatory-checks")
class OwnChecksView(MethodView):
    @blueprint.arguments(CheckNew)
    @blueprint.response(201, CheckOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, new: dict[str, Any], application_id: int) -> Any:
        """Ask whether a rule is in the way

        By the applicant or the call's owner. After some days of silence no rule is presumed, and labelled so.
        """
        made = services().regulatory_checks.ask(actor(), application_id, new["rule"], new["question"])
        return made, {"Location": f"{PREFIX}/regulatory-checks/{made.id}"}


@blueprint.route("/regulatory-checks")
class ChecksView(MethodView):
    @blueprint.arguments(ChecksQuery, location="query")
    @blueprint.response(200, page_of(CheckOut))
    @blueprint.reads(404, 422)
    def get(self, query: dict[str, Any]) -> Any:
        """List regulatory checks

        Of applications that one sees whole, and of calls in which one answers.
        """
        of, which = query.pop("call"), query.pop("application")
        return page(query, lambda after, limit: services().regulatory_checks.list(actor(), of, which, after, limit))


@blueprint.route("/regulatory-checks/<id:check_id>")
class CheckView(MethodView):
    @blueprint.response(200, CheckOut)
    @blueprint.reads(404)
    def get(self, check_id: int) -> Any:
        """Show a regulatory check"""
        return services().regulatory_checks.get(actor(), check_id)


@blueprint.route("/regulatory-checks/<id:check_id>/answer")
class CheckAnswerView(MethodView):
    @blueprint.arguments(CheckAnswer)
    @blueprint.response(200, CheckOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, given: dict[str, Any], check_id: int) -> Any:
        """Answer a regulatory check

        By who answers in the call, also after the silence, until the call's owner has confirmed it.
        """
        return services().regulatory_checks.answer(actor(), check_id, given["answer"], given["text"])


@blueprint.route("/regulatory-checks/<id:check_id>/confirmation")
class CheckConfirmationView(MethodView):
    @blueprint.response(200, CheckOut)
    @blueprint.writes(404, 409)
    def post(self, check_id: int) -> Any:
        """Confirm a regulatory check

        By the call's owner; before that no accepted slot of the application becomes ready.
        """
        return services().regulatory_checks.confirm(actor(), check_id)


@blueprint.route("/applications/<id:application_id>/exemptions")
class OwnExemptionsView(MethodView):
    @blueprint.arguments(ExemptionNew)
    @blueprint.response(201, ExemptionOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, new: dict[str, Any], application_id: int) -> Any:
        """Request an exemption from a rule"""
        made = services().exemptions.request(actor(), application_id, new["law"], new["need"], new["site"])
        return made, {"Location": f"{PREFIX}/exemptions/{made.id}"}


@blueprint.route("/exemptions")
class ExemptionsView(MethodView):
    @blueprint.arguments(ExemptionsQuery, location="query")
    @blueprint.response(200, page_of(ExemptionOut))
    @blueprint.reads(422)
    def get(self, query: dict[str, Any]) -> Any:
        """List exemptions

        Of applications that one sees whole, and of calls in which one answers.
        """
        which = query.pop("application")
        return page(query, lambda after, limit: services().exemptions.list(actor(), which, after, limit))


@blueprint.route("/exemptions/<id:exemption_id>")
class ExemptionView(MethodView):
    @blueprint.response(200, ExemptionOut)
    @blueprint.reads(404)
    def get(self, exemption_id: int) -> Any:
        """Show an exemption"""
        return services().exemptions.get(actor(), exemption_id)


@blueprint.route("/exemptions/<id:exemption_id>/decision")
class ExemptionDecisionView(MethodView):
    @blueprint.arguments(ExemptionDecision)
    @blueprint.response(200, ExemptionOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, given: dict[str, Any], exemption_id: int) -> Any:
        """Decide on an exemption

        By who answers in the call, never by silence. Revoked, it ends the slot.
        """
        return services().exemptions.decide(
            actor(), exemption_id, given["state"], given["reason"], given["first_week"], given["weeks"], given["scale"]
        )


@blueprint.route("/exemptions/<id:exemption_id>/statutory-review")
class StatutoryReviewView(MethodView):
    @blueprint.arguments(Pending)
    @blueprint.response(200, ExemptionOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def put(self, given: dict[str, Any], exemption_id: int) -> Any:
        """Say whether a statutory review of an exemption is pending"""
        return services().exemptions.pend(actor(), exemption_id, pending=given["pending"])
