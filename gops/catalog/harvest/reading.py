"""A catalog read whole, page by page, through the guarded way out; nothing of it is believed yet."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urljoin

from gops.catalog.harvest import ckan
from gops.catalog.harvest.found import MAPPING, Found, Refused, check
from gops.catalog.harvest.model import CKAN
from gops.errors import Invalid, Malformed, TooLarge, Unavailable
from gops.outbound import Answer, Call, Outbound
from gops.settings import Settings

Validators = Mapping[str, object]


@dataclass(frozen=True)
class Asked:
    """What is read: ``url`` is a page of DCAT, or the address of a CKAN. ``validators`` are those of the last time."""

    protocol: str
    url: str
    language: str
    validators: Validators | None = None


@dataclass
class Catalogue:
    """``whole``: there is nothing in the source that is not here. ``unchanged``: it says so itself, and is not read."""

    found: list[Found] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    pages: int = 0
    whole: bool = True
    unchanged: bool = False
    validators: dict[str, object] | None = None


class Reading:
    """``read`` in any thread."""

    def __init__(self, outbound: Outbound, settings: Settings) -> None:
        self._outbound = outbound
        self._settings = settings

    def read(self, asked: Asked) -> Catalogue:
        """Raises what ``Outbound.fetch`` does; ``Unavailable`` (``source_status``, ``harvest_timeout``), ``Malformed``
        (``unreadable_catalog``, ``pages_loop``, ``pages_fork``, ``remote_context``, ``xml_entities``, ``bad_encoding``,
        ``too_deep``), ``UnsupportedType``, ``TooLarge`` (``too_many_pages``, ``too_many_statements``,
        ``too_many_datasets``)."""
        into, ends = Catalogue(), time.monotonic() + self._settings.harvest_seconds
        pages = self._ckan(asked, into) if asked.protocol == CKAN else self._dcat(asked, into)
        for _page in pages:
            into.pages += 1
            self._refuse_more(into, ends)
        return into

    def _dcat(self, asked: Asked, into: Catalogue) -> Iterator[None]:
        from gops.catalog.harvest import dcat, graphs

        url: str | None = asked.url
        seen: set[str] = set()
        left = self._settings.harvest_statements
        while url is not None:
            if url in seen:
                raise _loop(into.pages)
            seen.add(url)
            answer = self._fetch(url, graphs.ACCEPT, asked.validators if len(seen) == 1 else None)
            if answer.status == 304:
                into.unchanged = True
                return
            graph = graphs.parse(answer.body, graphs.form_of(answer.headers.get("content-type", ""), url), url, left)
            left -= len(graph)
            if not dcat.is_catalog(graph):
                raise Malformed("there is no catalog in it", code="unreadable_catalog", expected="a dcat:Catalog")
            for one in dcat.datasets(graph, asked.language):
                _take(one, into)
            following = dcat.next_page(graph)
            into.validators = _validators(answer) if following is None and len(seen) == 1 else None
            url = None if following is None else urljoin(url, following)
            yield

    def _ckan(self, asked: Asked, into: Catalogue) -> Iterator[None]:
        site, start, seen = site_of(asked.url), 0, ""
        while True:
            query = urlencode({"q": "*:*", "sort": "name asc", "rows": ckan.ROWS, "start": start})
            answer = self._fetch(f"{site}/api/3/action/package_search?{query}", "application/json", None)
            count, rows = ckan.result(answer.body)
            first = str(rows[0])[:10_000] if rows else ""
            if rows and first == seen:
                raise _loop(into.pages)
            seen = first
            for row in rows[: ckan.ROWS]:
                self._take_package(row, site, asked.language, into)
            start += len(rows[: ckan.ROWS])
            yield
            if start >= count or not rows:
                into.whole = start >= count
                return

    def _take_package(self, row: object, site: str, language: str, into: Catalogue) -> None:
        try:
            one = ckan.dataset(row, site, language)
        except Invalid as error:
            into.refused.append(Refused.of("", "", error))
            return
        _take(one, into)

    def _fetch(self, url: str, accept: str, validators: Validators | None) -> Answer:
        headers = {"Accept": accept}
        if validators and validators.get("mapping") == MAPPING:
            names = {"etag": "If-None-Match", "last_modified": "If-Modified-Since"}
            headers |= {header: str(validators[name]) for name, header in names.items() if validators.get(name)}
        answer = self._outbound.fetch(Call(url, headers=headers))
        if answer.status != 200 and not (answer.status == 304 and len(headers) > 1):
            raise Unavailable(
                f"it answers with status {answer.status}", code="source_status", found=answer.status, expected="200"
            )
        return answer

    def _refuse_more(self, into: Catalogue, ends: float) -> None:
        settings = self._settings
        if into.pages > settings.harvest_pages:
            message = f"it has more than {settings.harvest_pages} pages"
            raise TooLarge(message, code="too_many_pages", expected="fewer (GOPS_HARVEST_PAGES)")
        if len(into.found) + len(into.refused) > settings.harvest_datasets:
            message = f"it has more than {settings.harvest_datasets} datasets"
            raise TooLarge(message, code="too_many_datasets", expected="fewer (GOPS_HARVEST_DATASETS)")
        if time.monotonic() > ends:
            message = f"it took longer than {settings.harvest_seconds} s"
            raise Unavailable(message, code="harvest_timeout", expected="less (GOPS_HARVEST_SECONDS)")


def site_of(url: str) -> str:
    """The address of a CKAN, whichever address of its API is given."""
    return url.split("?")[0].split("/api/")[0].removesuffix("/api").rstrip("/")


def _take(one: Found, into: Catalogue) -> None:
    try:
        into.found.append(check(one))
    except Invalid as error:
        into.refused.append(Refused.of(one.identity, one.title, error))


def _validators(answer: Answer) -> dict[str, object] | None:
    names = {"etag": "etag", "last_modified": "last-modified"}
    found = {name: answer.headers[header][:500] for name, header in names.items() if header in answer.headers}
    return {**found, "mapping": MAPPING} if found else None


def _loop(pages: int) -> Malformed:
    return Malformed(
        f"after {pages} pages it comes back to one that was read",
        code="pages_loop",
        field="hydra:next",
        expected="pages that end",
    )
