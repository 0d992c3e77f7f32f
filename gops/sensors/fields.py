"""Fields of a device's messages on their way to Datastreams: rows of a mapping, checked and combined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from gops import units
from gops.errors import Conflict, Invalid
from gops.kinds import Kind
from gops.records import events
from gops.records.database import flush_unique
from gops.sensors import texts
from gops.sensors.bounds import refuse_more
from gops.sensors.model import Datastream, FieldMapping
from gops.sensors.retention import Rule, closing, lead
from gops.sensors.routes import Target
from gops.settings import Settings

INF = float("inf")


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A field and its Datastream. stored = sent * ``scale`` + ``offset``, after conversion from ``unit`` (UCUM) to the
    Datastream's unit where one is given."""

    field: str
    datastream: int
    unit: str | None = None
    scale: float = 1.0
    offset: float = 0.0

    @classmethod
    def of(cls, row: FieldMapping) -> FieldRow:
        return cls(row.field, row.datastream_id, row.unit, row.scale, row.offset)

    @property
    def is_plain(self) -> bool:
        return (self.scale, self.offset) == (1.0, 0.0)


def check_row(row: FieldRow | Mapping[str, Any], place: str) -> FieldRow:
    """``row`` itself, checked without its Datastream. ``place`` stands before the names of wrong values."""
    given = row if isinstance(row, FieldRow) else _read_row(row, place)
    if not isinstance(given.datastream, int) or isinstance(given.datastream, bool):
        found = repr(given.datastream)[:80]
        raise Invalid("a Datastream is named by its id", field=f"{place}datastream", found=found, expected="an id")
    checked = FieldRow(
        texts.device_field(given.field, f"{place}field"),
        given.datastream,
        given.unit,
        texts.number(given.scale, f"{place}scale"),
        texts.number(given.offset, f"{place}offset"),
    )
    if checked.scale == 0:
        raise Invalid(
            "a scale of 0 makes every reading the same",
            field=f"{place}scale",
            found=0,
            expected="a number other than 0",
        )
    return checked


def _read_row(row: Mapping[str, Any], place: str) -> FieldRow:
    try:
        return FieldRow(**row)
    except TypeError as error:
        raise Invalid(
            "a row of a mapping has other members than it should",
            field=place.rstrip("."),
            found=", ".join(map(str, row))[:80],
            expected="field and datastream, and as needed unit, scale and offset",
        ) from error


def check_conversion(row: FieldRow, unit: str, kind: Kind, place: str) -> tuple[float, float]:
    """``(scale, offset)`` of the whole way from what is sent to a Datastream of ``unit`` and ``kind``.

    Raises ``Invalid``: ``unknown_unit``, ``incompatible_units``, ``state_conversion``, or when no float holds it.
    """
    if kind == "state" and not (row.is_plain and row.unit in (None, unit)):
        raise Invalid(
            f"{row.field} is a state: words are not converted",
            code="state_conversion",
            field=f"{place}unit",
            found=row.unit or f"scale {row.scale:g}, offset {row.offset:g}",
            expected="no unit, scale 1 and offset 0",
        )
    scale, offset = (1.0, 0.0) if row.unit is None else units.conversion(row.unit, unit, f"{place}unit")
    scale, offset = scale * row.scale, offset * row.scale + row.offset
    if not (0 < abs(scale) < INF and abs(offset) < INF):
        raise Invalid(
            f"the conversion of {row.field} leaves the range of numbers",
            field=f"{place}scale",
            found=row.scale,
            expected="scale and offset with a finite product",
        )
    return scale, offset


def target(row: FieldMapping, stream: Datastream, default: Rule) -> Target:
    """What ingest does with a field; ``default`` is the retention of Datastreams that say nothing themselves."""
    return target_of(FieldRow.of(row), stream, default)


def target_of(given: FieldRow, stream: Datastream, default: Rule) -> Target:
    """The same of a row that stands in no mapping. Raises ``Invalid`` where its conversion does not suit ``stream``."""
    kind = cast(Kind, stream.kind)
    scale, offset = check_conversion(given, stream.unit, kind, "")
    low = -INF if stream.range_low is None else stream.range_low
    high = INF if stream.range_high is None else stream.range_high
    sent = given.unit or (stream.unit if given.is_plain and kind != "state" else None)
    age, closed = closing(stream, default.under(stream))
    return Target(stream.id, kind, scale, offset, low, high, age=age, closed=closed, unit=sent, lead=lead(stream))


def add_field(
    session: Session, at: int, settings: Settings, device_id: int, stream: Datastream, field: str, unit: str | None
) -> None:
    """Map one more field of a device. Raises ``Invalid``, or ``Conflict`` when the field is mapped already."""
    row = check_row(FieldRow(field, stream.id, unit), "")
    check_conversion(row, stream.unit, cast(Kind, stream.kind), "field_")
    refuse_more(session, settings, "device_fields", FieldMapping.device_id == device_id, device_id)
    session.add(
        FieldMapping(device_id=device_id, field=row.field, datastream_id=stream.id, unit=unit, scale=1.0, offset=0.0)
    )
    taken = Conflict(
        f"field {field} of this device is mapped already",
        code="field_taken",
        field="field",
        found=field,
        expected="a field that is not in the device's mapping",
    )
    flush_unique(session, taken)
    events.append(session, at, "mapping.changed", device=device_id)


def refuse_misfit(session: Session, stream: Datastream, unit: str, kind: Kind) -> list[FieldMapping]:
    """The fields mapped to ``stream``, if they suit it with another ``unit`` and ``kind``; otherwise ``Conflict``.

    A field with a scale or offset of its own suits no other unit: they were stated for the one that stands.
    """
    rows = session.scalars(
        select(FieldMapping).where(FieldMapping.datastream_id == stream.id).order_by(FieldMapping.id).with_for_update()
    ).all()
    for row in rows:
        given = FieldRow.of(row)
        if unit != stream.unit and not given.is_plain:
            raise _misfit(row, f"has scale {row.scale:g} and offset {row.offset:g}, stated for {stream.unit}")
        try:
            check_conversion(given, unit, kind, "")
        except Invalid as error:
            raise _misfit(row, f"does not suit it: {error.message}") from error
    return list(rows)


def _misfit(row: FieldMapping, why: str) -> Conflict:
    return Conflict(
        f"field {row.field}, which is mapped to Datastream {row.datastream_id}, {why}",
        code="mapping_misfit",
        field="unit",
        found=row.unit,
        expected="a mapping that suits; change it first",
    )
