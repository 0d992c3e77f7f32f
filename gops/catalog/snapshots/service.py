"""Snapshots for readers and publishers. Whoever may see a dataset may see its snapshots; a withdrawn one has none."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import BinaryIO

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.orm import Session

from gops.catalog import lookup
from gops.catalog.contents import EVERYTHING, Contents, Filter, refuse_unknown
from gops.catalog.long_shape import Member
from gops.catalog.model import FILES, Dataset, Snapshot, SnapshotFile
from gops.catalog.snapshots import orders
from gops.catalog.snapshots.manifest import Manifest, decode
from gops.catalog.snapshots.orders import COMPLETE, NOUN, REMOVED
from gops.catalog.snapshots.reading import Frozen
from gops.catalog.states import refuse_harvested
from gops.clock import Clock, from_micros
from gops.errors import Conflict, Gone, NotFound
from gops.files.port import Damaged, Files
from gops.geo import Point
from gops.permissions import Actor, missing, permits
from gops.records.database import Database
from gops.records.paging import page
from gops.settings import Settings

MANIFESTS = 8  # remembered; one of 20,000 Datastreams takes some 10 MB
SHOWN = (COMPLETE, REMOVED)
MOST_NUMBER = 2**31 - 1


@dataclass(frozen=True, slots=True)
class SnapshotView:
    """A snapshot with its files, in the order of their time. ``slug`` is that of the dataset now."""

    snapshot: Snapshot
    slug: str
    files: Sequence[SnapshotFile]

    @property
    def id(self) -> int:
        return self.snapshot.id


@dataclass(frozen=True, slots=True)
class AsOf:
    """What a dataset was: its Datastreams as the snapshot has them, and where their readings come from."""

    contents: Contents
    snapshot: Snapshot
    readings: Frozen


class Snapshots:
    def __init__(self, database: Database, clock: Clock, settings: Settings, files: Files) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._files = files
        self._manifest = lru_cache(MANIFESTS)(self._read_manifest)

    def ask(self, actor: Actor, slug: str) -> SnapshotView:
        """Order a snapshot of a published dataset.

        Raises ``NotFound``, ``Gone``, ``Forbidden``, and ``Conflict`` (``wrong_state``, ``snapshot_under_way``,
        ``too_many``, ``of_live_datasets``).
        """
        with self._database.write() as session:
            dataset = lookup.changeable(session, actor, slug)
            refuse_harvested(dataset)
            _refuse_files(dataset)
            made = orders.order(session, self._settings, actor, dataset, self._clock.micros())
        return SnapshotView(made, dataset.slug, ())

    def list(self, actor: Actor, slug: str, after: int = 0, limit: int = 100) -> Sequence[SnapshotView]:
        """In the order of their numbers. Whoever may publish also sees what is under way and what failed."""
        with self._database.read() as session:
            dataset = lookup.readable(session, actor, slug)
            query = select(Snapshot).where(Snapshot.dataset_id == dataset.id)
            if not _sees_all(actor, dataset):
                query = query.where(Snapshot.state.in_(SHOWN))
            return _views(session, dataset, session.scalars(page(query, Snapshot.id, after, limit)).all())

    def newest(self, actor: Actor, slug: str, most: int) -> Sequence[SnapshotView]:
        """The newest complete ones, the last of them first."""
        with self._database.read() as session:
            dataset = lookup.readable(session, actor, slug)
            found = session.scalars(_newest(), {"dataset": dataset.id, "most": most})
            return _views(session, dataset, found.all())

    def get(self, actor: Actor, slug: str, number: int) -> SnapshotView:
        """Raises ``NotFound``; ``Gone`` for a withdrawn dataset."""
        with self._database.read() as session:
            dataset = lookup.readable(session, actor, slug)
            return _views(session, dataset, [_one(session, actor, dataset, number)])[0]

    def find(self, actor: Actor, sha256: str) -> SnapshotView:
        """The snapshot whose manifest has that hash. Raises ``NotFound``, ``Gone``."""
        with self._database.read() as session:
            found = session.scalar(select(Snapshot).where(Snapshot.sha256 == sha256).order_by(Snapshot.id).limit(1))
            if found is None:
                raise missing(NOUN)
            dataset = lookup.readable(session, actor, session.get_one(Dataset, found.dataset_id).slug)
            return _views(session, dataset, [_one(session, actor, dataset, found.number)])[0]

    def manifest(self, actor: Actor, slug: str, number: int) -> tuple[SnapshotView, bytes]:
        """The manifest as it was written. Raises ``NotFound`` for one that has none yet, ``Damaged``."""
        view = self.get(actor, slug, number)
        if view.snapshot.sha256 is None:
            raise missing(NOUN)
        with self._files.open(view.snapshot.sha256) as opened:
            return view, opened.read()

    def file(self, actor: Actor, slug: str, number: int, name: str) -> tuple[SnapshotView, SnapshotFile]:
        """Raises ``NotFound``, and ``Gone`` (``snapshot_removed``) for one whose files were taken away."""
        view = self.get(actor, slug, number)
        if view.snapshot.state == REMOVED:
            raise _removed(view.snapshot, view.slug)
        for one in view.files:
            if one.name == name:
                return view, one
        raise NotFound(f"snapshot {number} of {view.slug} has no such file", field="file", found=name)

    def open(self, file: SnapshotFile) -> BinaryIO:
        """Raises ``Damaged``."""
        return self._files.open(file.sha256)

    def asof(self, actor: Actor, slug: str, at: int, wanted: Filter = EVERYTHING) -> AsOf:
        """The dataset as the newest snapshot not later than ``at`` (microseconds) has it.

        Raises ``NotFound`` (``no_snapshot``) without any, ``Gone`` (``snapshot_removed``) where that one has lost its
        files: an older one would answer something else without saying so. And what ``Catalogued.contents`` raises.
        """
        with self._database.read() as session:
            dataset = lookup.readable(session, actor, slug)
            made = Snapshot.dataset_id == dataset.id, Snapshot.state.in_(SHOWN)
            newest = select(Snapshot).where(*made, Snapshot.frozen_at <= at)
            found = session.scalar(newest.order_by(Snapshot.frozen_at.desc(), Snapshot.id.desc()).limit(1))
            if found is None:
                raise _no_snapshot(dataset, at, session.scalar(select(func.min(Snapshot.frozen_at)).where(*made)))
        if found.state == REMOVED:
            raise _removed(found, dataset.slug)
        assert found.sha256 is not None, "a complete snapshot has its manifest"
        manifest = self._manifest(found.sha256)
        contents = Contents(dataset, _members(manifest, wanted), dataset.slug != slug)
        return AsOf(contents, found, Frozen(manifest, self._files))

    def _read_manifest(self, sha256: str) -> Manifest:
        with self._files.open(sha256) as opened:
            text = opened.read()
        try:
            return decode(text)
        except (ValueError, KeyError, TypeError) as error:
            raise Damaged(f"the manifest {sha256} is damaged", field="file", found=sha256) from error


def versions(session: Session, datasets: Collection[int], most: int) -> dict[int, Sequence[SnapshotView]]:
    """The newest complete snapshots of each of these datasets, at most ``most``, the last first."""
    rows = session.execute(_ranked(), {"ids": list(datasets), "most": most}).all()
    files = _files(session, [one.id for one, _ in rows])
    found: dict[int, list[SnapshotView]] = {one: [] for one in datasets}
    for snapshot, dataset in sorted(rows, key=lambda row: -row[0].id):
        found[dataset.id].append(SnapshotView(snapshot, dataset.slug, files[snapshot.id]))
    return dict(found)


@cache
def _newest() -> Select[Snapshot]:
    query = select(Snapshot).where(Snapshot.dataset_id == bindparam("dataset"), Snapshot.state == COMPLETE)
    return query.order_by(Snapshot.id.desc()).limit(bindparam("most"))


@cache
def _ranked() -> Select[Snapshot, Dataset]:
    """Made once: to build it takes as long as to execute it."""
    rank = func.row_number().over(partition_by=Snapshot.dataset_id, order_by=Snapshot.id.desc()).label("rank")
    ranked = (
        select(Snapshot.id, rank)
        .where(Snapshot.state == COMPLETE, Snapshot.dataset_id.in_(bindparam("ids", expanding=True)))
        .subquery()
    )
    wanted = select(ranked.c.id).where(ranked.c.rank <= bindparam("most"))
    return select(Snapshot, Dataset).join(Dataset, Dataset.id == Snapshot.dataset_id).where(Snapshot.id.in_(wanted))


def _refuse_files(dataset: Dataset) -> None:
    if dataset.kind == FILES:
        raise Conflict(
            f"{dataset.slug} is of files, whose states never change",
            code="of_live_datasets",
            field="kind",
            found=dataset.kind,
            expected="a live dataset; a state of a file is cited by its address",
        )


def _sees_all(actor: Actor, dataset: Dataset) -> bool:
    return permits(actor, "dataset.read_private", dataset.organisation_id)


def _one(session: Session, actor: Actor, dataset: Dataset, number: int) -> Snapshot:
    query = select(Snapshot).where(Snapshot.dataset_id == dataset.id, Snapshot.number == number)
    found = session.scalar(query) if 0 < number <= MOST_NUMBER else None
    if found is None or not (found.state in SHOWN or _sees_all(actor, dataset)):
        raise missing(NOUN)
    return found


def _views(session: Session, dataset: Dataset, snapshots: Sequence[Snapshot]) -> list[SnapshotView]:
    files = _files(session, [one.id for one in snapshots])
    return [SnapshotView(one, dataset.slug, files[one.id]) for one in snapshots]


def _files(session: Session, snapshots: Collection[int]) -> dict[int, Sequence[SnapshotFile]]:
    found: dict[int, list[SnapshotFile]] = {one: [] for one in snapshots}
    if not found:
        return {}
    query = select(SnapshotFile).where(SnapshotFile.snapshot_id.in_(found)).order_by(SnapshotFile.id)
    for one in session.scalars(query):
        found[one.snapshot_id].append(one)
    return dict(found)


def _members(manifest: Manifest, wanted: Filter) -> tuple[Member, ...]:
    """Of the Datastreams that it holds those that are asked for, as the live dataset would choose them."""
    every = manifest.members
    if wanted.things is not None:
        refuse_unknown("thing", wanted.things, {one.member.thing_id for one in every})
    if wanted.properties is not None:
        refuse_unknown("property", wanted.properties, {one.member.observed for one in every})
    return tuple(
        one.member
        for one in every
        if (wanted.things is None or one.member.thing_id in wanted.things)
        and (wanted.properties is None or one.member.observed in wanted.properties)
        and (wanted.bbox is None or (one.place is not None and Point(*one.place) in wanted.bbox))
    )


def _removed(snapshot: Snapshot, slug: str) -> Gone:
    error = Gone(
        f"the files of snapshot {snapshot.number} of {slug} were removed: {snapshot.note}",
        code="snapshot_removed",
        field=NOUN,
        found=snapshot.number,
        expected=f"a time at which another answers: /api/v1/datasets/{slug}/snapshots",
    )
    error.extra = {"reason": snapshot.note}
    return error


def _no_snapshot(dataset: Dataset, at: int, first: int | None) -> NotFound:
    when = from_micros(at).isoformat()
    there = "it has none yet" if first is None else f"its first is of {from_micros(first).isoformat()}"
    return NotFound(
        f"{dataset.slug} has no snapshot of {when} or before; {there}",
        code="no_snapshot",
        field="asof",
        found=when,
        expected=f"the time of a snapshot or later: /api/v1/datasets/{dataset.slug}/snapshots",
    )
