"""Which portals GOPS can pull from. One line each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from gops.errors import Invalid
from gops.ingest.feeds.airkorea import AirKorea
from gops.ingest.feeds.answers import Failure, Measured, Page, Sample


class Adapter(Protocol):
    """What a portal is asked and what its answers mean. Pure: no method does I/O or reads a clock."""

    @property
    def name(self) -> str: ...

    @property
    def measured(self) -> Mapping[str, Measured]:
        """By key of the observed property."""

    @property
    def minutes(self) -> str:
        """Of each hour, at which it is worth asking."""

    @property
    def calls_per_day(self) -> int:
        """What an ordinary key may ask in a day."""

    def check(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """The config with its defaults; ``url`` in it is what the guard looks at. Raises ``Invalid``."""

    def queries(self, config: Mapping[str, Any]) -> Sequence[str]:
        """Names of what is asked one after the other; each may have several pages."""

    def url(self, config: Mapping[str, Any], query: str, page: int, key: str) -> str:
        """The address of a page, counted from 1."""

    def read(self, status: int, body: bytes) -> Page | Failure:
        """Never raises."""

    def is_last(self, page: Page, seen: int) -> bool:
        """Is this the last page of a query, of which ``seen`` rows have come?"""

    def sample(self, page: Page, query: str, arrival: int) -> Sample:
        """Never raises."""


ADAPTERS: Mapping[str, Adapter] = {one.name: one for one in (AirKorea(),)}


def adapter(name: str) -> Adapter:
    """Raises ``Invalid`` (``unknown_adapter``)."""
    if name not in ADAPTERS:
        raise Invalid(
            "there is no such adapter",
            code="unknown_adapter",
            field="adapter",
            found=name,
            expected="one of " + ", ".join(ADAPTERS),
        )
    return ADAPTERS[name]
