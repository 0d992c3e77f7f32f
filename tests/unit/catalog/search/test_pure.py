"""Tokens, names, questions, facets, positions: what the search computes without a database."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gops.catalog.search import asking, facets, ranking
from gops.catalog.search.boundaries import places_of, read
from gops.catalog.search.columns import BITS, FACETS, OTHER, Columns, Row
from gops.catalog.search.positions import Position
from gops.catalog.search.suggesting import begins, distance
from gops.catalog.search.synonyms import concepts, place_of, synonyms
from gops.catalog.search.words import beginnings, initials, normal, pairs, plain, runs, stem
from gops.demo.province import MUNICIPALITIES
from gops.errors import BadSetting, Invalid
from gops.geo import BBox


def test_text_becomes_tokens_of_letters_and_digits() -> None:
    assert normal("ＰＭ₂.₅ Ⅳ ㅅㅇ") == "pm25 iv ㅅㅇ"
    assert runs(normal("수원시PM10대기질, (서울)")) == ["수원시", "pm10", "대기질", "서울"]
    assert (pairs("미세먼지"), pairs("물")) == (["미세", "세먼", "먼지"], ["물"])
    assert [stem(word) for word in ("stations", "cities", "buses", "gas", "status", "pm10s", "glass", "boxes")] == [
        "station", "city", "buse", "gas", "status", "pm10s", "glass", "box",
    ]  # fmt: skip
    assert (initials("미세먼지"), initials("pm"), initials("ㅅ")) == ("ㅁㅅㅁㅈ", "", "")
    assert list(plain("수원 air")) == ["수원", "수", "air"]
    assert list(beginnings("수원 air")) == ["iㅅㅇ", "aai", "aair"]


@given(st.text(max_size=12))
@settings(max_examples=60, deadline=None)
def test_nothing_of_a_text_is_a_sign_to_an_engine(text: str) -> None:
    for token in (*plain(text), *beginnings(text)):
        assert not set(token) & set("\"'*():+-^{} \t\n\\")
    terms = asking.read(text)
    for group in ranking.groups(terms):
        assert group
        assert not set("".join(group)) & set("\"'*():+-^{} \t\n\\")


def test_every_municipality_is_known_by_all_its_names() -> None:
    for one in MUNICIPALITIES:
        short = one.name_ko[:-1]
        end = "gun" if one.name_ko.endswith("군") else "si"
        for name in (one.name_ko, short, one.name_en, one.name_en.upper(), f"{one.name_en}-{end}"):
            assert place_of(name) == one.slug, name
    assert place_of("서울") is None
    assert place_of("pm10") is None


def test_names_are_found_where_they_are_meant() -> None:
    assert concepts("경기도남양주시 초미세먼지") == ["gyeonggi", "namyangju", "pm25"]
    assert concepts("상수원 고양이 광주광역시") == []
    assert concepts("Fine dust in Suwon-si") == ["pm10", "suwon"]
    assert concepts("Particulate matter PM2.5") == concepts("초미세먼지(PM2.5)")[:1] == ["pm25"]
    known = synonyms()
    assert all(name == " ".join(runs(normal(name))) for name in known.names), "each is written as it is looked up"
    assert all(concept.isalnum() for concept in known.first)


def row(number: int, **facts: object) -> Row:
    plain_facts = {
        "state": "published", "kind": "live", "theme": "environment", "licence": "kogl-1", "publisher": "suwon",
        "publisher_names": ["수원시", "Suwon"], "quality": "", "format": ["csv"], "place": [], "box": None,
        "title": f"제목 {number}", "length": 3,
    }  # fmt: skip
    listed = facts.pop("listed", True)
    return Row(number, bool(listed), plain_facts | facts, number, None, None)


VALUES = {"theme": "ab", "licence": "cd", "publisher": "ef", "format": "gh", "place": "ij"}
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            **{name: st.sampled_from(VALUES[name]) for name in ("theme", "licence", "publisher")},
            **{name: st.lists(st.sampled_from(VALUES[name]), unique=True) for name in ("format", "place")},
        }
    ),
    max_size=12,
)
CHOSEN = st.fixed_dictionaries({name: st.lists(st.sampled_from(VALUES[name]), unique=True) for name in VALUES})


@given(ROWS, CHOSEN)
@settings(max_examples=60, deadline=None)
def test_each_facet_is_counted_under_all_filters_but_its_own(
    given_rows: list[dict], chosen: dict[str, list[str]]
) -> None:  # type: ignore[type-arg]
    """Against counting by hand."""
    columns = Columns.none().merged([row(number, **facts) for number, facts in enumerate(given_rows, 1)])
    counted = facets.counts(columns, np.ones(len(columns), bool), facets.filtered(columns, chosen))

    def has(facts: dict, name: str) -> bool:  # type: ignore[type-arg]
        return not chosen[name] or bool(set(chosen[name]) & set(facts[name]))

    for name in VALUES:
        fitting = [facts for facts in given_rows if all(has(facts, other) for other in VALUES if other != name)]
        expected = {value: sum(value in facts[name] for facts in fitting) for value in VALUES[name]}
        assert {one.value: one.count for one in counted[name]} == {v: n for v, n in expected.items() if n}


def test_columns_follow_what_changes() -> None:
    first = Columns.none().merged([row(2), row(1, theme="x")])
    later = first.merged([row(2, listed=False), row(3, theme="y"), row(1, theme="z")])
    assert (first.ids.tolist(), later.ids.tolist()) == ([1, 2], [1, 3])
    counted = facets.counts(later, np.ones(2, bool), {})
    assert [(one.value, one.count) for one in counted["theme"]] == [("y", 1), ("z", 1)]
    many = Columns.none().merged([row(number, format=[f"f{number}"]) for number in range(1, BITS + 20)])
    assert sum(one.count for one in facets.counts(many, np.ones(len(many), bool), {})["format"]) == BITS + 19
    assert OTHER in many.values["format"]
    assert set(later.values) == set(FACETS)


def test_boxes_and_times_overlap_with_their_edges() -> None:
    columns = Columns.none().merged([row(1, box=[127.0, 37.2, 127.1, 37.3]), row(2), row(3, box=[-1.0, 0.0, 1.0, 1.0])])
    assert facets.in_box(columns, BBox(127.1, 37.3, 128, 38)).tolist() == [True, False, False]
    assert facets.in_box(columns, BBox(170, -1, 0, 1)).tolist() == [False, False, True], "over the antimeridian"
    spans = [
        Row(n, True, row(n).facts, n, first, last) for n, first, last in ((1, 10, 20), (2, 10, None), (3, None, None))
    ]
    timed = Columns.none().merged(spans)
    assert facets.in_time(timed, 20, 30).tolist() == [True, True, False]
    assert facets.in_time(timed, 21, None).tolist() == [False, True, False]
    assert facets.in_time(timed, None, 10).tolist() == [False, False, False], "half-open"


def test_pages_hold_together_where_the_order_changes() -> None:
    ids = np.arange(1, 301)
    assert Position.read("").after(ids) == 0
    assert Position.read("20-20").after(ids) == 20
    assert Position(20, 20).after(np.roll(ids, 3)) == 23, "three came in before"
    assert Position(20, 999).after(ids) == 20, "it is gone"
    for wrong in ("0-1", "1", "1-1-1", "-1-1", "9999999-1", "１-1"):
        with pytest.raises(Invalid):
            Position.read(wrong)


def test_what_is_half_typed_and_mistyped() -> None:
    assert begins("수원시 대기질 측정값", "대기지")
    assert begins("수원시 대기질", "ㄷㄱㅈ")
    assert not begins("수원시 대기질", "기질")
    assert (distance("미새먼지", "미세먼지", 2), distance("abc", "acb", 2), distance("abc", "xyz", 1)) == (1, 1, 2)


def test_boundaries_say_in_which_municipality_a_box_lies(tmp_path: Path) -> None:
    square = {"type": "Polygon", "coordinates": [[[127, 37], [128, 37], [128, 38], [127, 38], [127, 37]]]}
    file = tmp_path / "places.geojson"

    def written(document: object) -> Path:
        file.write_bytes(orjson.dumps(document))
        return file

    feature = {"type": "Feature", "properties": {"code": 41110, "name": "수원시"}, "geometry": square}
    written({"type": "FeatureCollection", "features": [feature]})
    places = places_of(SimpleNamespace(search_boundaries=str(file)))  # type: ignore[arg-type]
    assert places is not None
    assert places([[127.4, 37.4, 127.6, 37.6], None, [0.0, 0.0, 1.0, 1.0]]) == [["suwon"], [], []]
    assert places_of(SimpleNamespace(search_boundaries="")) is None  # type: ignore[arg-type]
    nowhere = {**feature, "geometry": {"type": "Point", "coordinates": [1, 1]}}
    for document in ([], {"features": []}, {"features": [{**feature, "properties": {}}]}, {"features": [nowhere]}):
        with pytest.raises(BadSetting) as raised:
            read(written(document))
        assert raised.value.field == "GOPS_SEARCH_BOUNDARIES"
    with pytest.raises(BadSetting, match="cannot be read"):
        read(tmp_path / "none.geojson")
