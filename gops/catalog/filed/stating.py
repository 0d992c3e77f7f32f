"""A dataset of files as facts: every file as it was handed in, and in each format in which its rows are served."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.catalog.facts import Bilingual, DatasetFacts, DistributionFacts, FieldFacts, Span
from gops.catalog.filed import lookup
from gops.catalog.filed.dictionary import Said
from gops.catalog.filed.model import DatasetDictionary, DatasetFile
from gops.catalog.filed.types import GEOJSON
from gops.catalog.model import FILES, Dataset
from gops.catalog.vocabularies import FILE_TYPES
from gops.geo import BBox

STATED = 100
"""Files of one dataset, by name, that its metadata name; the list of files has them all."""
PLACED = ("longitude", "latitude")
Known = tuple[Sequence[DatasetFile], Mapping[str, Mapping[str, Said]]]


def known(session: Session, datasets: Sequence[Dataset]) -> dict[int, Known]:
    """The files of those that are of files, and what is said of columns by name of the file, by id of the dataset."""
    ids = [one.id for one in datasets if one.kind == FILES]
    if not ids:
        return {}
    said: dict[int, dict[str, dict[str, Said]]] = {one: {} for one in ids}
    for row in session.scalars(select(DatasetDictionary).where(DatasetDictionary.dataset_id.in_(ids))):
        said[row.dataset_id][row.name] = {one["name"]: Said.of(one) for one in row.columns}
    return {one: (files[:STATED], said[one]) for one, files in lookup.present(session, ids).items()}


def restated(facts: DatasetFacts, of: Known) -> DatasetFacts:
    """``facts`` of a dataset of files with its files as distributions."""
    files, said = of
    around = box(files)
    given = tuple(one for row in files for one in _distributions(facts, row, said.get(row.name, {})))
    return replace(facts, distributions=given, span=Span(bbox=None if around is None else BBox(*around)))


def box(files: Sequence[DatasetFile]) -> tuple[float, float, float, float] | None:
    """Around all places in these files: west, south, east, north."""
    boxes = [row.bbox for row in files if row.bbox is not None]
    if not boxes:
        return None
    west, south, east, north = zip(*boxes, strict=True)
    return min(west), min(south), max(east), max(north)


def served(file: DatasetFile) -> tuple[str, ...]:
    """The formats in which the rows of a file are served."""
    types = {one["name"]: one["type"] for one in file.columns}
    has_place = GEOJSON in types.values() or all(types.get(name) == "number" for name in PLACED)
    return tuple(form for form in FILE_TYPES if form != "geojson" or has_place)


def formats(files: Sequence[DatasetFile]) -> tuple[str, ...]:
    """All formats in which files are given, as they came or made of their rows."""
    return tuple(dict.fromkeys(form for row in files for form in (row.form, *served(row))))


def words(files: Sequence[DatasetFile], said: Mapping[str, Mapping[str, Said]]) -> tuple[str, ...]:
    """Names and descriptions of columns, by which the search finds a dataset."""
    found: dict[str, None] = {}
    for row in files:
        for column in row.columns:
            one = said.get(row.name, {}).get(column["name"])
            texts = (column["name"], one.ko, one.en) if one is not None else (column["name"],)
            found |= dict.fromkeys(filter(None, texts))
    return tuple(found)


def _distributions(of: DatasetFacts, file: DatasetFile, said: Mapping[str, Said]) -> Sequence[DistributionFacts]:
    name = quote(file.name, safe="")
    original = DistributionFacts(
        f"{of.iri}/files/{name}",
        f"{of.iri}/files/{name}",
        FILE_TYPES[file.form],
        Bilingual(file.name, file.name),
        key=file.name,
        bytes=file.bytes,
        sha256=file.sha256,
    )
    columns = tuple(_field(one, said.get(one["name"])) for one in file.columns)
    made = [
        DistributionFacts(
            f"{of.iri}#{name}-{form}",
            f"{of.iri}/data?file={name}&format={form}",
            FILE_TYPES[form],
            Bilingual(f"{file.name} ({form.upper()})", f"{file.name} ({form.upper()})"),
            is_whole=form != "json",
            key=f"{file.name}.{form}",
            fields=columns,
        )
        for form in served(file)
    ]
    return [original, *made]


def _field(found: Mapping[str, Any], said: Said | None) -> FieldFacts:
    if said is None:
        return FieldFacts(found["name"], found["type"], Bilingual("", ""))
    codes = tuple(one.value for one in said.codes)
    about = Bilingual(said.ko, said.en)
    return FieldFacts(found["name"], found["type"], about, said.unit or "", codes, not said.nullable)
