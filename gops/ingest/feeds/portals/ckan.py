"""A table of a CKAN datastore (``datastore_search``, CKAN API 3), page after page as ``_links.next`` names them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from gops.ingest.declared.sections import Section, wrong
from gops.ingest.feeds import documents
from gops.ingest.feeds.answers import Failure, Page, Sample, Trouble
from gops.ingest.feeds.portals import asking, rows, table
from gops.ingest.feeds.source import Source

ROWS = 1000
MOST_ROWS = 32_000  # of one answer, whatever is asked
MOST_NEWEST = 1_000_000
TROUBLES: Mapping[str, Trouble] = {"Authorization Error": "key", "Internal Server Error": "server"}


class Ckan(Source):
    """``config``: ``url`` of the site; ``resource_id``; ``filters``; ``sort`` (``_id``); ``rows`` of a page (1000);
    ``newest`` (only so many rows, the last added first); and a ``table``. A key goes as ``Authorization``.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        given = Section(config, "config")
        self._url = asking.address(given)
        self._resource = given.text("resource_id", None, 100)
        self._filters = given.get("filters", {})
        if not isinstance(self._filters, Mapping):
            raise wrong("config.filters", self._filters, "a table of columns and values")
        self._size = _whole(given, "rows", ROWS, MOST_ROWS)
        self._newest = _whole(given, "newest", 0, MOST_NEWEST) if given.has("newest") else None
        self._sort = given.text("sort", "_id" if self._newest is None else "_id desc", 200)
        self._table = table.parse(given, "CKAN")
        given.done()
        self.config = dict(config) | {"url": self._url}
        self.measured = self._table.measured

    def url(self, query: str, page: int, key: str, now: int) -> str:
        asked: dict[str, object] = {"resource_id": self._resource, "limit": self._size, "sort": self._sort}
        if self._filters:
            asked["filters"] = orjson.dumps(self._filters).decode()
        offset = {"offset": (page - 1) * self._size} if page > 1 else {}
        return asking.joined(f"{self._url}/api/3/action/datastore_search", asked | offset)

    def headers(self, key: str) -> Mapping[str, str]:
        return {"Authorization": key} if key else {}

    def read(self, status: int, body: bytes, query: str = "") -> Page | Failure:
        found = documents.opened(status, body)
        if isinstance(found, Failure):
            return found
        if isinstance(found, dict) and found.get("success") is False:
            return _failure(found.get("error"))
        inside = documents.at(found, "result")
        if status != 200 or not isinstance(inside, dict) or "records" not in inside:
            return documents.mute(status, "unknown_shape", "the answer is none of CKAN's datastore")
        read = documents.rows_of(inside["records"])
        if read is None:
            return documents.mute(status, "unknown_shape", "records is no list of objects")
        total = None if inside.get("total_was_estimated") is True else documents.count(inside.get("total"))
        if self._newest is not None:
            total = self._newest if total is None else min(total, self._newest)
        following = documents.at(inside, "_links.next")
        return Page(read, total, following if isinstance(following, str) else None)

    def is_last(self, page: Page, seen: int) -> bool:
        """The datastore names a next page also after the last one."""
        return not page.rows or (len(page.rows) < self._size if page.total is None else seen >= page.total)

    def sample(self, page: Page, query: str, arrival: int) -> Sample:
        return rows.sample(self._table, page.rows, arrival)


def _failure(error: Any) -> Failure:
    kind = str(documents.at(error, "__type") or "error")[:100]
    said = str(documents.at(error, "message") or "")[:200]
    code = kind.lower().replace(" ", "_")[:32]
    return Failure(TROUBLES.get(kind, "request"), code, f"{kind}: {said}".rstrip(": "))


def _whole(given: Section, name: str, default: int, most: int) -> int:
    found = given.get(name, default)
    if isinstance(found, bool) or not isinstance(found, int) or not 1 <= found <= most:
        raise wrong(given.at(name), found, f"a whole number from 1 to {most}")
    return found
