"""Types of columns, by the names that Table Schema (Frictionless, 1.0) has for them, and which texts
are values of each.

A type is found over all rows: the first in the order of ``TYPES`` of which every value is one. Whole numbers with a
leading zero or more than 18 digits are codes, so text; so are numbers with commas, or more than 15 digits before the
point, which would lose some.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

_DATE = "[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_TIME = "(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\\.[0-9]{1,6})?)?"


@dataclass(frozen=True, slots=True)
class Type:
    """``pattern`` (RE2) is what a text must look like, ``expected`` says so to people."""

    key: str
    arrow: pa.DataType
    pattern: str
    expected: str


TEXT, GEOJSON = "string", "geojson"
TYPES: Mapping[str, Type] = {
    one.key: one
    for one in (
        Type("boolean", pa.bool_(), "(?i:true|false)", "true or false"),
        Type("integer", pa.int64(), "-?(?:0|[1-9][0-9]{0,17})", "a whole number of at most 18 digits"),
        Type("number", pa.float64(), "-?(?:0|[1-9][0-9]{0,14})(?:\\.[0-9]+)?(?:[eE][-+]?[0-9]{1,3})?",
             "a number of at most 15 digits before the point, without commas"),
        Type("date", pa.date32(), _DATE, "a date: 2026-03-01"),
        Type("datetime", pa.timestamp("us", "UTC"), f"{_DATE}[T ]{_TIME}(?:Z|[-+][0-9]{{2}}:?[0-9]{{2}})",
             "a time with its offset: 2026-03-01T09:00:00+09:00"),
        Type("datetime_local", pa.timestamp("us"), f"{_DATE}(?:[T ]{_TIME})?", "a time: 2026-03-01T09:00:00"),
        Type(TEXT, pa.string(), "(?s:.*)", "text"),
    )
}  # fmt: skip
OF_ARROW: Mapping[pa.DataType, str] = {one.arrow: one.key for one in TYPES.values()}
KEYS = (*TYPES, GEOJSON)
"""``geojson``: text that is a GeoJSON geometry; a file says so itself, it is never declared."""


def as_type(texts: pa.Array, of: Type) -> tuple[pa.Array, pa.Array | None]:
    """The values, and, where some text is none, a mask of those (their values are null)."""
    if of.key == TEXT:
        return texts, None
    fits = pc.match_substring_regex(texts, f"^(?:{of.pattern})$")
    if pc.all(fits).as_py() is not False:
        values = _cast(texts, of)
        if values is not None:
            return values, None
    return _one_by_one(texts, fits, of)


def _cast(texts: pa.Array, of: Type) -> pa.Array | None:
    """None where one of them, such as 30 February, is no value after all."""
    try:
        values = pc.utf8_lower(texts).cast(of.arrow) if of.key == "boolean" else texts.cast(of.arrow)
    except pa.ArrowInvalid:
        return None
    if of.key == "number" and pc.all(pc.is_finite(values)).as_py() is False:
        return None
    return values


def _one_by_one(texts: pa.Array, fits: pa.Array, of: Type) -> tuple[pa.Array, pa.Array]:
    wrong = pc.invert(pc.fill_null(fits, True))
    values = _cast(pc.if_else(wrong, None, texts), of)
    if values is None:
        good = [one.as_py() is None or _cast(pa.array([one.as_py()]), of) is not None for one in texts]
        wrong = pc.or_(wrong, pa.array([not one for one in good]))
        values = _cast(pc.if_else(wrong, None, texts), of)
    assert values is not None, "what was no value was taken out"
    return values, wrong


class Guess:
    """The type of a column of text, narrowed with each batch."""

    def __init__(self) -> None:
        self._left = [one for one in TYPES.values() if one.key != TEXT]
        self._is_empty = True

    def look(self, texts: pa.Array) -> None:
        if texts.null_count == len(texts):
            return
        self._is_empty = False
        self._left = [one for one in self._left if self._are(texts, one)]

    def _are(self, texts: pa.Array, of: Type) -> bool:
        first = texts.drop_null().slice(0, 16)
        if not pc.all(pc.match_substring_regex(first, f"^(?:{of.pattern})$")).as_py():
            return False
        matching = pc.match_substring_regex(texts, f"^(?:{of.pattern})$")
        return pc.all(matching).as_py() is not False and _cast(texts, of) is not None

    @property
    def type(self) -> str:
        """An empty column is text."""
        return TEXT if self._is_empty or not self._left else self._left[0].key
