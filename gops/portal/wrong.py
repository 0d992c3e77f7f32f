"""What is wrong with what a reader asked for: named, left out, and the rest of the page answered all the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from gops.catalog.search.asking import LONGEST
from gops.errors import Invalid
from gops.portal.phrases.terms import TERMS
from gops.portal.words import PHRASES, Words

T = TypeVar("T")
FIELDS: Mapping[str, str] = {
    "theme": "facet_theme",
    "place": "facet_place",
    "publisher": "facet_publisher",
    "format": "facet_format",
    "licence": "facet_licence",
    "quality": "facet_quality",
    "kind": "facet_kind",
    "q": "search_words",
    "bbox": "search_bbox",
    "after": "wrong_list",
    "from": "search_from",
    "to": "search_to",
    "sort": "search_sort",
    "state": "state",
    "organisation": "municipality",
    "supercluster": "supercluster",
    "area_m2": "need_area",
    "power_w": "need_power",
    "weeks": "need_weeks",
    "first_start": "need_first",
    "last_start": "need_last",
}
"""Phrases that name what may be wrong, where a page has no other."""
Given = Mapping[str, str]


def without(given: Given, ask: Callable[[Given], T]) -> tuple[T, Given, list[Invalid]]:
    """What ``ask`` answers once each value that it refuses is left out, what it was asked then, and what was wrong.

    Raises ``Invalid`` for what was not given.
    """
    left, wrong = dict(given), list[Invalid]()
    while True:
        try:
            return ask(left), left, wrong
        except Invalid as error:
            if error.field not in left:
                raise
            del left[error.field]
            wrong.append(error)


def said(words: Words, wrong: Sequence[Invalid], terms: Mapping[str, str], names: Mapping[str, str]) -> list[str]:
    """A sentence of each: its field, what was found and what is expected.

    ``terms``: the vocabulary of a field, whose words are what is expected; ``names``: phrases that name fields on this
    page alone.
    """
    return [_said(words, error, terms.get(error.field or ""), names) for error in wrong]


def _said(words: Words, error: Invalid, vocabulary: str | None, names: Mapping[str, str]) -> str:
    field = error.field or ""
    parts = [words.get({**FIELDS, **names}.get(field, field))]
    if error.found is not None:
        parts.append(words["wrong_row"].format(found=str(error.found).strip("'")))
    expected = _expected(words, field, vocabulary) or error.expected
    if expected:
        parts.append(words["wrong_expected"].format(expected=expected))
    return " · ".join(parts)


def _expected(words: Words, field: str, vocabulary: str | None) -> str:
    if vocabulary is not None:
        return ", ".join(words.term(vocabulary, word) for word in TERMS[vocabulary])
    name = f"expected_{field}"
    return words[name].format(most=LONGEST) if name in PHRASES else ""
