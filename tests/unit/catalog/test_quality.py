"""Points of metadata and how readings come in: each metric by itself, classes, and what is said of what is missing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gops.catalog.facts import Bilingual, Contact, Span
from gops.catalog.licences import LICENCES
from gops.catalog.profiles import dcat
from gops.catalog.quality import living, mqa
from gops.catalog.quality.living import Pulse, completeness, timeliness
from gops.catalog.vocabularies import FILE_TYPES, FileType
from gops.clock import DAY, HOUR, MINUTE
from tests.unit.catalog.test_dcat import FULL

BEST = replace(FULL, licence=LICENCES["cc-by-4.0"], rights=Bilingual("출처 표시", "name the source"))
OWN = FileType("hwp", "application/x-hwp", "https://x.example/hwp")


def distributions(**changes: Any) -> tuple[Any, ...]:
    return tuple(replace(one, **changes) for one in BEST.distributions)


WITHOUT: dict[str, dict[str, Any]] = {
    "keywordAvailability": {"keywords": ()},
    "categoryAvailability": {"theme": replace(BEST.theme, iri="")},
    "spatialAvailability": {"span": replace(BEST.span, bbox=None)},
    "temporalAvailability": {"span": Span(bbox=BEST.span.bbox)},
    "accessUrlStatusCode downloadUrlStatusCode": {"distributions": distributions(reachable=False)},
    "downloadUrlAvailability downloadUrlStatusCode": {"distributions": distributions(is_whole=False)},
    "formatMediaTypeVocabularyAlignment formatMediaTypeNonProprietary formatMediaTypeMachineInterpretable": {
        "distributions": distributions(file_type=OWN)
    },
    "formatAvailability formatMediaTypeVocabularyAlignment": {
        "distributions": distributions(file_type=replace(FILE_TYPES["csv"], iri=""))
    },
    "mediaTypeAvailability": {"distributions": distributions(file_type=replace(FILE_TYPES["csv"], media_type=""))},
    "dcatApCompliance": {"description": Bilingual("", "")},
    "licenceAvailability": {"licence": replace(BEST.licence, iri="")},
    "knownLicence": {"licence": LICENCES["kogl-1"]},
    "contactPointAvailability": {"contact": Contact(Bilingual("x", ""), "")},
    "publisherAvailability": {"publisher": replace(BEST.publisher, name=Bilingual("", ""))},
    "rightsAvailability": {"rights": None},
    "byteSizeAvailability": {"versions": ()},
    "dateIssuedAvailability": {"issued": 0},
    "dateModifiedAvailability": {"modified": 0},
}


def missing(score: mqa.Score) -> set[str]:
    return {one.metric.key for one in score.results if one.earned < one.metric.points}


def test_the_points_are_those_of_the_assessment() -> None:
    whole = mqa.score(BEST)
    assert (whole.points, mqa.MOST, whole.grade, missing(whole)) == (405, 405, "excellent", set())
    assert [whole.of(name) for name in mqa.DIMENSIONS] == [(100, 100), (100, 100), (110, 110), (75, 75), (20, 20)]


@pytest.mark.parametrize("keys", WITHOUT)
def test_what_is_missing_costs_its_own_points(keys: str) -> None:
    score = mqa.score(replace(BEST, **WITHOUT[keys]))
    assert missing(score) == set(keys.split())
    assert score.points == 405 - sum(one.points for one in mqa.METRICS if one.key in keys.split())


def test_every_metric_says_how_to_earn_it_in_both_languages() -> None:
    assert len({one.key for one in mqa.METRICS}) == len(mqa.METRICS) == 23
    for one in mqa.METRICS:
        assert all((one.name.ko, one.name.en, one.how.ko, one.how.en)), one.key


def test_a_further_format_takes_no_points_away() -> None:
    more = replace(BEST, distributions=(*BEST.distributions, replace(BEST.distributions[0], file_type=OWN)))
    assert mqa.score(more).points == 405


@pytest.mark.parametrize(
    ("points", "grade"),
    [(405, "excellent"), (351, "excellent"), (350, "good"), (221, "good"), (220, "sufficient"), (121, "sufficient"),
     (120, "bad"), (0, "bad")],
)  # fmt: skip
def test_classes_begin_where_the_assessment_says(points: int, grade: str) -> None:
    assert mqa.grade(points) == grade


def test_the_points_stand_in_the_dcat() -> None:
    node = dcat.dataset(BEST)["dqv:hasQualityMeasurement"]
    assert node["dqv:value"] == {"@value": "405", "@type": "xsd:integer"}
    assert node["dqv:isMeasurementOf"]["@id"] == "https://piveau.eu/ns/voc#scoring"


NOW = 100 * DAY


def test_readings_are_timely_within_two_periods() -> None:
    edge = NOW - 2 * HOUR - living.GRACE
    found = timeliness([Pulse(HOUR, edge), Pulse(HOUR, edge - 1), Pulse(HOUR, None)], "irregular", NOW)
    assert (found.share, found.met, found.of, found.how) == (1 / 3, 1, 3, living.LATE)
    assert timeliness([Pulse(HOUR, NOW)], "irregular", NOW).how is None


def test_without_a_period_the_declared_frequency_counts() -> None:
    old = [Pulse(None, NOW - 2 * DAY)]
    assert timeliness(old, "daily", NOW).share == 1
    assert timeliness(old, "hourly", NOW).share == 0
    assert timeliness(old, "irregular", NOW) == living.Measure(None, 0, 0, None)


def test_completeness_is_the_mean_over_those_with_a_period() -> None:
    found = completeness([Pulse(MINUTE, NOW, 1.0), Pulse(MINUTE, NOW, 0.5), Pulse(MINUTE, None), Pulse(None, NOW)])
    assert (found.share, found.met, found.of, found.how) == (0.5, 1, 3, living.GAPS)
    assert completeness([Pulse(None, NOW)]).how == living.UNKNOWN
    assert completeness([]) == living.Measure(None, 0, 0, None)
