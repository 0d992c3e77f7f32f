"""What texts, numbers and ids of the registry may be. Each check gives the clean value or raises ``Invalid``."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Collection
from typing import Any

import orjson

from gops.errors import Invalid, TooLarge

NAME_LENGTH = 200  # characters, as wide as the columns
PROSE_LENGTH = 2000
FIELD_LENGTH = 64
FIELD = re.compile(rf"(?! )[ -~]{{1,{FIELD_LENGTH}}}(?<! )")  # codecs join names: a:b, a/b, measurement,tag=value field
KEY = re.compile(r"[a-z][a-z0-9_]{0,63}")
IRI = re.compile(r"(?:https?://[^\s/]|urn:[a-z0-9])[^\s<>\"{}|\\^`]*")
RESERVED_FIELDS = frozenset({"ts", "time", "values", "receipt", "repeat"})
"""Names that mean something else in the JSON codec."""

_HOSTILE_CATEGORIES = ("Cc", "Cs")  # control characters, lone surrogates
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # turn the direction of text around them
_LINE_ENDS = frozenset("\u2028\u2029")


def name(value: Any, field: str = "name") -> str:
    """One line of 1 to 200 characters, in Unicode's composed form (NFC)."""
    return _text(value, field, 1, NAME_LENGTH, lines=False)


def line(value: Any, field: str, most: int = NAME_LENGTH) -> str:
    """Nothing, or one line."""
    return _text(value, field, 0, most, lines=False)


def prose(value: Any, field: str = "description") -> str:
    """Nothing, or lines of at most 2,000 characters together."""
    return _text(value, field, 0, PROSE_LENGTH, lines=True)


def reason(value: Any, field: str = "reason") -> str:
    return _text(value, field, 1, PROSE_LENGTH, lines=True)


def key(value: Any, field: str = "key") -> str:
    if isinstance(value, str) and KEY.fullmatch(value):
        return value
    raise _wrong(field, value, "[a-z][a-z0-9_]{0,63}: small letters, digits and _")


def iri(value: Any, field: str = "definition") -> str:
    """Nothing, or an address in a vocabulary."""
    text = line(value, field, PROSE_LENGTH)
    if text and not IRI.fullmatch(text):
        raise _wrong(field, value, "an IRI that begins with https://, http:// or urn:, or nothing")
    return text


def device_field(value: Any, field: str = "field") -> str:
    """The name of a field in a device's messages."""
    if not (isinstance(value, str) and FIELD.fullmatch(value)):
        raise _wrong(field, value, "1 to 64 printable ASCII characters, no space at the ends")
    if value in RESERVED_FIELDS:
        raise Invalid(
            f"{value} has a meaning of its own in messages and names no field",
            code="reserved_field",
            field=field,
            found=value,
            expected="any other name than " + ", ".join(sorted(RESERVED_FIELDS)),
        )
    return value


def one_of(value: Any, words: Collection[str], field: str) -> str:
    if isinstance(value, str) and value in words:
        return value
    raise _wrong(field, value, "one of " + ", ".join(words))


def number(value: Any, field: str) -> float:
    """A finite number."""
    try:
        found = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    except OverflowError:
        found = math.inf
    if not math.isfinite(found):
        raise _wrong(field, value, "a finite number")
    return found + 0.0


def properties(value: Any, most: int, field: str = "properties") -> dict[str, Any]:
    """A JSON object of at most ``most`` bytes, the setting thing_properties_bytes."""
    if not isinstance(value, dict):
        raise _wrong(field, value, "a JSON object")
    try:
        written = orjson.dumps(value)
        same = orjson.loads(written) == value  # NaN and infinity are written as null
    except (TypeError, RecursionError) as error:
        raise _wrong(field, type(value).__name__, "a JSON object of text, 64-bit numbers, lists and objects") from error
    if not same or b"\\u0000" in written:
        raise _wrong(field, type(value).__name__, "a JSON object of finite numbers and text without U+0000")
    if len(written) > most:
        raise TooLarge(
            f"{field} has {len(written)} bytes; the setting thing_properties_bytes allows {most}",
            field=field,
            found=len(written),
            expected=f"at most {most} bytes (GOPS_THING_PROPERTIES_BYTES)",
        )
    return value


def _text(value: Any, field: str, least: int, most: int, *, lines: bool) -> str:
    what = "text" if lines else "one line"
    expected = f"{what} of {least} to {most} characters" if least else f"{what} of at most {most} characters"
    if not isinstance(value, str) or len(value) > 4 * most:  # normalising a megabyte is work for nothing
        raise _wrong(field, value, expected)
    text = unicodedata.normalize("NFC", value.strip())
    if lines:
        text = text.replace("\r\n", "\n")  # as forms of a browser send it
    if not least <= len(text) <= most:
        raise _wrong(field, value, f"{expected}, found {len(text)}")
    if any(_is_hostile(sign, lines) for sign in text):
        raise _wrong(field, value, f"{expected} without control characters")
    return text


def _is_hostile(sign: str, lines: bool) -> bool:
    if sign in "\n\t" or sign in _LINE_ENDS:
        return not lines
    return sign in _TURNING or unicodedata.category(sign) in _HOSTILE_CATEGORIES


def _wrong(field: str, value: Any, expected: str) -> Invalid:
    found = ascii(value) if not isinstance(value, str) or not value.isprintable() else repr(value)
    found = found if len(found) <= 80 else found[:77] + "..."
    return Invalid(f"{field} is {found}, expected {expected}", field=field, found=found, expected=expected)
