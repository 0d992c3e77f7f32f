"""What a marshmallow field expects, in words; and a validation error as a list of wrong values, one for each field."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from gops.api.problems import Wrong
from gops.errors import Invalid

_TYPES: Sequence[tuple[type[fields.Field[Any]], str]] = (
    (fields.Boolean, "true or false"),
    (fields.Integer, "a whole number"),
    (fields.Float, "a number"),
    (fields.List, "a list"),
    (fields.Nested, "an object"),
    (fields.Dict, "an object"),
    (fields.Email, "a mail address"),
    (fields.String, "text"),
)
ERRORS_MAX = 20  # wrong values named in one answer


class Said(str):
    """A message of a validation error that carries what an ``Invalid`` knew."""

    error: Invalid

    @classmethod
    def of(cls, error: Invalid) -> Said:
        said = cls(error.message)
        said.error = error
        return said


def expected(field: fields.Field[Any]) -> str:
    """``a whole number, from 1 to 100``."""
    own = field.metadata.get("expected")
    if own:
        return str(own)
    word = next((word for kind, word in _TYPES if isinstance(field, kind)), "a value")
    count = " items" if isinstance(field, fields.List) else " characters"
    return ", ".join([word, *filter(None, (_condition(one, count) for one in field.validators))])


def _condition(validator: Any, count: str) -> str:
    if isinstance(validator, validate.Range | validate.Length):
        unit = count if isinstance(validator, validate.Length) else ""
        low, high = validator.min, validator.max
        if low is not None and high is not None:
            return f"from {low} to {high}{unit}"
        return f"at least {low}{unit}" if high is None else f"at most {high}{unit}"
    if isinstance(validator, validate.OneOf):
        return f"one of {validator.choices_text}"
    if isinstance(validator, validate.Regexp):
        return f"matching {validator.regex.pattern!s}"
    return ""


def wrong_values(error: ValidationError, schema: Schema, data: Any, place: str) -> tuple[Wrong, ...]:
    """Every wrong value that ``error`` names, at most ``ERRORS_MAX``. ``place`` is ``query`` or ``body``."""
    found = list(_of_schema(error.messages, schema, data, "", place))
    return tuple(found[:ERRORS_MAX])


def _of_schema(messages: Any, schema: Schema, data: Any, path: str, place: str) -> Iterator[Wrong]:
    if not isinstance(messages, Mapping):
        yield from (_wrong(text, None, data, path or place, place) for text in messages)
        return
    known = {(field.data_key or name): field for name, field in schema.load_fields.items()}
    for name, inner in messages.items():
        here = f"{path}.{name}" if path else str(name)
        value = data.get(name) if isinstance(data, Mapping) else None
        if name == "_schema":
            yield from _of_schema(inner, schema, data, path, place)
        elif name in known:
            yield from _of_field(inner, known[name], value, here, place)
        else:
            yield _unknown(str(name), value, here, place, list(known))


def _of_field(messages: Any, field: fields.Field[Any], value: Any, path: str, place: str) -> Iterator[Wrong]:
    if isinstance(field, fields.Nested) and isinstance(messages, Mapping):
        yield from _of_schema(messages, field.schema, value, path, place)
    elif isinstance(field, fields.List) and isinstance(messages, Mapping):
        for index, inner in messages.items():
            item = value[index] if isinstance(value, list) and isinstance(index, int) else None
            yield from _of_field(inner, field.inner, item, f"{path}[{index}]", place)
    elif isinstance(messages, Mapping):
        yield from (_wrong("a key or value of it is wrong", field, value, f"{path}.{key}", place) for key in messages)
    else:
        yield from (_wrong(text, field, value, path, place) for text in messages)


def _wrong(text: str, field: fields.Field[Any] | None, value: Any, path: str, place: str) -> Wrong:
    if isinstance(text, Said):
        error = text.error
        return Wrong(error.code, error.message, path, value, error.expected)
    wanted = expected(field) if field is not None else f"a JSON object as {place}"
    if field is not None and text == field.error_messages.get("required"):
        return Wrong("required", f"{path} is missing", path, None, wanted)
    return Wrong("invalid_value", f"{path}: {text[:1].lower()}{text[1:].rstrip('.')}", path, value, wanted)


def _unknown(name: str, value: Any, path: str, place: str, known: list[str]) -> Wrong:
    what = "parameter" if place == "query" else "field"
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    wanted = "one of " + ", ".join(sorted(known)) if known else f"no {what}"
    return Wrong(f"unknown_{what}", f"there is no {what} of that name here{hint}", path[:200], value, wanted)
