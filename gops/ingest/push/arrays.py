"""Cells in columns: the rows that Arrow reads exactly as ``cells`` would. Of the others nothing is said here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gops.ingest.checks import EXACT
from gops.ingest.decoded import Precision
from gops.ingest.push.cells import BY_WORD, Reading
from gops.ingest.push.chunk import NO_QUALITY, BadRow, Codes, Floats, Ints, Mask, Name
from gops.store.rows import NONE

PER_MICROSECOND = {"s": 1_000_000, "ms": 1000, "us": 1}
COLON_AT = 13  # in a time
SHORTEST_TIME = 16  # of 2026-01-31T14:00; Arrow takes days and hours alone as well
_DAY = (
    r"^\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)"
    r"|02-(?:0[1-9]|1\d|2[0-8]))"
)
_CLOCK = r"[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?"
LOCAL_TIME = _DAY + _CLOCK + "$"
TIME = _DAY + _CLOCK + r"(?:Z|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)$"
WHOLE = r"^-?\d{1,18}$"
NUMBER = r"^[+-]?(?:\d{1,30}\.?\d{0,30}|\.\d{1,30})(?:[eE][+-]?\d{1,2})?$"
UTC = pa.timestamp("us", "UTC")


def flat(column: Any) -> Any:
    """One array of a column that may come in several."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def empty(texts: Any) -> Mask:
    """Which texts are empty."""
    return _mask(pc.equal(pc.binary_length(texts), 0))


def no_times(rows: int) -> tuple[Ints, Mask]:
    return np.full(rows, NONE, np.int64), np.ones(rows, np.bool_)


def times(texts: Any, reading: Reading, likely: Mask | None = None) -> tuple[Ints, Mask]:
    """Microseconds of texts, and for which rows they hold. An empty text and null hold for none. ``likely`` are those
    that have the length of a time and its first colon, where that is known."""
    rows = len(texts)
    mask = _likely(texts) if likely is None else likely
    out, held = np.zeros(rows, np.int64), np.zeros(rows, np.bool_)
    found = _cast_times(texts if mask.all() else texts.filter(pa.array(mask)), reading.zone) if mask.any() else None
    if found is not None:
        out[mask], held = found, mask
    else:
        for pattern in (TIME, LOCAL_TIME):
            _read_matching(texts, mask & ~held, pattern, lambda some: _cast_times(some, reading.zone), out, held)
    if not held.all():
        _read_matching(texts, ~mask, WHOLE, lambda some: _numeric_times(some, reading.unit), out, held)
    return out, held


def _likely(texts: Any) -> Mask:
    long = pc.greater_equal(pc.binary_length(texts), SHORTEST_TIME)
    return _mask(pc.and_(long, pc.equal(pc.utf8_slice_codeunits(texts, COLON_AT, COLON_AT + 1), ":")))


def _read_matching(
    texts: Any, some: Mask, pattern: str, read: Callable[[Any], Ints | None], out: Ints, held: Mask
) -> None:
    """Those of ``some`` texts that match are put into ``out`` and marked in ``held``, if ``read`` reads them all."""
    where = np.flatnonzero(some)
    if not len(where):
        return
    candidates = texts.take(pa.array(where))
    fits = _mask(pc.match_substring_regex(candidates, pattern))
    found = read(candidates.filter(pa.array(fits))) if fits.any() else None
    if found is not None:
        out[where[fits]] = found
        held[where[fits]] = True


def _cast_times(texts: Any, zone: ZoneInfo | None) -> Ints | None:
    """All of them, or None when one is not as Arrow wants it; those without offset are of ``zone``."""
    try:
        return _ints(texts.cast(UTC))
    except pa.ArrowInvalid:
        if zone is None:
            return None
    try:
        local = texts.cast(pa.timestamp("us"))
        return _ints(pc.assume_timezone(local, zone.key, ambiguous="earliest", nonexistent="raise"))
    except (pa.ArrowInvalid, ValueError):
        return None


def _numeric_times(texts: Any, unit: Precision) -> Ints | None:
    try:
        return since_1970(texts.cast(pa.int64()), unit)
    except pa.ArrowInvalid:
        return None


def since_1970(numbers: Any, unit: Precision) -> Ints | None:
    """Whole numbers since 1970 in microseconds; None where one leaves the range or is null."""
    if numbers.null_count:
        return None
    whole = numbers.to_numpy(zero_copy_only=False)
    if unit == "ns":
        return np.asarray(whole // 1000, np.int64)
    most = (1 << 62) // PER_MICROSECOND[unit]
    if len(whole) and (whole.min() < -most or whole.max() > most):
        return None
    return np.asarray(whole * PER_MICROSECOND[unit], np.int64)


def stamps(column: Any, reading: Reading) -> tuple[Ints, Mask]:
    """Microseconds of a column of Arrow's timestamps; without zone they are of the push's. Finer parts are cut off."""
    held = _mask(column.is_valid())
    unit, zone = column.type.unit, column.type.tz
    if zone is None:
        if reading.zone is None:
            return np.zeros(len(column), np.int64), np.zeros(len(column), np.bool_)
        try:
            column = pc.assume_timezone(column, reading.zone.key, ambiguous="earliest", nonexistent="raise")
        except (pa.ArrowInvalid, ValueError):
            return np.zeros(len(column), np.int64), np.zeros(len(column), np.bool_)
    whole = column.cast(pa.int64()).fill_null(0)
    found = since_1970(whole, unit)
    return (found, held) if found is not None else (np.zeros(len(column), np.int64), np.zeros(len(column), np.bool_))


def numbers(texts: Any) -> tuple[Floats, Mask]:
    """The numbers that texts spell, NaN for empty ones, and for which rows that holds: none that may be a
    rounded whole number."""
    nothing = empty(texts)
    filled = texts if not nothing.any() else pc.if_else(pa.array(nothing), "nan", texts)
    try:
        found = np.array(filled.cast(pa.float64()).to_numpy(zero_copy_only=False))
        return found, nothing | (np.abs(found) < EXACT)
    except pa.ArrowInvalid:
        fits = _mask(pc.match_substring_regex(texts, NUMBER))
    out = np.full(len(texts), np.nan)
    out[fits] = texts.filter(pa.array(fits)).cast(pa.float64()).to_numpy(zero_copy_only=False)
    return out, nothing | (fits & (np.abs(out) < EXACT))


def qualities(texts: Any) -> tuple[Codes, Mask]:
    """Codes of words, ``NO_QUALITY`` for empty ones, and for which rows that holds."""
    coded = pc.dictionary_encode(texts)
    codes = [BY_WORD.get(word, -2) if word is not None else -1 for word in coded.dictionary.to_pylist()]
    table = np.array([*codes, -1], np.int16)
    index = coded.indices.fill_null(len(codes)).to_numpy(zero_copy_only=False)
    found = table[index]
    return np.where(found < 0, NO_QUALITY, found).astype(np.uint8), found != -2


def names(columns: Sequence[Any], make: Any) -> tuple[list[Name], Any, Mask]:
    """The distinct names that rows of one or two columns have (``make`` makes one of their values, or raises
    ``BadRow``), the index of each row's into them, and for which rows it holds."""
    coded = [pc.dictionary_encode(column) for column in columns]
    index = coded[0].indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    held = index >= 0
    values: list[tuple[Any, ...]] = [(one,) for one in coded[0].dictionary.to_pylist()]
    if len(coded) == 2:
        second = coded[1].indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        held &= second >= 0
        others = coded[1].dictionary.to_pylist()
        pairs, index = np.unique(index * (len(others) + 1) + second, return_inverse=True)
        firsts = [one[0] for one in values]
        split = [divmod(int(pair), len(others) + 1) if pair >= 0 else (-1, -1) for pair in pairs]
        values = [
            (firsts[a], others[b]) if 0 <= a < len(firsts) and 0 <= b < len(others) else (None, None) for a, b in split
        ]
    found: list[Name] = []
    places = np.full(len(values) + 1, -1, np.int32)
    for place, value in enumerate(values):
        try:
            made = make(*value)
        except BadRow:
            continue
        places[place] = len(found)
        found.append(made)
    who = places[index]
    return found, who, held & (who >= 0)


def _mask(column: Any) -> Mask:
    return np.asarray(column.fill_null(False).to_numpy(zero_copy_only=False), np.bool_)


def _ints(column: Any) -> Ints:
    return np.asarray(column.cast(pa.int64()).to_numpy(zero_copy_only=False), np.int64)
