"""Where the readings of a dataset come from: the store, or the snapshot that ``asof`` names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from werkzeug.http import http_date

from gops.api import paging
from gops.api.blueprint import PREFIX
from gops.api.catalog.addresses import follow, tell_deprecated
from gops.api.context import actor, services, settings
from gops.api.series import count_rows, life
from gops.api.times import write_time
from gops.catalog.contents import Contents, Filter
from gops.catalog.exposed import exposed
from gops.catalog.exposed import moment as public_until
from gops.catalog.querying.live import Readings
from gops.catalog.snapshots.manifest import moment
from gops.catalog.snapshots.reading import Frozen
from gops.clock import from_micros
from gops.store.port import Read, Store

HEADER = "GOPS-Snapshot"


@dataclass(frozen=True)
class Source:
    """``version`` changes with the readings; ``snapshot`` is None for what is live."""

    contents: Contents
    readings: Readings
    version: tuple[Any, ...]
    snapshot: Any = None

    @property
    def store(self) -> Store:
        """Of what is live, as whoever asks sees it."""
        assert self.snapshot is None, "a snapshot is no store"
        return cast(Store, self.readings)

    def count(self, wanted: Read, enough: int) -> int:
        """A bound of the rows of an answer, exact where it may be over ``enough``."""
        if self.snapshot is None:
            return count_rows(self.store, wanted, enough)
        assert isinstance(self.readings, Frozen), "a snapshot is read from its files"
        return self.readings.at_most(wanted)

    @cached_property
    def places(self) -> dict[int, tuple[float, float]]:
        """Longitude and latitude by id of the Thing: where it is, or was."""
        if isinstance(self.readings, Frozen):
            return self.readings.places
        found = services().catalogued.places(self.contents)
        return {thing: (spot.longitude, spot.latitude) for thing, spot in found.items()}

    def headers(self, following: str | None) -> dict[str, str]:
        """Which snapshot answers (RFC 7089 calls it a memento), and where the next page is."""
        links = paging.link(following)
        if self.snapshot is None:
            return links
        one, address = self.snapshot, address_of(self.contents.dataset.slug, self.snapshot.number)
        memento = f'<{address}>; rel="memento"; datetime="{http_date(from_micros(one.frozen_at))}"'
        named = f'{one.number};sha256="{one.sha256}";frozen-at="{moment(one.frozen_at)}"'
        return {HEADER: named, "Link": ", ".join([*links.values(), memento])}

    def told(self) -> dict[str, Any] | None:
        """The same in the body."""
        if self.snapshot is None:
            return None
        one = self.snapshot
        return {
            "number": one.number,
            "sha256": one.sha256,
            "frozen_at": write_time(one.frozen_at, settings().zone),
            "address": address_of(self.contents.dataset.slug, one.number),
        }


def address_of(slug: str, number: int) -> str:
    return f"{PREFIX}/datasets/{slug}/snapshots/{number}"


def source(slug: str, query: Mapping[str, Any]) -> Source:
    """Raises ``NotFound`` (``no_snapshot`` where ``asof`` is before the first), ``Gone``, ``Invalid``."""
    wanted = Filter(query["thing"], query["property"], query["bbox"])
    if query.get("asof") is None:
        contents = services().catalogued.contents(actor(), slug, wanted)
        follow(slug, contents.dataset.slug)
        tell_deprecated(contents.dataset)
        exposures, now = contents.exposures, services().clock.micros()
        version = life(), services().store.version(contents.ids), contents.is_own, public_until(exposures, now)
        return Source(contents, exposed(services().store, exposures, now), version)
    found = services().snapshots.asof(actor(), slug, query["asof"], wanted)
    follow(slug, found.contents.dataset.slug)
    return Source(found.contents, found.readings, (found.snapshot.sha256,), found.snapshot)
