"""The manifest of a snapshot: a JSON document in canonical form (RFC 8785) that says all there is to say of it. Pure.

Its SHA-256 names the snapshot: it covers the description, every Datastream and the hash of every file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import orjson
import rfc8785

from gops.catalog.facts import Bilingual
from gops.catalog.licences import LICENCES
from gops.catalog.long_shape import Member
from gops.clock import from_micros, to_micros
from gops.durations import parse_duration, write_duration

FORMAT = "gops-snapshot/1"
COLUMNS: Mapping[str, tuple[str, str]] = {
    "datastream": ("int64", "id of the Datastream; rows are ordered by it, then by time"),
    "time": ("timestamp[us, UTC]", "as the source labels it; label says which end of its period"),
    "thing": ("string", "name of what is measured; with its id where several have that name"),
    "property": ("string", "key of the observed property"),
    "value": ("double", "null for a text, and for a number that is missing"),
    "text": ("string", "of states; null otherwise"),
    "unit": ("string", "UCUM code"),
    "quality": ("string", "good, estimated, suspect, maintenance, communication_failure or missing"),
    "result_time": ("timestamp[us, UTC]", "when the source made it, where it says so"),
}


@dataclass(frozen=True, slots=True)
class FrozenFile:
    """A file of readings with ``start <= t < end``, in microseconds."""

    name: str
    sha256: str
    bytes: int
    rows: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class FrozenMember:
    """A Datastream as it was, where its Thing was (degrees), and how many readings it had."""

    member: Member
    place: tuple[float, float] | None
    rows: int


@dataclass(frozen=True, slots=True)
class About:
    """What is said of the dataset."""

    slug: str
    revision: int
    title: Bilingual
    description: Bilingual
    publisher: str
    publisher_name: Bilingual
    licence: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """``first`` and ``last`` are times of readings, in microseconds; None without any."""

    software: str
    about: About
    number: int
    frozen_at: int
    first: int | None
    last: int | None
    members: Sequence[FrozenMember]
    files: Sequence[FrozenFile]

    @property
    def rows(self) -> int:
        return sum(one.rows for one in self.files)

    @property
    def bytes(self) -> int:
        return sum(one.bytes for one in self.files)


def encode(manifest: Manifest) -> bytes:
    """The canonical text, the same for the same manifest wherever it is made."""
    about, licence = manifest.about, LICENCES[manifest.about.licence]
    return rfc8785.dumps(
        {
            "format": FORMAT,
            "software": f"GOPS {manifest.software}",
            "dataset": {
                "slug": about.slug,
                "revision": about.revision,
                "title": _both(about.title),
                "description": _both(about.description),
                "publisher": {"slug": about.publisher, "name": _both(about.publisher_name)},
                "licence": {"id": licence.id, "iri": licence.iri, "name": {"ko": licence.ko, "en": licence.en}},
            },
            "snapshot": manifest.number,
            "frozen_at": moment(manifest.frozen_at),
            "first": None if manifest.first is None else moment(manifest.first),
            "last": None if manifest.last is None else moment(manifest.last),
            "rows": manifest.rows,
            "bytes": manifest.bytes,
            "columns": [{"name": name, "type": kind, "about": text} for name, (kind, text) in COLUMNS.items()],
            "datastreams": [_member(one) for one in manifest.members],
            "files": [_file(one) for one in manifest.files],
        }
    )


def decode(text: bytes) -> Manifest:
    """What ``encode`` wrote. ``ValueError`` or ``KeyError`` for anything else."""
    document = orjson.loads(text)
    if document["format"] != FORMAT:
        raise ValueError(f"not a {FORMAT}: {document['format']!r}")
    about = document["dataset"]
    publisher = about["publisher"]
    return Manifest(
        document["software"].removeprefix("GOPS "),
        About(
            about["slug"],
            about["revision"],
            Bilingual(**about["title"]),
            Bilingual(**about["description"]),
            publisher["slug"],
            Bilingual(**publisher["name"]),
            about["licence"]["id"],
        ),
        document["snapshot"],
        _micros(document["frozen_at"]),
        None if document["first"] is None else _micros(document["first"]),
        None if document["last"] is None else _micros(document["last"]),
        tuple(_frozen_member(one) for one in document["datastreams"]),
        tuple(_frozen_file(one) for one in document["files"]),
    )


def digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def moment(micros: int) -> str:
    """ISO 8601 in UTC; fractions of a second where there are some."""
    return from_micros(micros).replace(tzinfo=None).isoformat() + "Z"


def _micros(text: str) -> int:
    return to_micros(datetime.fromisoformat(text))


def _both(text: Bilingual) -> dict[str, str]:
    return {"ko": text.ko, "en": text.en}


def _member(one: FrozenMember) -> dict[str, Any]:
    member = one.member
    return {
        "id": member.id,
        "thing": member.thing_id,
        "name": member.thing,
        "place": None if one.place is None else list(one.place),
        "property": member.observed,
        "unit": member.unit,
        "kind": member.kind,
        "label": member.label,
        "period": None if member.period is None else write_duration(member.period),
        "rows": one.rows,
    }


def _frozen_member(row: Mapping[str, Any]) -> FrozenMember:
    period = None if row["period"] is None else parse_duration(row["period"])
    words = row["property"], row["unit"], row["kind"], row["label"]
    member = Member(row["id"], row["thing"], row["name"], *words, period)
    place = cast("tuple[float, float] | None", None if row["place"] is None else tuple(map(float, row["place"])))
    return FrozenMember(member, place, row["rows"])


def _file(one: FrozenFile) -> dict[str, Any]:
    span = {"from": moment(one.start), "to": moment(one.end)}
    return {"name": one.name, "sha256": one.sha256, "bytes": one.bytes, "rows": one.rows} | span


def _frozen_file(row: Mapping[str, Any]) -> FrozenFile:
    span = _micros(row["from"]), _micros(row["to"])
    return FrozenFile(row["name"], row["sha256"], row["bytes"], row["rows"], *span)
