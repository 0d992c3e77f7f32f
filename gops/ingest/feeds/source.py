"""What every portal can be asked: a config that was checked, and what it says of questions and answers. All pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gops.ingest.feeds.answers import Failure, Measured, Page, Sample


class Source:
    """A declared config. Its constructor raises ``Invalid`` that names the member (``config.fields[2].unit``).

    No method does I/O, reads a clock or raises; moments are microseconds.

    ``config`` is what is kept; ``url`` in it is what the guard looks at. ``measured`` is by key of the observed
    property. ``queries`` are asked one after the other, each may have several pages. ``places`` are asked once a day
    after those: they say where stations are, and what fails of them fails no run. Only a source that ``roams`` may
    name further queries on another host than the one it was asked at.
    """

    config: dict[str, Any]
    measured: Mapping[str, Measured]
    queries: Sequence[str] = ("",)
    places: Sequence[str] = ()
    roams = False

    def url(self, query: str, page: int, key: str, now: int) -> str:
        """The address of a page, counted from 1."""
        raise NotImplementedError

    def headers(self, key: str) -> Mapping[str, str]:
        """What goes with every question."""
        return {}

    def read(self, status: int, body: bytes, query: str = "") -> Page | Failure:
        """What an answer is, whatever its bytes are."""
        raise NotImplementedError

    def is_last(self, page: Page, seen: int) -> bool:
        """Is this the last page of a query, of which ``seen`` rows have come?"""
        return page.next is None

    def sample(self, page: Page, query: str, arrival: int) -> Sample:
        """Columns of the page's rows."""
        raise NotImplementedError
