"""Where the readings of a dataset come from: the store, or the snapshot that ``asof`` names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa
from werkzeug.http import http_date

from gops.api import paging
from gops.api.blueprint import PREFIX
from gops.api.catalog.addresses import follow
from gops.api.context import actor, services, settings
from gops.api.series import bound_rows, life
from gops.api.times import write_time
from gops.catalog.contents import Contents, Filter
from gops.catalog.snapshots.manifest import moment
from gops.catalog.snapshots.reading import Frozen
from gops.clock import from_micros
from gops.errors import TooLarge
from gops.store.port import Read

HEADER = "GOPS-Snapshot"


class Readings(Protocol):
    """What a store and a snapshot both do."""

    def read(self, query: Read) -> pa.Table: ...

    def stream(self, query: Read, rows: int = ...) -> Iterator[pa.RecordBatch]: ...


@dataclass(frozen=True)
class Source:
    """``version`` changes with the readings; ``snapshot`` is None for what is live."""

    contents: Contents
    readings: Readings
    version: tuple[Any, ...]
    snapshot: Any = None

    def bound(self, wanted: Read) -> None:
        """Raises ``TooLarge`` above the setting export_rows_max."""
        if self.snapshot is None:
            bound_rows(wanted.series, wanted.start, wanted.end)
            return
        assert isinstance(self.readings, Frozen), "a snapshot is read from its files"
        most, count = settings().export_rows_max, self.readings.at_most(wanted)
        if count > most:
            raise TooLarge(
                f"that part of the snapshot may have {count} rows; one answer has at most {most}",
                field="from",
                found=count,
                expected=f"at most {most} rows (GOPS_EXPORT_ROWS_MAX), pages with limit, or the snapshot's own files",
            )

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
        return Source(contents, services().store, (life(), services().store.version(contents.ids)))
    found = services().snapshots.asof(actor(), slug, query["asof"], wanted)
    follow(slug, found.contents.dataset.slug)
    return Source(found.contents, found.readings, (found.snapshot.sha256,), found.snapshot)
