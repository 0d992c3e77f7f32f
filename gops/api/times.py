"""Times at the edge: ISO 8601 text of a request to microseconds, and columns of microseconds to text with an offset."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gops.clock import SECOND, from_micros, to_micros
from gops.errors import Invalid
from gops.windows import EARLIEST, LATEST, stretches

EXPECTED = "ISO 8601, such as 2026-03-01, 2026-03-01T14:00 (on the clock of zone) or 2026-03-01T14:00:00%2B09:00"
_LOST_PLUS = re.compile(r"(T\d\d:\d\d[\d:.]*) (\d\d:?\d\d)", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_LENGTH = 40


def parse_zone(text: str) -> ZoneInfo:
    """An IANA zone by its name. Raises ``Invalid`` (``bad_zone``)."""
    try:
        if text in _names():
            return ZoneInfo(text)
    except ZoneInfoNotFoundError:
        pass  # named in the list of zones and missing in the data
    expected = "an IANA time zone such as Asia/Seoul or UTC"
    raise Invalid("there is no such time zone", code="bad_zone", field="zone", found=text, expected=expected)


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    return frozenset(available_timezones())


def parse_time(text: str, zone: ZoneInfo, field: str) -> int:
    """Microseconds of a time of a request; one without offset is on the clock of ``zone``, a date its midnight.

    A "+" that a URL turned into a space is taken as meant. Raises ``Invalid`` (``bad_time``).
    """
    try:
        micros = _micros(_LOST_PLUS.sub(r"\1+\2", text), zone) if len(text) <= _LENGTH else None
    except (ValueError, OverflowError):
        micros = None
    if micros is None or not EARLIEST <= micros <= LATEST:
        raise Invalid(
            "not a time between the years 1900 and 2199", code="bad_time", field=field, found=text, expected=EXPECTED
        )
    return micros


def _micros(text: str, zone: ZoneInfo) -> int:
    if _DATE.fullmatch(text):
        moment = datetime.combine(date.fromisoformat(text), time(), tzinfo=zone)
    else:
        moment = datetime.fromisoformat(text)
        if "T" not in text.upper():
            raise ValueError(text)  # 20260301, 2026-W09 and the like would be read as midnights
    return to_micros(moment if moment.tzinfo else moment.replace(tzinfo=zone))


def write_time(micros: int | None, zone: ZoneInfo) -> str | None:
    """One moment with the offset that ``zone`` has then; fractions of a second only where there are some."""
    return None if micros is None else from_micros(micros).astimezone(zone).isoformat()


def write_times(micros: npt.NDArray[np.int64], zone: ZoneInfo) -> pa.StringArray:
    """The same for a column without nulls."""
    if not len(micros):
        return pa.array([], pa.string())
    begins, offsets = _offsets(int(micros.min()), int(micros.max()), zone)
    which = np.searchsorted(begins, micros, "right") - 1
    local = micros + offsets[which]
    text = pa.array(local // SECOND, pa.timestamp("s")).cast(pa.string())
    fraction = micros % SECOND != 0
    if fraction.any():
        text = pc.if_else(pa.array(fraction), pa.array(local, pa.timestamp("us")).cast(pa.string()), text)
    suffixes = pa.array([_suffix(int(offset)) for offset in offsets])
    suffix = suffixes[0] if len(offsets) == 1 else suffixes.take(pa.array(which))
    return pc.binary_join_element_wise(pc.binary_replace_slice(text, 10, 11, "T"), suffix, "")


def _offsets(low: int, high: int, zone: ZoneInfo) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    rows = [(begin, offset) for begin, _finish, offset in stretches(low, high + 1, zone)]
    begins, offsets = np.array(rows, dtype=np.int64).T
    return begins, offsets


def _suffix(offset: int) -> str:
    """ "+09:00" of an offset in microseconds."""
    return datetime(1970, 1, 1, tzinfo=timezone(timedelta(microseconds=offset))).isoformat()[19:]
