"""Putting a backup into an empty data folder.

Everything is copied into ``<data>/.restoring``, checked there against the manifest (bytes, SHA-256, rows of the
records, rows of the store), and only then moved into place. From ``READY`` on the moves are finished by whoever
restores the same backup again; before that a restore leaves nothing behind.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from gops import logs
from gops.errors import Conflict, Invalid
from gops.keeping import manifest
from gops.keeping.backup import LOST, STORE, counts
from gops.keeping.manifest import DATA, RECORDS, File, Manifest
from gops.keeping.progress import Tell, paced, quiet
from gops.keeping.standing import RESTORING
from gops.keeping.writing import PIECE, appearing, disk_trouble, sha256_of, sync
from gops.records.copying import SQLITE, check_sqlite, leap_sqlite, load_postgresql, sqlite_path
from gops.records.database import Database
from gops.settings import Settings
from gops.store.port import Store
from gops.store.upkeep import Upkeep

READY = "ready"
PRIVATE = 0o700
log = logs.get(__name__)


def refuse_unfinished(data: Path) -> None:
    """A server must not begin on half a restore. Raises ``Conflict``."""
    if (data / RESTORING).exists():
        raise Conflict(
            f"a restore into {data} was not finished",
            code="restore_unfinished",
            field="GOPS_DATA",
            expected="gops restore FOLDER again, which finishes it",
        )


def newest(folder: Path) -> Path:
    """``folder`` when it is a backup, or the newest complete one in it; ``manifest.read`` refuses anything else."""
    if (folder / manifest.NAME).is_file() or not folder.is_dir():
        return folder
    found = manifest.complete(folder)
    return found[-1] if found else folder


def check(folder: Path, tell: Tell = quiet) -> Manifest:
    """Read every byte of a backup. Raises ``Invalid`` (``backup_damaged``), and what ``manifest.read`` raises."""
    source = newest(folder.absolute())
    said = manifest.read(source)
    step, done = paced(tell, "checksums", "bytes"), 0
    for name, file in said.files.items():
        path = source / name
        size = path.stat().st_size if path.is_file() else None
        _compare(name, file, size, sha256_of(path) if size == file.bytes else "")
        done += file.bytes
        step(done, said.bytes)
    if said.records.engine == "sqlite":
        check_sqlite(source / DATA / SQLITE, said.records)
    return said


def restore(
    folder: Path, settings: Settings, open_store: Callable[[Settings], Store], tell: Tell = quiet
) -> dict[str, Any]:
    """Restore the backup in ``folder`` (or the newest in it) to where ``settings`` keep things; what was restored.

    Raises ``Conflict`` (``data_not_empty``, ``records_not_empty``, ``other_store``, ``other_records``), ``Invalid``
    (``backup_damaged``, ``newer_backup``), ``Malformed``, ``NotFound``, ``Unavailable``. Nothing is in place then.
    """
    source = newest(folder.absolute())
    said = manifest.read(source)
    with disk_trouble("restoring"), closing(Database.of(settings)) as database:
        _refuse_other(said, settings, database)
        staged = settings.data / RESTORING
        if not _is_ready(staged, source):
            _refuse_standing(settings, database)
            try:
                _stage(source, said, staged, tell)
                tell({"what": "counting", "done": 0, "of": 0, "unit": ""})
                _check_staged(said, replace(settings, data=staged / DATA), open_store)
                if said.records.engine == "postgresql":
                    load_postgresql(database, staged / RECORDS, said.records)
                _mark(staged, source)
            except BaseException:
                shutil.rmtree(staged, ignore_errors=True)
                raise
        _place(staged, settings.data, database)
    log.info("restored", backup=str(source), made_at=said.made_at)
    return {
        "backup": str(source),
        "made_at": said.made_at,
        "readings": dict(said.readings.counts),
        "engine": said.readings.engine,
        "records": sum(said.records.tables.values()),
        "files": len(said.files),
        "findings": list(said.findings),
    }


def _refuse_other(said: Manifest, settings: Settings, database: Database) -> None:
    engine = "sqlite" if database.is_sqlite else "postgresql"
    if said.readings.engine != settings.store:
        raise Conflict(
            f"the backup holds readings of GOPS_STORE={said.readings.engine}",
            code="other_store",
            field="GOPS_STORE",
            found=settings.store,
            expected=said.readings.engine,
        )
    if said.records.engine != engine:
        raise Conflict(
            f"the backup holds records of {said.records.engine}, and GOPS_RECORDS_URL names {engine}",
            code="other_records",
            field="GOPS_RECORDS_URL",
            found=engine,
            expected=said.records.engine,
        )


def _refuse_standing(settings: Settings, database: Database) -> None:
    """What an earlier restore left unfinished is no obstacle; anything else is."""
    settings.data.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    found = sorted(path.name for path in settings.data.iterdir() if path.name not in (RESTORING, LOST))
    if found:
        raise Conflict(
            f"the data folder {settings.data} is not empty: {found[0]} is in it",
            code="data_not_empty",
            field="GOPS_DATA",
            found=found[0],
            expected="an empty data folder, or none; a restore overwrites nothing",
        )
    if database.is_sqlite and sqlite_path(database).exists():
        raise Conflict(
            f"there are records already: {sqlite_path(database)}",
            code="records_not_empty",
            field="GOPS_RECORDS_URL",
            expected="the address of a file that is not there",
        )


def _stage(source: Path, said: Manifest, staged: Path, tell: Tell) -> None:
    shutil.rmtree(staged, ignore_errors=True)
    (staged / DATA).mkdir(mode=PRIVATE, parents=True)
    step, done = paced(tell, "restore", "bytes"), 0
    for name, file in said.files.items():
        _copy(source, name, file, staged / name)
        done += file.bytes
        step(done, said.bytes)


def _copy(source: Path, name: str, file: File, target: Path) -> None:
    """Copy a file, private to its owner, and compare what was read with the manifest."""
    if not (source / name).is_file():
        _compare(name, file, None, "")
    target.parent.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    digest, size = sha256(), 0
    with (source / name).open("rb") as given, target.open("xb") as made:
        while piece := given.read(PIECE):
            digest.update(piece)
            size += len(piece)
            made.write(piece)
        made.flush()
        os.fsync(made.fileno())
        os.fchmod(made.fileno(), os.fstat(given.fileno()).st_mode & PRIVATE | 0o400)
    _compare(name, file, size, digest.hexdigest())


def _compare(name: str, file: File, size: int | None, found: str) -> None:
    if size == file.bytes and found == file.sha256:
        return
    short = "nothing" if size is None else f"{size} bytes"
    raise Invalid(
        f"the backup is damaged: {name}",
        code="backup_damaged",
        field=name,
        found=short if size != file.bytes else found,
        expected=f"{file.bytes} bytes of SHA-256 {file.sha256}; another backup",
    )


def _check_staged(said: Manifest, settings: Settings, open_store: Callable[[Settings], Store]) -> None:
    """Open the copies and count. The store's own folder is used, so that what opens here opens there."""
    if said.records.engine == "sqlite":
        check_sqlite(settings.data / SQLITE, said.records)
        leap_sqlite(settings.data / SQLITE)
    if not said.readings.counts:
        return
    with closing(open_store(settings)) as store:
        found = counts(store.stats()) if isinstance(store, Upkeep) else {}
    if found != said.readings.counts:
        raise Invalid(
            "the store of the backup does not hold what the manifest says",
            code="backup_damaged",
            field=STORE,
            found=str(dict(found)),
            expected=str(dict(said.readings.counts)),
        )


def _mark(staged: Path, source: Path) -> None:
    for folder in [staged, *(path for path in staged.rglob("*") if path.is_dir())]:
        sync(folder)
    with appearing(staged / READY) as unfinished:
        unfinished.write_text(str(source))


def _is_ready(staged: Path, source: Path) -> bool:
    """Only moves are left of an earlier restore. Raises ``Conflict`` when that was of another backup."""
    if not (staged / READY).exists():
        return False
    begun = (staged / READY).read_text()
    if begun != str(source):
        raise Conflict(
            f"a restore of {begun} was not finished",
            code="restore_unfinished",
            field="FOLDER",
            found=str(source),
            expected=f"gops restore {begun}, which finishes it",
        )
    return True


def _place(staged: Path, data: Path, database: Database) -> None:
    """Move what is ready into place; each move once, however often this is begun."""
    for path in sorted((staged / DATA).iterdir()):
        if path.name == SQLITE:
            _place_records(path, sqlite_path(database))
        else:
            path.rename(data / path.name)
    sync(data)
    shutil.rmtree(staged)
    sync(data)


def _place_records(path: Path, target: Path) -> None:
    target.parent.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    if target.parent.stat().st_dev == path.stat().st_dev:
        path.rename(target)
        sync(target.parent)
        return
    unfinished = target.with_name(f".{target.name}.{RESTORING}")
    shutil.copyfile(path, unfinished)
    unfinished.chmod(0o600)
    sync(unfinished)
    unfinished.rename(target)
    sync(target.parent)
    path.unlink()
