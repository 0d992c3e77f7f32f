"""What a Datastream declares of its readings, checked: pure, without records.

======== ============================================================== =============================
kind     unit                                                           of a property of kind
======== ============================================================== =============================
gauge    any that converts to the property's                            gauge, amount, counter
amount   the same, with a true zero (its numbers are summed)            gauge, amount, counter
counter  the same (its differences are summed)                          gauge, amount, counter
angle    ``deg``                                                        angle
state    ``1`` or an annotation; no range, nothing is converted         state
======== ============================================================== =============================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from gops import units
from gops.durations import parse_duration, write_duration
from gops.errors import Invalid
from gops.kinds import KINDS, LABELS, Kind, Label
from gops.sensors import texts

_NUMBERS: frozenset[Kind] = frozenset({"gauge", "amount", "counter"})
FAMILIES: Mapping[Kind, frozenset[Kind]] = {
    "gauge": _NUMBERS,
    "amount": _NUMBERS,
    "counter": _NUMBERS,
    "angle": frozenset({"angle"}),
    "state": frozenset({"state"}),
}
"""Kinds that may observe one property: rain is an amount, or a counter that a tipping bucket turns."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """``period`` in canonical ISO 8601; a reading outside ``range_low`` .. ``range_high`` is suspect."""

    unit: str
    kind: Kind
    period: str | None = None
    label: Label = "instant"
    range_low: float | None = None
    range_high: float | None = None


def declare(
    unit: str,
    kind: str,
    period: str | None = None,
    label: str = "instant",
    range_low: float | None = None,
    range_high: float | None = None,
) -> Declaration:
    """The checked declaration. Raises ``Invalid``: ``unknown_unit``, ``unit_of_kind``, ``bad_duration``, ``bad_range``,
    or ``invalid_value`` for an unknown kind or label."""
    known = cast(Kind, texts.one_of(kind, KINDS, "kind"))
    named = cast(Label, texts.one_of(label, LABELS, "label"))
    check_unit(unit, known)
    low, high = _range(known, range_low, range_high)
    length = None if period is None else write_duration(parse_duration(period))
    return Declaration(unit, known, length, named, low, high)


def check_unit(unit: str, kind: Kind) -> None:
    """Raises ``Invalid``: ``unknown_unit``, or ``unit_of_kind`` when readings of ``kind`` can't be in it."""
    parsed = units.parse(unit)
    if kind == "state" and (parsed.root != "" or parsed.scale != 1):
        raise _unit_of_kind(unit, kind, "1, or what is told apart in braces, such as {occupancy}")
    if kind == "angle" and not (units.convertible(unit, "deg") and units.conversion(unit, "deg") == (1.0, 0.0)):
        raise _unit_of_kind(unit, kind, "deg; what is sent in rad is converted by the mapping")
    if kind in ("amount", "counter") and not parsed.is_ratio:
        raise _unit_of_kind(unit, kind, "a unit with a true zero, whose numbers can be summed, or kind gauge")


def check_property(declared: Declaration, key: str, unit: str, kind: Kind) -> None:
    """Does it observe property ``key``, of that unit and kind? Raises ``Invalid``: ``kind_of_property``,
    ``incompatible_units``."""
    if declared.kind not in FAMILIES[kind]:
        raise Invalid(
            f"{key} is of kind {kind}, which readings of kind {declared.kind} do not observe",
            code="kind_of_property",
            field="kind",
            found=declared.kind,
            expected="one of " + ", ".join(sorted(FAMILIES[kind])),
        )
    if kind != "state":
        units.conversion(declared.unit, unit)


def converted(low: float | None, high: float | None, source: str, target: str) -> dict[str, float | None]:
    """A range in another unit. Raises ``Invalid`` when it does not convert."""
    if source == target or (low, high) == (None, None):
        return {"range_low": low, "range_high": high}
    scale, offset = units.conversion(source, target)
    return {
        "range_low": None if low is None else low * scale + offset,
        "range_high": None if high is None else high * scale + offset,
    }


def _range(kind: Kind, low: Any, high: Any) -> tuple[float | None, float | None]:
    bottom = None if low is None else texts.number(low, "range_low")
    top = None if high is None else texts.number(high, "range_high")
    if kind == "state" and (bottom, top) != (None, None):
        raise _bad_range("readings of kind state have no range", f"{low} to {high}", "no range")
    if bottom is not None and top is not None and bottom >= top:
        raise _bad_range("the range is empty", f"{low} to {high}", "range_low below range_high")
    return bottom, top


def _bad_range(message: str, found: str, expected: str) -> Invalid:
    return Invalid(message, code="bad_range", field="range_low", found=found, expected=expected)


def _unit_of_kind(unit: str, kind: Kind, expected: str) -> Invalid:
    return Invalid(
        f"readings of kind {kind} are not in {unit}", code="unit_of_kind", field="unit", found=unit, expected=expected
    )
