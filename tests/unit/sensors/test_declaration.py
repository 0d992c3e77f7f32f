"""Declarations, by themselves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gops.errors import Invalid
from gops.kinds import KINDS, Kind
from gops.sensors.declaration import FAMILIES, Declaration, check_property, check_unit, converted, declare

finite = st.floats(-1e12, 1e12)


def test_a_declaration_is_canonical() -> None:
    assert declare("mm", "amount", "PT3600S", "end", -1, 300) == Declaration("mm", "amount", "PT1H", "end", -1.0, 300.0)


@pytest.mark.parametrize(
    ("unit", "kind", "suits"),
    [
        ("Cel", "gauge", True),
        ("Cel", "amount", False),
        ("dB[SPL]{A}", "gauge", True),
        ("dB[SPL]{A}", "counter", False),
        ("{person}", "amount", True),
        ("kW.h", "counter", True),
        ("%", "gauge", True),
        ("deg", "angle", True),
        ("deg{north}", "angle", True),
        ("rad", "angle", False),
        ("gon", "angle", False),
        ("1", "angle", False),
        ("1", "state", True),
        ("{occupancy}", "state", True),
        ("%", "state", False),
        ("m", "state", False),
        ("dB", "state", False),
    ],
)
def test_a_unit_suits_a_kind_or_is_refused(unit: str, kind: Kind, suits: bool) -> None:
    if suits:
        check_unit(unit, kind)
        return
    with pytest.raises(Invalid) as caught:
        check_unit(unit, kind)
    assert (caught.value.code, caught.value.field, caught.value.found) == ("unit_of_kind", "unit", unit)


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_one_family_observe_each_other_s_properties(kind: Kind) -> None:
    assert kind in FAMILIES[kind]
    assert all(kind in FAMILIES[other] for other in FAMILIES[kind])
    unit = {"angle": "deg", "state": "1"}.get(kind, "mm")
    for other in KINDS:
        of_property = {"angle": "deg", "state": "1"}.get(other, "cm")
        if other in FAMILIES[kind]:
            check_property(declare(unit, kind), "it", of_property, other)
        else:
            with pytest.raises(Invalid) as caught:
                check_property(declare(unit, kind), "it", of_property, other)
            assert caught.value.code == "kind_of_property"


@given(finite, finite)
def test_a_range_holds_the_same_readings_in_another_unit(low: float, high: float) -> None:
    found = converted(min(low, high), max(low, high), "Cel", "[degF]")
    assert found["range_low"] == pytest.approx(min(low, high) * 1.8 + 32, rel=1e-12, abs=1e-9)
    assert found["range_high"] == pytest.approx(max(low, high) * 1.8 + 32, rel=1e-12, abs=1e-9)


def test_a_missing_range_stays_missing_and_asks_nothing_of_the_units() -> None:
    assert converted(None, None, "dB", "m") == {"range_low": None, "range_high": None}
    assert converted(None, 1.0, "m", "cm") == {"range_low": None, "range_high": 100.0}
