"""Columns of Arrow as columns of text: what formats made of text have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gops.formats.weaving import SHORT, Words
from gops.timetext import time_words, write_times

INSTEAD_OF = b"instead_of"
"""Key in a field's metadata that names another column: a value of this one, where it is no null, stands for its."""
IS_JSON = b"is_json"
"""Key in the metadata of a field of text whose values are JSON already."""
SAMPLE = 4096  # values looked at to guess whether they repeat
MANY = 1_024  # words of a dictionary that are all spelt, without a look at which are there
_FORMULA = r"^[=+\-@\t\r]"


@dataclass(frozen=True, slots=True)
class Shown:
    """A column of the answer; ``other`` is the place of the column whose values stand for this one's. ``is_json``: its
    texts are JSON."""

    name: str
    place: int
    other: int | None = None
    is_json: bool = False


def shown(schema: pa.Schema) -> list[Shown]:
    """The columns of a format of text."""
    others = {}
    for place, field in enumerate(schema):
        of = (field.metadata or {}).get(INSTEAD_OF, b"").decode()
        if of in schema.names:
            others[of] = place
    kept = [place for place in range(len(schema)) if place not in others.values()]
    fields = [(place, schema.field(place)) for place in kept]
    return [Shown(one.name, place, others.get(one.name), IS_JSON in (one.metadata or {})) for place, one in fields]


def is_text(kind: pa.DataType) -> bool:
    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(inner) or pa.types.is_large_string(inner))


def is_number(kind: pa.DataType) -> bool:
    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_integer(inner) or pa.types.is_floating(inner) or pa.types.is_decimal(inner))


def few(column: pa.Array) -> pa.DictionaryArray | None:
    """The column by its distinct values where these are few, so that each is written once; None elsewhere."""
    if pa.types.is_dictionary(column.type):
        return column
    if not (is_text(column.type) or is_number(column.type) or pa.types.is_timestamp(column.type)):
        return None
    some = column.slice(0, SAMPLE)
    if not len(some) or pc.count_distinct(some).as_py() > 0.9 * len(some):
        return None
    return pc.dictionary_encode(column)


def words(column: pa.Array, spell: Callable[[pa.Array], pa.Array]) -> Words:
    """Each value as ``spell`` has it, once where they repeat. It answers a text or null for each of some values."""
    if column.null_count == len(column):
        return Words(pa.array([], pa.string()), np.full(len(column), -1, np.int32))
    repeated = few(column)
    if repeated is None:
        return Words.of(spell(column))
    indices = repeated.indices.cast(pa.int32())
    codes = (pc.fill_null(indices, -1) if indices.null_count else indices).to_numpy()
    known = repeated.dictionary
    if repeated is column and len(known) > MANY:  # of many words few may be in a batch
        there = np.zeros(len(known) + 1, np.int32)
        there[codes] = 1
        there[-1] = 0
        used = np.flatnonzero(there)
        places = np.cumsum(there, dtype=np.int32) - np.int32(1)
        places[-1] = -1
        known, codes = known.take(pa.array(used)), places[codes]
    return Words.of(spell(known), codes)


def moments(column: pa.Array) -> list[Words] | None:
    """Whole minutes with a zone, in one part or two; None for what is no such column, or has nulls, or is short."""
    if not pa.types.is_timestamp(column.type) or column.type.tz is None or column.null_count or len(column) < SHORT:
        return None
    found = time_words(_micros(column).to_numpy(), ZoneInfo(column.type.tz))
    return None if found is None else [Words(*one) for one in found]


def texts(column: pa.Array) -> pa.Array:
    """Each value as text without quotes; null stays null. Numbers in their shortest form; NaN and infinity are null.

    Moments with a zone get its offset, dates and times are ISO 8601, lists and the like are JSON of Arrow's values.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        return texts(column.dictionary).take(column.indices)
    if is_text(kind):
        return column.cast(pa.string())
    if pa.types.is_timestamp(kind):
        return _moments(column)
    if is_number(kind):
        repeated = few(column)
        return _numbers(column) if repeated is None else _numbers(repeated.dictionary).take(repeated.indices)
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return pa.array([None if one is None else str(one) for one in column.to_pylist()], pa.string())
    return column.cast(pa.string())


def _numbers(column: pa.Array) -> pa.Array:
    if pa.types.is_floating(column.type):
        finite = pc.is_finite(column)
        if pc.any(pc.invert(finite)).as_py():
            column = pc.if_else(finite, column, None)
    return column.cast(pa.string())


def _moments(column: pa.Array) -> pa.Array:
    if column.type.tz is None:
        return pc.replace_substring(column.cast(pa.timestamp("us")).cast(pa.string()), " ", "T")
    micros = _micros(column)
    zone = ZoneInfo(column.type.tz)
    if not column.null_count:
        return write_times(micros.to_numpy(), zone)
    present = column.is_valid().to_numpy(zero_copy_only=False)
    places = np.where(present, np.cumsum(present) - 1, 0)
    written = write_times(micros.drop_null().to_numpy(), zone)
    return written.take(pa.array(places, mask=~present))


def _micros(column: pa.Array) -> pa.Array:
    return column.cast(pa.timestamp("us", column.type.tz), safe=False).cast(pa.int64())


def disarmed(column: pa.Array) -> pa.Array:
    """Text that a spreadsheet would take for a formula gets an apostrophe before it. Numbers are never passed here."""
    if pa.types.is_dictionary(column.type):
        return pa.DictionaryArray.from_arrays(column.indices, disarmed(column.dictionary))
    armed = pc.match_substring_regex(column, _FORMULA)
    return pc.if_else(pc.fill_null(armed, False), pc.binary_join_element_wise("'", column, ""), column)


def disarmed_name(name: str) -> str:
    return "'" + name if name[:1] in ("=", "+", "-", "@", "\t", "\r") and name else name
