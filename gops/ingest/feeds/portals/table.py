"""Which column of a portal's rows is what: the part of a config that its publisher writes, checked.

::

    thing   id, name, called, latitude, longitude, facts
    time    field(s), format, zone                       without it a row is of the moment when it came
    fields  field, aliases, property, unit, kind, ...    one row for each observed property, with its quality rules
    long    field, value                                 rows of name and value: the name stands for a column
    only    {column: [values]}                           rows that count
    missing, decimal, stale, sensor                      for all fields
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from zoneinfo import ZoneInfo

from gops.durations import parse_duration
from gops.errors import Invalid
from gops.ingest.declared import clocks
from gops.ingest.declared.sections import Scalar, Section, wrong
from gops.ingest.feeds.answers import Measured
from gops.ingest.feeds.ruled import with_limits
from gops.kinds import KINDS, LABELS, Kind, Label
from gops.quality import Quality
from gops.sensors import texts
from gops.sensors.declaration import declare

FIELDS, ALIASES, MISSINGS, FLAGS, PARTS, FACTS, FILTERS = 200, 20, 20, 50, 4, 20, 10
COLUMN = 128  # characters of a column's name
MISSING: tuple[Scalar, ...] = ("", "-")
NAMES = ("thing", "time", "fields", "long", "only", "missing", "decimal", "stale", "sensor")


@dataclass(frozen=True, slots=True)
class Where:
    """What is measured where. ``id`` are the columns that tell Things apart, ``called`` the one Thing of all rows."""

    id: tuple[str, ...] = ()
    name: str = ""
    called: str = ""
    latitude: str = ""
    longitude: str = ""
    facts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class When:
    """Columns that are the time when joined by a blank; none for the moment of arrival."""

    fields: tuple[str, ...] = ()
    format: str = "iso"
    zone: ZoneInfo | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """``names`` are the column's and its aliases, the first that a row has counts."""

    names: tuple[str, ...]
    property: str
    measured: Measured
    missing: frozenset[Scalar]
    scale: float = 1.0
    offset: float = 0.0
    flag: str = ""
    flags: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Table:
    where: Where
    when: When
    columns: Sequence[Column]
    long: tuple[str, str] | None = None
    only: Mapping[str, frozenset[str]] | None = None
    comma: bool = False
    stale: int | None = None  # microseconds

    @property
    def measured(self) -> dict[str, Measured]:
        return {one.property: one.measured for one in self.columns}


def parse(given: Section, sensor: str) -> Table:
    """The table of a config; ``sensor`` is what it is measured by where the config does not say. Raises ``Invalid``."""
    named = given.text("sensor", sensor)
    missing = given.scalars("missing", MISSINGS) if given.has("missing") else MISSING
    rows = given.sections("fields", FIELDS)
    if not rows:
        raise wrong(given.at("fields"), given.get("fields"), "at least one table with field, property and unit")
    columns = [_column(row, missing, named) for row in rows]
    _refuse_repeated(columns)
    return Table(
        _where(given.section("thing")),
        _when(given.section("time")),
        columns,
        _long(given.section("long")) if given.has("long") else None,
        _only(given),
        given.one_of("decimal", (".", ","), ".") == ",",
        parse_duration(given.text("stale", None, 32), given.at("stale")) if given.has("stale") else None,
    )


def _column(given: Section, missing: Sequence[Scalar], sensor: str) -> Column:
    place = given.at("").rstrip(".")
    names = (given.text("field", None, COLUMN), *given.words("aliases", ALIASES))
    kind = cast(Kind, given.one_of("kind", KINDS, "gauge"))
    unit = given.text("unit", "1" if kind == "state" else None, 64)
    period = given.text("period", "", 32) or None
    label = cast(Label, given.one_of("label", LABELS, "instant"))
    try:
        declared = declare(unit, kind, period, label)
    except Invalid as error:
        error.field = f"{place}.{error.field}"
        raise
    scale, offset = given.number("scale", 1.0), given.number("offset", 0.0)
    if scale == 0 or (kind == "state" and (scale, offset) != (1.0, 0.0)):
        raise wrong(given.at("scale"), scale, "a number other than 0, and none for kind state")
    made = Column(
        names,
        texts.key(given.needed("property"), given.at("property")),
        with_limits(given, Measured(given.text("sensor", sensor), declared.unit, kind, declared.period, label, place)),
        frozenset(given.scalars("missing", MISSINGS) if given.has("missing") else missing),
        scale,
        offset,
        given.text("flag", "", COLUMN),
        _flags(given),
    )
    given.done()
    return made


def _flags(given: Section) -> Mapping[str, int]:
    found = given.get("flags", {})
    words = [one.name for one in Quality if one is not Quality.missing]
    if not isinstance(found, Mapping) or len(found) > FLAGS:
        raise wrong(given.at("flags"), found, "a table of the portal's words and qualities")
    flags = {
        str(word): int(Quality[texts.one_of(value, words, f"{given.at('flags')}.{word}"[:80])])
        for word, value in found.items()
    }
    if flags and not given.has("flag"):
        raise wrong(given.at("flag"), None, "the column that flags stand in")
    return flags


def _refuse_repeated(columns: Sequence[Column]) -> None:
    seen: set[str] = set()
    for one in columns:
        if one.property in seen:
            place = f"{one.measured.where}.property"
            raise Invalid(
                f"{one.property} stands there twice",
                code="repeated_property",
                field=place,
                found=one.property,
                expected="every property once",
            )
        seen.add(one.property)


def _where(given: Section) -> Where:
    made = Where(
        _columns(given, "id"),
        given.text("name", "", COLUMN),
        given.text("called", "", texts.NAME_LENGTH),
        given.text("latitude", "", COLUMN),
        given.text("longitude", "", COLUMN),
        given.words("facts", FACTS),
    )
    given.done()
    if not (made.id or made.name or made.called):
        raise wrong(given.at("id"), None, "the column(s) that tell Things apart; or name, or called for only one Thing")
    if bool(made.latitude) != bool(made.longitude):
        lacking = "longitude" if made.latitude else "latitude"
        raise wrong(given.at(lacking), None, "a column, as the other half of the place has one")
    return made


def _when(given: Section) -> When:
    names = _columns(given, "field")
    form, zone = given.text("format", "iso", clocks.LENGTH), given.zone("zone")
    given.done()
    if names:
        clocks.check(form, zone, given.at("format"))
    return When(names, form, ZoneInfo(zone) if zone else None)


def _columns(given: Section, name: str) -> tuple[str, ...]:
    """One column, or a list of those that are joined."""
    return (
        given.words(name, PARTS) if isinstance(given.get(name), list) else tuple(filter(None, [given.text(name, "")]))
    )


def _long(given: Section) -> tuple[str, str]:
    made = given.text("field", None, COLUMN), given.text("value", None, COLUMN)
    given.done()
    return made


def _only(given: Section) -> Mapping[str, frozenset[str]]:
    found = given.get("only", {})
    place = given.at("only")
    if not isinstance(found, Mapping) or len(found) > FILTERS:
        raise wrong(place, found, "a table of columns and lists of the values that count")
    inner = Section(found, place)
    return {str(name): frozenset(str(one) for one in inner.scalars(name, MISSINGS)) for name in found}
