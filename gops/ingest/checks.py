"""Checks of a reading that hold whatever its codec was: its quality, its range, its time, its text."""

from __future__ import annotations

from functools import lru_cache

import orjson

from gops import ucum, units
from gops.clock import DAY, SECOND
from gops.durations import write_duration
from gops.ingest.refused import Unreadable, shown
from gops.quality import Quality
from gops.windows import EARLIEST

SUSPECT = int(Quality.suspect)
MISSING = int(Quality.missing)
LARGEST = 1.7976931348623157e308  # of a 64-bit float; NaN and infinity compare false with both ends
EXACT = 1 << 53  # up to here a float holds every whole number
SECONDS_AS_MILLISECONDS = 60 * DAY  # present seconds since 1970, read as milliseconds, end before 1970-03-02


def exact(number: float) -> float:
    """The number, unless it is a whole one beyond ``EXACT`` that no 64-bit float is: ``Unreadable`` (``inexact``)."""
    if type(number) is int and int(float(number)) != number:
        expected = "one that a 64-bit float holds, as every one up to 9007199254740992 is; or a text, of kind state"
        raise Unreadable("inexact", f"found the whole number {shown(number)}; expected {expected}")
    return number


def quality_of_number(number: float, quality: int | None, low: float, high: float) -> int:
    """The quality of a number: as the device says, suspect outside its range; of several the highest.

    Raises ``Unreadable``: ``not_a_number``, or ``bad_quality`` for a number that is said to be missing.
    """
    if not -LARGEST <= number <= LARGEST:
        raise Unreadable("not_a_number", f"found {shown(number)}; expected a finite number")
    if quality == MISSING:
        raise Unreadable("bad_quality", f"found the number {shown(number)} with quality missing; expected one of them")
    if low <= number <= high or (quality is not None and quality > SUSPECT):
        return quality or 0
    return SUSPECT


def quality_of_nothing(quality: int | None) -> int:
    """The quality of null: why no number came, if the device says so, else missing."""
    return quality if quality is not None and quality >= SUSPECT else MISSING


def state_text(value: object, longest: int) -> str:
    """The text of a reading of kind state: a text as it is, anything else as JSON spells it.

    Raises ``Unreadable``: ``too_large``, ``wrong_type`` for a text with NUL in it, ``not_a_number``.
    """
    if isinstance(value, str):
        if len(value) > longest:
            raise Unreadable(
                "too_large", f"found {len(value)} characters; expected at most {longest} (GOPS_MESSAGE_TEXT)"
            )
        if "\0" in value:
            raise Unreadable("wrong_type", "found a NUL character; expected text")
        return value
    if isinstance(value, float) and not -LARGEST <= value <= LARGEST:
        raise Unreadable("not_a_number", f"found {shown(value)}; expected a finite number")
    return orjson.dumps(value).decode()


def quality_of_text(quality: int | None) -> int:
    """The quality of a text, as the device says. Raises ``Unreadable`` (``bad_quality``) for missing."""
    if quality == MISSING:
        raise Unreadable("bad_quality", "found a text with quality missing; expected one of them")
    return quality or 0


def check_unit(said: str | None, expected: str | None) -> None:
    """Raises ``Unreadable`` (``unit_mismatch``) for a unit that is another than the mapping expects."""
    if said is not None and not agrees(said, expected):
        raise Unreadable("unit_mismatch", f"found {shown(said)}; expected {expected}, as the mapping says")


@lru_cache(1024)
def agrees(said: str, expected: str | None) -> bool:
    """Is the unit that a message names the one that its mapping expects (UCUM; None: nothing is known)?

    Another code for the same unit agrees. What stands in braces tells units apart where both have some: ``%{RH}`` is
    ``%``, and not ``%{EL}``.
    """
    if expected is None or said == expected:
        return True
    notes = {code.partition("{")[2] for code in (said, expected)} - {""}
    if len(notes) > 1 or ucum.read(said) is None or not units.convertible(said, expected):
        return False
    return units.conversion(said, expected) == (1.0, 0.0)


def outside(t: int, earliest: int, latest: int) -> Unreadable:
    """Why a time that does not lie from ``earliest`` to ``latest`` is refused; all in microseconds."""
    if t > latest:
        ahead = (t - latest) // SECOND
        return Unreadable("too_far_ahead", f"{ahead} s later than accepted (GOPS_ACCEPT_AHEAD_SECONDS)")
    hint = "; a number is milliseconds since 1970, not seconds" if 0 < t < SECONDS_AS_MILLISECONDS else ""
    days = (earliest - t) // DAY
    return Unreadable("too_early", f"{days} days earlier than accepted (GOPS_ACCEPT_PAST_DAYS){hint}")


def too_late(t: int, age: int, closed: int) -> Unreadable:
    """Why a time before ``closed``, or older than ``age``, is refused; all in microseconds."""
    if t < closed:
        return Unreadable("too_late", "readings of that time were thinned; expected a later one (docs/retention.md)")
    return Unreadable("too_late", f"older than {write_duration(age)}, after which this Datastream's are settled")


def too_far_ahead(ahead: int, accepted: int) -> Unreadable:
    """Why a time is refused that lies ``ahead`` microseconds beyond what the Datastream's rules accept."""
    most = write_duration(accepted)
    return Unreadable(
        "too_far_ahead", f"{write_duration(ahead)} later than the {most} that this Datastream accepts (rule future)"
    )


def too_fine(t: int, finest: int) -> Unreadable:
    """Why a time is refused that the store can't tell from its neighbours; both in microseconds."""
    part = t % finest
    return Unreadable("time_too_fine", f"{part} microseconds after a whole millisecond; expected milliseconds at most")


def check_result_time(result_time: int, latest: int) -> None:
    """Raises ``Unreadable``: ``too_far_ahead`` for one after ``latest``, as it would win over every later correction,
    and ``bad_time`` for one before 1900, which could not be written on the clocks of every zone."""
    if result_time > latest:
        raise outside(result_time, EARLIEST, latest)
    if result_time < EARLIEST:
        raise Unreadable("bad_time", "found a resultTime before 1900; expected when the source produced the result")
