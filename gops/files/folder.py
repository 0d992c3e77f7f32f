"""Files in a folder.

::

    <root>/ab/cd/abcd...   the file of that SHA-256 (mode 0400); the first four digits are two levels of folders
    <root>/drafts/         what is being written: {owner}.{random}

A draft is written, synced, renamed to its hash, and the folder synced: after a crash a file is whole or not there.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from gops.errors import TooLarge, Unavailable
from gops.files.port import Damaged, FileFinding, StoredFile

PRIVATE_FOLDER = 0o700
DRAFT_MODE = 0o600
KEPT_MODE = 0o400
DRAFTS = "drafts"
PIECE = 1 << 20  # bytes read at once while a file is verified
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_OWNER = re.compile(r"[a-z0-9-]{1,64}", re.ASCII)


class FolderDraft:
    """A ``Draft`` in a folder."""

    def __init__(self, root: Path, owner: str, most_bytes: int) -> None:
        self.closed = False
        self._root = root
        self._most = most_bytes
        self._digest = hashlib.sha256()
        self._written = 0
        with _plainly():
            _make_folder(root / DRAFTS)
            self._path = root / DRAFTS / f"{owner}.{secrets.token_hex(8)}"
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, DRAFT_MODE)
        self._file = os.fdopen(handle, "wb", buffering=PIECE)

    def write(self, piece: bytes) -> int:
        view = memoryview(piece).cast("B")
        if self._written + len(view) > self._most:
            raise TooLarge(
                f"a file grew beyond {self._most} bytes",
                code="file_too_large",
                field="file",
                found=self._written + len(view),
                expected=f"at most {self._most} bytes",
            )
        with _plainly():
            self._file.write(view)
        self._digest.update(view)
        self._written += len(view)
        return len(view)

    def tell(self) -> int:
        return self._written

    def flush(self) -> None:
        with _plainly():
            self._file.flush()

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        self.closed = True

    def keep(self) -> StoredFile:
        self.closed = True
        kept = StoredFile(self._digest.hexdigest(), self._written)
        target = path_of(self._root, kept.sha256)
        with _plainly():
            self._file.flush()
            os.fchmod(self._file.fileno(), KEPT_MODE)
            os.fsync(self._file.fileno())
            self._file.close()
            _make_folder(target.parent)
            os.replace(self._path, target)  # also over an equal file: it heals one that was damaged, and is fresh again
            _sync(target.parent)
        return kept

    def discard(self) -> None:
        self.closed = True
        with suppress(OSError):  # what is left in the buffer may find no room; it is not wanted
            self._file.close()
        self._path.unlink(missing_ok=True)


class FolderFiles:
    """A store of files in ``root``, which is made when the first file is begun."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def begin(self, owner: str, most_bytes: int) -> FolderDraft:
        return FolderDraft(self._root, _checked_owner(owner), most_bytes)

    def drop(self, owner: str) -> int:
        with _plainly():
            found = list((self._root / DRAFTS).glob(f"{_checked_owner(owner)}.*"))
            for path in found:
                path.unlink(missing_ok=True)
        return len(found)

    def open(self, sha256: str) -> BinaryIO:
        try:
            return path_of(self._root, sha256).open("rb")
        except OSError as error:
            raise Damaged(f"the file {sha256} can't be read: {error.strerror}", field="file", found=sha256) from error

    def verify(self, file: StoredFile) -> FileFinding | None:
        path = path_of(self._root, file.sha256)
        try:
            size = path.stat().st_size
            if size != file.bytes:
                return FileFinding(file.sha256, "wrong_size", f"{size} bytes", f"{file.bytes} bytes")
            found = _digest_of(path)
        except FileNotFoundError:
            return FileFinding(file.sha256, "missing", "no file", f"{file.bytes} bytes")
        except OSError as error:
            return FileFinding(file.sha256, "unreadable", str(error.strerror), "a file that can be read")
        if found != file.sha256:
            return FileFinding(file.sha256, "wrong_checksum", found, file.sha256)
        return None

    def older_than(self, at: int) -> Iterator[StoredFile]:
        for path in self._root.glob("[0-9a-f][0-9a-f]/[0-9a-f][0-9a-f]/*"):
            status = _status(path)
            if status is not None and _SHA256.fullmatch(path.name) and status.st_mtime_ns // 1000 < at:
                yield StoredFile(path.name, status.st_size)

    def delete(self, sha256: str, at: int) -> bool:
        path = path_of(self._root, sha256)
        status = _status(path)
        if status is None or status.st_mtime_ns // 1000 >= at:
            return False
        with _plainly():
            path.unlink(missing_ok=True)
        return True

    def discard_older_than(self, at: int) -> int:
        count = 0
        for path in (self._root / DRAFTS).glob("*"):
            status = _status(path)
            if status is not None and status.st_mtime_ns // 1000 < at:
                with _plainly():
                    path.unlink(missing_ok=True)
                count += 1
        return count


def path_of(root: Path, sha256: str) -> Path:
    """Where the file of that hash lies. Raises ``ValueError`` for what is no hash: it never comes from a request."""
    if not _SHA256.fullmatch(sha256):
        raise ValueError(f"no SHA-256 in hex: {sha256!r}")
    return root / sha256[:2] / sha256[2:4] / sha256


def _checked_owner(owner: str) -> str:
    if not _OWNER.fullmatch(owner):
        raise ValueError(f"no owner of a draft: {owner!r}")
    return owner


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _status(path: Path) -> os.stat_result | None:
    """None for what went away meanwhile."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _make_folder(path: Path) -> None:
    """Make a folder and those above it, private, each name durable."""
    if path.is_dir():
        return
    _make_folder(path.parent)
    path.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _plainly() -> Iterator[None]:
    """What the disk says becomes ``Unavailable`` (``files_write``)."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise Unavailable(
            f"files can't be written: {error.strerror}",
            code="files_write",
            field="GOPS_DATA",
            expected="more room on the disk" if full else "a folder files that GOPS may write to",
        ) from error
