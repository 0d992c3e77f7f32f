"""The folder of the embedded store is held by one process at a time.

Apart from the store itself: ``gops run`` asks before it starts the process that opens the store, and needs no engine
for that.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from gops.errors import Unavailable

LOCK = "readings.lock"
SPILL = "spill"
PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600


class FolderLock:
    """Holds ``folder`` until released or until the process ends, however it ends.

    Raises ``Unavailable`` (``store_held``) naming the process that holds it.
    """

    def __init__(self, folder: Path) -> None:
        for path in (folder, folder / SPILL):
            path.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
            path.chmod(PRIVATE_FOLDER)
        self._handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(self._handle, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._handle)
            raise Unavailable(
                f"the store in {folder} is held by the process {holder}; only one may open it",
                code="store_held",
                found=f"process {holder}",
                expected="no other process that has this store open",
            ) from error
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        os.close(self._handle)


def refuse_held(folder: Path, patience_s: float) -> None:
    """Raises ``Unavailable`` (``store_held``) when another process still holds the folder after that time."""
    end = time.monotonic() + patience_s
    while folder.exists():
        try:
            FolderLock(folder).release()
        except Unavailable:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
        else:
            return
