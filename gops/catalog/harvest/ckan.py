"""Datasets out of what CKAN's ``package_search`` answers (API version 3). Pure.

Names of extras are those of ckanext-dcat and ckanext-spatial; titles in English those of GOPS and ckanext-fluent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from gops.catalog.harvest.found import Found, Link, address, both, email, is_iri, line, links, moment, prose, words
from gops.errors import Invalid, Malformed

Node = Mapping[str, Any]
ROWS = 100


def result(content: bytes) -> tuple[int, list[Any]]:
    """How many packages there are, and those of this page. Raises ``Malformed``."""
    try:
        answer = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise _no_ckan("no JSON") from error
    if not isinstance(answer, dict) or answer.get("success") is not True or not isinstance(answer.get("result"), dict):
        raise _no_ckan("no success")
    count, rows = answer["result"].get("count"), answer["result"].get("results")
    if not isinstance(count, int) or isinstance(count, bool) or not isinstance(rows, list):
        raise _no_ckan("no count and results")
    return count, rows


def dataset(given: Any, site: str, language: str) -> Found:
    """One package of the CKAN at ``site``. Raises ``Invalid`` (``no_package``)."""
    if not isinstance(given, dict) or not _text(given, "id"):
        raise Invalid("it is no package with an id", code="no_package", field="id", expected="a package of CKAN")
    extras = _extras(given)
    name = _text(given, "name") or _text(given, "id")
    home = given.get("organization") if isinstance(given.get("organization"), dict) else {}
    title_ko, title_en = _both(given, extras, "title", language, line)
    about_ko, about_en = _both(given, extras, "notes", language, prose)
    return Found(
        identity=_identity(extras, site, _text(given, "id")),
        identifiers=tuple(one for one in (extras.get("identifier", ""), extras.get("guid", "")) if is_iri(one)),
        title_ko=title_ko or ("" if title_en else line(name)),
        title_en=title_en,
        description_ko=about_ko,
        description_en=about_en,
        licence=line(_text(given, "license_url") if _licence_is_vague(given) else _text(given, "license_id")),
        licence_name=line(_text(given, "license_title")),
        themes=tuple(_themes(given, extras)),
        frequency=line(extras.get("frequency", "")),
        keywords=words(sorted(_text(one, "display_name") or _text(one, "name") for one in _nodes(given, "tags"))),
        publisher=address(extras.get("publisher_uri", "")),
        publisher_ko=line(extras.get("publisher_name") or _text(home, "title") or _text(home, "name")),
        contact_name=line(_text(given, "maintainer") or _text(given, "author")),
        contact_email=email(_text(given, "maintainer_email") or _text(given, "author_email")),
        page=address(_text(given, "url")) or address(f"{site}/dataset/{name}"),
        issued=moment(_text(given, "metadata_created")),
        modified=moment(_text(given, "metadata_modified")),
        first=moment(extras.get("temporal_start", "")),
        last=moment(extras.get("temporal_end", "")),
        bbox=_box(extras.get("spatial", "")),
        links=links(_link(one, language) for one in _nodes(given, "resources")),
    )


def _link(one: Node, language: str) -> Link:
    ko, en = both([(line(_text(one, "name")), "")], language)
    form, media = line(_text(one, "format")), line(_text(one, "mimetype"))
    return Link(address(_text(one, "url")), ko, en, form, media, whole=_text(one, "url_type") in ("", "upload"))


def _identity(extras: Mapping[str, str], site: str, package_id: str) -> str:
    given = extras.get("uri", "")
    return given if is_iri(given) else f"{site}/dataset/{package_id}"


def _both(given: Node, extras: Mapping[str, str], name: str, language: str, clean: Any) -> tuple[str, str]:
    said = [(clean(_text(given, name)), "")]
    translated = given.get(f"{name}_translated")
    for tag in ("ko", "en"):
        other = _text(translated, tag) if isinstance(translated, dict) else ""
        said.append((clean(other or extras.get(f"{name}_{tag}", "")), tag))
    return both([one for one in said if one[0]], language)


def _licence_is_vague(given: Node) -> bool:
    return bool(address(_text(given, "license_url"))) and _text(given, "license_id") in ("", "other-open", "other-at")


def _themes(given: Node, extras: Mapping[str, str]) -> Iterator[str]:
    for text in (extras.get("theme", ""), *(_text(one, name) for one in _nodes(given, "groups") for name in _NAMES)):
        if text:
            yield line(text)


_NAMES = ("name", "title", "display_name")


def _extras(given: Node) -> dict[str, str]:
    return {_text(one, "key"): _text(one, "value") for one in _nodes(given, "extras")}


def _nodes(given: Node, name: str) -> list[Node]:
    found = given.get(name)
    some = found[:1000] if isinstance(found, list) else []
    return [one for one in some if isinstance(one, dict)]


def _text(given: Any, name: str) -> str:
    found = given.get(name) if isinstance(given, dict) else None
    return found.strip() if isinstance(found, str) else ""


def _box(text: str) -> tuple[float, float, float, float] | None:
    """Of GeoJSON; None for what is none."""
    try:
        shape = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    corners = list(_corners(shape.get("coordinates") if isinstance(shape, dict) else None, 0))
    if not corners or any(abs(x) > 180 or abs(y) > 90 for x, y in corners):
        return None
    east, north = max(x for x, _ in corners), max(y for _, y in corners)
    return min(x for x, _ in corners), min(y for _, y in corners), east, north


def _corners(given: Any, depth: int) -> Iterator[tuple[float, float]]:
    if not isinstance(given, list) or depth > 4:
        return
    if len(given) >= 2 and all(isinstance(one, int | float) and not isinstance(one, bool) for one in given[:2]):
        yield float(given[0]), float(given[1])
        return
    for one in given:
        yield from _corners(one, depth + 1)


def _no_ckan(why: str) -> Malformed:
    return Malformed(
        f"it is no answer of CKAN's package_search: {why}",
        code="unreadable_catalog",
        expected='{"success": true, "result": {"count": ..., "results": [...]}}',
    )
