"""Where readings come from: the store, or the snapshot that ``asof`` names; and what an answer says they are of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from werkzeug.http import http_date

from gops.api import paging
from gops.api.blueprint import PREFIX
from gops.api.catalog.addresses import base, follow, tell_deprecated
from gops.api.context import actor, services, settings
from gops.api.reading import count_rows, life
from gops.api.times import write_time
from gops.catalog.contents import Contents, Filter
from gops.catalog.exposed import exposed
from gops.catalog.exposed import moment as public_until
from gops.catalog.long_shape import Member
from gops.catalog.model import HARVESTED, Dataset
from gops.catalog.querying.live import Readings
from gops.catalog.snapshots.manifest import moment
from gops.catalog.snapshots.reading import Frozen
from gops.clock import from_micros
from gops.errors import NotFound
from gops.store.port import Read, Store

HEADER = "GOPS-Snapshot"
Spots = Mapping[int, tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class Source:
    """Readings of some Datastreams. ``version`` changes with them, ``facts`` with what an answer says of them;
    ``snapshot`` is None for what is live, ``by_datastream`` says that rows name their Datastream first of all."""

    members: Sequence[Member]  # by id
    readings: Readings
    version: tuple[Any, ...]
    facts: tuple[Any, ...]
    name: str
    snapshot: Any = None
    dataset_id: int = 0  # of none
    by_datastream: bool = False

    @property
    def ids(self) -> list[int]:
        return [one.id for one in self.members]

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
    def places(self) -> Spots:
        """Longitude and latitude by id of the Thing: where it is, or was."""
        raise NotImplementedError

    def headers(self, following: str | None) -> dict[str, str]:
        """Where the next page is."""
        return paging.link(following)

    def document(self, range_: Mapping[str, Any], rows: Mapping[str, Any], query: Mapping[str, Any]) -> dict[str, Any]:
        """A page as JSON, around its range and its rows (``rows`` and ``units``)."""
        raise NotImplementedError

    def about(self) -> dict[str, str]:
        """What a file says of itself."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class DatasetSource(Source):
    """Those of a dataset."""

    contents: Contents

    @cached_property
    def places(self) -> Spots:
        if isinstance(self.readings, Frozen):
            return self.readings.places
        found = services().catalogued.places(self.contents)
        return {thing: (spot.longitude, spot.latitude) for thing, spot in found.items()}

    def headers(self, following: str | None) -> dict[str, str]:
        """Which snapshot answers (RFC 7089 calls it a memento), and where the next page is."""
        links = paging.link(following)
        if self.snapshot is None:
            return links
        one, address = self.snapshot, address_of(self.name, self.snapshot.number)
        memento = f'<{address}>; rel="memento"; datetime="{http_date(from_micros(one.frozen_at))}"'
        named = f'{one.number};sha256="{one.sha256}";frozen-at="{moment(one.frozen_at)}"'
        return {HEADER: named, "Link": ", ".join([*links.values(), memento])}

    def document(self, range_: Mapping[str, Any], rows: Mapping[str, Any], query: Mapping[str, Any]) -> dict[str, Any]:
        return {"dataset": self.name, "snapshot": self.told(), **range_, **rows}

    def about(self) -> dict[str, str]:
        dataset = self.contents.dataset
        address = f"{base()}/api/v1/datasets/{dataset.slug}"
        about = {"dataset": address, "title": dataset.title_ko, "licence": dataset.licence}
        return about if self.snapshot is None else about | {"snapshot": self.snapshot.sha256}

    def told(self) -> dict[str, Any] | None:
        """The snapshot in the body."""
        if self.snapshot is None:
            return None
        one = self.snapshot
        return {
            "number": one.number,
            "sha256": one.sha256,
            "frozen_at": write_time(one.frozen_at, settings().zone),
            "address": address_of(self.name, one.number),
        }


def address_of(slug: str, number: int) -> str:
    return f"{PREFIX}/datasets/{slug}/snapshots/{number}"


def source(slug: str, query: Mapping[str, Any], *, elsewhere: bool = False) -> DatasetSource:
    """Raises ``NotFound`` (``no_snapshot`` where ``asof`` is before the first), ``Gone``, ``Invalid``.

    A harvested dataset has no data here (``kept_elsewhere``); with ``elsewhere`` it is one without Datastreams.
    """
    wanted = Filter(query["thing"], query["property"], query["bbox"])
    if query.get("asof") is None:
        contents = services().catalogued.contents(actor(), slug, wanted)
        follow(slug, contents.dataset.slug)
        if not elsewhere:
            _refuse_elsewhere(contents.dataset)
        tell_deprecated(contents.dataset)
        exposures, now = contents.exposures, services().clock.micros()
        version = life(), services().store.version(contents.ids), contents.is_own, public_until(exposures, now)
        return _of(contents, exposed(services().store, exposures, now), version)
    found = services().snapshots.asof(actor(), slug, query["asof"], wanted)
    follow(slug, found.contents.dataset.slug)
    return _of(found.contents, found.readings, (found.snapshot.sha256,), found.snapshot)


def _refuse_elsewhere(dataset: Dataset) -> None:
    if dataset.kind == HARVESTED:
        raise NotFound(
            f"the data of {dataset.slug} is where it was harvested from, not here",
            code="kept_elsewhere",
            field="dataset",
            found=dataset.slug,
            expected=f"one of the links of {PREFIX}/datasets/{dataset.slug}/origin",
        )


def _of(contents: Contents, readings: Readings, version: tuple[Any, ...], snapshot: Any = None) -> DatasetSource:
    dataset, members = contents.dataset, contents.members
    return DatasetSource(
        members=members,
        readings=readings,
        version=version,
        facts=(contents.digest,),
        name=dataset.slug,
        snapshot=snapshot,
        dataset_id=dataset.id,
        contents=contents,
    )
