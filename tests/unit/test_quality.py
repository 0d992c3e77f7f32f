"""Quality words, codes and filters."""

from __future__ import annotations

import pytest

from gops.errors import Invalid
from gops.quality import ANY, GOOD_ONLY, WORDS, Quality, parse_filter, parse_word


def test_the_codes_are_those_that_are_stored() -> None:
    assert [(int(quality), quality.name) for quality in Quality] == [
        (0, "good"),
        (1, "estimated"),
        (2, "suspect"),
        (3, "maintenance"),
        (4, "communication_failure"),
        (5, "missing"),
    ]


@pytest.mark.parametrize("word", WORDS)
def test_a_word_is_its_code(word: str) -> None:
    assert parse_word(word).name == word


@pytest.mark.parametrize("word", ["", "GOOD", "bad", "0", " good", "any", "__class__", "name"])
def test_another_word_is_refused_with_the_list(word: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_word(word)
    assert (caught.value.code, caught.value.found) == ("unknown_quality", word)
    assert "communication_failure" in str(caught.value.expected)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (None, GOOD_ONLY),
        ("", GOOD_ONLY),
        ("any", ANY),
        ("good", GOOD_ONLY),
        ("good,estimated", {Quality.good, Quality.estimated}),
        ("estimated , suspect", {Quality.estimated, Quality.suspect}),
        ("suspect,suspect", {Quality.suspect}),
    ],
)
def test_a_filter_names_the_qualities_that_are_used(text: str | None, wanted: set[Quality]) -> None:
    assert parse_filter(text) == wanted


@pytest.mark.parametrize("text", ["good,", ",", "any,good", "good;estimated", "good,best"])
def test_a_filter_with_anything_else_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_filter(text)
    assert caught.value.code == "unknown_quality"


def test_of_several_the_highest_wins() -> None:
    assert max(Quality.good, Quality.missing, Quality.suspect) is Quality.missing
