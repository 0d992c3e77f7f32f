"""Snapshots in a running server: the service, the job that makes them, and the one that looks after their files."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from gops.catalog.snapshots.keeping import SnapshotKeeping
from gops.catalog.snapshots.service import Snapshots
from gops.catalog.snapshots.worker import SnapshotWorker
from gops.clock import Clock
from gops.files.collecting import References, collect
from gops.files.port import Files
from gops.jobs import Jobs
from gops.records.database import Database
from gops.settings import Settings
from gops.store.port import Store

MAKING, KEEPING = "snapshots", "files"
LOOK_SECONDS = 60.0  # whether a month has begun, and whether a try is due again
KEEP_SECONDS = 3600.0


class RunningSnapshots:
    """``start`` before the jobs start; ``handlers`` belong into the event pump.

    ``references`` are those of others who keep files: what nobody refers to is deleted.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: Settings,
        store: Store,
        files: Files,
        jobs: Jobs,
        references: Sequence[References] = (),
    ) -> None:
        self.service = Snapshots(database, clock, settings, files)
        self.keeping = SnapshotKeeping(database, clock, settings, files)
        self.worker = SnapshotWorker(database, clock, settings, store, files, jobs.stopping)
        self.handlers = self.worker.handlers
        self._jobs = jobs
        self._collect = partial(collect, files, (self.keeping.references, *references), clock)

    def start(self) -> None:
        self._jobs.every(MAKING, LOOK_SECONDS, self.worker.run, at_once=True)
        self._jobs.every(KEEPING, KEEP_SECONDS, self._keep)
        self.worker.on_order(partial(self._jobs.now, MAKING))

    def _keep(self) -> None:
        self.keeping.expire()
        self._collect()
