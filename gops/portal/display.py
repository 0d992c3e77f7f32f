"""Numbers, units and freshness as people read them."""

from __future__ import annotations

import math
from typing import Literal

from gops.clock import DAY, HOUR, MINUTE

Freshness = Literal["fresh", "late", "silent"]
UNITS = {
    "Cel": "℃", "ug/m3": "㎍/㎥", "mg/m3": "㎎/㎥", "m3": "㎥", "m3/s": "㎥/s", "deg": "°", "1": "", "kW.h": "kWh",
    "[ppm]": "ppm", "[ppb]": "ppb", "uSv/h": "μSv/h",
}  # fmt: skip
LATE_PERIODS = 3
SHORTEST_LATE = 10 * MINUTE
WITHOUT_PERIOD = HOUR


def unit(code: str) -> str:
    """A UCUM code as it is usually written; annotations without their braces, decibels without their reference."""
    if code in UNITS:
        return UNITS[code]
    if code.startswith("{"):
        return ""
    return "dB(A)" if code.startswith("dB[SPL]{A}") else code.split("{")[0].replace("[", "").replace("]", "")


def number(value: float) -> str:
    """At most four significant digits, and every digit of a whole number: 1,234 and 0.0312."""
    if not math.isfinite(value):
        return str(value)
    if abs(value) >= 1000 or value == int(value):
        return f"{value:,.0f}"
    digits = max(0, 3 - math.floor(math.log10(abs(value))))
    return f"{value:.{min(digits, 6)}f}".rstrip("0").rstrip(".")


def size(count: int) -> str:
    """Bytes with three digits at most, in powers of 1000: 1.23 MB."""
    scaled, unit_ = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if scaled < 999.5:
            break
        scaled, unit_ = scaled / 1000, larger
    return f"{scaled:.3g} {unit_}"


def freshness(age: int, period: int | None) -> Freshness:
    """Of a reading ``age`` microseconds old, of a Datastream of that period: fresh, late, or silent for a day."""
    expected = WITHOUT_PERIOD if period is None else max(LATE_PERIODS * period, SHORTEST_LATE)
    if age <= expected:
        return "fresh"
    return "late" if age <= max(DAY, expected) else "silent"
