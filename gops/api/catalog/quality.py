"""The quality of a dataset: points of its metadata, and how its readings come in."""

from __future__ import annotations

from typing import Any, cast

from flask.views import MethodView
from marshmallow import fields

from gops.api import fields as own
from gops.api.blueprint import Blueprint
from gops.api.catalog.addresses import base
from gops.api.catalog.sources import source
from gops.api.context import services
from gops.api.fields import Strict
from gops.catalog.facts import Bilingual
from gops.catalog.quality import mqa
from gops.catalog.quality.living import Measure
from gops.catalog.quality.rating import Rating, rating
from gops.permissions import ANONYMOUS
from gops.store.port import Store

blueprint = Blueprint("dataset-quality", __name__, description="How good the metadata of a dataset are")
GRADES = tuple(name for _least, name in mqa.GRADES)


class QualityPoints(Strict):
    points = fields.Integer(metadata={"description": "earned"})
    of = fields.Integer(metadata={"description": "points there are"})


class QualityDimension(QualityPoints):
    name = own.choice("of the assessment", mqa.DIMENSIONS)


class QualityMetric(QualityPoints):
    key = fields.String(metadata={"description": "its name in the vocabulary https://piveau.eu/ns/voc#"})
    dimension = own.choice("of the assessment", mqa.DIMENSIONS)
    name_ko = fields.String()
    name_en = fields.String()
    how_ko = fields.String(allow_none=True, metadata={"description": "how to earn what is missing; null: all earned"})
    how_en = fields.String(allow_none=True)


class QualityMeasure(Strict):
    share = fields.Float(allow_none=True, metadata={"description": "0 to 1; null where no period says what to expect"})
    met = fields.Integer(metadata={"description": "Datastreams for which it is 1"})
    of = fields.Integer(metadata={"description": "Datastreams with a period"})
    how_ko = fields.String(allow_none=True, metadata={"description": "how to make it better"})
    how_en = fields.String(allow_none=True)


class DatasetQuality(QualityPoints):
    """Points of the Metadata Quality Assessment of data.europa.eu; the readings stand beside them."""

    dataset = fields.String()
    grade = own.choice("class: excellent from 351 points, good from 221, sufficient from 121", GRADES)
    dimensions = fields.List(fields.Nested(QualityDimension))
    metrics = fields.List(fields.Nested(QualityMetric))
    timeliness = fields.Nested(QualityMeasure, metadata={"description": "newest readings younger than two periods"})
    completeness = fields.Nested(QualityMeasure, metadata={"description": "good readings of those expected in 7 days"})


@blueprint.route("/datasets/<slug:slug>/quality")
class QualityView(MethodView):
    @blueprint.response(200, DatasetQuality)
    @blueprint.moves
    @blueprint.public(401, 404, 410)
    def get(self, slug: str) -> Any:
        """Show the quality of a dataset

        Of a public one, as everybody sees it. Every missing point says how to earn it. It never changes the order in
        which datasets are found.
        """
        services().datasets.get(ANONYMOUS, slug)
        origin = source(slug, {"thing": None, "property": None, "bbox": None}, elsewhere=True)
        one = origin.contents.dataset
        now = services().clock.micros() - one.delay
        facts = services().views.stated(base(), [one])
        return shown(one.slug, rating(facts, origin.contents.members, cast(Store, origin.readings), now))


def shown(slug: str, found: Rating) -> dict[str, Any]:
    """A rating as the API gives it."""
    score = found.score
    return {
        "dataset": slug,
        "points": score.points,
        "of": mqa.MOST,
        "grade": score.grade,
        "dimensions": [
            {"name": name, **dict(zip(("points", "of"), score.of(name), strict=True))} for name in mqa.DIMENSIONS
        ],
        "metrics": [_metric(one) for one in score.results],
        "timeliness": _measure(found.timeliness),
        "completeness": _measure(found.completeness),
    }


def _metric(one: mqa.Result) -> dict[str, Any]:
    metric = one.metric
    said = {"key": metric.key, "dimension": metric.dimension, "name_ko": metric.name.ko, "name_en": metric.name.en}
    how = one.how if one.earned < metric.points else None
    return {**said, "points": one.earned, "of": metric.points, **_how(how)}


def _measure(one: Measure) -> dict[str, Any]:
    return {"share": one.share, "met": one.met, "of": one.of, **_how(one.how)}


def _how(how: Bilingual | None) -> dict[str, Any]:
    return {"how_ko": None if how is None else how.ko, "how_en": None if how is None else how.en}
