"""A store in memory that says it keeps files, and a ``Keeping`` over it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path

import pytest

from gops.clock import FixedClock
from gops.keeping.service import Keeping
from gops.records.database import Database
from gops.settings import Settings
from gops.store.memory import MemoryStore
from gops.store.upkeep import Finding, Progress, SealedFile, Stats, silent

SEALED = b"readings" * 10_000
FILE = SealedFile("2026-04.parquet", 0, 86_400_000_000, 10, len(SEALED), sha256(SEALED).hexdigest())


class FilingStore(MemoryStore):
    """A fake ``Upkeep``: remembers what was ``asked``, answers ``files`` and ``findings``, calls ``during`` inside."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, object]] = []
        self.files: list[SealedFile] = [FILE]
        self.findings: list[Finding] = []
        self.aside: list[str] = []
        self.during: Callable[[], object] = lambda: None

    def _work(self, what: str, argument: object, progress: Progress) -> Sequence[SealedFile]:
        self.asked.append((what, argument))
        self.during()
        progress(1, 1)
        return self.files

    def seal(self, until: int | None = None, progress: Progress = silent) -> Sequence[SealedFile]:
        return self._work("seal", until, progress)

    def merge(self, progress: Progress = silent) -> Sequence[SealedFile]:
        return self._work("merge", None, progress)

    def compact(self, progress: Progress = silent) -> Sequence[SealedFile]:
        return self._work("compact", None, progress)

    def check(self, deep: bool = False, progress: Progress = silent) -> Sequence[Finding]:
        self._work("check", deep, progress)
        return self.findings

    def stats(self) -> Stats:
        return Stats(2, 5, 50, 1, 10, 100, self.files, self.aside, 0, 1_000_000)

    def backup(self, target: Path, progress: Progress = silent) -> Stats:
        self._work("backup", target, progress)
        (target / "sealed").mkdir(parents=True)
        (target / "sealed" / FILE.name).write_bytes(SEALED)
        (target / "readings.duckdb").write_bytes(b"hot")
        return self.stats()


@pytest.fixture
def filing() -> Iterator[FilingStore]:
    store = FilingStore()
    yield store
    store.close()


@pytest.fixture
def keeping(settings: Settings, clock: FixedClock, filing: FilingStore, database: Database) -> Keeping:
    return Keeping(settings, clock, filing, database)
