"""Making a backup while GOPS runs: readings first, then records, then files; at last the manifest.

In this order nothing in the copy points at something that is not in it: every Datastream of a reading is in records
that were copied later. What never changes (sealed readings, ``files/``) is a hard link where the file system allows.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gops import __version__, logs
from gops.clock import Clock
from gops.errors import Conflict, GopsError, Invalid, Unsupported
from gops.keeping import manifest
from gops.keeping.life import LIFE, life_of
from gops.keeping.manifest import DATA, RECORDS, File, Manifest, Readings
from gops.keeping.progress import Tell, paced, quiet
from gops.keeping.writing import UNFINISHED, sha256_of, sync
from gops.records.copying import SQLITE, Copied, copy_out
from gops.records.database import Database
from gops.settings import Settings
from gops.store.port import Store
from gops.store.upkeep import Stats, Upkeep

STORE, FILES = "store", "files"
LOST = "lost+found"  # of the file system
NOT_COPIED = frozenset({STORE, LIFE, LOST, "admin.sock", *(SQLITE + end for end in ("", "-wal", "-shm", "-journal"))})
"""In the data folder: copied otherwise, or of this process alone. Names that begin with a dot are unfinished work."""
DRAFTS = "drafts"  # below files/: what is being written
LOCK = ".lock"
SHARED_BYTES = 65_536  # from this size on an equal file of the backup before is shared
_NO_LINK = {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP, errno.EACCES}
log = logs.get(__name__)


@dataclass(frozen=True)
class House:
    """What is backed up."""

    settings: Settings
    clock: Clock
    store: Store
    database: Database


def back_up(house: House, folder: Path, keep: int | None = None, tell: Tell = quiet) -> dict[str, Any]:
    """Make a backup in ``folder``; then remove the oldest of this data folder beyond ``keep``. What was done.

    The newest one without damage stays as well: it may be the last that has a damaged file whole.

    Raises ``Invalid`` for a folder within the data folder, ``Conflict`` (``backup_busy``) while another is being made
    there, ``Unsupported`` for a store that can't be copied.
    """
    target = folder.resolve()
    _refuse_inside(target, house.settings.data.resolve())
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(target):
        _remove(target.glob(f".gops-*{UNFINISHED}"))
        made = target / f"gops-{house.clock.now():%Y%m%dT%H%M%SZ}"
        if made.exists():
            raise Conflict(
                f"{made} is there already", code="backup_busy", field="FOLDER", expected="a second's patience"
            )
        written = _make(house, made, tell)
        removed = [] if keep is None else _prune(target, written.life, keep)
    log.info("backup_made", folder=str(made), bytes=written.bytes, files=len(written.files), removed=len(removed))
    return {
        "folder": str(made),
        "bytes": written.bytes,
        "files": len(written.files),
        "readings": asdict(written.readings),
        "records": sum(written.records.tables.values()),
        "findings": list(written.findings),
        "removed": removed,
    }


def _make(house: House, made: Path, tell: Tell) -> Manifest:
    unfinished = made.with_name(f".{made.name}{UNFINISHED}")
    before = manifest.complete(made.parent)
    try:
        (unfinished / DATA).mkdir(mode=0o700, parents=True)
        made_at = house.clock.now().isoformat()
        readings, sealed = _copy_readings(house, unfinished / DATA / STORE, tell)
        records = _copy_records(house.database, unfinished, tell)
        _copy_others(house.settings.data, unfinished / DATA, tell)
        files = _measure(unfinished, tell)
        life = life_of(house.settings.data)
        written = Manifest(__version__, made_at, life, readings, records, files, _differing(files, sealed))
        if before:
            _share(unfinished, files, before[-1])
        _sync_folders(unfinished)
        manifest.write(unfinished, written)
        unfinished.rename(made)
        sync(made.parent)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return written


# what is copied


def _copy_readings(house: House, target: Path, tell: Tell) -> tuple[Readings, Stats | None]:
    engine = house.settings.store
    if isinstance(house.store, Upkeep):
        stats = house.store.backup(target, paced(tell, "readings", "bytes"))
        return Readings(engine, counts(stats)), stats
    if house.store.capabilities.durable and engine == "duckdb":
        raise Unsupported("the store cannot be copied while it is open", field="backup", expected="a sealing store")
    log.warning("backup_without_readings", engine=engine)
    return Readings(engine, {}), None


def counts(stats: Stats) -> Mapping[str, int | None]:
    """What a restored store must have again."""
    return {
        "datastreams": stats.datastreams,
        "hot_rows": stats.hot_rows,
        "late_rows": stats.late_rows,
        "sealed_rows": stats.sealed_rows,
        "sealed_files": len(stats.files),
        "first": stats.first,
        "last": stats.last,
    }


def _copy_records(database: Database, unfinished: Path, tell: Tell) -> Copied:
    tell({"what": "records", "done": 0, "of": 0, "unit": ""})
    folder = unfinished / (DATA if database.is_sqlite else RECORDS)
    folder.mkdir(mode=0o700, exist_ok=True)
    return copy_out(database, folder)


def _copy_others(data: Path, target: Path, tell: Tell) -> None:
    """Everything else in the data folder: ``files/``, secrets, letters, and whatever comes to lie there."""
    step, done = paced(tell, "files", "files"), 0
    for path in _others(data):
        copy = target / path.relative_to(data)
        copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            _link_or_copy(path, copy, may_link=path.is_relative_to(data / FILES))
        except FileNotFoundError:
            continue  # a letter was sent, a file deleted meanwhile
        done += 1
        step(done, 0)


def _others(data: Path) -> Iterator[Path]:
    """Regular files; a folder in the data folder may be a link to another disk, what lies below is not followed."""
    for top in sorted(data.iterdir()):
        if top.name in NOT_COPIED or top.name.startswith("."):
            continue
        if top.is_file():
            yield top
        for folder, below, names in os.walk(top, onerror=_complain):
            below[:] = sorted(one for one in below if Path(folder, one) != data / FILES / DRAFTS)
            found = (Path(folder, name) for name in sorted(names) if not name.startswith("."))
            yield from (path for path in found if path.is_file() and not path.is_symlink())


def _complain(error: OSError) -> None:
    """What cannot be read must not be missing silently."""
    if not isinstance(error, FileNotFoundError):
        raise error


def _link_or_copy(source: Path, target: Path, *, may_link: bool) -> None:
    if may_link:
        try:
            os.link(source, target, follow_symlinks=False)
        except OSError as error:
            if error.errno not in _NO_LINK:
                raise
        else:
            return
    shutil.copyfile(source, target)
    target.chmod(source.stat().st_mode & 0o700)


# what is written down of it


def _measure(unfinished: Path, tell: Tell) -> dict[str, File]:
    """Bytes and hash of every file, as they are read back; each is on the disk then."""
    paths = sorted(path for path in unfinished.rglob("*") if path.is_file())
    of, done = sum(path.stat().st_size for path in paths), 0
    step = paced(tell, "checksums", "bytes")
    found = {}
    for path in paths:
        sync(path)
        found[str(path.relative_to(unfinished))] = File(path.stat().st_size, sha256_of(path))
        done += path.stat().st_size
        step(done, of)
    return found


def _differing(files: Mapping[str, File], stats: Stats | None) -> Sequence[str]:
    """Sealed files that are no longer what they were when they were sealed, and those that were set aside."""
    sealed = {one.name: one for one in stats.files} if stats else {}
    aside = [f"{name}: set aside, not in this backup" for name in stats.set_aside] if stats else []
    below = f"{DATA}/{STORE}/"
    hashes = {Path(name).name: file.sha256 for name, file in files.items() if name.startswith(below)}
    return aside + [
        f"{name}: found {hashes.get(Path(name).name, 'nothing')}, expected {one.sha256}"
        for name, one in sorted(sealed.items())
        if hashes.get(Path(name).name) != one.sha256
    ]


def _share(unfinished: Path, files: Mapping[str, File], before: Path) -> None:
    """Where no link to the data folder was possible, what did not change is a link to the backup before."""
    try:
        standing = manifest.read(before).files
    except GopsError as error:
        log.warning("backup_before_unreadable", folder=str(before), reason=error.message)
        return
    for name, file in files.items():
        path, same = unfinished / name, standing.get(name) == file and (before / name).is_file()
        if not same or file.bytes < SHARED_BYTES or path.stat().st_nlink > 1:
            continue
        if sha256_of(before / name) != file.sha256:
            log.warning("backup_before_damaged", file=str(before / name))
            continue
        link = path.with_name(path.name + UNFINISHED)
        os.link(before / name, link)
        link.rename(path)


def _sync_folders(unfinished: Path) -> None:
    for folder in [unfinished, *(path for path in unfinished.rglob("*") if path.is_dir())]:
        sync(folder)


# the folder of backups


def _refuse_inside(target: Path, data: Path) -> None:
    if target == data or target.is_relative_to(data) or data.is_relative_to(target):
        raise Invalid(
            f"a backup cannot lie in what is backed up: {target} and {data}",
            code="backup_inside",
            field="FOLDER",
            found=str(target),
            expected="a folder outside of GOPS_DATA, best on another disk",
        )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise Conflict(
            f"another backup is being made in {folder}",
            code="backup_busy",
            field="FOLDER",
            expected="a folder of its own",
        ) from error
    try:
        yield
    finally:
        os.close(handle)


def _prune(folder: Path, life: str, keep: int) -> list[str]:
    """Remove the oldest complete backups of this life beyond ``keep``, but not the newest that holds no damage; those
    of others, or unreadable, are let be."""
    mine = [one for one in manifest.complete(folder) if _life(one) == life]
    whole = [one for one in mine if not manifest.read(one).findings][-1:]
    doomed = [one for one in mine[: max(0, len(mine) - keep)] if one not in whole]
    for one in doomed:
        one.rename(one.with_name(f".{one.name}{UNFINISHED}"))  # what is half removed is no backup
    _remove(folder.glob(f".gops-*{UNFINISHED}"))
    return [one.name for one in doomed]


def _life(backup: Path) -> str:
    try:
        return manifest.read(backup).life
    except GopsError as error:
        log.warning("backup_unreadable", folder=str(backup), reason=error.message)
        return ""


def _remove(folders: Iterator[Path]) -> None:
    for folder in list(folders):
        shutil.rmtree(folder)
