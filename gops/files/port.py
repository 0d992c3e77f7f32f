"""What a store of content-addressed files does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal, Protocol

from gops.errors import Unavailable

Trouble = Literal["missing", "wrong_size", "wrong_checksum", "unreadable"]


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file by its name, the SHA-256 of its bytes in lower-case hex, and its length."""

    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class FileFinding:
    """What is wrong with a file."""

    sha256: str
    trouble: Trouble
    found: str
    expected: str


class Damaged(Unavailable):
    """A file that records refer to is not there, or is not what it was."""

    code = "file_damaged"


class Draft(Protocol):
    """A file that is being written: an output stream (``write``, ``tell``, ``flush``, ``close``) with two ends."""

    closed: bool

    def write(self, piece: bytes) -> int:
        """Raises ``TooLarge`` beyond the bound given at the start, ``Unavailable`` (``files_write``) from the disk."""

    def tell(self) -> int: ...

    def flush(self) -> None: ...

    def close(self) -> None:
        """No more is written. The file is neither kept nor discarded by it."""

    def keep(self) -> StoredFile:
        """Make the file durable under its hash: all of it is there, or nothing. Raises ``Unavailable``."""

    def discard(self) -> None:
        """Forget it; nothing after ``keep``."""


class Files(Protocol):
    """Methods may be called from any thread and process."""

    def begin(self, owner: str, most_bytes: int) -> Draft:
        """A new file of at most ``most_bytes``. ``owner`` ([a-z0-9-]) names whose draft it is, for ``drop``."""

    def drop(self, owner: str) -> int:
        """Discard every draft of ``owner``, as a process that was killed leaves them; how many there were."""

    def open(self, sha256: str) -> BinaryIO:
        """The file to read, with ``seek``; the caller closes it. Raises ``Damaged`` when it is not there."""

    def verify(self, file: StoredFile) -> FileFinding | None:
        """Read the whole file; what is wrong with it, if anything."""

    def older_than(self, at: int) -> Iterator[StoredFile]:
        """Files that nobody has kept since ``at``, in microseconds since 1970."""

    def delete(self, sha256: str, at: int) -> bool:
        """For good, unless somebody has kept it since ``at`` (microseconds); was it? One that is not there passes."""

    def discard_older_than(self, at: int) -> int:
        """Discard drafts that nobody has written to since ``at``; how many there were."""
