"""Datasets as others see them: with their publisher, what is missing, and as facts for profiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, aliased

from gops.accounts.lookup import find_organisation
from gops.accounts.model import Organisation
from gops.catalog import metadata
from gops.catalog.facts import (
    Agent,
    Bilingual,
    CatalogFacts,
    Contact,
    DatasetFacts,
    DistributionFacts,
    FileFacts,
    Span,
    VersionFacts,
)
from gops.catalog.feeds import FeedNames
from gops.catalog.kept import Kept, kept, statement
from gops.catalog.licences import LICENCES
from gops.catalog.model import Dataset, DatasetDatastream
from gops.catalog.selection import DIRECT, Rule
from gops.catalog.snapshots.service import SnapshotView, versions
from gops.catalog.states import PUBLISHED
from gops.catalog.vocabularies import FILE_TYPES, FREQUENCIES, THEMES
from gops.geo import BBox
from gops.records.database import Database
from gops.records.paging import page
from gops.sensors import retention
from gops.sensors.model import Datastream, Location
from gops.settings import Settings
from gops.store.port import Extent, Store

DATASETS_A_PAGE = 1000  # of the catalog document
VERSIONS = 12  # newest snapshots of a dataset that it names: a year of months
TITLE = Bilingual("GOPS 열린 데이터", "GOPS open data")
DESCRIPTION = Bilingual(
    "도시의 센서와 개방 데이터에서 온 측정값의 목록", "Measurements of cities, from their sensors and open-data feeds"
)
NOBODY = Bilingual("GOPS", "GOPS")


@dataclass(frozen=True, slots=True)
class DatasetView:
    """``rule`` names feeds by slug; ``missing`` is what keeps a draft from being published."""

    dataset: Dataset
    publisher: Organisation
    rule: Mapping[str, Any] | None
    missing: tuple[str, ...]
    datastreams: int
    kept: Kept


class Views:
    def __init__(self, database: Database, settings: Settings, store: Store, feed_names: FeedNames) -> None:
        self._database = database
        self._settings = settings
        self._store = store
        self._feed_names = feed_names

    def of(self, datasets: Sequence[Dataset]) -> list[DatasetView]:
        """In the same order."""
        with self._database.read() as session:
            owners = _owners(session, datasets)
            ids = [one.id for one in datasets]
            counted = select(DatasetDatastream.dataset_id, func.count()).group_by(DatasetDatastream.dataset_id)
            found = session.execute(counted.where(DatasetDatastream.dataset_id.in_(ids))).all()
            counts = {one: int(count) for one, count in found}
            feeds = {feed for one in datasets if (feed := (one.rule or {}).get("feed"))}
            names = self._feed_names(session, feeds) if feeds else {}
            held = kept(session, retention.Rule.of(self._settings), ids)
        return [
            DatasetView(
                one,
                owners[one.organisation_id],
                _shown_rule(one.rule, names),
                metadata.missing(one) if one.state != PUBLISHED else (),
                counts.get(one.id, 0),
                held[one.id],
            )
            for one in datasets
        ]

    def catalog(self, base: str, after: int = 0) -> CatalogFacts:
        """A page of what is published. ``base`` is the public address of this GOPS, without a slash at its end."""
        published = select(Dataset).where(Dataset.state == PUBLISHED)
        with self._database.read() as session:
            rows = session.scalars(page(published, Dataset.id, after, DATASETS_A_PAGE + 1)).all()
            shown = rows[:DATASETS_A_PAGE]
            owners = _owners(session, shown)
            held = _held(session, shown)
            boxes = _boxes(session, shown)
            ages = kept(session, retention.Rule.of(self._settings), [one.id for one in shown])
            frozen = versions(session, [one.id for one in shown], VERSIONS)
            operator = find_organisation(session, self._settings.operator_slug)
        extents = self._store.extent(sorted({one for ids in held.values() for one in ids}))
        return CatalogFacts(
            iri=f"{base}/catalog.jsonld",
            home=f"{base}/",
            title=TITLE,
            description=DESCRIPTION,
            publisher=_agent(base, operator) if operator else Agent(f"{base}/", NOBODY),
            modified=max((one.modified_at for one in shown), default=None),
            datasets=tuple(
                replace(
                    dataset_facts(
                        base, one, owners[one.organisation_id], _span(held[one.id], extents, boxes.get(one.id))
                    ),
                    versions=tuple(version_facts(base, view) for view in frozen[one.id]),
                    provenance=statement(ages[one.id], self._settings.zone),
                )
                for one in shown
            ),
            next_page=f"{base}/catalog.jsonld?after={shown[-1].id}" if len(rows) > len(shown) else None,
        )


def dataset_facts(base: str, dataset: Dataset, owner: Organisation, span: Span) -> DatasetFacts:
    """The facts of a published, so complete, dataset."""
    address = f"{base}/api/v1/datasets/{dataset.slug}"
    assert dataset.published_at is not None, "a published dataset has its moment"
    return DatasetFacts(
        iri=address,
        page=f"{base}/datasets/{dataset.slug}",
        slug=dataset.slug,
        title=Bilingual(dataset.title_ko, dataset.title_en),
        description=Bilingual(dataset.description_ko, dataset.description_en),
        publisher=_agent(base, owner),
        contact=Contact(Bilingual(dataset.contact_name, ""), dataset.contact_email),
        licence=LICENCES[dataset.licence],
        theme=THEMES[dataset.theme],
        frequency=FREQUENCIES[dataset.frequency],
        keywords=tuple(dataset.keywords),
        issued=dataset.published_at,
        modified=max([dataset.modified_at, *([span.last] if span.last is not None else [])]),
        span=span,
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


def _agent(base: str, owner: Organisation) -> Agent:
    return Agent(f"{base}/api/v1/organisations/{owner.slug}", Bilingual(owner.name_ko, owner.name_en))


def _owners(session: Session, datasets: Sequence[Dataset]) -> dict[int, Organisation]:
    ids = {one.organisation_id for one in datasets}
    return {one.id: one for one in session.scalars(select(Organisation).where(Organisation.id.in_(ids)))}


def _held(session: Session, datasets: Sequence[Dataset]) -> dict[int, list[int]]:
    """The Datastreams of each dataset."""
    held: dict[int, list[int]] = {one.id: [] for one in datasets}
    rows = select(DatasetDatastream.dataset_id, DatasetDatastream.datastream_id)
    for dataset, datastream in session.execute(rows.where(DatasetDatastream.dataset_id.in_(held))):
        held[dataset].append(datastream)
    return held


def _boxes(session: Session, datasets: Sequence[Dataset]) -> dict[int, BBox]:
    """Of each dataset that has places, the box around where its Things are now."""
    later = aliased(Location)
    superseded = exists().where(later.thing_id == Location.thing_id, later.since > Location.since)
    west, south = func.min(Location.longitude), func.min(Location.latitude)
    east, north = func.max(Location.longitude), func.max(Location.latitude)
    boxes = select(DatasetDatastream.dataset_id, west, south, east, north).join_from(DatasetDatastream, Datastream)
    boxes = boxes.join(Location, Location.thing_id == Datastream.thing_id).where(~superseded)
    boxes = boxes.where(DatasetDatastream.dataset_id.in_([one.id for one in datasets]))
    return {dataset: BBox(*box) for dataset, *box in session.execute(boxes.group_by(DatasetDatastream.dataset_id))}


def _span(ids: Sequence[int], extents: Mapping[int, Extent], bbox: BBox | None) -> Span:
    found = [extents[one] for one in ids if one in extents]
    if not found:
        return Span(bbox=bbox)
    return Span(min(one.first for one in found), max(one.last for one in found), bbox)


def _shown_rule(rule: Mapping[str, Any] | None, names: Mapping[int, tuple[str, str]]) -> Mapping[str, Any] | None:
    """The rule as its publisher wrote it."""
    if rule is None:
        return None
    document = Rule.of(rule).document()
    if "feed" in document:
        feed = document["feed"]
        document["feed"] = names.get(feed, (f"feed-{feed}", ""))[0] if feed else DIRECT
    return document
