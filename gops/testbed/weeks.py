"""Weeks of the testbed: Monday 00:00 in GOPS_ZONE to the next, named by its Monday's date.

Inside, a week is a whole number, counted from that of 1970-01-05; so weeks are added and compared like any number.
"""

from __future__ import annotations

import datetime as dt
import re
from zoneinfo import ZoneInfo

from gops.clock import from_micros, to_micros
from gops.errors import Invalid

FIRST_MONDAY = dt.date(1970, 1, 5)
_SHAPE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
EXPECTED = "the date of a Monday, YYYY-MM-DD, such as 2027-01-04"


def monday(week: int) -> dt.date:
    return FIRST_MONDAY + dt.timedelta(weeks=week)


def name(week: int) -> str:
    """The Monday's date, YYYY-MM-DD."""
    return monday(week).isoformat()


def parse(text: str, field: str = "week") -> int:
    """The week of a Monday's date. Raises ``Invalid`` (``bad_week``), with the Monday before another day."""
    try:
        date = dt.date.fromisoformat(text) if _SHAPE.fullmatch(text) else None
    except (TypeError, ValueError):
        date = None
    if date is None:
        raise Invalid(f"{field} is no date", code="bad_week", field=field, found=str(text)[:40], expected=EXPECTED)
    if date.weekday() != 0:
        before = date - dt.timedelta(days=date.weekday())
        raise Invalid(
            f"{text} is no Monday; its week is that of {before}",
            code="bad_week", field=field, found=text, expected=EXPECTED,
        )  # fmt: skip
    return (date - FIRST_MONDAY).days // 7


def of(micros: int, zone: ZoneInfo) -> int:
    """The week that a moment lies in."""
    return (from_micros(micros).astimezone(zone).date() - FIRST_MONDAY).days // 7


def begins(week: int, zone: ZoneInfo) -> int:
    """The moment a week begins, in microseconds."""
    return to_micros(dt.datetime.combine(monday(week), dt.time(), zone))
