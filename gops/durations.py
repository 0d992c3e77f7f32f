"""Durations of fixed length: ISO 8601 text to microseconds and back.

Read is ``PnW`` or ``PnDTnHnMnS``, with a fraction in the seconds only (ISO 8601-1:2019, 5.5.2). A day is 24 hours here
and a week 7 of them. Years and months have no fixed length and are refused.
"""

from __future__ import annotations

import re

from gops.clock import DAY, HOUR, MINUTE, SECOND
from gops.errors import Invalid

TEXT_LENGTH = 32
LONGEST = 36_600 * DAY  # about a hundred years
_DURATION = re.compile(
    r"P(?:(?P<weeks>\d{1,6})W|(?:(?P<days>\d{1,6})D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d{1,9})H)?(?:(?P<minutes>\d{1,9})M)?"
    r"(?:(?P<seconds>\d{1,12})(?:[.,](?P<fraction>\d{1,6}))?S)?)?)",
    re.ASCII,
)
_LENGTHS = {"weeks": 7 * DAY, "days": DAY, "hours": HOUR, "minutes": MINUTE, "seconds": SECOND}


def parse_duration(text: str, field: str = "period") -> int:
    """Microseconds of a duration greater than 0. Raises ``Invalid`` (``bad_duration``)."""
    found = _DURATION.fullmatch(text) if isinstance(text, str) and len(text) <= TEXT_LENGTH else None
    micros = sum(int(found[name] or 0) * length for name, length in _LENGTHS.items()) if found else 0
    if found and found["fraction"]:
        micros += int(found["fraction"].ljust(6, "0"))
    if not 0 < micros <= LONGEST:
        raise Invalid(
            f"{text!r:.60} is no duration of fixed length",
            code="bad_duration",
            field=field,
            found=text,
            expected="an ISO 8601 duration in weeks, or in days, hours, minutes and seconds, longer than 0 and at most "
            "36,600 days, such as PT1H, PT10M or P1D",
        )
    return micros


def write_duration(micros: int) -> str:
    """The shortest text of a duration: ``PT1H``, ``P1DT12H``, ``PT0.5S``. Weeks are written as days."""
    days, rest = divmod(micros, DAY)
    hours, rest = divmod(rest, HOUR)
    minutes, rest = divmod(rest, MINUTE)
    seconds, fraction = divmod(rest, SECOND)
    shown = f"{seconds}.{fraction:06d}".rstrip("0") if fraction else str(seconds)
    clock = "".join(
        f"{number}{letter}" for number, letter in ((hours, "H"), (minutes, "M"), (shown, "S")) if str(number) != "0"
    )
    return f"P{days}D" * bool(days) + ("P" * (not days) + f"T{clock}") * bool(clock) or "PT0S"
