"""What the values of facets are called in Korean and English."""

from __future__ import annotations

from collections.abc import Mapping

from gops.catalog.licences import LICENCES
from gops.catalog.search.synonyms import synonyms
from gops.catalog.vocabularies import THEMES

Names = tuple[str, str]
KINDS: Mapping[str, Names] = {
    "live": ("실시간", "live"),
    "files": ("파일", "files"),
    "harvested": ("수집한 목록", "harvested"),
}
QUALITY: Mapping[str, Names] = {
    "excellent": ("매우 좋음", "excellent"),
    "good": ("좋음", "good"),
    "sufficient": ("보통", "sufficient"),
    "bad": ("미흡", "bad"),
}
"""Classes of the Metadata Quality Assessment of data.europa.eu."""


def label(facet: str, value: str, publishers: Mapping[str, Names]) -> Names:
    if facet == "publisher" and value in publishers:
        return publishers[value]
    if facet == "place" and value in synonyms().places:
        return synonyms().first[value], value.title()
    if facet == "theme" and value in THEMES:
        return THEMES[value].ko, THEMES[value].en
    if facet == "licence" and value in LICENCES:
        return LICENCES[value].ko, LICENCES[value].en
    if facet == "format":
        return value.upper(), value.upper()
    return {"kind": KINDS, "quality": QUALITY}.get(facet, {}).get(value, (value, value))
