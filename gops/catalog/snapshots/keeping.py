"""Which files snapshots need, whether they are what they were, and which snapshots lose theirs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from gops import logs
from gops.catalog.model import Dataset, Snapshot, SnapshotFile
from gops.catalog.snapshots import orders
from gops.catalog.snapshots.orders import COMPLETE, REMOVED
from gops.catalog.states import WITHDRAWN
from gops.clock import DAY, Clock
from gops.files.checking import Needed, Progress, Wrong, check
from gops.files.port import Files, StoredFile
from gops.records.database import Database
from gops.settings import Settings

log = logs.get(__name__)


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

    def verify(self, progress: Progress = lambda _done, _of: None) -> Sequence[Wrong]:
        """Read every file of every snapshot and compare it with its hash. Progress in bytes."""
        return check(self._files, self.needed(), progress)

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

    def needed(self) -> Sequence[Needed]:
        """The files of all snapshots, manifests first."""
        manifest = select(Dataset.slug, Snapshot.number, Snapshot.sha256, Snapshot.manifest_bytes).join(Dataset)
        columns = (Dataset.slug, Snapshot.number, SnapshotFile.name, SnapshotFile.sha256, SnapshotFile.bytes)
        files = select(*columns).join_from(SnapshotFile, Snapshot).join(Dataset)
        with self._database.read() as session:
            found = [
                _needed(slug, number, "manifest", str(sha256), size)
                for slug, number, sha256, size in session.execute(manifest.where(_has_manifest()).order_by(Snapshot.id))
            ]
            return [*found, *(_needed(*row) for row in session.execute(files.order_by(SnapshotFile.id)))]


def _needed(dataset: str, number: int, name: str, sha256: str, size: int) -> Needed:
    of = {"dataset": dataset, "number": number, "name": name}
    return Needed(f"{dataset} snapshot {number}, {name}", of, StoredFile(sha256, size))


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
