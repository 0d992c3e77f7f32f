"""Words, packages and graphs of other catalogs in the values of GOPS."""

from __future__ import annotations

from typing import Any

import pytest

from gops.catalog.harvest import ckan, dcat, graphs, words
from gops.catalog.harvest.found import Found, both, line, moment
from gops.catalog.licences import LICENCES, OTHER
from gops.catalog.vocabularies import FILE_TYPES, FREQUENCIES, THEMES

EU = "http://publications.europa.eu/resource/authority"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        *((one.iri, one.id) for one in LICENCES.values() if one.id != OTHER),
        *((one, one) for one in LICENCES if one != OTHER),
        ("http://creativecommons.org/licenses/by/4.0", "cc-by-4.0"),
        ("https://creativecommons.org/licenses/by/4.0/legalcode", "cc-by-4.0"),
        ("https://creativecommons.org/licenses/by-sa/4.0/deed.ko", "cc-by-sa-4.0"),
        ("https://creativecommons.org/licenses/by/3.0/", OTHER),
        ("cc-zero", "cc0-1.0"),
        ("City terms 2019", OTHER),
        ("other", OTHER),
        ("", OTHER),
    ],
)
def test_a_licence_is_one_of_ours_only_where_it_is_the_same(given: str, expected: str) -> None:
    assert words.licence(given).id == expected


def test_another_licence_keeps_its_words_and_its_address() -> None:
    found = words.licence("https://city.example/terms", "이용 조건")
    assert (found.id, found.ko, found.iri) == (OTHER, "이용 조건", "https://city.example/terms")
    assert not found.is_open
    assert words.licence("City terms").iri == ""


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        *((word.iri, key) for key, word in FREQUENCIES.items()),
        ("R/P1D", "daily"),
        ("매월", "monthly"),
        ("Annual", "yearly"),
        (f"{EU}/frequency/DECENNIAL", "unknown"),
        ("", "unknown"),
    ],
)
def test_a_frequency_is_one_of_ours_or_unknown(given: str, expected: str) -> None:
    assert words.frequency(given) == expected


def test_a_theme_is_found_by_iri_or_name_in_both_languages() -> None:
    for key, word in THEMES.items():
        assert {words.theme([one], "?") for one in (word.iri, word.ko, word.en, key)} == {key}
    assert words.theme(["cats", "환경"], "regions") == "environment"
    assert words.theme(["cats"], "regions") == "regions"


@pytest.mark.parametrize(
    ("given", "media_type", "key"),
    [
        *((one.iri, one.media_type_iri, key) for key, one in FILE_TYPES.items()),
        *(("", one.media_type_iri, key) for key, one in FILE_TYPES.items()),
        ("CSV", "", "csv"),
        ("Excel", "", "xlsx"),
        ("", "application/geo+json", "geojson"),
        ("text/csv; charset=utf-8", "", "csv"),
        (f"{EU}/file-type/RDF_TURTLE", "", "ttl"),
        ("HWP", "", ""),
    ],
)
def test_a_file_type_is_known_by_any_of_its_names(given: str, media_type: str, key: str) -> None:
    assert words.file_type(given, media_type).key == key


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([("가", "ko"), ("a", "en")], ("가", "a")),
        ([("가", "ko-KR"), ("a", "en-GB"), ("b", "en-US")], ("가", "a")),
        ([("가", "")], ("가", "")),
        ([("ein", "de")], ("ein", "")),
        ([], ("", "")),
    ],
)
def test_texts_are_told_apart_by_language(said: list[tuple[str, str]], expected: tuple[str, str]) -> None:
    assert both(said, "ko") == expected


def test_what_is_too_long_is_cut_and_says_so() -> None:
    assert line("가" * 300) == "가" * 199 + "…"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-05-01T09:00:00+09:00", 1_777_593_600_000_000),
        ("2026-05-01T00:00:00Z", 1_777_593_600_000_000),
        ("2026-05-01T00:00:00.000000", 1_777_593_600_000_000),
        ("2026-05-01", 1_777_593_600_000_000),
        ("1970", 0),
        ("1970-01", 0),
        ("0001-01-01T00:00:00+14:00", None),
        ("gestern", None),
        ("", None),
    ],
)
def test_moments_of_all_forms(text: str, expected: int | None) -> None:
    assert moment(text) == expected


@pytest.mark.parametrize(
    ("wkt", "expected"),
    [
        ("POLYGON((126.5 37.1, 127.5 37.1, 127.5 37.9, 126.5 37.9, 126.5 37.1))", (126.5, 37.1, 127.5, 37.9)),
        ("<http://www.opengis.net/def/crs/OGC/1.3/CRS84> POINT(127 37)", (127.0, 37.0, 127.0, 37.0)),
        ("POLYGON((990000 1900000, 1000000 1910000))", None),
        ("nowhere", None),
    ],
)
def test_boxes_of_geometries(wkt: str, expected: Any) -> None:
    assert dcat.box(wkt) == expected


PACKAGE: dict[str, Any] = {
    "id": "5f0c",
    "name": "air",
    "title": "대기질",
    "notes": "설명",
    "license_id": "cc-by",
    "license_title": "Creative Commons Attribution",
    "maintainer_email": "A@City.Example",
    "metadata_modified": "2026-05-01T00:00:00",
    "organization": {"title": "수원시"},
    "groups": [{"name": "g1", "title": "환경"}],
    "tags": [{"name": "물"}, {"display_name": "PM10", "name": "pm10"}],
    "extras": [
        {"key": "title_en", "value": "Air"},
        {
            "key": "spatial",
            "value": '{"type": "Polygon", "coordinates": [[[126, 37], [127, 37], [127, 38], [126, 37]]]}',
        },
    ],
    "resources": [{"url": "https://city.example/a.csv", "format": "CSV", "name": "표"}, {"url": "javascript:alert(1)"}],
}


def test_a_package_of_ckan_says_what_a_dataset_of_dcat_does() -> None:
    found = ckan.dataset(PACKAGE, "https://ckan.example", "ko")
    assert (found.identity, found.page) == ("https://ckan.example/dataset/5f0c", "https://ckan.example/dataset/air")
    assert (found.title_ko, found.title_en, found.description_ko) == ("대기질", "Air", "설명")
    assert (found.publisher_ko, found.contact_email, found.keywords) == ("수원시", "a@city.example", ("PM10", "물"))
    assert (words.licence(found.licence).id, words.theme(found.themes, "?")) == ("cc-by-4.0", "environment")
    assert found.bbox == (126.0, 37.0, 127.0, 38.0)
    assert [(one.url, one.format, one.title_ko) for one in found.links] == [("https://city.example/a.csv", "CSV", "표")]


def test_what_is_found_is_the_same_after_it_was_kept() -> None:
    found = ckan.dataset(PACKAGE, "https://ckan.example", "ko")
    assert Found.of(found.document()) == found
    assert Found.of(found.document()).digest("energy") == found.digest("energy") != found.digest("regions")


def test_a_licence_of_the_distribution_stands_for_one_of_the_dataset() -> None:
    text = """@prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> .
    <https://x.example/d> a dcat:Dataset ; dct:title "D"@en ; dcat:distribution
      [ a dcat:Distribution ; dct:license <https://x.example/l> ; dcat:accessURL <https://x.example/a> ] .
    <https://x.example/v1> a dcat:Dataset ; dct:title "old"@en ; dcat:isVersionOf <https://x.example/d> ."""
    (found,) = dcat.datasets(graphs.parse(text.encode(), graphs.TURTLE, "https://x.example/", 100), "ko")
    assert (found.licence, found.title_ko, found.title_en) == ("https://x.example/l", "", "D")
    assert [(one.url, one.whole) for one in found.links] == [("https://x.example/a", False)]
