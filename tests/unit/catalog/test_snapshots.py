"""Snapshots: ordered, made, kept, found again; asof; what a crash and a changed bit do."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import select

from gops.catalog.contents import Filter
from gops.catalog.model import Snapshot
from gops.catalog.profiles import dcat
from gops.catalog.snapshots import orders
from gops.catalog.snapshots.keeping import SnapshotKeeping
from gops.catalog.snapshots.manifest import decode, digest, encode
from gops.catalog.snapshots.service import Snapshots, versions
from gops.catalog.snapshots.worker import SnapshotWorker
from gops.catalog.views import Views
from gops.clock import DAY, HOUR, to_micros
from gops.errors import Conflict, Forbidden, Gone, Invalid, NotFound, Unauthenticated, Unavailable
from gops.files.collecting import collect
from gops.files.folder import FolderDraft, FolderFiles, path_of
from gops.files.port import Damaged, StoredFile
from gops.geo import BBox
from gops.permissions import ANONYMOUS
from gops.quality import Quality
from gops.records.audit import AuditRow
from gops.store.memory import MemoryStore
from gops.store.port import READINGS, Read, Series, Store
from tests.unit.catalog.conftest import World

MAY = to_micros(datetime(2026, 5, 1, tzinfo=UTC))


def rows(datastream: int, *values: float | str | None, start: int = MAY, step: int = HOUR) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "datastream": datastream,
                "t": start + step * place,
                "value": value if isinstance(value, float) else None,
                "text": value if isinstance(value, str) else None,
                "quality": 5 if value is None else 0,
            }
            for place, value in enumerate(values)
        ],
        schema=READINGS,
    )


@dataclass
class Keep:
    """A world with a store, files, and what makes and shows snapshots."""

    world: World
    store: MemoryStore
    files: FolderFiles
    root: Path
    service: Snapshots
    keeping: SnapshotKeeping

    def worker(self, store: Store | None = None, stopping: threading.Event | None = None, **changed: Any) -> Any:
        settings = replace(self.world.settings, **changed)
        return SnapshotWorker(
            self.world.database, self.world.clock, settings, store or self.store, self.files, stopping
        )

    def made(self, slug: str = "air", **changed: Any) -> Any:
        """A new snapshot, made."""
        number = self.service.ask(self.world.actor, slug).snapshot.number
        assert self.worker(**changed).run() == 1
        return self.service.get(ANONYMOUS, slug, number)

    def states(self) -> list[tuple[int, str, str | None]]:
        with self.world.database.read() as session:
            return [
                (one.number, one.state, one.code) for one in session.scalars(select(Snapshot).order_by(Snapshot.id))
            ]

    def drafts(self) -> list[str]:
        return [one.name for one in (self.root / "drafts").glob("*")]


@pytest.fixture
def keep_of(tmp_path: Path) -> Any:
    def make(world: World) -> Keep:
        root = tmp_path / "files"
        files = FolderFiles(root)
        common = world.database, world.clock, world.settings, files
        return Keep(world, MemoryStore(), files, root, Snapshots(*common), SnapshotKeeping(*common))

    return make


@pytest.fixture
def keep(world: World, keep_of: Any) -> Keep:
    return keep_of(world)


@pytest.fixture
def air(keep: Keep) -> tuple[int, int]:
    """A published dataset of a number and a state, with readings."""
    first, second = keep.world.stream(place=(127.0, 37.25)), keep.world.stream(key="parking_occupied")
    keep.store.write(rows(first, 1.0, None, 3.0), "replace")
    keep.store.write(rows(second, "free", "taken"), "replace")
    keep.world.published(first, second)
    return first, second


def test_a_snapshot_is_ordered_made_and_seen_by_all(either_world: World, keep_of: Any) -> None:
    keep = keep_of(either_world)
    stream = either_world.stream()
    keep.store.write(rows(stream, 1.0, 2.0), "replace")
    either_world.published(stream)
    ordered = keep.service.ask(either_world.actor, "air")
    assert (ordered.snapshot.state, ordered.snapshot.number) == ("waiting", 1)
    assert keep.service.list(ANONYMOUS, "air") == []
    assert [one.snapshot.state for one in keep.service.list(either_world.actor, "air")] == ["waiting"]
    assert keep.worker().run() == 1
    (view,) = keep.service.list(ANONYMOUS, "air")
    snapshot = view.snapshot
    assert (snapshot.state, snapshot.rows_done, snapshot.first, snapshot.last) == ("complete", 2, MAY, MAY + HOUR)
    assert snapshot.frozen_at == either_world.clock.micros()
    assert keep.service.find(ANONYMOUS, snapshot.sha256).snapshot.id == snapshot.id
    assert [kind for kind, _ in either_world.events()][-3:] == ["snapshot.asked", "snapshot.made", "dataset.news"]
    with either_world.database.read() as session:
        acts = session.scalars(select(AuditRow).where(AuditRow.noun == "snapshot").order_by(AuditRow.id)).all()
        assert [(one.action, one.person_id) for one in acts] == [
            ("snapshot.asked", either_world.actor.person_id),
            ("snapshot.made", None),
        ]
        assert versions(session, [snapshot.dataset_id], 3)[snapshot.dataset_id][0].snapshot.id == snapshot.id


def test_the_file_holds_the_readings_and_the_manifest_its_hash(keep: Keep, air: tuple[int, int]) -> None:
    view = keep.made()
    _, text = keep.service.manifest(ANONYMOUS, "air", 1)
    assert digest(text) == view.snapshot.sha256
    manifest = decode(text)
    assert encode(manifest) == text
    assert (manifest.about.licence, manifest.about.publisher, manifest.rows) == ("kogl-1", "suwon", 5)
    assert [(one.member.id, one.rows, one.place) for one in manifest.members] == [
        (air[0], 3, (127.0, 37.25)),
        (air[1], 2, None),
    ]
    (file,) = view.files
    assert (file.name, file.rows) == ("all.parquet", 5)
    with keep.service.open(file) as opened:
        body = opened.read()
    assert (digest(body), len(body)) == (file.sha256, file.bytes)
    table = pq.read_table(io.BytesIO(body))
    assert table["time"].to_pylist()[0] == datetime(2026, 5, 1, tzinfo=UTC)
    assert table["value"].to_pylist() == [1.0, None, 3.0, None, None]
    assert table["text"].to_pylist() == [None, None, None, "free", "taken"]
    assert table["quality"].to_pylist() == ["good", "missing", "good", "good", "good"]
    assert set(table["property"].to_pylist()) == {"pm10", "parking_occupied"}


def test_a_large_one_has_a_file_for_each_year_and_an_unchanged_year_is_kept_once(keep: Keep) -> None:
    world = keep.world
    streams = [world.stream() for _ in range(3)]
    for one in streams:
        for year in (2023, 2024, 2025):
            keep.store.write(rows(one, 1.0, 2.0, start=to_micros(datetime(year, 6, 1, tzinfo=UTC))), "replace")
    world.published(*streams)
    before = keep.made(snapshot_file_rows=5)
    assert [one.name for one in before.files] == ["2023.parquet", "2024.parquet", "2025.parquet"]
    keep.store.write(rows(streams[1], 9.0, start=to_micros(datetime(2025, 7, 1, tzinfo=UTC))), "replace")
    after = keep.made(snapshot_file_rows=5)
    same = [a.sha256 == b.sha256 for a, b in zip(before.files, after.files, strict=True)]
    assert same == [True, True, False]
    asof = keep.service.asof(ANONYMOUS, "air", world.clock.micros())
    query = Read([Series(one) for one in streams])
    assert asof.readings.read(query).equals(keep.store.read(query))


@pytest.mark.parametrize("years", [1, 4])
def test_a_snapshot_answers_like_the_store_that_it_was_made_of(keep: Keep, years: int) -> None:
    """Ranges, labels, qualities, pages; over one file and over several."""
    world, step = keep.world, 366 * DAY * years // 10
    streams = [world.stream() for _ in range(4)]
    for place, one in enumerate(streams):
        table = rows(one, 1.0, None, 3.0, 4.0, None, 6.0, 7.0, start=MAY - 7 * step + place, step=step)
        keep.store.write(table, "replace")
    world.published(*streams)
    view = keep.made(snapshot_file_rows=1 if years > 1 else 10**6)
    assert (len(view.files) > 1) is (years > 1)
    frozen = keep.service.asof(ANONYMOUS, "air", world.clock.micros()).readings
    series = [Series(streams[0]), Series(streams[1], "gauge", "end"), Series(streams[3])]
    middle = MAY - 5 * step
    asked = [
        Read(series),
        Read(series, start=middle, end=MAY - step),
        Read(series, start=middle + 1, end=middle + 1),
        Read([replace(one, label="end") for one in series], start=middle, end=middle + step),
        Read(series, quality=frozenset({Quality.missing})),
        Read(series, limit=4),
        Read(series, limit=4, after=(streams[1], middle)),
        Read(series, after=(streams[1] + 1, 0)),
        Read(series, limit=0),
        Read([]),
    ]
    for query in asked:
        assert frozen.read(query).equals(keep.store.read(query)), query


def test_asof_answers_from_the_newest_snapshot_not_later(keep: Keep, air: tuple[int, int]) -> None:
    clock, service = keep.world.clock, keep.service
    with pytest.raises(NotFound) as caught:
        service.asof(ANONYMOUS, "air", clock.micros())
    assert (caught.value.code, "none yet" in caught.value.message) == ("no_snapshot", True)
    first_at = clock.micros()
    keep.made()
    keep.store.write(rows(air[0], 100.0), "replace")
    clock.move(days=1)
    keep.made()
    values = lambda at: service.asof(ANONYMOUS, "air", at).readings.read(Read([Series(air[0])]))["value"][0].as_py()  # noqa: E731
    assert values(first_at) == values(clock.micros() - 1) == 1.0
    assert values(clock.micros()) == values(clock.micros() + 365 * DAY) == 100.0
    with pytest.raises(NotFound) as caught:
        service.asof(ANONYMOUS, "air", first_at - 1)
    assert "2026-05-01T00:00:00+00:00" in caught.value.message


def test_asof_filters_by_what_the_snapshot_knows(keep: Keep, air: tuple[int, int]) -> None:
    keep.made()
    now = keep.world.clock.micros()
    later = keep.world.stream(key="pm25")
    keep.world.datasets.edit(keep.world.actor, "air", {"datastreams": [*air, later]})
    ids = lambda wanted: keep.service.asof(ANONYMOUS, "air", now, wanted).contents.ids  # noqa: E731
    assert ids(Filter()) == list(air)
    assert ids(Filter(properties=("pm10",))) == [air[0]]
    assert ids(Filter(bbox=BBox(126.9, 37.2, 127.1, 37.3))) == [air[0]]
    with pytest.raises(Invalid) as caught:
        ids(Filter(properties=("pm25",)))
    assert caught.value.code == "unknown_property"


def test_the_catalog_names_the_newest_snapshots_as_versions(keep: Keep, air: tuple[int, int]) -> None:
    world = keep.world
    for _ in range(2):
        keep.made()
    view = Views(world.database, world.clock, world.settings, keep.store, lambda _session, _ids: {})
    (facts,) = view.catalog("https://gops.kr").datasets
    assert [one.number for one in facts.versions] == [2, 1]
    newest = facts.versions[0]
    assert newest.iri == "https://gops.kr/api/v1/datasets/air/snapshots/2"
    assert (newest.title.ko, newest.span.first) == ("수원시 대기질, 스냅샷 2", MAY)
    assert [one.iri for one in newest.files] == [newest.iri + "/files/all.parquet"]
    assert dcat.catalog(view.catalog("https://gops.kr"))["dcat:dataset"][0]["dcat:hasCurrentVersion"]


def test_only_a_published_dataset_is_frozen_and_only_by_its_publishers(keep: Keep) -> None:
    world = keep.world
    world.dataset(world.stream())
    with pytest.raises(Conflict) as caught:
        keep.service.ask(world.actor, "air")
    assert caught.value.code == "wrong_state"
    with pytest.raises(NotFound):
        keep.service.list(world.stranger, "air")
    with pytest.raises(NotFound):
        keep.service.ask(world.stranger, "air")
    world.datasets.publish(world.actor, "air")
    with pytest.raises(Forbidden):
        keep.service.ask(world.stranger, "air")
    with pytest.raises(Unauthenticated):
        keep.service.ask(ANONYMOUS, "air")


def test_one_at_a_time_of_a_dataset_and_no_more_than_the_setting(keep: Keep, air: tuple[int, int]) -> None:
    world = keep.world
    keep.service.ask(world.actor, "air")
    with pytest.raises(Conflict) as caught:
        keep.service.ask(world.actor, "air")
    assert (caught.value.code, caught.value.found) == ("snapshot_under_way", 1)
    keep.worker().run()
    few = Snapshots(world.database, world.clock, replace(world.settings, dataset_snapshots=1), keep.files)
    with pytest.raises(Conflict) as caught:
        few.ask(world.actor, "air")
    assert (caught.value.code, caught.value.expected) == ("too_many", "at most 1 (GOPS_DATASET_SNAPSHOTS)")


def test_a_withdrawn_dataset_has_no_snapshots_and_later_no_files(keep: Keep, air: tuple[int, int]) -> None:
    world, service = keep.world, keep.service
    view = keep.made()
    world.datasets.withdraw(world.actor, "air", "a mistake")
    acts = (
        lambda: service.list(ANONYMOUS, "air"),
        lambda: service.get(world.actor, "air", 1),
        lambda: service.manifest(ANONYMOUS, "air", 1),
        lambda: service.file(ANONYMOUS, "air", 1, "all.parquet"),
        lambda: service.find(ANONYMOUS, view.snapshot.sha256),
        lambda: service.asof(ANONYMOUS, "air", world.clock.micros()),
        lambda: service.ask(world.actor, "air"),
    )
    for act in acts:
        with pytest.raises(Gone):
            act()
    world.clock.move(days=29)
    assert (keep.keeping.expire(), len(keep.keeping.references())) == (0, 2)
    world.clock.move(days=1)
    assert (keep.keeping.expire(), keep.keeping.references()) == (1, set())
    assert keep.keeping.expire() == 0


def test_a_dataset_withdrawn_while_it_is_frozen_is_not(keep: Keep, air: tuple[int, int]) -> None:
    world = keep.world
    keep.service.ask(world.actor, "air")
    store = Between(keep.store, lambda: world.datasets.withdraw(world.actor, "air", "now"))
    assert keep.worker(store).run() == 0
    assert keep.states() == [(1, "failed", "withdrawn")]
    assert keep.keeping.references() == set()


class Between:
    """A store whose stream does something before its last batch, or fails there."""

    def __init__(self, store: MemoryStore, act: Any) -> None:
        self._store = store
        self._act = act

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def stream(self, query: Read, rows: int) -> Iterator[pa.RecordBatch]:
        *others, last = self._store.read(query).to_batches(max_chunksize=2)
        yield from others
        self._act()
        yield last


class Killed(BaseException):
    """The process ends: nothing is caught, nothing tidied up."""


def kill() -> None:
    raise Killed


class DyingDraft(FolderDraft):
    """A draft that outlives its process, and a process that dies when it has kept so many files."""

    files: DyingFiles

    def keep(self) -> StoredFile:
        if self.files.left == 0:
            raise Killed
        self.files.left -= 1
        kept = super().keep()
        if self.files.dies_after and self.files.left == 0:
            raise Killed
        return kept

    def discard(self) -> None:
        self._file.close()


class DyingFiles(FolderFiles):
    def __init__(self, root: Path, left: int, *, dies_after: bool) -> None:
        super().__init__(root)
        self.left = left
        self.dies_after = dies_after

    def begin(self, owner: str, most_bytes: int) -> DyingDraft:
        draft = DyingDraft(self._root, owner, most_bytes)
        draft.files = self
        return draft


@pytest.mark.parametrize(
    ("files_kept", "dies_after"), [(None, False), (0, False), (1, False), (2, True)], ids=["stream", "0", "1", "all"]
)
def test_a_kill_leaves_no_half_snapshot_and_the_next_try_makes_it(
    keep: Keep, air: tuple[int, int], files_kept: int | None, dies_after: bool
) -> None:
    """In the stream, before each of its two files is kept, and between the files and the record."""
    world = keep.world
    keep.service.ask(world.actor, "air")
    store: Any = Between(keep.store, kill) if files_kept is None else keep.store
    files = DyingFiles(keep.root, files_kept or 0, dies_after=dies_after)
    with pytest.raises(Killed):
        replace(keep, files=files).worker(store).run()
    assert len(keep.drafts()) == (0 if dies_after else 1)
    assert len(list(keep.files.older_than(2**62))) == (files_kept or 0)
    assert keep.service.list(ANONYMOUS, "air") == []
    assert keep.worker().run() == 0, "whoever made it may still live"
    world.clock.move(minutes=6)
    assert keep.worker().run() == 0, "a pause after a failure"
    assert keep.states() == [(1, "waiting", "interrupted")]
    world.clock.move(minutes=10)
    assert keep.worker().run() == 1
    assert (keep.drafts(), keep.states()) == ([], [(1, "complete", None)])
    assert keep.keeping.verify() == []


def test_what_no_snapshot_needs_is_collected(keep: Keep, air: tuple[int, int]) -> None:
    keep.service.ask(keep.world.actor, "air")
    with pytest.raises(Killed):
        replace(keep, files=DyingFiles(keep.root, 2, dies_after=True)).worker().run()
    keep.world.clock.move(days=36500)
    assert collect(keep.files, [keep.keeping.references], keep.world.clock) == 2
    assert list(keep.files.older_than(2**62)) == []


def test_a_late_maker_whose_try_is_over_changes_nothing(keep: Keep, air: tuple[int, int]) -> None:
    world = keep.world
    keep.service.ask(world.actor, "air")

    def overtaken() -> None:
        world.clock.move(minutes=20)
        assert keep.worker().run() == 0
        world.clock.move(minutes=20)
        assert keep.worker().run() == 1

    assert keep.worker(Between(keep.store, overtaken)).run() == 0
    assert keep.states() == [(1, "complete", None)]
    assert keep.keeping.verify() == []


def test_trouble_that_passes_is_tried_again_and_then_given_up(keep: Keep, air: tuple[int, int]) -> None:
    def fail() -> None:
        raise Unavailable("the store is busy", code="store_busy")

    keep.service.ask(keep.world.actor, "air")
    worker = keep.worker(Between(keep.store, fail))
    for tries in range(1, orders.TRIES + 1):
        assert worker.run() == 0
        assert keep.states() == [(1, "waiting" if tries < orders.TRIES else "failed", "store_busy")]
        keep.world.clock.move(days=1)
    assert keep.drafts() == []
    assert keep.made().snapshot.number == 2
    assert [one.snapshot.number for one in keep.service.list(ANONYMOUS, "air")] == [2]


def test_a_stop_puts_it_back_and_does_not_count(keep: Keep, air: tuple[int, int]) -> None:
    stopping = threading.Event()
    keep.service.ask(keep.world.actor, "air")
    assert keep.worker(Between(keep.store, stopping.set), stopping).run() == 0
    assert keep.states() == [(1, "waiting", None)]
    assert keep.worker().run() == 1


def test_too_many_readings_and_too_large_files_are_refused_by_name(keep: Keep, air: tuple[int, int]) -> None:
    keep.service.ask(keep.world.actor, "air")
    assert keep.worker(snapshot_rows_max=4).run() == 0
    keep.service.ask(keep.world.actor, "air")
    assert keep.worker(snapshot_file_bytes=100).run() == 0
    assert keep.states() == [(1, "failed", "snapshot_too_large"), (2, "failed", "file_too_large")]
    failed = keep.service.get(keep.world.actor, "air", 1).snapshot
    assert failed.note == "air has 5 readings"
    with pytest.raises(NotFound):
        keep.service.get(ANONYMOUS, "air", 1)


def test_a_dataset_without_readings_has_a_snapshot_without_files(keep: Keep) -> None:
    stream = keep.world.stream()
    keep.world.published(stream)
    view = keep.made()
    assert (view.files, view.snapshot.rows_done, view.snapshot.first) == ([], 0, None)
    asof = keep.service.asof(ANONYMOUS, "air", keep.world.clock.micros())
    assert asof.readings.read(Read([Series(stream)])).num_rows == 0


def test_a_changed_bit_is_found_by_verify_and_by_a_reader(keep: Keep, air: tuple[int, int]) -> None:
    view = keep.made()
    assert keep.keeping.verify() == []
    (file,) = view.files
    path = path_of(keep.root, file.sha256)
    body = bytearray(path.read_bytes())
    body[60] ^= 4
    path.chmod(0o600)
    path.write_bytes(body)
    (found,) = keep.keeping.verify()
    assert found.needed.of == {"dataset": "air", "number": 1, "name": "all.parquet"}
    assert found.finding.trouble == "wrong_checksum"
    frozen = keep.service.asof(ANONYMOUS, "air", keep.world.clock.micros()).readings
    with pytest.raises(Damaged) as caught:
        frozen.read(Read([Series(air[0]), Series(air[1])]))
    assert caught.value.found == "all.parquet"
    path.write_bytes(body[:40])
    with pytest.raises(Damaged):
        frozen.read(Read([Series(air[0])]))
    path.unlink()
    assert [one.finding.trouble for one in keep.keeping.verify()] == ["missing"]


# the month


def dues(keep: Keep) -> list[tuple[str, str | None]]:
    with keep.world.database.read() as session:
        found = session.scalars(select(Snapshot).order_by(Snapshot.id)).all()
        return [
            (one.state, None if one.due is None else str(datetime.fromtimestamp(one.due / 1e6, UTC))) for one in found
        ]


def test_a_published_dataset_is_frozen_when_a_month_begins_in_the_zone(keep: Keep, air: tuple[int, int]) -> None:
    clock, worker = keep.world.clock, keep.worker()
    assert worker.run() == 0, "published this month"
    clock.move(days=30, hours=14, minutes=59)  # 23:59 of 31 May in Seoul
    assert worker.run() == 0
    clock.move(minutes=1)
    assert (worker.run(), worker.run()) == (1, 0)
    assert dues(keep) == [("complete", "2026-05-31 15:00:00+00:00")]


def test_what_a_standstill_missed_is_made_up_for_once(keep: Keep, air: tuple[int, int]) -> None:
    keep.world.clock.move(days=100)
    assert keep.worker().run() == 1
    assert dues(keep) == [("complete", "2026-07-31 15:00:00+00:00")]
    assert keep.service.get(ANONYMOUS, "air", 1).snapshot.frozen_at == keep.world.clock.micros()


def test_a_dataset_is_not_frozen_by_schedule_when_it_says_so_or_is_no_longer_public(keep: Keep) -> None:
    world = keep.world
    for slug in ("never", "gone"):
        world.published(world.stream(), slug=slug)
    world.dataset(world.stream(), slug="draft")
    world.datasets.edit(world.actor, "never", {"snapshot_every": "none"})
    world.datasets.withdraw(world.actor, "gone", "x")
    world.clock.move(days=40)
    assert keep.worker().run() == 0
    world.datasets.edit(world.actor, "never", {"snapshot_every": "1mo"})
    assert keep.worker().run() == 1
    with pytest.raises(Invalid) as caught:
        world.datasets.edit(world.actor, "never", {"snapshot_every": "1w"})
    assert (caught.value.field, caught.value.expected) == ("snapshot_every", "one of none, 1mo")


def test_beyond_the_setting_the_oldest_monthly_ones_lose_their_files_and_say_so(
    keep: Keep, air: tuple[int, int]
) -> None:
    keep.made()  # asked for: keeps its files whatever the setting says
    for month in range(3):
        keep.world.clock.move(days=31)
        keep.store.write(rows(air[0], float(month), start=MAY + DAY * month), "replace")
        assert keep.worker().run() == 1
    assert keep.keeping.expire() == 0, "all are kept by default"
    world = keep.world
    few = SnapshotKeeping(world.database, world.clock, replace(world.settings, snapshots_kept=2), keep.files)
    assert few.expire() == 1
    assert [state for _, state, _ in keep.states()] == ["complete", "removed", "complete", "complete"]
    view, text = keep.service.manifest(ANONYMOUS, "air", 2)
    assert (view.files, decode(text).number) == ([], 2)
    with pytest.raises(Gone) as caught:
        keep.service.file(ANONYMOUS, "air", 2, "all.parquet")
    assert caught.value.code == "snapshot_removed"
    assert len(few.references()) == 7
    at = view.snapshot.frozen_at
    assert keep.service.asof(ANONYMOUS, "air", at - 1).snapshot.number == 1
    assert keep.service.asof(ANONYMOUS, "air", at + 31 * DAY).snapshot.number == 3
    for when in (at, at + DAY):  # an older one would answer something else without saying so
        with pytest.raises(Gone) as caught:
            keep.service.asof(ANONYMOUS, "air", when)
        assert (caught.value.code, caught.value.found) == ("snapshot_removed", 2)


def test_a_snapshot_holds_what_is_public_when_it_is_made(keep: Keep) -> None:
    world = keep.world
    stream = world.stream(key="rainfall", place=(127.01234, 37.26789))
    keep.store.write(rows(stream, 9.0, 1.0, 8.0, 7.0, start=MAY - 3 * HOUR), "replace")
    world.published(stream)
    terms = {"start": MAY - 2 * HOUR, "delay": "PT1H", "location_decimals": 1, "suppress_below": 5}
    world.datasets.edit(world.actor, "air", terms)
    world.clock.move(seconds=60)
    view = keep.made()
    for actor in (ANONYMOUS, world.actor):
        found = keep.service.asof(actor, "air", view.snapshot.frozen_at)
        readings = found.readings.read(Read([one.series for one in found.contents.members]))
        assert readings["value"].to_pylist() == [None, 8.0]
    _, text = keep.service.manifest(ANONYMOUS, "air", 1)
    assert decode(text).members[0].place == (127.0, 37.3)
    assert (view.snapshot.first, view.snapshot.last) == (MAY - 2 * HOUR, MAY - HOUR)
