"""The table of licences and the sentences that name a source."""

from __future__ import annotations

import pytest

from gops.catalog.licences import LICENCES, OTHER, attribution, licence
from gops.errors import Invalid


def test_the_table_has_every_licence_that_a_korean_publisher_may_choose() -> None:
    kogl = [f"kogl-{kind}" for kind in range(5)]
    assert list(LICENCES)[:5] == kogl
    assert {"cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-nd-4.0", "cc0-1.0", "public-domain"} <= set(LICENCES)


@pytest.mark.parametrize(
    ("licence_id", "attributed", "commercial", "changes"),
    [
        ("kogl-0", False, True, True),
        ("kogl-1", True, True, True),
        ("kogl-2", True, False, True),
        ("kogl-3", True, True, False),
        ("kogl-4", True, False, False),
        ("cc-by-4.0", True, True, True),
        ("cc-by-nc-nd-4.0", True, False, False),
        ("cc0-1.0", False, True, True),
    ],
)
def test_a_licence_says_what_it_allows(licence_id: str, attributed: bool, commercial: bool, changes: bool) -> None:
    found = licence(licence_id)
    assert (found.attribution, found.commercial, found.changes) == (attributed, commercial, changes)
    assert found.is_open is (commercial and changes)


def test_every_licence_has_an_iri_of_its_own_and_names_in_both_languages() -> None:
    assert len({one.iri for one in LICENCES.values()}) == len(LICENCES)
    for one in (one for one in LICENCES.values() if one.id != OTHER):
        assert one.iri.startswith("https://")
        assert one.ko != one.en


def test_the_korean_sentence_of_kogl_is_the_model_of_the_licence() -> None:
    text = attribution(licence("kogl-1"), "수원시 대기질", "수원시", 2026, "https://gops.kr/d/1", "ko")
    assert text == (
        "본 저작물은 '수원시'에서 '2026년' 작성하여 공공누리 제1유형으로 개방한 '수원시 대기질'을(를) 이용하였으며, "
        "해당 저작물은 '수원시, https://gops.kr/d/1'에서 무료로 내려받으실 수 있습니다."
    )


def test_other_sentences_name_title_publisher_year_address_and_licence() -> None:
    for one in LICENCES.values():
        text = attribution(one, "Air of Suwon", "Suwon", 2026, "https://gops.kr/d/1", "en")
        for part in ("Air of Suwon", "Suwon", "2026", "https://gops.kr/d/1", one.iri):
            assert part in text


def test_an_unknown_licence_names_the_known_ones() -> None:
    with pytest.raises(Invalid) as caught:
        licence("kogl-9")
    assert caught.value.code == "unknown_licence"
    assert "kogl-1" in str(caught.value.expected)
