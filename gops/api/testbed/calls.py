"""Calls: what is asked, by which terms, and when."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import fields

from gops.api import fields as own
from gops.api.blueprint import PREFIX, Blueprint
from gops.api.context import actor, services
from gops.api.fields import Strict
from gops.api.paging import PageQuery, page, page_of
from gops.api.testbed.fields import moment_asked, raw, state
from gops.testbed.lifecycles import CALL

blueprint = Blueprint("calls", __name__, description="What is asked, by which terms, and when")
TERMS = (
    "everything that decides who gets what: mechanism, first_week, weeks, criteria (name, weight), rules "
    "(organisation_kinds, trl_min, trl_max, duration_max, themes, regions, requested_max, own_percent_min, consortium, "
    "documents), timetable (working days: questions, answers, review, offers, appeals), allocation (fairness, limits, "
    "shares, budget, groups), bands (id, separation_m), shift_max, sites, resources"
)


class CallsQuery(PageQuery):
    state = state(CALL, "in this state", load_default=None)


class CallNew(Strict):
    organisation = own.slug("whose it is: a municipality, or the operator", required=True)
    slug = own.slug("its name in addresses", required=True)
    title_ko = own.text("in Korean", 200, shortest=1, required=True)
    title_en = own.text("in English", 200, shortest=1, required=True)
    description = own.text("what it is about", 2000, load_default="")
    opens_at = moment_asked("from when on applications are taken")
    closes_at = moment_asked("until when, this moment not included")
    terms = raw(TERMS, required=True)


class CallChange(Strict):
    title_ko = own.text("in Korean", 200, shortest=1)
    title_en = own.text("in English", 200, shortest=1)
    description = own.text("what it is about", 2000)
    opens_at = own.moment_in("from when on applications are taken")
    closes_at = own.moment_in("until when, this moment not included")
    terms = raw(TERMS + "; all of them")


class CallState(Strict):
    state = state(CALL, "published freezes the terms; scored freezes the scores", ("published", "scored", "cancelled"),
                  required=True)  # fmt: skip
    reason = own.text("why it is cancelled; it is shown", 2000, load_default="")


class CallOut(Strict):
    id = fields.Integer()
    organisation_id = fields.Integer()
    slug = fields.String()
    title_ko = fields.String()
    title_en = fields.String()
    description = fields.String()
    state = fields.String(metadata={"description": "as the clock gives it"})
    opens_at = own.moment("from when on applications are taken")
    closes_at = own.moment("until when")
    published_at = own.moment("when its terms were frozen", allow_none=True)
    questions_until = own.moment("until when questions are taken", allow_none=True)
    answers_until = own.moment("until when its owner answers them", allow_none=True)
    review_until = own.moment("until when applications are reviewed", allow_none=True)
    terms = fields.Dict(metadata={"description": TERMS})
    terms_sha256 = fields.String(attribute="terms_hash", allow_none=True,
                                 metadata={"description": "of the terms as canonical JSON (RFC 8785)"})  # fmt: skip
    operator_seed_sha256 = fields.String(attribute="operator_seed_hash", allow_none=True,
                                         metadata={"description": "of the operator's hand in the seed"})  # fmt: skip
    pseudonym_key_sha256 = fields.String(attribute="pseudonym_key_hash", allow_none=True,
                                         metadata={"description": "of the key of pseudonyms"})  # fmt: skip
    reason = fields.String(allow_none=True, metadata={"description": "why it was cancelled"})


@blueprint.route("/calls")
class CallsView(MethodView):
    @blueprint.arguments(CallsQuery, location="query")
    @blueprint.response(200, page_of(CallOut))
    @blueprint.public(401, 422)
    def get(self, query: dict[str, Any]) -> Any:
        """List calls

        From their publication on. A key of their owner shows drafts too.
        """
        return page(query, lambda after, limit: services().calls.list(actor(), query["state"], after, limit))

    @blueprint.arguments(CallNew)
    @blueprint.response(201, CallOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, new: dict[str, Any]) -> Any:
        """Create a call

        A draft, until it is published.
        """
        made = services().calls.create(actor(), new.pop("organisation"), **new)
        return made, {"Location": f"{PREFIX}/calls/{made.slug}"}


@blueprint.route("/calls/<slug:slug>")
class CallView(MethodView):
    @blueprint.response(200, CallOut)
    @blueprint.public(401, 404)
    def get(self, slug: str) -> Any:
        """Show a call"""
        return services().calls.get(actor(), slug)

    @blueprint.arguments(CallChange)
    @blueprint.response(200, CallOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def patch(self, change: dict[str, Any], slug: str) -> Any:
        """Change a draft"""
        return services().calls.edit(actor(), slug, **change)


@blueprint.route("/calls/<slug:slug>/state")
class CallStateView(MethodView):
    @blueprint.arguments(CallState)
    @blueprint.response(200, CallOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, wanted: dict[str, Any], slug: str) -> Any:
        """Publish, score or cancel a call

        It opens and closes by the clock; allocated and final it becomes by its round.
        """
        moves = {
            "published": lambda: services().calls.publish(actor(), slug),
            "scored": lambda: services().scores.finish(actor(), slug),
            "cancelled": lambda: services().calls.cancel(actor(), slug, wanted["reason"]),
        }
        return moves[wanted["state"]]()
