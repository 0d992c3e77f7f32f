"""What an engine that keeps its own files offers beside ``Store``: sealing, merging, compacting, checking, backing up.

Each of these may run while readings are written and read. ``progress`` is called now and then with (done, of), in the
unit that the method names; ``of`` is 0 while it is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

Progress = Callable[[int, int], None]
Trouble = Literal["missing", "truncated", "wrong_checksum", "wrong_rows", "unreadable", "unknown_file", "set_aside"]


def silent(_done: int, _of: int) -> None:
    """Progress that nobody looks at."""


@dataclass(frozen=True)
class SealedFile:
    """A file of readings that never changes: rows with ``start <= t < end`` in microseconds, ``name`` in its folder."""

    name: str
    start: int
    end: int
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Finding:
    """What a check found wrong with a file."""

    file: str
    trouble: Trouble
    found: str
    expected: str


@dataclass(frozen=True)
class Stats:
    """Sizes of a store. ``first`` and ``last`` are of all readings, in microseconds; None when there are none."""

    datastreams: int
    hot_rows: int
    hot_bytes: int
    late_rows: int
    sealed_rows: int
    sealed_bytes: int
    files: Sequence[SealedFile]
    set_aside: Sequence[str]
    first: int | None
    last: int | None


@runtime_checkable
class Upkeep(Protocol):
    """Raises ``Unavailable`` when the store is closed or the disk fails; nothing is lost then."""

    def seal(self, until: int | None = None, progress: Progress = silent) -> Sequence[SealedFile]:
        """Turn days that ended before ``until`` (the setting store_seal_after_hours before now) into files; the new
        ones. Progress in rows."""

    def merge(self, progress: Progress = silent) -> Sequence[SealedFile]:
        """Write days that have late rows anew; the new files. Progress in files."""

    def compact(self, progress: Progress = silent) -> Sequence[SealedFile]:
        """Make one file of each closed month; the new ones. Progress in files."""

    def check(self, deep: bool = False, progress: Progress = silent) -> Sequence[Finding]:
        """Compare what is on disk with what should be; ``deep`` reads every row. Progress in bytes."""

    def stats(self) -> Stats: ...

    def backup(self, target: Path, progress: Progress = silent) -> Stats:
        """A copy of the store as of one moment in the empty or absent folder ``target``, that ``DuckdbStore`` opens;
        sealed files by hard link where the file system allows. What is in it. Progress in bytes."""
