"""Which files snapshots need, whether they are what they were, and which snapshots lose theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from gops import logs
from gops.catalog.model import Dataset, Snapshot, SnapshotFile
from gops.catalog.snapshots import orders
from gops.catalog.snapshots.orders import COMPLETE, REMOVED
from gops.catalog.states import WITHDRAWN
from gops.clock import DAY, Clock
from gops.files.port import FileFinding, Files, StoredFile
from gops.records.database import Database
from gops.settings import Settings

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class SnapshotFinding:
    """What is wrong with a file, and of which snapshot it is."""

    dataset: str
    number: int
    name: str
    finding: FileFinding


class SnapshotKeeping:
    def __init__(self, database: Database, clock: Clock, settings: Settings, files: Files) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._files = files

    def references(self) -> set[str]:
        """The hashes of all files that snapshots need."""
        with self._database.read() as session:
            manifests = session.scalars(select(Snapshot.sha256).join(Dataset).where(_has_manifest())).all()
            return {*filter(None, manifests), *session.scalars(select(SnapshotFile.sha256).distinct())}

    def verify(self, progress: Callable[[int, int], None] = lambda _done, _of: None) -> Sequence[SnapshotFinding]:
        """Read every file of every snapshot and compare it with its hash. Progress in bytes.

        A file that several snapshots have is read once, and found wrong in each of them.
        """
        needed = self._needed()
        sizes = {file: file.bytes for _dataset, _number, _name, file in needed}
        of, done = sum(sizes.values()), 0
        found: dict[StoredFile, FileFinding] = {}
        for file, size in sizes.items():
            finding = self._files.verify(file)
            if finding is not None:
                found[file] = finding
            done += size
            progress(done, of)
        return [
            SnapshotFinding(dataset, number, name, found[file])
            for dataset, number, name, file in needed
            if file in found
        ]

    def expire(self) -> int:
        """Take the files of scheduled snapshots beyond the setting, and of datasets withdrawn long ago; how many.

        What somebody asked for keeps its files: it may be cited.
        """
        now, kept = self._clock.micros(), self._settings.snapshots_kept
        with self._database.write() as session:
            old = list(_beyond(session, kept)) if kept else []
            for row, dataset in old:
                orders.remove(session, row, dataset, now, f"only the newest {kept} monthly snapshots keep their files")
            before = now - self._settings.snapshots_withdrawn_days * DAY
            withdrawn = select(Snapshot, Dataset).join(Dataset).where(Snapshot.state == COMPLETE)
            gone = session.execute(withdrawn.where(Dataset.state == WITHDRAWN, Dataset.withdrawn_at <= before)).all()
            for row, dataset in gone:
                orders.remove(session, row, dataset, now, "the dataset was withdrawn")
        if old or gone:
            log.info("snapshots_expired", beyond=len(old), withdrawn=len(gone))
        return len(old) + len(gone)

    def _needed(self) -> Sequence[tuple[str, int, str, StoredFile]]:
        """Dataset, number, name and file."""
        with self._database.read() as session:
            manifest = select(Dataset.slug, Snapshot.number, Snapshot.sha256, Snapshot.manifest_bytes).join(Dataset)
            rows = [
                (slug, number, "manifest", StoredFile(str(sha256), size))
                for slug, number, sha256, size in session.execute(manifest.where(_has_manifest()).order_by(Snapshot.id))
            ]
            columns = (Dataset.slug, Snapshot.number, SnapshotFile.name, SnapshotFile.sha256, SnapshotFile.bytes)
            files = select(*columns).join_from(SnapshotFile, Snapshot).join(Dataset)
            for slug, number, name, sha256, size in session.execute(files.order_by(SnapshotFile.id)):
                rows.append((slug, number, name, StoredFile(sha256, size)))
        return rows


def _has_manifest() -> ColumnElement[bool]:
    """Of snapshots: is the manifest kept? Not once the files of a withdrawn dataset are gone."""
    published = and_(Snapshot.state == REMOVED, Dataset.state != WITHDRAWN)
    return and_(Snapshot.sha256.is_not(None), or_(Snapshot.state == COMPLETE, published))


def _beyond(session: Session, kept: int) -> Iterator[tuple[Snapshot, Dataset]]:
    """Scheduled snapshots older than the ``kept`` newest scheduled ones of their dataset."""
    query = select(Snapshot, Dataset).join(Dataset).where(Snapshot.state == COMPLETE, Snapshot.due.is_not(None))
    seen: dict[int, int] = {}
    for row, dataset in session.execute(query.order_by(Snapshot.id.desc())).all():
        seen[dataset.id] = seen.get(dataset.id, 0) + 1
        if seen[dataset.id] > kept:
            yield row, dataset
