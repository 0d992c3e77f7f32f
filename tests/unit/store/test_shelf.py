"""The folder of sealed files."""

from __future__ import annotations

from pathlib import Path

from gops.store.duckdb.shelf import Shelf
from gops.store.duckdb.tiers import File

NAME = "2026-01.00000000.parquet"


def file(size: int) -> File:
    return File(NAME, 0, 1, 1, 1, 0, 0, 1, size, "00")


def test_what_the_disk_does_not_give_is_unreadable_and_no_surprise(tmp_path: Path) -> None:
    """Reading a process's memory from its begin fails as a bad block does, with EIO."""
    shelf = Shelf(tmp_path)
    (shelf.path / NAME).symlink_to("/proc/self/mem")
    assert shelf.trouble(file(0)) is None
    assert shelf.trouble(file(0), deep=True) == ("unreadable", "an error of the disk", "0 bytes")


def test_a_file_is_missing_truncated_or_changed(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    assert shelf.trouble(file(3)) == ("missing", "no file", "3 bytes")
    (shelf.path / NAME).write_bytes(b"ab")
    assert shelf.trouble(file(3)) == ("truncated", "2 bytes", "3 bytes")
    assert shelf.trouble(file(2)) is None
    found = shelf.trouble(file(2), deep=True)
    assert found is not None
    assert found[0] == "wrong_checksum"
