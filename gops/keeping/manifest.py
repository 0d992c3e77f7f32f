"""What a backup is: a folder with a manifest, which was written last.

::

    <folder>/gops-20260501T030000Z/     one backup; its name is its time, UTC
      manifest.json                     format, time, counts, and of every file bytes and SHA-256
      data/                             laid out as GOPS_DATA: store/, records.sqlite, files/, secrets/, outbox/ ...
      records/                          instead of records.sqlite: the tables of PostgreSQL
    <folder>/.gops-....part/            one that is being written, or was when the power went
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import orjson
from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load, validate

from gops.errors import Invalid, Malformed, NotFound
from gops.keeping.writing import write_json
from gops.records.copying import Copied

FORMAT = 1
NAME = "manifest.json"
DATA = "data"
RECORDS = "records"
FOLDER_NAME = re.compile(r"gops-\d{8}T\d{6}Z", re.ASCII)


@dataclass(frozen=True)
class File:
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Readings:
    """What the store's own copy holds. ``engine`` is the setting; an engine that keeps no files has no counts."""

    engine: str
    counts: Mapping[str, int | None]


@dataclass(frozen=True)
class Manifest:
    """``life`` is that of the data folder (``keeping.life``); ``findings`` tell what was damaged before the copy."""

    gops: str
    made_at: str
    life: str
    readings: Readings
    records: Copied
    files: Mapping[str, File]
    findings: Sequence[str]
    format: int = FORMAT

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files.values())


def write(folder: Path, manifest: Manifest) -> None:
    write_json(folder / NAME, asdict(manifest))


class _Strict(Schema):
    class Meta:
        unknown = EXCLUDE  # a newer GOPS of this format may say more


class _File(_Strict):
    bytes = fields.Integer(required=True, strict=True, validate=validate.Range(0))
    sha256 = fields.String(required=True, validate=validate.Regexp(r"[0-9a-f]{64}\Z"))

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> File:
        return File(**data)


class _Readings(_Strict):
    engine = fields.String(required=True)
    counts = fields.Dict(fields.String(), fields.Integer(strict=True, allow_none=True), required=True)

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Readings:
        return Readings(**data)


class _Records(_Strict):
    engine = fields.String(required=True, validate=validate.OneOf(["sqlite", "postgresql"]))
    step = fields.String(required=True)
    tables = fields.Dict(fields.String(), fields.Integer(strict=True), required=True)
    sequences = fields.Dict(fields.String(), fields.Integer(strict=True), required=True)

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Copied:
        return Copied(**data)


class _Manifest(_Strict):
    format = fields.Integer(required=True, strict=True)
    gops = fields.String(required=True)
    made_at = fields.String(required=True)
    life = fields.String(required=True)
    readings = fields.Nested(_Readings, required=True)
    records = fields.Nested(_Records, required=True)
    files = fields.Dict(fields.String(), fields.Nested(_File), required=True)
    findings = fields.List(fields.String(), required=True)

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Manifest:
        return Manifest(**data)


def read(folder: Path) -> Manifest:
    """Raises ``NotFound`` without a manifest, ``Malformed`` for what is none, ``Invalid`` for that of a newer GOPS."""
    path = folder / NAME
    try:
        content = orjson.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFound(f"{folder} holds no backup", field="FOLDER", expected=f"a folder with {NAME} in it") from error
    except orjson.JSONDecodeError as error:
        raise Malformed(f"{path} is no JSON", field=NAME, expected="the manifest as gops backup wrote it") from error
    found = content.get("format") if isinstance(content, dict) else None
    if isinstance(found, int) and found > FORMAT:
        raise Invalid(
            f"{folder} was made by a newer GOPS (format {found})",
            code="newer_backup",
            field="format",
            found=found,
            expected=f"format {FORMAT} or older; or the GOPS that made it",
        )
    try:
        manifest: Manifest = _Manifest().load(content)
    except ValidationError as error:
        raise Malformed(
            f"{path} is no manifest of a backup: {orjson.dumps(error.normalized_messages()).decode()[:300]}", field=NAME
        ) from error
    _refuse_outside(manifest)
    return manifest


def _refuse_outside(manifest: Manifest) -> None:
    """A file of a backup lies in one of its two folders, whatever the manifest says."""
    for name in manifest.files:
        parts = PurePosixPath(name).parts
        if len(parts) < 2 or parts[0] not in (DATA, RECORDS) or ".." in parts or "\0" in name:
            raise Malformed(
                f"the manifest names a file outside of the backup: {name!r}",
                field="files",
                found=name,
                expected=f"a path below {DATA}/ or {RECORDS}/",
            )


def complete(folder: Path) -> Sequence[Path]:
    """The backups in ``folder``, oldest first."""
    found = (path for path in folder.iterdir() if FOLDER_NAME.fullmatch(path.name))
    return sorted(path for path in found if (path / NAME).is_file())
