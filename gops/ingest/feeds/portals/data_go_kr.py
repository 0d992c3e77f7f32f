"""Any service of data.go.kr: the three shells, their XML twin, odcloud's pages, GBIS (``msgHeader``, ``msgBody``).

What differs from service to service stands in the config: the names of key, format and paging parameters, where the
rows are, and what their columns mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gops.ingest.declared.sections import Section, wrong
from gops.ingest.feeds import data_go_kr, documents
from gops.ingest.feeds.answers import Failure, Page, Sample
from gops.ingest.feeds.portals import asking, rows, table
from gops.ingest.feeds.source import Source

ROWS = 100
MOST_ROWS = 10_000
ITEMS = ("response.body.items", "data")  # of data.go.kr, and of odcloud
TOTALS = ("response.body.totalCount", "totalCount")
ODCLOUD = ("currentCount", "matchCount", "perPage")
NO_RESULT = 4  # of GBIS; elsewhere it is HTTP_ERROR


class DataGoKr(Source):
    """``config``: ``url`` of the operation; ``parameters``, ``each``, ``lag``, ``zone`` (see ``asking``);
    ``key_parameter`` (serviceKey); ``format`` (``{parameter: returnType, value: json}``); ``paging`` (``{page: pageNo,
    size: numOfRows, rows: 100}``, false for one page); ``rows`` (path of the rows); and a ``table``.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        given = Section(config, "config")
        self._url = asking.address(given)
        self._parameters = asking.parameters(given)
        self._key = given.text("key_parameter", "serviceKey", 64)
        self._format = _format(given)
        self._paging = _paging(given)
        self._rows = given.text("rows", "", 200)
        self._table = table.parse(given, "data.go.kr")
        given.done()
        self.config = dict(config) | {"url": self._url}
        self.measured = self._table.measured
        self.queries = self._parameters.queries

    def url(self, query: str, page: int, key: str, now: int) -> str:
        asked: dict[str, object] = {self._key: asking.plain_key(key)} if key else {}
        asked |= self._format | self._parameters.of(query, now)
        if self._paging is not None:
            number, size, rows = self._paging
            asked |= {size: rows, number: page}
        return asking.joined(self._url, asked)

    def read(self, status: int, body: bytes, query: str = "") -> Page | Failure:
        found = documents.opened(status, body)
        if isinstance(found, Failure):
            return found
        if isinstance(found, dict) and (any(one in found for one in ODCLOUD) or isinstance(found.get("code"), int)):
            return self._odcloud(status, found)
        header = documents.at(found, "response.msgHeader")
        if isinstance(header, dict):
            return self._gbis(status, found, header)
        read = data_go_kr.document(status, body)
        return read if isinstance(read, Failure) else self._page(status, read)

    def _page(self, status: int, document: Any) -> Page | Failure:
        found = documents.at(document, self._rows) if self._rows else _first(document, ITEMS)
        read = documents.rows_of(found)
        if read is None or (found is None and not isinstance(documents.at(document, "response.body"), dict)):
            note = f"{self._rows or ITEMS[0]} are neither a list, nor item, nor empty"
            return documents.mute(status, "unknown_shape", note)
        return Page(read, documents.count(_first(document, TOTALS)))

    def _odcloud(self, status: int, document: dict[str, Any]) -> Page | Failure:
        """``{"currentCount", "data", "matchCount", "page", "perPage", "totalCount"}``, or ``{"code": -401, "msg"}``."""
        if "code" in document and "data" not in document:
            trouble = documents.OF_STATUS.get(abs(document["code"]), "request") if status == 200 else None
            said = str(document.get("msg", ""))[:200]
            if trouble is None:
                return documents.mute(status, f"odcloud_{document['code']}", said)
            return Failure(trouble, str(document["code"]), f"{document['code']} {said}")
        read = documents.rows_of(documents.at(document, self._rows or "data"))
        if read is None:
            return documents.mute(status, "unknown_shape", "data is no list of objects")
        total = document.get("matchCount", document.get("totalCount"))
        return Page(read, documents.count(total))

    def _gbis(self, status: int, document: Any, header: Mapping[str, Any]) -> Page | Failure:
        code = data_go_kr.number(header.get("resultCode"))
        if code == NO_RESULT:
            return Failure("no_data", "4", "4 no result")
        if code != 0:
            return data_go_kr.failure(status, header.get("resultCode"), header.get("resultMessage"))
        inside = documents.at(document, "response.msgBody")
        only = next(iter(inside.values())) if isinstance(inside, dict) and len(inside) == 1 else None
        read = documents.rows_of(documents.at(document, self._rows) if self._rows else only)
        if read is None or (only is None and not self._rows):
            return documents.mute(status, "unknown_shape", "msgBody has no list; config.rows names it")
        return Page(read, len(read))

    def is_last(self, page: Page, seen: int) -> bool:
        if self._paging is None or not page.rows:
            return True
        return len(page.rows) < self._paging[2] if page.total is None else seen >= page.total

    def sample(self, page: Page, query: str, arrival: int) -> Sample:
        each = self._parameters.each[0]
        known = [{each: query} | dict(row) for row in page.rows] if each else page.rows
        return rows.sample(self._table, known, arrival, page.made)


def _first(document: Any, paths: tuple[str, ...]) -> Any:
    return next((found for path in paths if (found := documents.at(document, path)) is not None), None)


def _format(given: Section) -> dict[str, object]:
    """``returnType``, ``_type``, ``dataType``, ``resultType`` or ``type``: services differ. Empty for none."""
    inner = given.section("format")
    name, value = inner.text("parameter", "returnType", 64), inner.text("value", "json", 64)
    inner.done()
    return {name: value} if name else {}


def _paging(given: Section) -> tuple[str, str, int] | None:
    if given.get("paging") is False:
        return None
    inner = given.section("paging")
    page, size, rows = inner.text("page", "pageNo", 64), inner.text("size", "numOfRows", 64), inner.get("rows", ROWS)
    inner.done()
    if isinstance(rows, bool) or not isinstance(rows, int) or not 1 <= rows <= MOST_ROWS:
        raise wrong(inner.at("rows"), rows, f"a whole number from 1 to {MOST_ROWS}")
    return page, size, rows
