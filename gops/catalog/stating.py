"""Public datasets as facts, from the records and the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, exists, func, select
from sqlalchemy.orm import Session, aliased

from gops.accounts.model import Organisation
from gops.catalog.facts import (
    Agent,
    Bilingual,
    Contact,
    DatasetFacts,
    DistributionFacts,
    FileFacts,
    ServiceFacts,
    Span,
    Variable,
    VersionFacts,
)
from gops.catalog.filed import stating as filed
from gops.catalog.harvest import stating as harvested
from gops.catalog.harvest.links import seen_links
from gops.catalog.kept import kept, statement
from gops.catalog.licences import LICENCES, attribution
from gops.catalog.model import HARVESTED, Dataset, DatasetDatastream
from gops.catalog.snapshots.service import SnapshotView, versions
from gops.catalog.vocabularies import FILE_TYPES, FREQUENCIES, PERSONAL_DATA, THEMES
from gops.clock import from_micros
from gops.durations import parse_duration
from gops.geo import BBox
from gops.sensors import retention
from gops.sensors.exposure import Exposure, rounded
from gops.sensors.model import Datastream, Location, ObservedProperty
from gops.settings import Settings
from gops.store.port import Extent, Store

VERSIONS = 12  # newest snapshots of a dataset that it names: a year of months


@dataclass(frozen=True)
class Stating:
    """``base`` is the public address of this GOPS, without a slash at its end."""

    settings: Settings
    store: Store
    now: int
    base: str

    def of(self, session: Session, datasets: Sequence[Dataset]) -> list[DatasetFacts]:
        """The facts of public datasets, in their order."""
        ids = [one.id for one in datasets]
        homes, held, boxes = owners(session, datasets), _held(session, ids), _boxes(session, ids)
        ages = kept(session, retention.Rule.of(self.settings), ids)
        frozen, observed = versions(session, ids, VERSIONS), _variables(session, ids)
        origins, files = harvested.origins(session, datasets), filed.known(session, datasets)
        extents = self.store.extent(sorted({one for some in held.values() for one in some}))
        facts = [
            replace(
                dataset_facts(
                    self.base, one, homes[one.organisation_id], self._span(one, held[one.id], extents, boxes)
                ),
                versions=tuple(version_facts(self.base, view) for view in frozen[one.id]),
                provenance=statement(ages[one.id], self.settings.zone),
                variables=tuple(observed[one.id]),
            )
            for one in datasets
        ]
        seen = seen_links(session, sorted(origins))
        facts = [
            harvested.restated(one, origins.get(one.id), seen.get(one.id)) if one.kind == HARVESTED else one
            for one in facts
        ]
        return [filed.restated(one, files[one.id]) if one.id in files else one for one in facts]

    def _span(self, of: Dataset, ids: Sequence[int], extents: Mapping[int, Extent], boxes: Mapping[int, BBox]) -> Span:
        """As far as the dataset lets others see it: times within its start and delay, places as it rounds them."""
        bbox = _rounded(boxes.get(of.id), of.location_decimals)
        low, high = Exposure(of.start, of.delay).span(self.now)
        found = [extents[one] for one in ids if one in extents]
        if not found:
            return Span(bbox=bbox)
        first, last = min(one.first for one in found), max(one.last for one in found)
        first = first if low is None else max(first, low)
        last = last if high is None else min(last, high - 1)
        return Span(first, last, bbox) if first <= last else Span(bbox=bbox)


def service(base: str) -> ServiceFacts:
    """The API of this GOPS."""
    root = f"{base}/api/v1"
    return ServiceFacts(root, root, f"{root}/openapi.json", Bilingual("GOPS 열린 API", "Open API of GOPS"))


def dataset_facts(base: str, dataset: Dataset, owner: Organisation, span: Span) -> DatasetFacts:
    """The facts of a published, so complete, dataset; without what other tables say of it."""
    address = f"{base}/api/v1/datasets/{dataset.slug}"
    assert dataset.published_at is not None, "a published dataset has its moment"
    return DatasetFacts(
        iri=address,
        page=f"{base}/datasets/{dataset.slug}",
        slug=dataset.slug,
        title=Bilingual(dataset.title_ko, dataset.title_en),
        description=Bilingual(dataset.description_ko, dataset.description_en),
        publisher=agent(base, owner),
        contact=Contact(Bilingual(dataset.contact_name, ""), dataset.contact_email),
        licence=LICENCES[dataset.licence],
        theme=THEMES[dataset.theme],
        frequency=FREQUENCIES[dataset.frequency],
        keywords=tuple(dataset.keywords),
        issued=dataset.published_at,
        modified=max([dataset.modified_at, *([span.last] if span.last is not None else [])]),
        span=span,
        id=dataset.id,
        kind=dataset.kind,
        rights=_rights(f"{base}/datasets/{dataset.slug}", dataset, owner),
        service=service(base).iri,
        deprecated=dataset.deprecated_at,
        replaced_by=f"{base}/api/v1/datasets/{dataset.replaced_by}" if dataset.replaced_by else None,
        distributions=tuple(
            DistributionFacts(
                f"{address}#{key}",
                f"{address}/data?format={key}",
                kind,
                Bilingual(f"{dataset.title_ko} ({key.upper()})", f"{dataset.title_en} ({key.upper()})"),
                is_whole=key != "json",
            )
            for key, kind in FILE_TYPES.items()
        ),
    )


def version_facts(base: str, view: SnapshotView) -> VersionFacts:
    """The facts of a complete snapshot."""
    one = view.snapshot
    assert one.sha256 is not None, "it is complete"
    assert one.frozen_at is not None, "it is complete"
    assert one.about is not None, "it is complete"
    address = f"{base}/api/v1/datasets/{view.slug}/snapshots/{one.number}"
    ko, en = (one.about["title"][language] for language in ("ko", "en"))
    return VersionFacts(
        iri=address,
        page=f"{address}/manifest",
        number=one.number,
        title=Bilingual(f"{ko}, 스냅샷 {one.number}", f"{en}, snapshot {one.number}"),
        licence=LICENCES[one.about["licence"]],
        issued=one.frozen_at,
        sha256=one.sha256,
        span=Span(one.first, one.last),
        files=tuple(
            FileFacts(
                f"{address}/files/{file.name}",
                Bilingual(file.name, file.name),
                FILE_TYPES["parquet"],
                file.bytes,
                file.sha256,
            )
            for file in view.files
        ),
    )


def agent(base: str, owner: Organisation) -> Agent:
    names = Bilingual(owner.name_ko, owner.name_en)
    return Agent(f"{base}/api/v1/organisations/{owner.slug}", names, owner.kind, owner.slug)


def _rights(page: str, dataset: Dataset, owner: Organisation) -> Bilingual:
    """How the source is named, and what there is of people."""
    of, year = LICENCES[dataset.licence], from_micros(dataset.published_at or dataset.created_at).year
    people = PERSONAL_DATA.get(dataset.personal_data, ("", ""))
    return Bilingual(
        f"{attribution(of, dataset.title_ko, owner.name_ko, year, page, 'ko')} {people[0]}".strip(),
        f"{attribution(of, dataset.title_en, owner.name_en, year, page, 'en')} {people[1]}".strip(),
    )


def owners(session: Session, datasets: Sequence[Dataset]) -> dict[int, Organisation]:
    """By their ids."""
    ids = list({one.organisation_id for one in datasets})
    return {one.id: one for one in session.scalars(_OWNERS, {"ids": ids})}


def _held(session: Session, ids: Sequence[int]) -> dict[int, list[int]]:
    """The Datastreams of each dataset."""
    held: dict[int, list[int]] = {one: [] for one in ids}
    for dataset, datastream in session.execute(_HELD, {"ids": list(ids)}):
        held[dataset].append(datastream)
    return held


def _boxes(session: Session, ids: Sequence[int]) -> dict[int, BBox]:
    """Of each dataset that has places, the box around where its Things are now."""
    return {dataset: BBox(*box) for dataset, *box in session.execute(_boxed(), {"ids": list(ids)})}


# Statements are made once: to build one takes as long as to execute it, and a page of a dataset has all of them.

_IDS: Any = bindparam("ids", expanding=True)
_OWNERS = select(Organisation).where(Organisation.id.in_(_IDS))
_HELD = select(DatasetDatastream.dataset_id, DatasetDatastream.datastream_id).where(
    DatasetDatastream.dataset_id.in_(_IDS)
)


@cache
def _boxed() -> Select[*tuple[Any, ...]]:
    later = aliased(Location)
    superseded = exists().where(later.thing_id == Location.thing_id, later.since > Location.since)
    west, south = func.min(Location.longitude), func.min(Location.latitude)
    east, north = func.max(Location.longitude), func.max(Location.latitude)
    boxes = select(DatasetDatastream.dataset_id, west, south, east, north).join_from(DatasetDatastream, Datastream)
    boxes = boxes.join(Location, Location.thing_id == Datastream.thing_id).where(~superseded)
    return boxes.where(DatasetDatastream.dataset_id.in_(_IDS)).group_by(DatasetDatastream.dataset_id)


def _variables(session: Session, ids: Sequence[int]) -> dict[int, list[Variable]]:
    """What each dataset observes, by key and unit."""
    found: dict[tuple[int, str, str, str], Variable] = {}
    for dataset, key, ko, en, iri, unit, kind, text in session.execute(_observed(), {"ids": list(ids)}):
        period = None if text is None else parse_duration(text)
        known = found.get((dataset, key, unit, kind))
        if known is None or known.period is None or (period is not None and period < known.period):
            found[dataset, key, unit, kind] = Variable(key, Bilingual(ko, en), unit, kind, iri, period)
    observed: dict[int, list[Variable]] = {one: [] for one in ids}
    for (dataset, *_rest), variable in found.items():
        observed[dataset].append(variable)
    return observed


def _rounded(box: BBox | None, decimals: int | None) -> BBox | None:
    if box is None or decimals is None:
        return box
    west, south, east, north = (rounded(one, decimals) for one in (box.west, box.south, box.east, box.north))
    return BBox(west, south, east, north)


@cache
def _observed() -> Select[*tuple[Any, ...]]:
    row = ObservedProperty
    alike = (row.key, row.name_ko, row.name_en, row.definition, Datastream.unit, Datastream.kind)
    columns = select(DatasetDatastream.dataset_id, *alike, Datastream.period)
    query = columns.join_from(DatasetDatastream, Datastream).join(row, row.id == Datastream.observed_property_id)
    return query.where(DatasetDatastream.dataset_id.in_(_IDS)).distinct().order_by(row.key, Datastream.unit)
