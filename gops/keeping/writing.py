"""Files that are whole or not there: written under another name, synced, renamed, the folder synced."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from gops.errors import Invalid, Unavailable

PIECE = 1 << 20
UNFINISHED = ".part"


def empty_folder(path: Path, field: str) -> None:
    """Make ``path`` unless it is an empty folder. Raises ``Invalid`` (``folder_not_empty``), ``Unavailable``."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.scandir(path) as entries:
            found = next(entries, None)
    except OSError as error:
        raise Unavailable(f"the folder {path} cannot be made or read ({error.strerror})", field=field) from error
    if found is not None:
        raise Invalid(
            f"the folder {path} is not empty: {found.name} is in it",
            code="folder_not_empty",
            field=field,
            found=found.name,
            expected="a folder that is empty or not there yet",
        )


@contextmanager
def disk_trouble(what: str) -> Iterator[None]:
    """An error of the operating system becomes ``Unavailable`` that says what could not be done, and why."""
    try:
        yield
    except OSError as error:
        raise Unavailable(f"{what} failed: {error.strerror or error}", found=str(error.filename or "")) from error


def sha256_of(path: Path, read: Callable[[int], object] = lambda _bytes: None) -> str:
    """Of a file's bytes; ``read`` is told how many were read each time."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
            read(len(piece))
    return digest.hexdigest()


def sync(path: Path) -> None:
    """A file or a folder, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def appearing(target: Path) -> Iterator[Path]:
    """Write to the path that this gives; when that went well it becomes ``target``."""
    unfinished = target.with_name(target.name + UNFINISHED)
    try:
        yield unfinished
        sync(unfinished)
        unfinished.rename(target)
        sync(target.parent)
    finally:
        unfinished.unlink(missing_ok=True)


def write_json(target: Path, content: Any) -> None:
    with appearing(target) as unfinished:
        unfinished.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n")
        unfinished.chmod(0o600)
