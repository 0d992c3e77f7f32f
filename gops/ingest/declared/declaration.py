"""What a feed declares: its source, codec, mapping and defaults. Checked here as far as no registry is needed.

``parse`` reads the tables of a TOML file or a JSON body, ``document`` writes the same back without what is default.
Every error names the place: ``mapping.fields[2].unit``.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields, replace
from typing import Any, Literal, cast, get_args
from zoneinfo import ZoneInfo

from gops import units
from gops.durations import parse_duration
from gops.errors import BadSetting, Invalid
from gops.ingest.declared import clocks, filters
from gops.ingest.declared.sections import Scalar, Section, wrong
from gops.ingest.decoded import DEFAULTS, CodecOptions, Precision
from gops.ingest.decoders import DECODERS
from gops.ingest.mqtt import parse as parse_address
from gops.kinds import KINDS, LABELS
from gops.quality import WORDS

Kind = Literal["mqtt", "broker"]
Unknown = Literal["refuse", "draft", "ignore"]
PUSHED: tuple[Kind, ...] = get_args(Kind)
UNKNOWN: tuple[Unknown, ...] = get_args(Unknown)
FIELDS, ALIASES, MISSINGS, COLUMNS, RULES = 500, 20, 20, 500, 20
FIELD_CHARACTERS = 256
SOURCE = "source"
INTERVALS = ("start", "end")


@dataclass(frozen=True, slots=True)
class Source:
    """``kind`` mqtt: topics of the own organisation. broker: those of another one, at ``url``."""

    kind: Kind
    filter: str
    url: str = ""
    username: str = ""


@dataclass(frozen=True, slots=True)
class Codec:
    name: str
    zone: str = ""
    options: CodecOptions = DEFAULTS


@dataclass(frozen=True, slots=True)
class Time:
    """Which field is the time of the readings beside it, and how it is written."""

    field: str
    format: str = "iso"
    zone: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of messages, and what it measures. ``unit`` is what is sent, ``property`` is stored in its own unit, or
    in that of the Datastream that stands. ``text``: numbers come as text. ``sensor`` tells two Datastreams of one
    property apart. ``range_low``, ``range_high`` and ``rules`` (``sensors.quality_rules``) are those of the Datastreams
    that the feed registers, in their unit."""

    field: str
    property: str
    aliases: tuple[str, ...] = ()
    unit: str = ""
    scale: float = 1.0
    offset: float = 0.0
    missing: tuple[Scalar, ...] = ()
    kind: str = ""
    period: str = ""
    label: str = "instant"
    text: bool = False
    sensor: str = ""
    range_low: float | None = None
    range_high: float | None = None
    rules: tuple[tuple[str, Any], ...] = ()

    def key(self) -> tuple[str, str]:
        return self.property, self.sensor


@dataclass(frozen=True, slots=True)
class Mapping:
    """``thing``: ``source`` (whom the message names), ``topic:4`` (a level, from 1), ``field:x``, ``name:x``."""

    thing: str = SOURCE
    unknown_thing: Unknown = "refuse"
    unknown_field: Unknown = "refuse"
    missing: tuple[Scalar, ...] = ()
    time: Time | None = None
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class Declaration:
    source: Source
    codec: Codec
    mapping: Mapping
    quality: str = ""  # of readings that say none

    def document(self) -> dict[str, Any]:
        """As ``parse`` reads it, without what is default."""
        whole: dict[str, Any] = {
            "source": _plain(self.source),
            "codec": {"name": self.codec.name} | _given(zone=self.codec.zone) | _plain(self.codec.options),
            "mapping": _plain(self.mapping)
            | _given(time=self.mapping.time and _plain(self.mapping.time))
            | {"fields": [_plain(one) for one in self.mapping.fields]},
        }
        return whole | _given(defaults=_given(quality=self.quality))

    @property
    def zone(self) -> ZoneInfo | None:
        return ZoneInfo(self.codec.zone) if self.codec.zone else None


def parse(given: Any, organisation: str) -> Declaration:
    """Raises ``Invalid``. ``organisation`` is the slug that the filter of kind mqtt lies under."""
    whole = Section(given, "")
    whole.get("feed")
    made = Declaration(
        _source(whole.section("source"), organisation),
        _codec(whole.section("codec")),
        _mapping(whole.section("mapping")),
        _defaults(whole.section("defaults")),
    )
    whole.done()
    return made


def _source(given: Section, organisation: str) -> Source:
    kind = cast(Kind, given.one_of("kind", PUSHED, "mqtt"))
    made = Source(kind, given.text("filter", None, filters.FILTER_CHARACTERS))
    if kind == "mqtt":
        filters.check_own(made.filter, organisation, given.at("filter"))
    else:
        filters.check(made.filter, given.at("filter"))
        url, username = given.text("url", None, 500), given.text("username", "", 256)
        made = replace(made, url=_broker(url, given.at("url")), username=username)
        given.get("secret")  # kept apart from what is shown
    given.done()
    return made


def _broker(url: str, field: str) -> str:
    try:
        address = parse_address(url)
    except (BadSetting, ValueError) as error:  # the message does not repeat what may hold a password
        raise _bad_address("the broker's address cannot be read", field) from error
    if address.username is not None:
        raise _bad_address("the address holds a user", field)
    return str(address)


def _bad_address(message: str, field: str) -> Invalid:
    expected = "mqtt://host:port or mqtts://host:port; user and secret stand beside it"
    return Invalid(message, code="bad_address", field=field, expected=expected)


def _codec(given: Section) -> Codec:
    name = given.text("name", "json", 32)
    if name not in DECODERS:
        raise Invalid(
            f"there is no codec {name}",
            code="unknown_codec",
            field=given.at("name"),
            found=name,
            expected="one of " + ", ".join(sorted(DECODERS)),
        )
    made = Codec(name, given.zone("zone"), _options(given))
    given.done()
    return made


def _options(given: Section) -> CodecOptions:
    delimiter = given.text("delimiter", ",", 1) if given.get("delimiter") != "\t" else "\t"
    columns = given.words("columns", COLUMNS)
    header = given.flag("header", not columns)
    if not columns and not header:
        raise wrong(given.at("header"), False, "columns, or true: the first row holds their names")
    return CodecOptions(
        precision=cast(Precision, given.one_of("precision", get_args(Precision), DEFAULTS.precision)),
        tag=given.text("tag", "", 128),
        columns=columns,
        header=header,
        delimiter=delimiter,
        decimal=cast(Literal[".", ","], given.one_of("decimal", (".", ","), DEFAULTS.decimal)),
        time=given.text("time", DEFAULTS.time, 128) if given.get("time", " ") != "" else "",
        thing=given.text("thing", "", 128),
        time_unit=cast(Precision, given.one_of("time_unit", get_args(Precision), DEFAULTS.time_unit)),
        empty_is_missing=given.flag("empty_is_missing", DEFAULTS.empty_is_missing),
        radio=given.flag("radio"),
        interval=cast(Literal["start", "end"], given.one_of("interval", INTERVALS, DEFAULTS.interval)),
        field=given.text("field", DEFAULTS.field, FIELD_CHARACTERS),
    )


def _mapping(given: Section) -> Mapping:
    made = Mapping(
        thing=_thing(given.text("thing", SOURCE, 300), given.at("thing")),
        unknown_thing=cast(Unknown, given.one_of("unknown_thing", UNKNOWN, "refuse")),
        unknown_field=cast(Unknown, given.one_of("unknown_field", UNKNOWN, "refuse")),
        missing=given.scalars("missing", MISSINGS),
        time=_time(given.section("time")) if given.has("time") else None,
        fields=tuple(_field(row) for row in given.sections("fields", FIELDS)),
    )
    given.done()
    _refuse_repeated(made.fields, given.at("fields"))
    return made


def _thing(text: str, field: str) -> str:
    way, _colon, rest = text.partition(":")
    level = int(rest) if way == "topic" and rest.isascii() and rest.isdigit() and len(rest) < 3 else 0
    if text == SOURCE or 0 < level <= filters.LEVELS or (way in ("field", "name") and rest.strip()):
        return text
    expected = "source, topic:{level from 1}, field:{name of a field} or name:{a Thing's name}"
    raise wrong(field, text, expected)


def _time(given: Section) -> Time:
    made = Time(given.text("field", None, FIELD_CHARACTERS), given.text("format", "iso", 64), given.zone("zone"))
    clocks.check(made.format, made.zone, given.at("format"))
    given.done()
    return made


def _field(given: Section) -> Field:
    made = Field(
        field=given.text("field", None, FIELD_CHARACTERS),
        property=given.text("property", None, 64),
        aliases=given.words("aliases", ALIASES),
        unit=given.text("unit", "", 64),
        scale=given.number("scale", 1.0),
        offset=given.number("offset", 0.0),
        missing=given.scalars("missing", MISSINGS),
        kind=given.one_of("kind", KINDS) if given.has("kind") else "",
        period=given.text("period", "", 32),
        label=given.one_of("label", LABELS, "instant"),
        text=given.flag("text"),
        sensor=given.text("sensor", ""),
        range_low=given.number("range_low", 0.0) if given.has("range_low") else None,
        range_high=given.number("range_high", 0.0) if given.has("range_high") else None,
        rules=_rules(given),
    )
    if made.unit:
        units.parse(made.unit, given.at("unit"))
    if made.period:
        parse_duration(made.period, given.at("period"))
    if made.scale == 0:
        raise wrong(given.at("scale"), 0, "a number other than 0: with 0 every reading would be the same")
    given.done()
    return made


def _rules(given: Section) -> tuple[tuple[str, Any], ...]:
    """Quality rules by name; what they say is checked with the property."""
    said = given.get("rules", {})
    if not isinstance(said, dict) or len(said) > RULES:
        raise wrong(given.at("rules"), said, "a table of quality rules")
    return tuple(sorted(said.items()))


def _refuse_repeated(rows: tuple[Field, ...], place: str) -> None:
    """A field is one property, and two fields of one property need Sensors that tell them apart."""
    names: set[str] = set()
    keys: set[tuple[str, str]] = set()
    for index, row in enumerate(rows):
        for name in (row.field, *row.aliases):
            if name in names:
                raise _repeated("repeated_field", f"{place}[{index}].field", name, "every field once")
            names.add(name)
        if row.key() in keys:
            expected = "every property once, or sensor in each that tells them apart"
            raise _repeated("repeated_property", f"{place}[{index}].property", row.property, expected)
        keys.add(row.key())


def _repeated(code: str, field: str, found: str, expected: str) -> Invalid:
    return Invalid(f"{found} stands there twice", code=code, field=field, found=found, expected=expected)


def _defaults(given: Section) -> str:
    made = given.one_of("quality", WORDS[:-1]) if given.has("quality") else ""
    given.done()
    return made


def _plain(made: Any) -> dict[str, Any]:
    """The members of a dataclass that are not default and no dataclasses themselves, as JSON has them."""
    found: dict[str, Any] = {}
    for one in fields(made):
        value = getattr(made, one.name)
        if one.default is MISSING or (value != one.default and one.name not in ("time", "fields", "options")):
            listed = list(value) if isinstance(value, tuple) else value
            found[one.name] = dict(value) if one.name == "rules" else listed
    if isinstance(made, CodecOptions) and made.time != DEFAULTS.time:
        found["time"] = made.time
    return found


def _given(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value}
