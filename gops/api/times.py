"""Times at the edge: ISO 8601 text of a request to microseconds, and one moment to text (columns: ``timetext``)."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from gops.clock import from_micros, to_micros
from gops.errors import Invalid
from gops.windows import EARLIEST, LATEST

EXPECTED = "ISO 8601, such as 2026-03-01, 2026-03-01T14:00 (on the clock of zone) or 2026-03-01T14:00:00+09:00"
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
