"""Which portals GOPS can pull from. One line each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gops.errors import Invalid
from gops.ingest.feeds.airkorea import AirKorea
from gops.ingest.feeds.portals.ckan import Ckan
from gops.ingest.feeds.portals.data_go_kr import DataGoKr
from gops.ingest.feeds.portals.file import File
from gops.ingest.feeds.portals.gbfs import Gbfs
from gops.ingest.feeds.portals.gyeonggi import Gyeonggi
from gops.ingest.feeds.portals.sensorthings import SensorThings
from gops.ingest.feeds.portals.seoul import Seoul
from gops.ingest.feeds.ruled import MEMBER, by_property
from gops.ingest.feeds.source import Source


@dataclass(frozen=True, slots=True)
class Adapter:
    """A kind of portal. ``make`` is the class of its sources.

    ``minutes`` of each hour, at which it is worth asking; ``calls_per_day`` is what an ordinary key may ask in a day.
    """

    name: str
    make: Callable[[Mapping[str, Any]], Source]
    minutes: str
    calls_per_day: int
    needs_key: bool = True

    def open(self, config: Mapping[str, Any]) -> Source:
        """The source of a config, whose ``quality`` every adapter has. Raises ``Invalid``."""
        source = self.make({name: value for name, value in config.items() if name != MEMBER})
        if config.get(MEMBER):
            source.measured = by_property(config, source.measured)
            source.config = source.config | {MEMBER: config[MEMBER]}
        return source

    def check(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """The config as it is kept. Raises ``Invalid``."""
        return self.open(config).config


ADAPTERS: Mapping[str, Adapter] = {
    one.name: one
    for one in (
        # values of an hour come 10 to 20 minutes after it, sometimes later; a development key has 500 calls a day
        Adapter("airkorea", AirKorea, "15,35", 450),
        Adapter("data-go-kr", DataGoKr, "10,40", 450),
        Adapter("seoul", Seoul, "5,20,35,50", 900),
        Adapter("gyeonggi", Gyeonggi, "5,35", 900),
        Adapter("file", File, "5", 5000, needs_key=False),
        Adapter("gbfs", Gbfs, "0,5,10,15,20,25,30,35,40,45,50,55", 5000, needs_key=False),
        Adapter("ckan", Ckan, "5,35", 5000, needs_key=False),
        Adapter("sensorthings", SensorThings, "0,10,20,30,40,50", 5000, needs_key=False),
    )
}


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
