"""How the readings of a live dataset come in: on time, and without gaps. Pure. No points of ``mqa`` hang on it.

Timely: the share of Datastreams whose newest public reading is at most two periods old, and a grace on top. One without
a period goes by the frequency that its publisher declared; ``irregular`` is never late. Complete: the mean over
Datastreams with a period of good readings to expected ones, in the last seven days.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gops.catalog.facts import Bilingual
from gops.clock import DAY, HOUR, MINUTE

GRACE = 5 * MINUTE
WINDOW = 7 * DAY
PERIODS = 2
OF_FREQUENCY: Mapping[str, int | None] = {
    "continuous": 30 * MINUTE,
    "hourly": HOUR,
    "daily": DAY,
    "weekly": 7 * DAY,
    "monthly": 31 * DAY,
    "quarterly": 92 * DAY,
    "yearly": 366 * DAY,
    "irregular": None,
}
"""The time between two readings that a frequency promises, microseconds."""
LATE = Bilingual(
    "값이 끊긴 데이터스트림의 장치나 피드를 확인하세요.",
    "Look after the devices or feeds of the Datastreams that are late.",
)
GAPS = Bilingual(
    "빠진 측정값을 다시 보내거나, 주기(period)를 바로잡으세요.", "Send what is missing, or correct the period."
)
UNKNOWN = Bilingual("데이터스트림에 주기(period)를 적으세요.", "Give its Datastreams a period.")


@dataclass(frozen=True, slots=True)
class Pulse:
    """A Datastream: its period and newest public t (microseconds), and its coverage (0 to 1) of the window."""

    period: int | None
    newest: int | None
    coverage: float | None = None


@dataclass(frozen=True, slots=True)
class Measure:
    """``share`` is from 0 to 1, None where nothing is promised; ``how`` says how to make it better."""

    share: float | None
    met: int
    of: int
    how: Bilingual | None


def timeliness(pulses: Sequence[Pulse], frequency: str, now: int) -> Measure:
    """``now``, less the delay with which others see the dataset."""
    bounded = [(one, period) for one in pulses if (period := one.period or OF_FREQUENCY.get(frequency)) is not None]
    met = sum(one.newest is not None and now - one.newest <= PERIODS * period + GRACE for one, period in bounded)
    if not bounded:
        return Measure(None, 0, 0, None if frequency == "irregular" else UNKNOWN)
    return Measure(met / len(bounded), met, len(bounded), None if met == len(bounded) else LATE)


def completeness(pulses: Sequence[Pulse]) -> Measure:
    known = [one.coverage or 0.0 for one in pulses if one.period is not None]
    if not known:
        return Measure(None, 0, 0, UNKNOWN if pulses else None)
    share, met = sum(known) / len(known), sum(one >= 1 for one in known)
    return Measure(share, met, len(known), None if met == len(known) else GAPS)
