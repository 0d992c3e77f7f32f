"""Rounds: the allocation of a call, as a file that anybody can verify, and in words."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask.views import MethodView
from marshmallow import fields

from gops.api import fields as own
from gops.api.blueprint import PREFIX, Blueprint
from gops.api.context import actor, services, settings
from gops.api.etags import unchanged
from gops.api.fields import Strict
from gops.api.paging import PageQuery, page, page_of
from gops.api.testbed.applications import LanguageQuery
from gops.api.testbed.fields import Week, state
from gops.testbed.lifecycles import ROUND

blueprint = Blueprint("rounds", __name__, description="Who got what, and why")


class RoundState(Strict):
    state = state(ROUND, "published is provisional and books the places; final offers them", ("published", "final"),
                  required=True)  # fmt: skip


class Finding(Strict):
    code = fields.String()
    where = fields.String()
    found = fields.String()
    expected = fields.String()


class ReportOut(Strict):
    """What the independent verifier says."""

    count = fields.Integer(metadata={"description": "of findings; 0: true in every part"})
    findings = fields.List(fields.Nested(Finding))
    envy_pairs = fields.Integer(metadata={"description": "a higher score without what a lower one has"})
    blocking_pairs = fields.Integer(
        allow_none=True,
        metadata={"description": "an application and a better site, at which it fits if lower scores go"},
    )
    waste = fields.Integer(
        allow_none=True, metadata={"description": "an application and a better site, at which it fits as all stand"}
    )
    stages = fields.List(
        fields.List(fields.Raw(metadata={"type": ["string", "integer", "null"]})),
        metadata={"description": "under optimal: name, value, bound (as the solver claims it)"},
    )
    price = fields.Integer(
        allow_none=True, metadata={"description": "what fairness cost of the sum of scores, where it was asked for"}
    )


class RoundOut(Strict):
    id = fields.Integer()
    revision = fields.Integer()
    state = fields.String()
    mechanism = fields.String()
    applications = fields.Integer()
    placed = fields.Integer()
    outcome_sha256 = fields.String(attribute="outcome_hash")
    file_sha256 = fields.String(attribute="file_hash")
    report = fields.Nested(ReportOut)
    computed_at = own.moment("when it was computed")
    published_at = own.moment("when it was published", allow_none=True)
    final_at = own.moment("when it became final", allow_none=True)


class Explanation(Strict):
    application = fields.String(metadata={"description": "pseudonym"})
    site = fields.Integer(allow_none=True)
    start = Week("the week it starts in", allow_none=True)
    refusal = fields.Dict(allow_none=True, metadata={"description": "as in the round file"})
    text = fields.List(fields.String(), metadata={"description": "lines for people"})


class PseudonymKey(Strict):
    key = fields.String(metadata={"description": "hex; HMAC-SHA-256 of an application's id gives its pseudonym"})
    applications = fields.Dict(fields.String(), fields.Integer(), metadata={"description": "pseudonym to id"})


@blueprint.route("/calls/<slug:slug>/rounds")
class RoundsView(MethodView):
    @blueprint.arguments(PageQuery, location="query")
    @blueprint.response(200, page_of(RoundOut))
    @blueprint.public(401, 404, 422)
    def get(self, query: dict[str, Any], slug: str) -> Any:
        """List the rounds of a call

        The published ones; the operator and the auditor see all.
        """
        return page(query, lambda after, limit: services().rounds.list(actor(), slug, after, limit))

    @blueprint.response(201, RoundOut)
    @blueprint.writes(404, 409)
    def post(self, slug: str) -> Any:
        """Compute a round

        Of a scored call, by the operator. It is verified by independent code; one not yet published is superseded.
        The mechanism optimal takes its time: order a run instead.
        """
        made = services().rounds.compute_at_once(actor(), slug)
        return made, {"Location": f"{PREFIX}/calls/{slug}/rounds/{made.revision}"}


@blueprint.route("/calls/<slug:slug>/rounds/<id:revision>")
class RoundView(MethodView):
    @blueprint.response(200, RoundOut)
    @blueprint.public(401, 404)
    def get(self, slug: str, revision: int) -> Any:
        """Show a round"""
        return services().rounds.get(actor(), slug, revision)


@blueprint.route("/calls/<slug:slug>/rounds/<id:revision>/state")
class RoundStateView(MethodView):
    @blueprint.arguments(RoundState)
    @blueprint.response(200, RoundOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def post(self, wanted: dict[str, Any], slug: str, revision: int) -> Any:
        """Publish a round, or make it final"""
        rounds = services().rounds
        act = rounds.publish if wanted["state"] == "published" else rounds.finish
        return act(actor(), slug, revision)


@blueprint.route("/calls/<slug:slug>/rounds/<id:revision>/file")
class RoundFileView(MethodView):
    @blueprint.response(200, content_type="application/json")
    @blueprint.public(401, 404)
    def get(self, slug: str, revision: int) -> Any:
        """Give the round file

        Canonical JSON (RFC 8785), to the byte as it was verified: `gops testbed verify` takes it.
        """
        tag = services().rounds.get(actor(), slug, revision).file_hash
        same = unchanged(tag)
        if same is not None:
            return same
        answer = Response(services().rounds.file(actor(), slug, revision), mimetype="application/json")
        answer.set_etag(tag)
        answer.headers["Content-Disposition"] = f'attachment; filename="{slug}-round-{revision}.json"'
        return answer


@blueprint.route("/calls/<slug:slug>/rounds/<id:revision>/applications/<pseudonym>")
class ExplanationView(MethodView):
    @blueprint.arguments(LanguageQuery, location="query")
    @blueprint.response(200, Explanation)
    @blueprint.public(401, 404, 422)
    def get(self, query: dict[str, Any], slug: str, revision: int, pseudonym: str) -> Any:
        """Say what became of an application, and why"""
        language = query["language"] or settings().language
        return services().rounds.explain(actor(), slug, revision, pseudonym, language)


@blueprint.route("/calls/<slug:slug>/pseudonyms")
class KeyView(MethodView):
    @blueprint.response(200, PseudonymKey)
    @blueprint.reads(403, 404)
    def get(self, slug: str) -> Any:
        """Show whose each pseudonym is

        To the operator and auditors; every look is in the audit.
        """
        return services().rounds.key(actor(), slug)
