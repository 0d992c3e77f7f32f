"""``package_search`` over the search of the catalog: of Solr's language plain words and fields alone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from gops.api.ckan.asked import Asked
from gops.api.ckan.packages import packages
from gops.api.context import services
from gops.catalog.search.positions import Position
from gops.catalog.search.service import Asked as Query
from gops.errors import Invalid
from gops.geo import BBox, parse_bbox
from gops.records.database import MAX_ID

ROWS = 1000  # as CKAN's ckan.search.rows_max
FIELDS: Mapping[str, str] = {
    "organization": "publisher",
    "owner_org_name": "publisher",
    "groups": "theme",
    "license_id": "licence",
    "res_format": "format",
    "dataset_type": "kind",
}
"""CKAN's fields to the filters of the catalog's search."""
ALWAYS = (
    "state:active",
    "+state:active",
    "capacity:public",
    "+capacity:public",
    "dataset_type:dataset",
    "type:dataset",
)
"""Conditions that every package here meets."""
_PAIR = re.compile(r'\+?([a-z_]+):(?:"([^"]*)"|\(([^()]*)\)|(\S+))')
_SORTS: Mapping[str, str] = {
    "": "relevance", "score desc": "relevance", "relevance asc": "relevance",
    "score desc, metadata_modified desc": "relevance", "relevance asc, metadata_modified desc": "relevance",
    "metadata_modified desc": "modified", "title_string asc": "title", "title asc": "title", "name asc": "title",
}  # fmt: skip


def package_search(asked: Asked) -> dict[str, Any]:
    words, named = _question(asked.text("q", "*:*"), "q")
    more = [pair for text in _listed(asked, "fq", "fq_list") for pair in _pairs(text, "fq")]
    filters: dict[str, tuple[str, ...]] = {}
    for name, values in [*named, *more]:
        filters[name] = tuple(one for one in values if one in filters[name]) if name in filters else values
    rows, start = asked.whole("rows", 0, ROWS, 10), asked.whole("start", 0, 99_999, 0)
    facets = asked.names("facet.field") or asked.names("facet_field")
    for one in facets:
        if one not in FIELDS:
            raise Invalid("not counted here", field="facet.field", found=one, expected="some of " + ", ".join(FIELDS))
    nothing = any(not values for values in filters.values())
    query = Query(
        q=words,
        filters={name: ("-",) if nothing else values for name, values in filters.items()},
        bbox=_box(asked.text("ext_bbox")),
        sort=_sort(asked.text("sort")),
        limit=max(rows, 1),
        after=Position(start, MAX_ID).text() if start else "",
    )
    found = services().search.find(query)
    hits = [] if found.matched != "all" else [one.dataset for one in found.hits[:rows]]
    counted = {facet.name: facet for facet in found.facets}
    return {
        "count": found.total if found.matched == "all" else 0,
        "sort": asked.text("sort") or "score desc, metadata_modified desc",
        "results": packages(hits),
        "facets": {one: {each.value: each.count for each in counted[FIELDS[one]].values} for one in facets},
        "search_facets": {
            one: {
                "title": one,
                "items": [
                    {"name": each.value, "display_name": each.ko or each.value, "count": each.count}
                    for each in counted[FIELDS[one]].values
                ],
            }
            for one in facets
        },
    }


def some(filters: Mapping[str, Sequence[str]], limit: int) -> list[dict[str, Any]]:
    """The first packages that have these."""
    found = services().search.find(Query(filters=filters, sort="modified", limit=limit))
    return packages([one.dataset for one in found.hits])


def _question(text: str, field: str) -> tuple[str, list[tuple[str, tuple[str, ...]]]]:
    """Words, and fields among them: ``organization:suwon 미세먼지``."""
    if text in ("", "*", "*:*"):
        return "", []
    pairs = [one for one in _PAIR.finditer(text) if one[1] in FIELDS]
    if not pairs:
        return text.replace("*:*", " "), []
    rest = text
    for one in pairs:
        rest = rest.replace(one[0], " ")
    return re.sub(r"\b(AND|OR)\b", " ", rest), [_pair(one, field) for one in pairs]


def _pairs(text: str, field: str) -> list[tuple[str, tuple[str, ...]]]:
    """``organization:suwon AND groups:(environment OR energy)``; anything else is refused."""
    found, rest = [], text
    for always in sorted(ALWAYS, key=len, reverse=True):
        rest = re.sub(rf"(?<!\S){re.escape(always)}(?!\S)", " ", rest)
    for one in _PAIR.finditer(rest):
        found.append(_pair(one, field))
    left = re.sub(r"\bAND\b", " ", _PAIR.sub(" ", rest)).strip()
    if left:
        raise _unknown(field, left)
    return found


def _pair(one: re.Match[str], field: str) -> tuple[str, tuple[str, ...]]:
    name, quoted, several, plain = one.groups()
    if name not in FIELDS:
        raise _unknown(field, one[0])
    if several is None:
        value = quoted if quoted is not None else plain
        return FIELDS[name], (_value(name, value),)
    parts = [part.strip().strip('"') for part in re.split(r"\bOR\b", several)]
    if any(not part or " " in part for part in parts):
        raise _unknown(field, one[0])
    return FIELDS[name], tuple(_value(name, part) for part in parts)


def _value(name: str, text: str) -> str:
    return text.lower() if name == "res_format" else text


def _listed(asked: Asked, *names: str) -> list[str]:
    """Texts that are given once or as a list; commas in them are of the query."""
    texts: list[str] = []
    for name in names:
        found = asked.raw(name)
        texts += found if isinstance(found, list) else [found] if found is not None else []
    if not all(isinstance(one, str) and len(one) <= 1000 for one in texts):
        raise Invalid("not a text that is short enough", field=names[0], expected="1000 characters")
    return texts


def _sort(text: str) -> str:
    words = " ".join(text.lower().replace(",", ", ").split())
    if words not in _SORTS:
        expected = "one of " + "; ".join(filter(None, _SORTS))
        raise Invalid("there is no such order", field="sort", found=text, expected=expected)
    return _SORTS[words]


def _box(text: str) -> BBox | None:
    """``ext_bbox`` of ckanext-spatial: west,south,east,north."""
    if not text:
        return None
    return parse_bbox(text, "ext_bbox")


def _unknown(field: str, found: str) -> Invalid:
    return Invalid(
        "of Solr's language only field:value is read here",
        field=field,
        found=found,
        expected="fields " + ", ".join(FIELDS) + ' as name:value, name:"value" or name:(a OR b), with AND between',
    )
