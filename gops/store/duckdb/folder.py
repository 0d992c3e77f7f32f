"""What is on disk beside the database: private to its owner, and cleared of what was not finished."""

from __future__ import annotations

from pathlib import Path

from gops.store.duckdb.schema import COPYING
from gops.store.holding import PRIVATE_FILE


def leftovers(folder: Path) -> None:
    """Remove unfinished copies of the database."""
    for path in folder.glob(f"{COPYING}*"):
        path.unlink(missing_ok=True)


def make_private(path: Path) -> int:
    """Bytes of a file (0 when there is none), after taking it from group and others.

    DuckDB creates its files with the process's umask, and a log anew after each checkpoint.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0
    if found.st_mode & 0o077:
        path.chmod(PRIVATE_FILE)
    return found.st_size
