"""Times as a source writes them: ``iso``, ``s``, ``ms``, ``us``, or a pattern of ``strptime``."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from gops.clock import HOUR, to_micros
from gops.errors import Invalid
from gops.ingest.decoded import Precision, Value
from gops.ingest.decoders.times import instant, since_1970
from gops.ingest.refused import Unreadable, shown

NUMBERS: dict[str, Precision] = {"s": "s", "ms": "ms", "us": "us"}
WORDS = ("iso", *NUMBERS)
LENGTH = 64
DIRECTIVES = frozenset("YmdHMSfzjyIpbB")
SAMPLE = datetime(2026, 11, 23, 14, 25, 36)  # noqa: DTZ001 - a wall time


def check(format: str, zone: str, field: str) -> None:
    """Raises ``Invalid`` for a format that no time could be read by."""
    if format in WORDS:
        return
    found = set(re.findall(r"%(.)", format.replace("%%", "")))
    expected = f"one of {', '.join(WORDS)}, or a pattern such as %Y-%m-%d %H:%M with %Y, %m and %d (or %j)"
    dated = {"Y", "m", "d"} <= found or {"Y", "j"} <= found
    if not dated or found - DIRECTIVES or len(format) > LENGTH:
        raise _bad(format, field, expected)
    try:
        datetime.strptime(SAMPLE.strftime(format.replace("%z", "+0900")), format)  # noqa: DTZ007 - checks the pattern
    except (ValueError, re.error) as error:
        raise _bad(format, field, expected) from error
    if not zone and "z" not in found:
        raise Invalid(
            "times of this format have no offset",
            code="time_without_zone",
            field=field,
            found=format,
            expected="a zone beside it, or %z in it",
        )


def read(raw: Value, format: str, zone: ZoneInfo | None) -> int:
    """Microseconds since 1970. Raises ``Unreadable`` (``bad_time``, ``time_without_zone``)."""
    if format in NUMBERS:
        if isinstance(raw, bool) or not isinstance(raw, int | float | str):
            raise Unreadable("bad_time", f"found {shown(raw)}; expected {format} since 1970")
        return since_1970(raw if isinstance(raw, str) else _digits(raw), NUMBERS[format])
    if format == "iso":
        return instant(raw if isinstance(raw, str) else None, zone)
    return _by_pattern(raw, format, zone)


def _digits(number: float) -> str:
    return str(number) if isinstance(number, int) else f"{number:.6f}"


def _by_pattern(raw: Value, format: str, zone: ZoneInfo | None) -> int:
    """24:00 is the end of its day, as portals write it."""
    text = raw if isinstance(raw, str) else str(raw) if isinstance(raw, int) and not isinstance(raw, bool) else ""
    if not 0 < len(text) <= LENGTH:
        raise Unreadable("bad_time", f"found {shown(raw)}; expected a time as {format}")
    wall = _parsed(text, format)
    if wall is not None:
        return _micros(wall, zone)
    for one in re.finditer("24", text):
        wall = _parsed(text[: one.start()] + "23" + text[one.end() :], format)
        if wall is not None and (wall.hour, wall.minute, wall.second) == (23, 0, 0):
            return _micros(wall, zone) + HOUR
    raise Unreadable("bad_time", f"found {shown(raw)}; expected a time as {format}")


def _parsed(text: str, format: str) -> datetime | None:
    try:
        return datetime.strptime(text, format)  # noqa: DTZ007 - its zone is the feed's
    except (ValueError, OverflowError):
        return None


def _micros(moment: datetime, zone: ZoneInfo | None) -> int:
    if moment.tzinfo is None:
        if zone is None:
            raise Unreadable("time_without_zone", f"{moment} has no offset")
        moment = moment.replace(tzinfo=zone)
    return to_micros(moment)


def _bad(format: str, field: str, expected: str) -> Invalid:
    return Invalid("this is no format of times", code="bad_format", field=field, found=format[:80], expected=expected)
