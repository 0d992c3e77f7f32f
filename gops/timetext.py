"""Columns of moments as ISO 8601 text with the offset of a zone, built from whole columns of bytes.

Whole seconds have a fixed width of 25 bytes, so a column is three look-ups (date, time of day, offset) and no text is
ever made of a single row: 36 M rows/s against 6 M for casting and joining (2-core machine).
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gops.clock import MINUTE, SECOND
from gops.windows import stretches

Int64s = npt.NDArray[np.int64]
DAY_SECONDS = 86_400
DAY_MINUTES = 1_440
BLOCK = 1_024  # minutes; ranges of texts that are kept begin and end at whole ones
_LINE = np.dtype([("date", "S10"), ("time", "S9"), ("offset", "S6")])


def write_times(micros: Int64s, zone: ZoneInfo) -> pa.StringArray:
    """``2026-03-01T14:00:00+09:00`` of a column without nulls, microseconds UTC.

    Fractions of a second are written where there are some, with six digits.
    """
    if not len(micros):
        return pa.array([], pa.string())
    begins, offsets = _offsets(int(micros.min()), int(micros.max()), zone)
    which = np.searchsorted(begins, micros, "right") - 1 if len(offsets) > 1 else np.zeros(1, np.int64)
    suffixes = [_suffix(int(offset)) for offset in offsets]
    local = micros + offsets[which]
    if any(len(suffix) != 6 for suffix in suffixes) or (micros % SECOND).any():
        return _joined(micros, local, pa.array(suffixes), which)
    return _fixed(local // SECOND, np.array(suffixes, "S6")[which])


def time_words(micros: Int64s, zone: ZoneInfo) -> list[tuple[pa.StringArray, npt.NDArray[np.int32]]] | None:
    """The same of whole minutes: texts, and which of them each row has. Where the minutes are many beside the rows, in
    two parts, ``2026-03-01T`` and ``14:00:00+09:00``. None for other moments, and offsets that are no whole minutes."""
    minutes = micros // MINUTE
    if not len(micros) or not np.array_equal(minutes * MINUTE, micros):
        return None
    first, last = int(minutes.min()) // BLOCK * BLOCK, int(minutes.max()) // BLOCK * BLOCK + BLOCK
    if last - first <= len(micros) // 4:
        return [(_minutes(first, last, zone), (minutes - first).astype(np.int32))]
    begins, offsets = _offsets(int(micros.min()), int(micros.max()), zone)
    if (offsets % MINUTE).any():
        return None
    parts = {offset: place for place, offset in enumerate(dict.fromkeys(offsets.tolist()))}
    stretch = np.searchsorted(begins, micros, "right") - 1 if len(offsets) > 1 else np.zeros(1, np.int64)
    minutes += (offsets // MINUTE)[stretch]
    days = minutes // DAY_MINUTES
    of_day = minutes - days * DAY_MINUTES + DAY_MINUTES * np.array([parts[one] for one in offsets.tolist()])[stretch]
    dates, places = _days(days)
    texts = pa.concat_arrays([_minutes_of_day(_suffix(one)) for one in parts])
    return [(_dated(dates), places.astype(np.int32)), (texts, of_day.astype(np.int32))]


@lru_cache(maxsize=4)
def _minutes(first: int, last: int, zone: ZoneInfo) -> pa.StringArray:
    """Of every minute in a range. Kept, since rows of several Datastreams have the same times: at most half a MB each
    in batches of 65,536 rows."""
    return write_times(np.arange(first, last) * MINUTE, zone)


def _dated(days: Int64s) -> pa.StringArray:
    return pc.binary_join_element_wise(pa.array(days.astype("datetime64[D]")).cast(pa.string()), "T", "")


@lru_cache(maxsize=16)
def _minutes_of_day(suffix: str) -> pa.StringArray:
    """``14:00:00+09:00`` of every minute of a day."""
    return pa.array([f"{one // 60:02}:{one % 60:02}:00{suffix}" for one in range(DAY_MINUTES)])


def _fixed(seconds: Int64s, offset: npt.NDArray[np.bytes_]) -> pa.StringArray:
    day = seconds // DAY_SECONDS
    lines = np.empty(len(seconds), _LINE)
    lines["date"] = _dates(day)
    lines["time"] = _times_of_day()[seconds - day * DAY_SECONDS]
    lines["offset"] = offset
    edges = np.arange(0, _LINE.itemsize * (len(seconds) + 1), _LINE.itemsize, dtype=np.int32)
    return pa.StringArray.from_buffers(len(seconds), pa.py_buffer(edges), pa.py_buffer(lines))


def _dates(day: Int64s) -> npt.NDArray[np.bytes_]:
    """``2026-03-01`` of days since 1970."""
    days, places = _days(day)
    texts: npt.NDArray[np.bytes_] = np.datetime_as_string(days.astype("datetime64[D]")).astype("S10")
    return texts[places]


def _days(day: Int64s) -> tuple[Int64s, Int64s]:
    """Days that hold all of these, and the place of each there."""
    first, last = int(day.min()), int(day.max())
    if last - first > len(day):  # a few rows far apart
        days, places = np.unique(day, return_inverse=True)
        return days, places
    return np.arange(first, last + 1), day - first


@lru_cache(maxsize=1)
def _times_of_day() -> npt.NDArray[np.bytes_]:
    """``T14:00:00`` of every second of a day: 0.8 MB."""
    second = np.arange(DAY_SECONDS)
    digits = np.full((DAY_SECONDS, 9), ord(":"), np.uint8)
    digits[:, 0] = ord("T")
    for place, number in ((1, second // 3600), (4, second // 60 % 60), (7, second % 60)):
        digits[:, place] = ord("0") + number // 10
        digits[:, place + 1] = ord("0") + number % 10
    return digits.view("S9").ravel()


def _joined(micros: Int64s, local: Int64s, suffixes: pa.StringArray, which: Int64s) -> pa.StringArray:
    """The same for any fraction and any offset."""
    text = pa.array(local // SECOND, pa.timestamp("s")).cast(pa.string())
    fraction = micros % SECOND != 0
    if fraction.any():
        text = pc.if_else(pa.array(fraction), pa.array(local, pa.timestamp("us")).cast(pa.string()), text)
    suffix = suffixes[0] if len(suffixes) == 1 else suffixes.take(pa.array(which))
    return pc.binary_join_element_wise(pc.binary_replace_slice(text, 10, 11, "T"), suffix, "")


def _offsets(low: int, high: int, zone: ZoneInfo) -> tuple[Int64s, Int64s]:
    rows = [(begin, offset) for begin, _finish, offset in stretches(low, high + 1, zone)]
    begins, offsets = np.array(rows, dtype=np.int64).T
    return begins, offsets


@lru_cache(maxsize=4096)
def _suffix(offset: int) -> str:
    """``+09:00`` of an offset in microseconds."""
    return datetime(1970, 1, 1, tzinfo=timezone(timedelta(microseconds=offset))).isoformat()[19:]
