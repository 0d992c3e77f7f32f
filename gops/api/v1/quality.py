"""Quality rules of Datastreams: saying them, seeing what they flagged, trying them on what is stored."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from flask.views import MethodView
from marshmallow import fields, validate

from gops.api import fields as own
from gops.api.blueprint import Blueprint
from gops.api.context import actor, services
from gops.api.fields import Strict
from gops.api.ranges import RangeQuery, refuse
from gops.sensors.quality_rules import EXCEPTIONS, NAMES

blueprint = Blueprint("quality", __name__, description="Which readings are suspect, and by which rule")
FLAGGED_BY = ("range", "step", "rate", "frozen", "skew", "source")


def _limit(about: str) -> fields.Float:
    return fields.Float(allow_none=True, metadata={"description": about})


def _time(about: str, example: str) -> fields.String:
    return fields.String(
        allow_none=True, validate=validate.Length(max=32), metadata={"description": about, "example": example}
    )


class QualityRules(Strict):
    """What is said; null or absent: nothing. Durations are ISO 8601 of fixed length."""

    step = _limit("suspect: differs by more from the reading before, in the Datastream's unit")
    rate = _limit("suspect: changed faster than this, in that unit per hour")
    frozen = _time("suspect: has had the same value for so long", "PT6H")
    frozen_except = fields.List(
        fields.Float(),
        allow_none=True,
        validate=validate.Length(max=EXCEPTIONS),
        metadata={"description": "values that may stand for ever, such as 0 for rain", "example": [0]},
    )
    skew = _time("suspect: is further ahead of the clock of GOPS when it is stored", "PT30S")
    late = _time("refused: is older when it arrives", "P2D")
    future = _time("refused: is further ahead when it arrives", "PT2M")


class Flagged(Strict):
    day = fields.String(metadata={"description": "of GOPS_ZONE, of the readings' times", "example": "2026-03-01"})
    rule = own.choice("source: the source itself said suspect", FLAGGED_BY)
    readings = fields.Integer(metadata={"description": "how many"})
    last_t = own.moment("of the latest of them")
    last_value = fields.Float(allow_none=True, metadata={"description": "of the latest of them; null for a text"})


class QualityOut(Strict):
    rules = fields.Nested(QualityRules)
    applies = fields.List(own.choice("a rule", NAMES), metadata={"description": "rules for this kind of Datastream"})
    range_low = fields.Float(allow_none=True)
    range_high = fields.Float(allow_none=True)
    flagged = fields.List(fields.Nested(Flagged), metadata={"description": "by day and rule, the newest day first"})
    last = fields.Nested(Flagged, allow_none=True, metadata={"description": "that of the latest flagged reading"})


class TrialQuery(RangeQuery):
    def agree(self, query: dict[str, Any]) -> None:
        for name, field in (("start", "from"), ("end", "to")):
            if query[name] is None:
                refuse(field, f"{field} is missing", "both ends of the range", "required")


class Wanted(Strict):
    rules = fields.Nested(
        QualityRules, allow_none=True, load_default=None, metadata={"description": "null: those that stand"}
    )
    range_low = _limit("in place of the Datastream's")
    range_high = _limit("in place of the Datastream's")


class Example(Strict):
    t = own.moment("of the reading")
    value = fields.Float()
    rules = fields.List(own.choice("a rule that it breaks", FLAGGED_BY))


class TrialOut(Strict):
    rules = fields.Nested(QualityRules)
    untried = fields.List(
        own.choice("a rule", NAMES), metadata={"description": "rules on when a reading came, which is not stored"}
    )
    readings = fields.Integer(metadata={"description": "of the range"})
    compared = fields.Integer(metadata={"description": "of them: numbers of quality good, estimated or suspect"})
    flagged = fields.Integer(metadata={"description": "of these: by any rule"})
    by_rule = fields.Dict(keys=fields.String(), values=fields.Integer(), metadata={"example": {"step": 12}})
    examples = fields.List(fields.Nested(Example), metadata={"description": "the first"})


@blueprint.route("/datastreams/<id:datastream_id>/quality")
class QualityView(MethodView):
    @blueprint.response(200, QualityOut)
    @blueprint.public(401, 404)
    def get(self, datastream_id: int) -> Any:
        """Show the quality rules of a Datastream, and how many readings were flagged

        Counts are some seconds behind.
        """
        return services().quality.of(actor(), datastream_id)

    @blueprint.arguments(QualityRules)
    @blueprint.response(200, QualityOut)
    @blueprint.writes(404, 409, 413, 415, 422)
    def put(self, rules: dict[str, Any], datastream_id: int) -> Any:
        """Say the quality rules of a Datastream

        In place of what was said. They hold for what comes in from then on, within 2 s.
        """
        return services().quality.put(actor(), datastream_id, rules)


@blueprint.route("/datastreams/<id:datastream_id>/quality/try")
class QualityTrial(MethodView):
    @blueprint.arguments(TrialQuery, location="query")
    @blueprint.arguments(Wanted)
    @blueprint.response(200, TrialOut)
    @blueprint.writes(404, 413, 415, 422, 503)
    def post(self, query: dict[str, Any], wanted: dict[str, Any], datastream_id: int) -> Any:
        """Try quality rules on the stored readings of a range

        How many they would have flagged. Nothing is changed.
        """
        rules = wanted.pop("rules")
        trial = services().quality.attempt(actor(), datastream_id, rules, query["start"], query["end"], wanted)
        tried = {name: getattr(trial.tried, name) for name in trial.tried.__slots__}
        return SimpleNamespace(rules=trial.rules, untried=trial.untried, **tried)
