"""How much of a dataset others see than its owner: since when, how late, how exactly where, how small a count. Pure.

``start``: nothing before it is public. ``delay``: a reading becomes public that much later. ``location_decimals``:
positions of Things are rounded to so many decimals of a degree (3: some 100 m, 2: 1 km, 1: 10 km).
``suppress_below``: amounts and numbers of states below it are shown as null, for they may tell of single people.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gops.durations import parse_duration
from gops.errors import Invalid
from gops.sensors.exposure import DECIMALS
from gops.windows import EARLIEST, LATEST

COUNT = 1_000_000  # largest bound of small counts


def _start(value: Any) -> int | None:
    if value is None:
        return None
    if type(value) is not int or not EARLIEST <= value <= LATEST:
        raise Invalid("not a moment", code="bad_time", field="start", found=value, expected="a time, or null for none")
    return value


def _delay(value: Any) -> int:
    return 0 if value is None else parse_duration(value, "delay")


def _whole(field: str, low: int, high: int) -> Callable[[Any], int | None]:
    def check(value: Any) -> int | None:
        if value is None:
            return None
        if type(value) is not int or not low <= value <= high:
            expected = f"a whole number from {low} to {high}, or null for none"
            raise Invalid(f"{field} is not {expected}", field=field, found=value, expected=expected)
        return value

    return check


CHECKS: Mapping[str, Callable[[Any], Any]] = {
    "start": _start,
    "delay": _delay,
    "location_decimals": _whole("location_decimals", 0, DECIMALS),
    "suppress_below": _whole("suppress_below", 2, COUNT),
}
TERMS = tuple(CHECKS)


def clean(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The terms among ``changes`` as they are kept: ``delay`` is microseconds. Raises ``Invalid``."""
    return {name: CHECKS[name](value) for name, value in changes.items() if name in CHECKS}
