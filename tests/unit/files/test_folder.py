"""Content-addressed files in a folder: kept whole or not at all, found damaged, deleted when nobody refers to them."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from gops.clock import DAY, FixedClock, SystemClock
from gops.errors import TooLarge, Unavailable
from gops.files import folder
from gops.files.collecting import collect
from gops.files.folder import FolderFiles, path_of
from gops.files.port import Damaged, StoredFile

BODY = b"readings " * 1000
SHA = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def files(tmp_path: Path) -> FolderFiles:
    return FolderFiles(tmp_path / "files")


def kept(files: FolderFiles, body: bytes = BODY, owner: str = "test") -> StoredFile:
    draft = files.begin(owner, 1 << 20)
    draft.write(body[:100])
    draft.write(memoryview(body)[100:])
    return draft.keep()


def drafts(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "files" / "drafts").iterdir())


def test_a_file_is_named_by_its_bytes_and_private(files: FolderFiles, tmp_path: Path) -> None:
    assert kept(files) == StoredFile(SHA, len(BODY))
    with files.open(SHA) as opened:
        assert opened.read() == BODY
        assert opened.seek(9) == 9
    path = tmp_path / "files" / SHA[:2] / SHA[2:4] / SHA
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    assert {stat.S_IMODE(one.stat().st_mode) for one in path.parents if one.is_relative_to(tmp_path / "files")} == {
        0o700
    }
    assert drafts(tmp_path) == []


def test_equal_bytes_are_kept_once(files: FolderFiles, tmp_path: Path) -> None:
    assert kept(files) == kept(files)
    assert [one.name for one in (tmp_path / "files").glob("??/??/*")] == [SHA]


def test_a_draft_is_no_file_until_it_is_kept(files: FolderFiles, tmp_path: Path) -> None:
    draft = files.begin("test", 1 << 20)
    draft.write(BODY)
    draft.close()
    with pytest.raises(Damaged):
        files.open(SHA)
    draft.discard()
    assert drafts(tmp_path) == []


def test_what_a_killed_process_left_is_dropped_by_its_owner(files: FolderFiles, tmp_path: Path) -> None:
    left = [files.begin(owner, 10) for owner in ("snapshot-1", "snapshot-1", "snapshot-12")]
    assert files.drop("snapshot-1") == 2
    assert [one.name.partition(".")[0] for one in drafts(tmp_path)] == ["snapshot-12"]
    for draft in left:
        draft.discard()


def test_a_file_beyond_its_bound_is_refused(files: FolderFiles) -> None:
    draft = files.begin("test", 10)
    draft.write(b"0123456789")
    with pytest.raises(TooLarge) as caught:
        draft.write(b"x")
    assert (caught.value.code, caught.value.found) == ("file_too_large", 11)
    draft.discard()


def test_a_changed_bit_and_a_lost_byte_are_found(files: FolderFiles, tmp_path: Path) -> None:
    file = kept(files)
    assert files.verify(file) is None
    path = path_of(tmp_path / "files", SHA)
    path.chmod(0o600)
    path.write_bytes(bytes([BODY[0] ^ 1]) + BODY[1:])
    found = files.verify(file)
    assert found is not None
    assert (found.sha256, found.trouble, found.expected) == (SHA, "wrong_checksum", SHA)
    path.write_bytes(BODY[:-1])
    found = files.verify(file)
    assert found is not None
    assert (found.trouble, found.found) == ("wrong_size", f"{len(BODY) - 1} bytes")
    path.unlink()
    found = files.verify(file)
    assert found is not None
    assert found.trouble == "missing"


def test_writing_the_same_bytes_again_heals_a_damaged_file(files: FolderFiles, tmp_path: Path) -> None:
    file = kept(files)
    path = path_of(tmp_path / "files", SHA)
    path.chmod(0o600)
    path.write_bytes(b"broken")
    kept(files)
    assert files.verify(file) is None


@pytest.mark.parametrize("name", ["", "..", "../../etc/passwd", SHA.upper(), SHA[:-1], SHA + "\n"])
def test_what_is_no_hash_names_no_file(files: FolderFiles, name: str) -> None:
    with pytest.raises(ValueError, match="no SHA-256"):
        files.open(name)


def test_a_full_disk_is_said_and_leaves_nothing(
    files: FolderFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = files.begin("test", 1 << 20)
    draft.write(BODY)

    def no_room(_handle: int) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(folder.os, "fsync", no_room)
    with pytest.raises(Unavailable) as caught:
        draft.keep()
    assert (caught.value.code, caught.value.expected) == ("files_write", "more room on the disk")
    draft.discard()
    assert drafts(tmp_path) == []
    assert list((tmp_path / "files").glob("??")) == []


def test_only_what_nobody_refers_to_is_collected_and_only_after_a_day(files: FolderFiles, tmp_path: Path) -> None:
    clock = FixedClock(SystemClock().now())
    used, unused = kept(files), kept(files, b"unused")
    left = files.begin("test", 10)
    assert collect(files, [lambda: [used.sha256]], clock) == 0
    clock.move(days=1, minutes=1)
    fresh = kept(files, b"fresh")
    os.utime(path_of(tmp_path / "files", fresh.sha256), ns=(clock.micros() * 1000,) * 2)
    assert collect(files, [lambda: [used.sha256], list], clock) == 1
    assert files.verify(used) is None
    assert files.verify(fresh) is None
    assert files.verify(unused) is not None
    assert drafts(tmp_path) == []
    assert {one.sha256 for one in files.older_than(clock.micros() + DAY)} == {used.sha256, fresh.sha256}
    left.discard()


def test_what_is_kept_again_while_others_are_collected_stays(files: FolderFiles) -> None:
    """A snapshot freezes the same bytes as one that is gone, after references were named and before it refers."""
    again = kept(files)
    clock = FixedClock(SystemClock().now())
    clock.move(days=2)

    def references() -> list[str]:
        path = path_of(files._root, again.sha256)
        os.utime(path, ns=(clock.micros() * 1000,) * 2)  # as ``keep`` would
        return []

    assert collect(files, [references], clock) == 0
    assert files.verify(again) is None
