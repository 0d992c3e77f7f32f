"""Makes snapshots: what is asked for and what the month asks for, one after another, in a job of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping

import pyarrow as pa
from sqlalchemy import select
from sqlalchemy.orm import Session

from gops import __version__, logs
from gops.accounts.model import Organisation
from gops.catalog.contents import exposures_of, members_of
from gops.catalog.exposed import exposed
from gops.catalog.facts import Bilingual
from gops.catalog.long_shape import Member
from gops.catalog.model import Dataset
from gops.catalog.snapshots import orders
from gops.catalog.snapshots.manifest import About, FrozenMember, Manifest, digest, encode
from gops.catalog.snapshots.orders import Claim
from gops.catalog.snapshots.periods import periods
from gops.catalog.snapshots.writing import Writing
from gops.clock import Clock
from gops.errors import Conflict, GopsError, TooLarge, Unavailable
from gops.files.port import Files
from gops.permissions import ANONYMOUS
from gops.records.database import Database
from gops.records.events import Event
from gops.sensors import places
from gops.sensors.exposure import Exposure
from gops.sensors.model import Location
from gops.settings import Settings
from gops.store.port import Read, Store

BEAT_SECONDS = 2.0
ROWS = 65_536  # in a batch of the stream
Places = Mapping[int, Location]
log = logs.get(__name__)


class _Over(Exception):
    """The claim is over, or GOPS stops: nothing is to be said of it."""


class SnapshotWorker:
    """``run`` in a job; it never runs twice at once. ``handlers`` belong into the event pump."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: Settings,
        store: Store,
        files: Files,
        stopping: threading.Event | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._store = store
        self._files = files
        self._stopping = stopping or threading.Event()
        self._heard: Callable[[], None] = lambda: None
        self.handlers: dict[str, tuple[Callable[[Event], None], ...]] = {"snapshot.asked": (self._asked,)}

    def on_order(self, tell: Callable[[], None]) -> None:
        """``tell`` is called when there is something to make."""
        self._heard = tell

    def _asked(self, _event: Event) -> None:
        self._heard()

    def run(self) -> int:
        """Order what is due and make everything that is ordered; how many were made."""
        self.plan()
        made = 0
        while not self._stopping.is_set():
            with self._database.write() as session:
                held = orders.claim(session, self._clock.micros())
            if held is None:
                break
            made += self._make(held)
        return made

    def plan(self) -> int:
        """Order a snapshot of each dataset whose month has begun; how many. What a standstill missed is made up for
        once, as of now: the past can't be frozen."""
        now = self._clock.micros()
        due = orders.month_begin(now, self._settings.zone)
        with self._database.read() as session:
            wanted = orders.due_datasets(session, due)
        return sum(self._order(one, now, due) for one in wanted)

    def _order(self, dataset_id: int, now: int, due: int) -> bool:
        """One dataset, in a unit of its own."""
        try:
            with self._database.write() as session:
                dataset = session.get_one(Dataset, dataset_id, with_for_update=True)
                if not orders.due_datasets(session, due, only=dataset_id):
                    return False
                orders.order(session, self._settings, ANONYMOUS, dataset, now, due)
        except Conflict as error:
            log.warning("snapshot_not_ordered", dataset=dataset_id, code=error.code, reason=error.message)
            return False
        return True

    def _make(self, held: Claim) -> bool:
        began = time.monotonic()
        try:
            manifest, sha256 = self._freeze(held)
        except _Over:
            with self._database.write() as session:
                orders.put_back(session, held)
            return False
        except GopsError as error:
            self._fail(held, error.code, error.message, passing=isinstance(error, Unavailable))
            return False
        except Exception:
            log.exception("snapshot_failed", snapshot=held.snapshot_id)
            self._fail(held, "internal", "a mistake of GOPS; its log says more", passing=False)
            return False
        seconds = round(time.monotonic() - began, 3)
        figures = {"rows": manifest.rows, "bytes": manifest.bytes, "files": len(manifest.files), "seconds": seconds}
        log.info("snapshot_made", dataset=manifest.about.slug, number=held.number, sha256=sha256, **figures)
        return True

    def _fail(self, held: Claim, code: str, note: str, *, passing: bool) -> None:
        log.warning("snapshot_failed", snapshot=held.snapshot_id, code=code, reason=note, tries=held.attempt)
        with self._database.write() as session:
            orders.fail(session, held, self._clock.micros(), code, note, passing=passing)

    def _freeze(self, held: Claim) -> tuple[Manifest, str]:
        """Write everything, and make it a snapshot."""
        self._files.drop(held.owner)  # what a try left that was killed
        with self._database.read() as session:
            about, members, where, exposures = _described(session, held.dataset_id)
        frozen_at = self._clock.micros()
        shown = exposed(self._store, exposures, frozen_at)
        manifest = self._write(held, shown, about, members, where, frozen_at)
        text = encode(manifest)
        draft = self._files.begin(held.owner, self._settings.snapshot_file_bytes)
        try:
            draft.write(text)
            sha256 = draft.keep().sha256
        finally:
            draft.discard()
        assert sha256 == digest(text), "a file is named by its bytes"
        with self._database.write() as session:
            finished = orders.finish(session, held, self._clock.micros(), manifest, sha256, len(text))
        if not finished:
            raise _Over
        return manifest, sha256

    def _write(
        self, held: Claim, store: Store, about: About, members: tuple[Member, ...], where: Places, frozen_at: int
    ) -> Manifest:
        extents = store.extent([one.id for one in members])
        expected = sum(one.rows for one in extents.values())
        if expected > self._settings.snapshot_rows_max:
            raise TooLarge(
                f"{about.slug} has {expected} readings",
                code="snapshot_too_large",
                field="dataset",
                found=expected,
                expected=f"at most {self._settings.snapshot_rows_max} (GOPS_SNAPSHOT_ROWS_MAX)",
            )
        first = min((one.first for one in extents.values()), default=None)
        last = max((one.last for one in extents.values()), default=None)
        cuts = (
            periods(first, last, expected, self._settings.snapshot_file_rows, self._settings.zone)
            if first is not None and last is not None
            else ()
        )
        series = [one.series for one in members if one.id in extents]
        with Writing(self._files, held.owner, cuts, members, self._settings.snapshot_file_bytes) as writing:
            for batch in self._watched(held, _stream(store, Read(series)) if series else iter(()), expected):
                writing.add(batch)
            files = writing.keep()
            counts, span = writing.counts, writing.span
        frozen = tuple(FrozenMember(one, _place(where.get(one.thing_id)), counts.get(one.id, 0)) for one in members)
        return Manifest(__version__, about, held.number, frozen_at, *span, frozen, files)

    def _watched(self, held: Claim, batches: Iterator[pa.RecordBatch], expected: int) -> Iterator[pa.RecordBatch]:
        """The batches; between them it is said how far they are, and seen whether to stop."""
        done, beaten = 0, time.monotonic()
        for batch in batches:
            yield batch
            done += batch.num_rows
            if self._stopping.is_set():
                raise _Over
            if time.monotonic() - beaten >= BEAT_SECONDS:
                beaten = time.monotonic()
                with self._database.write() as session:
                    if not orders.beat(session, held, self._clock.micros(), done, expected):
                        raise _Over


def _stream(store: Store, query: Read) -> Iterator[pa.RecordBatch]:
    """The store's stream, closed whatever happens: one left half-way holds the store's view."""
    batches = store.stream(query, ROWS)
    try:
        yield from batches
    finally:
        close = getattr(batches, "close", None)
        if close is not None:
            close()


def _described(session: Session, dataset_id: int) -> tuple[About, tuple[Member, ...], Places, Mapping[int, Exposure]]:
    """What the records say of a dataset: its description, its Datastreams, and where their Things are; and how much of
    each others see, for a snapshot is for everybody."""
    dataset = session.get_one(Dataset, dataset_id)
    owner = session.scalars(select(Organisation).where(Organisation.id == dataset.organisation_id)).one()
    about = About(
        dataset.slug,
        dataset.revision,
        Bilingual(dataset.title_ko, dataset.title_en),
        Bilingual(dataset.description_ko, dataset.description_en),
        owner.slug,
        Bilingual(owner.name_ko, owner.name_en),
        dataset.licence,
    )
    members = members_of(session, dataset)
    found = places.newest(session, {one.thing_id for one in members})
    where = {thing: places.coarse(row, dataset.location_decimals) for thing, row in found.items()}
    return about, members, where, exposures_of(dataset, members)


def _place(spot: Location | None) -> tuple[float, float] | None:
    return None if spot is None else (spot.longitude, spot.latitude)
