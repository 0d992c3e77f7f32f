"""Scores of a call's applications, entered by its owner."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from marshmallow import fields, validate

from gops.api import fields as own
from gops.api.blueprint import Blueprint
from gops.api.context import actor, services
from gops.api.fields import Strict
from gops.testbed.allocation.instance import SCORE_MAX

blueprint = Blueprint("scores", __name__, description="Scores of applications")


class Score(Strict):
    application = own.record_id("an eligible application of the call", required=True)
    score = fields.Integer(
        strict=True,
        required=True,
        validate=validate.Range(0, SCORE_MAX),
        metadata={"description": "hundredths of a point"},
    )


class Scores(Strict):
    scores = fields.List(fields.Nested(Score), required=True, validate=validate.Length(1, 10_000))


class MunicipalScores(Scores):
    organisation = own.slug("the municipality", required=True, load_only=True)


@blueprint.route("/calls/<slug:slug>/municipal-scores")
class MunicipalScoresView(MethodView):
    @blueprint.arguments(MunicipalScores)
    @blueprint.response(200, Scores)
    @blueprint.writes(404, 409, 413, 415, 422)
    def put(self, given: dict[str, Any], slug: str) -> Any:
        """Enter scores of a municipality

        Of applications that are eligible at its sites, in a call whose terms say so. All that it has given.
        """
        wanted = {row["application"]: row["score"] for row in given["scores"]}
        found = services().municipal_scores.enter(actor(), slug, given["organisation"], wanted)
        return {"scores": [{"application": row, "score": score} for row, score in sorted(found.items())]}


@blueprint.route("/calls/<slug:slug>/scores")
class ScoresView(MethodView):
    @blueprint.arguments(Scores)
    @blueprint.response(200, Scores)
    @blueprint.writes(404, 409, 413, 415, 422)
    def put(self, given: dict[str, Any], slug: str) -> Any:
        """Enter scores

        Of some or all eligible applications of a closed call. Entered again they are corrected, until the call is
        scored.
        """
        wanted = {row["application"]: row["score"] for row in given["scores"]}
        found = services().scores.enter(actor(), slug, wanted)
        return {"scores": [{"application": row.id, "score": row.score} for row in found]}
