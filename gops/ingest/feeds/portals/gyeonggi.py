"""Gyeonggi data dream (openapi.gg.go.kr): any service by its name. NEIS, LOFIN and R-ONE answer in the same shape.

- An answer is ``{service: [{"head": [...]}, {"row": [...]}]}``; what is where is told by its name, never by its place.
- Past the last page, and for failures, there is only ``{"RESULT": {...}}`` at the top.
- Without a valid key the portal gives a few rows with INFO-000: they are not all, and the total says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gops.ingest.declared.sections import Section
from gops.ingest.feeds import documents
from gops.ingest.feeds.answers import Failure, Page, Sample
from gops.ingest.feeds.portals import asking, codes, rows, table
from gops.ingest.feeds.portals.seoul import page_size
from gops.ingest.feeds.source import Source

BASE = "https://openapi.gg.go.kr"


class Gyeonggi(Source):
    """``config``: ``service``; ``parameters``, ``each``, ``lag``, ``zone`` (see ``asking``); ``rows`` of a page (1000);
    ``url`` of the portal; and a ``table``.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        given = Section(config, "config")
        self._url = asking.address(given, BASE)
        self._service = given.text("service", None, 64)
        self._parameters = asking.parameters(given)
        self._size = page_size(given)
        self._table = table.parse(given, "경기데이터드림")
        given.done()
        self.config = dict(config) | {"url": self._url}
        self.measured = self._table.measured
        self.queries = self._parameters.queries

    def url(self, query: str, page: int, key: str, now: int) -> str:
        fixed = {"KEY": asking.plain_key(key), "Type": "json", "pIndex": page, "pSize": self._size}
        return asking.joined(f"{self._url}/{self._service}", fixed | self._parameters.of(query, now))

    def read(self, status: int, body: bytes, query: str = "") -> Page | Failure:
        found = codes.document(status, body)
        if isinstance(found, Failure):
            return found
        parts = next((one for one in found.values() if isinstance(one, list)), None)
        if parts is None:
            parts = [one for one in found.values() if isinstance(one, dict)]  # of XML
        members = dict(_members(parts))
        said = codes.result(members.get("RESULT"))
        read = documents.rows_of(members.get("row"))
        if said or "list_total_count" not in members or read is None:
            return said or documents.mute(status, "unknown_shape", "the answer has no head with a count, or no rows")
        return Page(read, documents.count(members["list_total_count"]))

    def is_last(self, page: Page, seen: int) -> bool:
        """A page that is not full is the last, even where the total says more: then the key gives samples only."""
        return len(page.rows) < self._size or (page.total is not None and seen >= page.total)

    def sample(self, page: Page, query: str, arrival: int) -> Sample:
        each = self._parameters.each[0]
        return rows.sample(
            self._table, [{each: query} | dict(row) for row in page.rows] if each else page.rows, arrival
        )


def _members(parts: Any) -> Iterator[tuple[str, Any]]:
    """Of ``head`` its one-member objects, and ``row``; wherever they stand."""
    for part in parts if isinstance(parts, list) else ():
        for name, value in part.items() if isinstance(part, dict) else ():
            if name == "head":
                heads = value if isinstance(value, list) else [value]
                yield from ((one, given) for head in heads if isinstance(head, dict) for one, given in head.items())
            else:
                yield name, value
