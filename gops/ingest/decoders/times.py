"""Times in messages: milliseconds since 1970, or ISO 8601 date-times in extended form (RFC 3339 and a little more)."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from gops.clock import DAY, EPOCH, SECOND, to_micros
from gops.ingest.decoded import Precision
from gops.ingest.refused import Unreadable, shown

MILLISECOND = 1000
EARLIEST = -62_135_596_800 * SECOND  # 0001-01-01T00:00Z, the first that datetime can show
LATEST = 253_402_300_800 * SECOND - 1  # the last microsecond of the year 9999
MIDNIGHT = time(0)
MICROSECOND = timedelta(microseconds=1)
TEXT_CHARACTERS = 64
NUMBER_CHARACTERS = 40
PER_SECOND: dict[Precision, int] = {"s": 1, "ms": 1000, "us": 1_000_000, "ns": 1_000_000_000}
EXPECTED = "expected milliseconds since 1970 or a time such as 2026-01-31T14:00:00+09:00"

_match = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ](\d\d):\d\d(?::\d\d(?:[.,]\d+)?)?([Zz]|[+-]\d\d(?::?\d\d)?)?", re.ASCII
).fullmatch
_match_decimal = re.compile(r"(-?)(\d+)(?:\.(\d+))?", re.ASCII).fullmatch


def instant(raw: object, zone: ZoneInfo | None) -> int:
    """Microseconds since 1970 UTC.

    A number is milliseconds. A text may say 24:00 for the end of its day; digits after the microsecond are cut off. A
    text without offset is a time of ``zone``; of two equal wall times at the end of summer time it is the first.
    Raises ``Unreadable`` (``bad_time``, ``time_without_zone``).
    """
    if type(raw) is int:
        micros = raw * MILLISECOND
    elif type(raw) is float and EARLIEST <= raw <= LATEST:  # also refuses NaN
        micros = round(raw * MILLISECOND)
    elif type(raw) is str and len(raw) <= TEXT_CHARACTERS:
        micros = _parse(raw, zone)
    else:
        raise Unreadable("bad_time", f"found {shown(raw)}; {EXPECTED}")
    if not EARLIEST <= micros <= LATEST:
        raise Unreadable("bad_time", f"found {shown(raw)}, outside the years 1 to 9999; {EXPECTED}")
    return micros


def since_1970(digits: str, unit: Precision) -> int:
    """Microseconds of a number in ``unit`` since 1970, as text; what is below the microsecond is cut off.

    Raises ``Unreadable`` (``bad_time``).
    """
    found = _match_decimal(digits) if len(digits) <= NUMBER_CHARACTERS else None
    if found is None:
        raise Unreadable("bad_time", f"found {shown(digits)}; expected a number of {unit} since 1970")
    scale = 10 ** len(found[3] or "")
    micros: int = int(found[2] + (found[3] or "")) * SECOND // (PER_SECOND[unit] * scale)
    micros = -micros if found[1] else micros
    if not EARLIEST <= micros <= LATEST:
        raise Unreadable("bad_time", f"found {shown(digits)} {unit}, outside the years 1 to 9999")
    return micros


def _parse(text: str, zone: ZoneInfo | None) -> int:
    found = _match(text)
    if found is None:
        raise Unreadable("bad_time", f"found {shown(text)}; {EXPECTED}")
    ends_day = found[1] == "24"
    try:
        moment = datetime.fromisoformat((text[:11] + "00" + text[13:] if ends_day else text).upper())
    except ValueError as error:
        raise Unreadable("bad_time", f"{shown(text)} names no day, time of day or offset; {EXPECTED}") from error
    if ends_day and moment.time() != MIDNIGHT:
        raise Unreadable("bad_time", f"found {shown(text)}; of 24 o'clock there is only 24:00:00; {EXPECTED}")
    if found[2] is None:
        return _in_zone(text, moment, DAY if ends_day else 0, zone)
    return (moment - EPOCH) // MICROSECOND + (DAY if ends_day else 0)


def _in_zone(text: str, wall: datetime, later: int, zone: ZoneInfo | None) -> int:
    """The wall time and ``later`` microseconds, by the clocks of ``zone``."""
    if zone is None:
        raise Unreadable("time_without_zone", f"found {shown(text)}; expected an offset, such as +09:00 or Z")
    try:
        wall += timedelta(microseconds=later)
        micros = to_micros(wall.replace(tzinfo=zone))
        there = datetime.fromtimestamp(micros // SECOND, zone)
    except (OverflowError, ValueError) as error:
        raise Unreadable("bad_time", f"found {shown(text)}, outside the years 1 to 9999; {EXPECTED}") from error
    if there.replace(tzinfo=None) != wall.replace(microsecond=0):
        raise Unreadable("bad_time", f"{shown(text)} was skipped by the clocks of {zone.key}; {EXPECTED}")
    return micros
