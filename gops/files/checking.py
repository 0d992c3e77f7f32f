"""Are the files that records refer to what they were?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gops.files.port import FileFinding, Files, StoredFile

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Needed:
    """A file, and what refers to it: ``of`` by names, ``shown`` for people."""

    shown: str
    of: Mapping[str, Any]
    file: StoredFile


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a file, for one of those that need it."""

    needed: Needed
    finding: FileFinding


def check(files: Files, needed: Sequence[Needed], progress: Progress = lambda _done, _of: None) -> Sequence[Wrong]:
    """Read every file and compare it with its hash. Progress in bytes.

    A file that several need is read once, and found wrong for each of them.
    """
    sizes = {one.file: one.file.bytes for one in needed}
    of, done = sum(sizes.values()), 0
    found: dict[StoredFile, FileFinding] = {}
    for file, size in sizes.items():
        finding = files.verify(file)
        if finding is not None:
            found[file] = finding
        done += size
        progress(done, of)
    return [Wrong(one, found[one.file]) for one in needed if one.file in found]
