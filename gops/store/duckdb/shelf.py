"""The folder of sealed files: their names, how they come and go, and what is set aside.

A file is written under a temporary name, made to last (fsync), given its name, and the folder is made to last. What is
in the folder and not in the manifest is what an earlier process left behind, and is removed at start.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from errno import EIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from gops import logs
from gops.store.duckdb.folder import make_private
from gops.store.duckdb.schema import BROKEN, SEALED
from gops.store.duckdb.tiers import File, Layout
from gops.store.holding import PRIVATE_FOLDER
from gops.store.upkeep import Trouble

SUFFIX = ".parquet"
WRITING = ".writing"
SUMMARY = "summary"
_CHUNK = 1 << 20
log = logs.get(__name__)


class Shelf:
    """``<folder>/sealed``, made when it is not there."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / SEALED
        self._past: list[Layout] = []
        for path in (self.path, self.path / BROKEN):
            path.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
            path.chmod(PRIVATE_FOLDER)

    # coming

    def new_name(self, stem: str) -> str:
        """A name that no file here has or had."""
        return f"{stem}.{secrets.token_hex(4)}{SUFFIX}"

    def writing(self, name: str) -> Path:
        """Where a file is written before it has its name."""
        return self.path / (name + WRITING)

    def finish(self, name: str) -> tuple[int, str]:
        """Make a written file last under its name; its bytes and SHA-256. ``settle`` follows."""
        path = self.writing(name)
        size = make_private(path)
        digest = sha256(path)
        sync(path)
        path.rename(self.path / name)
        return size, digest

    def settle(self) -> None:
        """Make names last."""
        sync(self.path)

    def write_summary(self, table: pa.Table) -> tuple[str, str]:
        """Write what sums up all files; its name and SHA-256."""
        name = self.new_name(SUMMARY)
        pq.write_table(table, self.writing(name), compression="zstd")
        _, digest = self.finish(name)
        self.settle()
        return name, digest

    def summary(self, name: str, digest: str) -> pa.Table | None:
        """None when it is not there or not as it was written."""
        try:
            return pq.read_table(self.path / name) if sha256(self.path / name) == digest else None
        except FileNotFoundError:
            return None

    # going

    def retire(self, layout: Layout) -> None:
        """This layout is no more; some may still look at it."""
        self._past.append(layout)

    def sweep(self, keep: Iterable[str]) -> None:
        """Remove what is neither kept nor in a layout that somebody looks at."""
        self._past = [one for one in self._past if one.in_use]
        needed = set(keep).union(*(one.names for one in self._past))
        for path in self.path.iterdir():
            if path.name.endswith((SUFFIX, SUFFIX + WRITING)) and path.name not in needed:
                path.unlink(missing_ok=True)

    def discard(self, names: Iterable[str]) -> None:
        """Remove files that never came to count."""
        for name in names:
            for path in (self.path / name, self.writing(name)):
                with suppress(OSError):
                    path.unlink(missing_ok=True)

    def set_aside(self, name: str) -> None:
        """Put a file where nobody reads it."""
        with suppress(FileNotFoundError):
            (self.path / name).rename(self.aside(name))
        self.settle()

    def aside(self, name: str) -> Path:
        """Where a file lies that was set aside."""
        return self.path / BROKEN / name

    def is_whole(self, name: str, size: int, digest: str) -> bool:
        """Was a whole copy brought to where this file was set aside?"""
        path = self.aside(name)
        return path.is_file() and path.stat().st_size == size and sha256(path) == digest

    # being as they were

    def unknown(self, known: Iterable[str]) -> list[str]:
        """Files here that are neither known nor wait to be removed."""
        waiting = set(known).union(*(one.names for one in self._past))
        return sorted(path.name for path in self.path.iterdir() if path.is_file() and path.name not in waiting)

    def trouble(self, one: File, deep: bool = False) -> tuple[Trouble, str, str] | None:
        """What is wrong with a file at a glance, or in all its bytes: trouble, found, expected."""
        path = self.path / one.name
        try:
            size = path.stat().st_size
            found = sha256(path) if deep and size == one.bytes else one.sha256
        except FileNotFoundError:
            return "missing", "no file", f"{one.bytes} bytes"
        except OSError as error:
            if error.errno != EIO:  # too many open files, for one, say nothing of this one
                raise
            return "unreadable", "an error of the disk", f"{one.bytes} bytes"
        if size != one.bytes:
            return "truncated", f"{size} bytes", f"{one.bytes} bytes"
        return None if found == one.sha256 else ("wrong_checksum", found, one.sha256)


def sha256(path: Path) -> str:
    """In hexadecimal. Raises ``OSError``."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def sync(path: Path) -> None:
    """Make a file or the names in a folder last. Raises ``OSError``."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
