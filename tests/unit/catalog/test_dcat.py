"""DCAT in JSON-LD: what DCAT-AP 3 asks for, checked on a catalog of one full and one bare dataset."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from gops.catalog.facts import (
    Agent,
    Bilingual,
    CatalogFacts,
    Contact,
    DatasetFacts,
    DistributionFacts,
    FileFacts,
    Span,
    VersionFacts,
)
from gops.catalog.licences import licence
from gops.catalog.profiles import dcat
from gops.catalog.vocabularies import FILE_TYPES, FREQUENCIES, THEMES
from gops.geo import BBox

SUWON = Agent("https://gops.kr/api/v1/organisations/suwon", Bilingual("수원시", "Suwon"))
DATA = "https://gops.kr/api/v1/datasets/suwon-air/data"
IRI = "https://gops.kr/datasets/suwon-air"
FULL = DatasetFacts(
    iri=IRI,
    page="https://gops.kr/datasets/suwon-air",
    slug="suwon-air",
    title=Bilingual("수원시 대기질", "Air of Suwon"),
    description=Bilingual("시간 평균", "Hourly means"),
    publisher=SUWON,
    contact=Contact(Bilingual("수원시", "Suwon"), "data@suwon.example"),
    licence=licence("kogl-1"),
    theme=THEMES["environment"],
    frequency=FREQUENCIES["hourly"],
    keywords=("미세먼지", "PM10"),
    issued=1_777_593_600_000_000,
    modified=1_777_593_600_000_001,
    span=Span(0, 3_600_000_000, BBox(126.9, 37.2, 127.1, 37.3)),
    distributions=tuple(
        DistributionFacts(f"{IRI}#{key}", f"{DATA}?format={key}", kind, Bilingual(key, key))
        for key, kind in FILE_TYPES.items()
    ),
)  # fmt: skip
SNAPSHOT = f"{IRI}/snapshots/3"
FULL = replace(
    FULL,
    versions=(
        VersionFacts(
            iri=SNAPSHOT,
            page=f"{SNAPSHOT}/manifest",
            number=3,
            title=Bilingual("수원시 대기질, 스냅샷 3", "Air of Suwon, snapshot 3"),
            licence=licence("kogl-1"),
            issued=1_777_593_600_000_000,
            sha256="ab" * 32,
            span=Span(0, 3_600_000_000),
            files=(
                FileFacts(
                    f"{SNAPSHOT}/files/all.parquet",
                    Bilingual("all.parquet", "all.parquet"),
                    FILE_TYPES["parquet"],
                    1234,
                    "cd" * 32,
                ),
            ),
        ),
    ),
)
BARE = replace(
    FULL,
    versions=(),
    iri=IRI + "-2",
    title=Bilingual("이름", ""),
    span=Span(),
    keywords=(),
    distributions=FULL.distributions[:1],
)
CATALOG = CatalogFacts(
    iri="https://gops.kr/catalog.jsonld",
    home="https://gops.kr/",
    title=Bilingual("열린 데이터", "Open data"),
    description=Bilingual("경기도의 열린 데이터", "Open data of Gyeonggi"),
    publisher=Agent("https://gops.kr/api/v1/organisations/gops", Bilingual("운영자", "Operator")),
    modified=1_777_593_600_000_000,
    datasets=(FULL, BARE),
)
# property -> class of the resource that DCAT-AP 3.0 asks for (sections 7.3, 7.6, 7.8: ranges)
RANGES = {
    "dct:publisher": "foaf:Agent",
    "dcat:contactPoint": "vcard:Organization",
    "dcat:theme": "skos:Concept",
    "dcat:themeTaxonomy": "skos:ConceptScheme",
    "dct:license": "dct:LicenseDocument",
    "dct:format": "dct:MediaTypeOrExtent",
    "dcat:mediaType": "dct:MediaType",
    "dct:accrualPeriodicity": "dct:Frequency",
    "dct:accessRights": "dct:RightsStatement",
    "dct:language": "dct:LinguisticSystem",
    "dcat:landingPage": "foaf:Document",
    "foaf:homepage": "foaf:Document",
    "dcat:accessURL": "rdfs:Resource",
    "dcat:downloadURL": "rdfs:Resource",
    "dct:temporal": "dct:PeriodOfTime",
    "dct:spatial": "dct:Location",
    "dcat:distribution": "dcat:Distribution",
    "dcat:dataset": "dcat:Dataset",
    "dcat:hasVersion": "dcat:Dataset",
    "spdx:checksum": "spdx:Checksum",
}
NO_IRI = {"dcat:contactPoint", "dct:temporal", "dct:spatial", "spdx:checksum"}  # may be blank nodes
LITERALS = {"dct:title", "dct:description", "foaf:name", "vcard:fn", "skos:prefLabel", "dcat:keyword"}


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        for one in value:
            yield from nodes(one)
    elif isinstance(value, dict) and "@value" not in value:
        yield value
        for name, inner in value.items():
            if name != "@context":
                yield from nodes(inner)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@pytest.fixture
def document() -> dict[str, Any]:
    return json.loads(json.dumps(dcat.catalog(CATALOG)))


def test_resources_are_resources_of_the_class_asked_for(document: dict[str, Any]) -> None:
    for node in nodes(document):
        for name, kind in RANGES.items():
            for value in listed(node.get(name, [])):
                assert value["@type"] == kind, name
                assert name in NO_IRI or ":" in value["@id"], name


def test_literals_are_in_ko_and_en_and_never_empty(document: dict[str, Any]) -> None:
    for node in nodes(document):
        for name in LITERALS & node.keys():
            for value in listed(node[name]):
                assert value["@value"]
                assert value["@language"] in ("ko", "en")
    titles = document["dcat:dataset"][1]["dct:title"]
    assert titles == [{"@value": "이름", "@language": "ko"}]


def test_every_prefix_is_declared_in_the_document_itself(document: dict[str, Any]) -> None:
    context = document["@context"]
    for node in nodes(document):
        names = {name for name in node if not name.startswith("@")} | set(listed(node.get("@type", [])))
        assert {name.partition(":")[0] for name in names} <= set(context)


@pytest.mark.parametrize("name", ["dct:title", "dct:description", "dct:publisher", "dcat:dataset", "foaf:homepage"])
def test_the_catalog_has_what_is_mandatory(document: dict[str, Any], name: str) -> None:
    assert document[name]


@pytest.mark.parametrize(
    "name",
    [
        "dct:title", "dct:description", "dct:publisher", "dcat:contactPoint", "dcat:theme", "dcat:keyword",
        "dcat:distribution", "dct:temporal", "dct:spatial", "dct:license", "dct:issued", "dct:modified",
    ],
)  # fmt: skip
def test_a_full_dataset_has_what_is_mandatory_and_recommended(document: dict[str, Any], name: str) -> None:
    assert document["dcat:dataset"][0][name]


def test_a_distribution_says_where_and_in_which_format(document: dict[str, Any]) -> None:
    csv = document["dcat:dataset"][0]["dcat:distribution"][0]
    assert csv["dcat:accessURL"]["@id"].endswith("/data?format=csv")
    assert csv["dct:format"]["@id"] == "http://publications.europa.eu/resource/authority/file-type/CSV"
    assert csv["dcat:mediaType"]["@id"] == "https://www.iana.org/assignments/media-types/text/csv"


def test_only_what_gives_the_whole_dataset_is_a_download() -> None:
    paged = replace(FULL.distributions[0], is_whole=False)
    (csv,) = dcat.dataset(replace(FULL, distributions=(paged,)))["dcat:distribution"]
    assert "dcat:downloadURL" not in csv
    assert csv["dcat:accessURL"]["@id"] == paged.access_url


def test_moments_are_typed_utc(document: dict[str, Any]) -> None:
    temporal = document["dcat:dataset"][0]["dct:temporal"]
    assert temporal["dcat:startDate"] == {"@value": "1970-01-01T00:00:00Z", "@type": "xsd:dateTime"}


def test_a_dataset_without_readings_or_places_says_nothing_of_them(document: dict[str, Any]) -> None:
    assert not {"dct:temporal", "dct:spatial"} & document["dcat:dataset"][1].keys()


def test_the_box_is_a_closed_ring(document: dict[str, Any]) -> None:
    country, place = document["dcat:dataset"][0]["dct:spatial"]
    assert country["@id"].endswith("/country/KOR")
    assert place["dcat:centroid"]["@value"] == "POINT(127.000000 37.250000)"
    box = place["dcat:bbox"]["@value"]
    ring = box.removeprefix("POLYGON((").removesuffix("))").split(", ")
    assert len(ring) == 5
    assert ring[0] == ring[-1] == "126.900000 37.200000"


def test_keywords_know_their_language(document: dict[str, Any]) -> None:
    words = document["dcat:dataset"][0]["dcat:keyword"]
    assert [(one["@value"], one["@language"]) for one in words] == [("미세먼지", "ko"), ("PM10", "en")]


def test_snapshots_are_versions_with_the_hash_of_every_file(document: dict[str, Any]) -> None:
    dataset, bare = document["dcat:dataset"]
    (version,) = dataset["dcat:hasVersion"]
    assert dataset["dcat:hasCurrentVersion"] == {"@id": version["@id"]} == {"@id": SNAPSHOT}
    assert (version["dcat:version"], version["dcat:isVersionOf"]) == ("3", {"@id": dataset["@id"]})
    assert "sha256:" + "ab" * 32 in version["dct:identifier"]
    (file,) = version["dcat:distribution"]
    assert file["dcat:byteSize"]["@value"] == "1234"
    assert file["spdx:checksum"]["spdx:checksumValue"]["@value"] == "cd" * 32
    assert file["dcat:downloadURL"]["@id"].endswith("/files/all.parquet")
    assert not {"dcat:hasVersion", "dcat:hasCurrentVersion"} & bare.keys()


def test_a_further_page_is_linked() -> None:
    assert "hydra:view" not in dcat.catalog(CATALOG)
    paged = dcat.catalog(replace(CATALOG, next_page="https://gops.kr/catalog.jsonld?after=2"))
    assert paged["hydra:view"]["hydra:next"] == {"@id": "https://gops.kr/catalog.jsonld?after=2"}
