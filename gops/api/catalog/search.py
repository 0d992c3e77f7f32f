"""The search over the catalog: one question, its page, its facets, and what was probably meant."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import orjson
from flask import Response
from flask.views import MethodView
from marshmallow import fields, validate

from gops.api import fields as own
from gops.api.arguments import refuse_limit_beyond
from gops.api.blueprint import PREFIX, Blueprint
from gops.api.context import services, settings
from gops.api.fields import Strict
from gops.api.paging import link, next_address
from gops.api.times import write_time
from gops.catalog.model import KINDS
from gops.catalog.search.asking import LONGEST
from gops.catalog.search.columns import FACETS
from gops.catalog.search.service import SORTS, Asked, Facet, Found, Hit, refuse_unknown
from gops.catalog.search.synonyms import place_of
from gops.errors import Invalid

blueprint = Blueprint("search", __name__, description="Find open data by words, places, times and facets")
SUGGESTED = 20


def parse_words(given: str) -> tuple[str, ...]:
    """``a,b`` -> those, each once."""
    return tuple(dict.fromkeys(part for one in given.split(",") if (part := one.strip())))


def parse_places(given: str) -> tuple[str, ...]:
    """Names of municipalities to their slugs. Raises ``Invalid`` (``unknown_place``)."""
    return tuple(dict.fromkeys(_place(one) for one in parse_words(given)))


def _place(name: str) -> str:
    found = place_of(name)
    if found is None:
        raise Invalid(
            "there is no such place", code="unknown_place", found=name, expected="a city or county: 수원, 수원시, suwon"
        )
    return found


def _words(about: str, parse: Any = parse_words, expected: str = "words with commas between") -> own.Parsed:
    return own.Parsed(parse, expected, about, load_default=())


class _Words(Strict):
    q = own.text(
        "words that have to be there; their order, upper case and signs mean nothing", LONGEST, load_default=""
    )
    bbox = own.bbox()
    place = _words(
        "in one of these municipalities, in Korean or English", parse_places, "names with commas between: 수원,성남"
    )
    theme = _words("of one of these themes")
    format = _words("to be had in one of these formats: csv, parquet")
    licence = _words("under one of these licences")
    publisher = _words("of one of these organisations, by slug")
    quality = _words("of one of these classes of metadata quality")
    kind = _words("of one of these kinds: " + ", ".join(KINDS))
    sort = own.choice(
        "relevance: by the words; modified: newest first; title: in Korean order", SORTS, load_default="relevance"
    )
    limit = fields.Integer(validate=validate.Range(1), load_default=20, metadata={"description": "datasets in a page"})
    after = own.text("what the page before says in its next address", 40, load_default="")


SearchQuery = _Words.from_dict(
    {"from": own.moment_in("with readings from then on"), "to": own.moment_in("with readings before then")},
    name="SearchQuery",
)
"""``from`` is a word of Python."""


class FoundDataset(Strict):
    id = fields.Integer()
    slug = fields.String()
    title_ko = fields.String()
    title_en = fields.String()
    description_ko = fields.String()
    description_en = fields.String()
    organisation = fields.String(metadata={"description": "slug of the publisher"})
    publisher_ko = fields.String()
    publisher_en = fields.String()
    kind = own.choice("where its data is", KINDS)
    state = own.choice("deprecated ones come later", ("published", "deprecated"))
    theme = fields.String()
    licence = fields.String()
    keywords = fields.List(fields.String())
    format = fields.List(fields.String(), metadata={"description": "in which it can be had"})
    place = fields.List(fields.String(), metadata={"description": "slugs of the municipalities that it is named after"})
    quality = fields.String(allow_none=True, metadata={"description": "class of its metadata"})
    bbox = fields.List(
        fields.Float(), allow_none=True, metadata={"description": "west, south, east, north, rounded outward"}
    )
    first = own.moment("of its readings the first, as of the last hour", allow_none=True)
    last = own.moment("the last one; null where new ones come in", allow_none=True)
    modified_at = own.moment("when it last changed")
    address = fields.String(metadata={"description": "of the dataset in this API"})


class FacetValue(Strict):
    value = fields.String(metadata={"description": "as the filter of this name takes it"})
    name_ko = fields.String()
    name_en = fields.String()
    count = fields.Integer(metadata={"description": "datasets that are found if it alone is chosen of this facet"})


class FacetOut(Strict):
    name = own.choice("the parameter that filters by it", FACETS)
    values = fields.List(fields.Nested(FacetValue), metadata={"description": "most frequent first"})
    more = fields.Integer(metadata={"description": "values that are not listed"})


class SearchPage(Strict):
    total = fields.Integer(metadata={"description": "datasets found"})
    matched = own.choice("all: each has all words; some: none has all, so each has some", ("all", "some"))
    did_you_mean = fields.String(allow_none=True, metadata={"description": "words nearest to those that are unknown"})
    items = fields.List(fields.Nested(FoundDataset))
    facets = fields.List(fields.Nested(FacetOut))
    next = fields.String(allow_none=True, metadata={"description": "address of the next page; null on the last one"})


class SuggestQuery(Strict):
    q = own.text("what is typed so far; initial consonants do: ㅅㅇ", LONGEST, required=True)
    limit = fields.Integer(
        validate=validate.Range(1, SUGGESTED), load_default=8, metadata={"description": "most suggestions"}
    )


class SuggestionOut(Strict):
    text = fields.String()
    kind = own.choice("what it is", ("name", "keyword", "title"))
    slug = fields.String(allow_none=True, metadata={"description": "of the dataset that has this title"})


class Suggestions(Strict):
    items = fields.List(fields.Nested(SuggestionOut))


@blueprint.route("/search")
class SearchView(MethodView):
    @blueprint.arguments(SearchQuery, location="query")
    @blueprint.response(200, SearchPage)
    @blueprint.open(422)
    def get(self, query: dict[str, Any]) -> Any:
        """Search the catalog

        Published datasets alone. Korean is found by parts of words (먼지 finds 초미세먼지), names in Korean and English
        find the same (수원, 수원시, Suwon; 미세먼지, PM10). Filters take several values with commas between; each facet
        is counted as if it were not filtered by itself.
        """
        found = services().search.find(asked(query))
        following = next_address(after=found.next) if found.next else None
        return Response(orjson.dumps(shown(found, following)), headers=link(following), mimetype="application/json")


@blueprint.route("/search/suggest")
class SuggestView(MethodView):
    @blueprint.arguments(SuggestQuery, location="query")
    @blueprint.response(200, Suggestions)
    @blueprint.open(422)
    def get(self, query: dict[str, Any]) -> Any:
        """Complete a query

        Names of places and of what is measured, keywords and titles that begin like it.
        """
        return {"items": services().search.suggest(query["q"], query["limit"])}


def asked(query: dict[str, Any]) -> Asked:
    """Raises ``Invalid`` for a page beyond the bound, and for words that are in no vocabulary."""
    limit = refuse_limit_beyond(query["limit"], settings().page_rows_max)
    assert limit is not None
    filters = {name: query[name] for name in FACETS}
    refuse_unknown(filters)
    return Asked(
        q=query["q"],
        filters=filters,
        bbox=query["bbox"],
        start=query["from"],
        end=query["to"],
        sort=query["sort"],
        limit=limit,
        after=query["after"],
    )


def shown(found: Found, following: str | None) -> dict[str, Any]:
    """The body, a ``SearchPage``, written by hand: 20 datasets and their facets through marshmallow take 3 ms."""
    return {
        "total": found.total,
        "matched": found.matched,
        "did_you_mean": found.did_you_mean,
        "items": [_item(one, settings().zone) for one in found.hits],
        "facets": [_facet(one) for one in found.facets],
        "next": following,
    }


_PLAIN = (
    "id", "slug", "title_ko", "title_en", "description_ko", "description_en", "kind", "state", "theme", "licence",
    "keywords",
)  # fmt: skip


def _item(hit: Hit, zone: ZoneInfo) -> dict[str, Any]:
    one, facts = hit.dataset, hit.facts
    return {
        **{name: getattr(one, name) for name in _PLAIN},
        "organisation": hit.publisher.slug,
        "publisher_ko": hit.publisher.name_ko,
        "publisher_en": hit.publisher.name_en,
        "format": facts["format"],
        "place": facts["place"],
        "quality": facts["quality"] or None,
        "bbox": facts["box"],
        "first": write_time(hit.first, zone),
        "last": write_time(hit.last, zone),
        "modified_at": write_time(one.modified_at, zone),
        "address": f"{PREFIX}/datasets/{one.slug}",
    }


def _facet(facet: Facet) -> dict[str, Any]:
    values = [{"value": one.value, "name_ko": one.ko, "name_en": one.en, "count": one.count} for one in facet.values]
    return {"name": facet.name, "values": values, "more": facet.more}
