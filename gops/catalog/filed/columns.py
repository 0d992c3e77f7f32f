"""The dictionary as readers see it: of a file what was found and what is said, of live data what is observed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops.catalog.filed import lookup
from gops.catalog.filed.dictionary import Code, Said
from gops.catalog.model import FILES, Dataset, DatasetDatastream
from gops.catalog.profiles.units import QUDT_UNITS
from gops.sensors.model import Datastream, ObservedProperty


@dataclass(frozen=True, slots=True)
class Column:
    """``unit`` is a UCUM code, ``unit_iri`` the same in QUDT where its table has it; ``iri`` says what is observed.

    ``file`` has it, or it is an observed property of Datastreams of one ``kind``. ``summary`` is of a file alone.
    """

    name: str
    type: str
    nullable: bool = True
    declared: bool = False
    unit: str | None = None
    unit_iri: str | None = None
    description_ko: str = ""
    description_en: str = ""
    codes: tuple[Code, ...] = ()
    file: str | None = None
    kind: str | None = None
    iri: str | None = None
    summary: Mapping[str, Any] | None = None


def columns_of(session: Session, dataset: Dataset, name: str | None = None) -> Sequence[Column]:
    """Of a file (None: the first), or of the Datastreams of a live dataset. Raises ``NotFound``."""
    if dataset.kind != FILES:
        return _observed(session, dataset)
    file = lookup.one(session, dataset.id, name)
    said = lookup.said(session, dataset.id, file.name)
    return [of_file(file.name, one, said.get(one["name"])) for one in file.columns]


def of_file(file: str, found: Mapping[str, Any], said: Said | None) -> Column:
    words = said or Said(found["name"])
    return Column(
        name=found["name"],
        type=found["type"],
        nullable=words.nullable,
        declared=words.type is not None,
        unit=words.unit,
        unit_iri=None if words.unit is None else QUDT_UNITS.get(words.unit),
        description_ko=words.ko,
        description_en=words.en,
        codes=words.codes,
        file=file,
        summary=found["summary"],
    )


def _observed(session: Session, dataset: Dataset) -> list[Column]:
    row = ObservedProperty
    columns = (row.key, row.name_ko, row.name_en, row.definition, Datastream.unit, Datastream.kind)
    query = (
        select(*columns).join_from(DatasetDatastream, Datastream).join(row, row.id == Datastream.observed_property_id)
    )
    query = query.where(DatasetDatastream.dataset_id == dataset.id).distinct().order_by(row.key, Datastream.unit)
    return [
        Column(
            name=key,
            type="string" if kind == "state" else "number",
            unit=unit,
            unit_iri=QUDT_UNITS.get(unit),
            description_ko=ko,
            description_en=en,
            kind=kind,
            iri=iri or None,
        )
        for key, ko, en, iri, unit, kind in session.execute(query.order_by(Datastream.kind))
    ]
