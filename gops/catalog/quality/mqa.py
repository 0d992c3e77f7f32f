"""The Metadata Quality Assessment of data.europa.eu: 405 points in five dimensions, and how to earn a missing one.

Pure. Metrics, weights and classes are those of its methodology (data.europa.eu/mqa/methodology). That looks at all
distributions; here the best one counts, so that a further format never takes points away. What GOPS serves itself is
reachable, since it is GOPS that answers; of a harvested one ``reachable`` says what was seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from gops.catalog.facts import Bilingual, DatasetFacts
from gops.catalog.vocabularies import AUTHORITY

Grade = Literal["excellent", "good", "sufficient", "bad"]
GRADES: tuple[tuple[int, Grade], ...] = ((351, "excellent"), (221, "good"), (121, "sufficient"), (0, "bad"))
OPEN_FORMATS = frozenset({"csv", "json", "ndjson", "geojson", "parquet", "xml", "rdf", "ttl", "txt"})
MACHINE_FORMATS = OPEN_FORMATS | {"xlsx", "xls"}
EU_LICENCES: Mapping[str, str] = {
    "cc-by-4.0": "CC_BY_4_0",
    "cc-by-sa-4.0": "CC_BYSA_4_0",
    "cc-by-nc-4.0": "CC_BYNC_4_0",
    "cc-by-nd-4.0": "CC_BYND_4_0",
    "cc-by-nc-sa-4.0": "CC_BYNCSA_4_0",
    "cc-by-nc-nd-4.0": "CC_BYNCND_4_0",
    "cc0-1.0": "CC0",
}
"""Licences that the authority table of the EU has as well; KOGL is not in it."""


@dataclass(frozen=True, slots=True)
class Metric:
    """``key`` is its name in the vocabulary of the assessment (piveau.eu/ns/voc); ``how`` says how to earn it."""

    key: str
    dimension: str
    points: int
    name: Bilingual
    how: Bilingual
    met: Callable[[DatasetFacts], bool]


@dataclass(frozen=True, slots=True)
class Result:
    """``how`` the points are earned that are missing."""

    metric: Metric
    earned: int
    how: Bilingual


@dataclass(frozen=True, slots=True)
class Score:
    results: tuple[Result, ...]

    @property
    def points(self) -> int:
        return sum(one.earned for one in self.results)

    @property
    def grade(self) -> Grade:
        return grade(self.points)

    def of(self, dimension: str) -> tuple[int, int]:
        """Points earned, and points there are."""
        some = [one for one in self.results if one.metric.dimension == dimension]
        return sum(one.earned for one in some), sum(one.metric.points for one in some)


def grade(points: int) -> Grade:
    return next(name for least, name in GRADES if points >= least)


def score(facts: DatasetFacts) -> Score:
    return Score(tuple(Result(one, one.points if one.met(facts) else 0, _how(one, facts)) for one in METRICS))


def _how(metric: Metric, facts: DatasetFacts) -> Bilingual:
    """What to do; of links elsewhere with what they answered."""
    if metric.how is not _SERVED:
        return metric.how
    silent = next((one for one in facts.distributions if one.trouble and one.trouble != "untried"), None)
    if silent is not None:
        seen = f"{silent.access_url} ({silent.trouble})"
        return Bilingual(
            f"출처의 링크가 응답하지 않습니다: {seen}. 출처의 기관에 알려 링크를 고치게 하세요.",
            f"A link of the source does not answer: {seen}. Tell its publisher to mend it.",
        )
    if any(one.trouble == "untried" for one in facts.distributions):
        return Bilingual(
            "출처의 링크를 아직 확인하지 않았습니다. 차례가 되면 확인합니다.",
            "The links of its source were not tried yet; they are in turn.",
        )
    return metric.how


def _whole(facts: DatasetFacts) -> bool:
    return any(one.is_whole for one in facts.distributions)


def _formats(facts: DatasetFacts) -> set[str]:
    return {one.file_type.key for one in facts.distributions}


def _compliant(facts: DatasetFacts) -> bool:
    """What DCAT-AP makes mandatory; what it recommends has metrics of its own."""
    return bool(facts.title.ko or facts.title.en) and bool(facts.description.ko or facts.description.en)


def _is_of_eu(iri: str) -> bool:
    return iri.startswith(AUTHORITY)


_FIND, _ACCESS, _INTEROPERATE, _REUSE, _CONTEXT = DIMENSIONS = (
    "findability",
    "accessibility",
    "interoperability",
    "reusability",
    "contextuality",
)
_SERVED = Bilingual("배포 주소가 응답해야 합니다.", "The address of a distribution has to answer.")
_FORMAT = Bilingual(
    "파일 형식을 EU 통제어휘의 값으로 적으세요.", "Name the file type by the authority table of the EU."
)
_RIGHTS = Bilingual("이용 조건 문장을 적으세요.", "Say under which conditions it may be used.")
_ALWAYS = Bilingual("게시된 데이터셋에는 늘 붙습니다.", "What is published always has it.")
_DATES = Bilingual("데이터셋을 게시하면 붙습니다.", "Comes with publishing.")


def _metric(
    key: str, dimension: str, points: int, ko: str, en: str, how: Bilingual, met: Callable[[DatasetFacts], bool]
) -> Metric:
    return Metric(key, dimension, points, Bilingual(ko, en), how, met)


METRICS: tuple[Metric, ...] = (
    _metric(
        "keywordAvailability", _FIND, 30, "키워드", "keywords",
        Bilingual("키워드를 하나 이상 적으세요.", "Give at least one keyword."), lambda one: bool(one.keywords),
    ),
    _metric(
        "categoryAvailability", _FIND, 30, "주제", "theme",
        Bilingual("주제를 고르세요.", "Choose a theme."), lambda one: bool(one.theme.iri),
    ),
    _metric(
        "spatialAvailability", _FIND, 20, "공간 범위", "area",
        Bilingual("측정 대상(Thing)에 위치를 등록하세요.", "Register where its Things are."),
        lambda one: one.span.bbox is not None,
    ),
    _metric(
        "temporalAvailability", _FIND, 20, "기간", "period",
        Bilingual("공개된 측정값이 하나라도 있으면 붙습니다.", "Comes with the first public reading."),
        lambda one: one.span.first is not None,
    ),
    _metric(
        "accessUrlStatusCode", _ACCESS, 50, "접근 주소 응답", "access address answers", _SERVED,
        lambda one: any(each.reachable for each in one.distributions),
    ),
    _metric(
        "downloadUrlAvailability", _ACCESS, 20, "내려받기 주소", "download address",
        Bilingual("한 번에 내려받을 수 있는 파일을 제공하세요.", "Offer a file that is the whole dataset."), _whole,
    ),
    _metric(
        "downloadUrlStatusCode", _ACCESS, 30, "내려받기 주소 응답", "download address answers", _SERVED,
        lambda one: any(each.is_whole and each.reachable for each in one.distributions),
    ),
    _metric(
        "formatAvailability", _INTEROPERATE, 20, "파일 형식", "format", _FORMAT,
        lambda one: any(each.file_type.iri for each in one.distributions),
    ),
    _metric(
        "mediaTypeAvailability", _INTEROPERATE, 10, "미디어 유형", "media type",
        Bilingual("미디어 유형(MIME)을 적으세요.", "Name the media type."),
        lambda one: any(each.file_type.media_type for each in one.distributions),
    ),
    _metric(
        "formatMediaTypeVocabularyAlignment", _INTEROPERATE, 10, "통제어휘의 형식", "format of a vocabulary", _FORMAT,
        lambda one: any(_is_of_eu(each.file_type.iri) for each in one.distributions),
    ),
    _metric(
        "formatMediaTypeNonProprietary", _INTEROPERATE, 20, "공개 형식", "open format",
        Bilingual("CSV, JSON 같은 공개 형식으로 제공하세요.", "Offer an open format such as CSV or JSON."),
        lambda one: bool(_formats(one) & OPEN_FORMATS),
    ),
    _metric(
        "formatMediaTypeMachineInterpretable", _INTEROPERATE, 20, "기계가 읽는 형식", "machine-readable format",
        Bilingual("CSV, JSON 같은 기계가 읽는 형식으로 제공하세요.", "Offer a machine-readable format."),
        lambda one: bool(_formats(one) & MACHINE_FORMATS),
    ),
    _metric(
        "dcatApCompliance", _INTEROPERATE, 30, "DCAT-AP 준수", "DCAT-AP compliance",
        Bilingual("제목과 설명을 적으세요.", "Give a title and a description."), _compliant,
    ),
    _metric(
        "licenceAvailability", _REUSE, 20, "이용허락", "licence",
        Bilingual("이용허락을 고르세요.", "Choose a licence."), lambda one: bool(one.licence.iri),
    ),
    _metric(
        "knownLicence", _REUSE, 10, "통제어휘의 이용허락", "licence of a vocabulary",
        Bilingual(
            "EU 통제어휘에는 CC 이용허락만 있고 공공누리는 없습니다. CC BY 4.0 등으로 게시하면 붙습니다.",
            "The table of the EU has Creative Commons and not KOGL; publish under CC BY 4.0, for one.",
        ),
        lambda one: one.licence.id in EU_LICENCES,
    ),
    _metric(
        "accessRightsAvailability", _REUSE, 10, "접근 권한", "access rights", _ALWAYS, lambda _one: True,
    ),
    _metric(
        "accessRightsVocabularyAlignment", _REUSE, 5, "통제어휘의 접근 권한", "access rights of a vocabulary", _ALWAYS,
        lambda _one: True,
    ),
    _metric(
        "contactPointAvailability", _REUSE, 20, "문의처", "contact",
        Bilingual("문의처의 전자우편을 적으세요.", "Give the address of a contact."),
        lambda one: bool(one.contact.email),
    ),
    _metric(
        "publisherAvailability", _REUSE, 10, "제공 기관", "publisher",
        Bilingual("제공 기관의 이름을 적으세요.", "Give the name of the publisher."),
        lambda one: bool(one.publisher.name.ko or one.publisher.name.en),
    ),
    _metric("rightsAvailability", _CONTEXT, 5, "이용 조건", "rights", _RIGHTS, lambda one: one.rights is not None),
    _metric(
        "byteSizeAvailability", _CONTEXT, 5, "파일 크기", "file size",
        Bilingual("스냅샷을 한 번 만들면 붙습니다.", "Comes with its first snapshot."),
        lambda one: any(file.bytes > 0 for version in one.versions for file in version.files),
    ),
    _metric("dateIssuedAvailability", _CONTEXT, 5, "게시일", "date of issue", _DATES, lambda one: one.issued > 0),
    _metric(
        "dateModifiedAvailability", _CONTEXT, 5, "수정일", "date of modification", _DATES, lambda one: one.modified > 0
    ),
)  # fmt: skip
MOST = sum(one.points for one in METRICS)
