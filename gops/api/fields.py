"""Fields of requests and entities that marshmallow lacks: what a parser of GOPS reads, and moments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from gops.api.context import settings
from gops.api.expectations import Said
from gops.api.times import EXPECTED, parse_time, parse_zone, write_time
from gops.errors import Invalid
from gops.geo import parse_bbox
from gops.kinds import KINDS, LABELS
from gops.quality import WORDS, parse_filter
from gops.records.database import MAX_ID
from gops.windows import EVERY, check_every

SLUG = validate.Regexp(r"[a-z0-9][a-z0-9-]{1,62}\Z")
DEVICE_NAME = validate.Regexp(r"[A-Za-z0-9_-]{1,64}\Z")


LONGEST = 2000
"""Characters of what is parsed."""


class Parsed(fields.String):
    """Text of a bounded length that ``parse`` reads; its ``Invalid`` becomes a wrong value here with the same code."""

    def __init__(self, parse: Callable[[str], Any], expected: str, description: str, **options: Any) -> None:
        super().__init__(metadata={"expected": expected, "description": description, "maxLength": LONGEST}, **options)
        self.parse = parse

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if len(text) > LONGEST:
            raise ValidationError(f"has more than {LONGEST} characters")
        try:
            return self.parse(text)
        except Invalid as error:
            raise ValidationError(Said.of(error)) from error


class Moment(fields.Field[int]):
    """Microseconds UTC, written as ISO 8601 with the offset of the zone of this GOPS."""

    def _serialize(self, value: int | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return write_time(value, settings().zone)


def moment(description: str, *, allow_none: bool = False) -> Moment:
    about = {"description": description, "example": "2026-03-01T14:00:00+09:00"}
    return Moment(allow_none=allow_none, dump_only=True, metadata=about)


def moment_in(description: str) -> Parsed:
    """A time in a request, to microseconds; without offset it is on the clock of this GOPS."""
    return Parsed(lambda given: parse_time(given, settings().zone, ""), EXPECTED, description, load_default=None)


def bbox() -> Parsed:
    about = "only what is in this box now; its edges count"
    return Parsed(parse_bbox, "west,south,east,north in degrees: 126.9,37.2,127.1,37.4", about, load_default=None)


def text(description: str, longest: int, *, shortest: int = 0, **options: Any) -> fields.String:
    length = validate.Length(shortest, longest)
    return fields.String(validate=length, metadata={"description": description}, **options)


def email(description: str) -> fields.Email:
    about = {"description": description, "example": "you@example.org"}
    return fields.Email(required=True, validate=validate.Length(max=254), metadata=about)


def choice(description: str, words: tuple[str, ...], **options: Any) -> fields.String:
    return fields.String(validate=validate.OneOf(words), metadata={"description": description}, **options)


def record_id(description: str, **options: Any) -> fields.Integer:
    span = validate.Range(1, MAX_ID)
    return fields.Integer(validate=span, strict=True, metadata={"description": description}, **options)


def asked_id(description: str, **options: Any) -> fields.Integer:
    """An id in a query, where numbers are text."""
    return fields.Integer(validate=validate.Range(1, MAX_ID), metadata={"description": description}, **options)


def slug(description: str, **options: Any) -> fields.String:
    return fields.String(validate=SLUG, metadata={"description": description, "example": "suwon"}, **options)


def parse_ids(given: str) -> tuple[int, ...]:
    """``1,2,3`` -> those, each once, in that order. Raises ``Invalid`` (``bad_ids``)."""
    parts = given.split(",")
    if not all(part.isascii() and part.isdigit() and 0 < int(part[:20]) <= MAX_ID for part in parts):
        raise Invalid("not a list of ids", code="bad_ids", found=given, expected="ids with commas between: 1,2,3")
    return tuple(dict.fromkeys(map(int, parts)))


def ids(description: str, **options: Any) -> Parsed:
    return Parsed(parse_ids, "ids with commas between: 1,2,3", description, **options)


def zone() -> Parsed:
    about = "IANA time zone: edges of windows, dates and times without offset, and how times are written"
    return Parsed(parse_zone, "an IANA time zone such as Asia/Seoul", about)


def quality() -> Parsed:
    about = "quality words with commas between, or any. Default: every reading, and good ones alone for aggregates"
    return Parsed(parse_filter, f"any, or some of {', '.join(WORDS)}", about)


def every() -> Parsed:
    return Parsed(check_every, "one of " + ", ".join(EVERY), "length of windows; with it the answer is aggregated")


def kind(**options: Any) -> fields.String:
    about = "what its readings are: a level, an amount per period, a growing count, a direction, a word"
    return choice(about, KINDS, **options)


def label(**options: Any) -> fields.String:
    return choice("which end of its period a reading's time names", LABELS, **options)


class _Exactly(frozenset[Any]):
    """Values of their own type: in Python 1 is True."""

    def __contains__(self, value: object) -> bool:
        return any(type(value) is type(one) and value == one for one in self)


TRUE, FALSE = _Exactly({True, "true"}), _Exactly({False, "false"})


class Strict(Schema):
    """A schema of a request or an answer: fields stay in their order, unknown ones are refused. A truth is ``true`` or
    ``false``; marshmallow would take 1, "y" and "off" as well."""

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        if isinstance(field_obj, fields.Boolean):
            field_obj.truthy, field_obj.falsy = TRUE, FALSE  # type: ignore[assignment]
