"""The page of the search: every choice is a link with an address of its own, to be shared, and works without script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any, Protocol
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from gops.catalog.search.columns import FACETS
from gops.catalog.search.service import SORTS, Asked, refuse_unknown
from gops.catalog.search.synonyms import place_of
from gops.clock import to_micros
from gops.errors import Invalid
from gops.geo import parse_bbox
from gops.portal import wrong

API = "/api/v1/search"
SHOWN = 20  # datasets on a page
FACET_WORDS = {name: wrong.FIELDS[name] for name in FACETS}
SORT_WORDS = {"relevance": "sort_relevance", "modified": "sort_modified", "title": "sort_title"}
OPEN = 8  # values of a facet that are shown at once; the others fold out
WORDS = {"facets": FACET_WORDS, "sorts": SORT_WORDS, "open": OPEN}


class Sources(Protocol):
    @property
    def search(self) -> Any: ...


@dataclass(frozen=True)
class Link:
    """A value of a facet: its name by language, how many have it, and the address with it chosen, or without it."""

    names: Mapping[str, str]
    count: int
    address: str
    chosen: bool


@dataclass(frozen=True)
class Choice:
    name: str
    links: Sequence[Link]
    more: int


@dataclass(frozen=True)
class SearchPage:
    """``given`` are the parameters as they were understood, without those that are ``wrong``."""

    given: Mapping[str, str]
    found: Any
    wrong: Sequence[Invalid] = ()
    choices: Sequence[Choice] = ()
    meant: str = ""
    following: str = ""
    cleared: str = ""
    api: str = ""


def gather(sources: Sources, args: Mapping[str, str], language: str, zone: ZoneInfo) -> SearchPage:
    """``args``: the parameters of the address, those of the API; others are passed over, what is wrong is shown."""
    names = ("q", "bbox", "from", "to", *FACETS, "sort", "after")
    given = {name: value for name in names if (value := args.get(name, "").strip())}

    def find(parts: Mapping[str, str]) -> tuple[Asked, Any]:
        asked = _asked(parts, zone)
        return asked, sources.search.find(asked)

    (asked, found), left, refused = wrong.without(given, find)
    given = {**left} | {name: ",".join(values) for name, values in asked.filters.items() if values}
    first = {name: value for name, value in given.items() if name != "after"}
    words = {name: value for name, value in first.items() if name not in FACETS}
    return SearchPage(
        given,
        found,
        refused,
        choices=[_choice(facet, asked.filters[facet.name], first, language) for facet in found.facets],
        meant=address({**first, "q": found.did_you_mean}, language) if found.did_you_mean else "",
        following=address({**given, "after": found.next}, language) if found.next else "",
        cleared=address(words, language) if words != first else "",
        api=f"{API}?{urlencode(first)}".rstrip("?"),
    )


def address(given: Mapping[str, str], language: str) -> str:
    return f"/search?{urlencode({**given, 'lang': language})}"


def _asked(given: Mapping[str, str], zone: ZoneInfo) -> Asked:
    filters = {name: tuple(filter(None, given.get(name, "").split(","))) for name in FACETS}
    refuse_unknown(filters)
    asked = Asked(
        q=given.get("q", ""),
        filters=filters | {"place": tuple(_place(one) for one in filters["place"])},
        start=_midnight(given, "from", zone),
        end=_midnight(given, "to", zone),
        sort=given.get("sort", SORTS[0]),
        limit=SHOWN,
        after=given.get("after", ""),
    )
    return replace(asked, bbox=parse_bbox(given["bbox"])) if "bbox" in given else asked


def _place(name: str) -> str:
    found = place_of(name)
    if found is None:
        raise Invalid("there is no such place", code="unknown_place", field="place", found=name, expected="수원, suwon")
    return found


def _midnight(given: Mapping[str, str], name: str, zone: ZoneInfo) -> int | None:
    if name not in given:
        return None
    try:
        return to_micros(datetime.combine(date.fromisoformat(given[name]), time(), tzinfo=zone))
    except (ValueError, OverflowError) as error:
        raise Invalid("this is no date", field=name, found=given[name], expected="2026-03-01") from error


def _choice(facet: Any, chosen: Sequence[str], given: Mapping[str, str], language: str) -> Choice:
    links = []
    for one in facet.values:
        is_chosen = one.value in chosen
        values = [value for value in chosen if value != one.value] if is_chosen else [*chosen, one.value]
        rest = {name: value for name, value in given.items() if name != facet.name}
        with_it = {**rest, facet.name: ",".join(values)} if values else rest
        links.append(Link({"ko": one.ko, "en": one.en}, one.count, address(with_it, language), is_chosen))
    links.sort(key=lambda link: not link.chosen)
    return Choice(facet.name, links, facet.more)
