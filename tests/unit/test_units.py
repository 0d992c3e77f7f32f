"""UCUM codes and conversions, held against outside vectors and against UCUM's own table and examples."""

from __future__ import annotations

import csv
import math
from fractions import Fraction
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ucumvert.xml_util import get_units_with_full_definition

from gops import ucum, units
from gops.errors import Invalid

VECTORS = [
    # unit, number, unit, number; from definitions in the SI brochure (9th ed.) and NIST SP 811 (2008), appendix B
    ("[degF]", 32, "Cel", 0),
    ("[degF]", 212, "Cel", 100),
    ("[degF]", -40, "Cel", -40),
    ("[degF]", -459.67, "K", 0),
    ("Cel", 36.6, "[degF]", 97.88),
    ("Cel", -273.15, "K", 0),
    ("K", 300, "Cel", 26.85),
    ("km/h", 36, "m/s", 10),
    ("m/s", 1, "km/h", 3.6),
    ("[kn_i]", 900, "m/s", 463),
    ("[kn_i]", 1, "km/h", 1.852),
    ("[mi_i]/h", 1, "m/s", 0.44704),
    ("ug/m3", 50, "mg/m3", 0.05),
    ("mg/L", 1, "g/m3", 1),
    ("hPa", 1013.25, "Pa", 101325),
    ("mbar", 1013.25, "hPa", 1013.25),
    ("atm", 1, "Pa", 101325),
    ("[psi]", 1, "Pa", 6894.757293168361),
    ("mm[Hg]", 1, "Pa", 133.322),
    ("[ppb]", 40, "[ppm]", 0.04),
    ("[ppm]", 10000, "%", 1),
    ("mm", 25, "cm", 2.5),
    ("dam", 2, "m", 20),
    ("%", 55, "1", 0.55),
    ("rad", math.pi, "deg", 180),
    ("deg", 1, "rad", 0.017453292519943295),
    ("kW", 1.5, "W", 1500),
    ("kW.h", 1, "MJ", 3.6),
    ("MJ/m2", 3.6, "kW.h/m2", 1),
    ("m3/h", 3600, "m3/s", 1),
    ("/h", 3600, "Hz", 1),
    ("wk", 1, "h", 168),
    ("kcal_th", 1, "J", 4184),
    ("[Cal]", 1, "cal_th", 1000),
    ("'", 60, "deg", 1),
    ("KiBy", 1, "bit", 8192),
]


@pytest.mark.parametrize(("source", "number", "target", "expected"), VECTORS)
def test_a_number_converts_as_the_definitions_say(source: str, number: float, target: str, expected: float) -> None:
    scale, offset = units.conversion(source, target)
    # near zero the last bit belongs to the size of what is subtracted
    assert number * scale + offset == pytest.approx(expected, rel=1e-12, abs=1e-12 * max(1, abs(offset)))


@pytest.mark.parametrize(("source", "target"), [(row[0], row[2]) for row in VECTORS])
def test_a_conversion_and_its_reverse_undo_each_other(source: str, target: str) -> None:
    scale, offset = units.conversion(source, target)
    back_scale, back_offset = units.conversion(target, source)
    assert scale * back_scale == pytest.approx(1, rel=1e-15)
    assert offset * back_scale + back_offset == pytest.approx(0, abs=1e-12 * max(1, abs(back_offset)))


def test_every_unit_of_ucum_is_what_its_own_definition_says() -> None:
    """Independent of the tree that the code walks: number and unit of a definition, asked as a conversion."""
    apart = {"mol", "bit"}  # plain numbers in UCUM, kept apart here
    for unit in get_units_with_full_definition():
        if unit.is_special or unit.is_arbitrary or unit.code_cs in apart:
            continue
        scale, offset = units.conversion(unit.code_cs, unit.defining_unit)
        assert (scale, offset) == (pytest.approx(float(unit.conversion_factor), rel=1e-15), 0), unit.code_cs


def test_every_example_of_ucum_is_read() -> None:
    """848 codes of the official list of common units; ``Torr`` stands there and is no UCUM code."""
    text = Path(str(files("ucumvert") / "vendor" / "ucum_examples.tsv")).read_text(encoding="utf-8")
    codes = [row[1] for row in csv.reader(text.splitlines()[1:], delimiter="\t")]
    assert len(codes) > 800
    assert [code for code in codes if ucum.read(code) is None] == ["Torr"]


@pytest.mark.parametrize(
    ("source", "target"),
    [("{vehicle}/h", "/h"), ("{person}", "1"), ("{vehicle}", "{person}"), ("ug{PM10}/m3", "ug/m3"), ("/{tree}", "1")],
)
def test_an_annotation_changes_no_number(source: str, target: str) -> None:
    assert units.conversion(source, target) == (1.0, 0.0)


def test_a_code_is_kept_as_it_was_declared() -> None:
    assert units.parse("{vehicle}/h").code == "{vehicle}/h"


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("m", "s"),
        ("deg", "%"),
        ("rad", "1"),
        ("mol", "1"),
        ("bit", "1"),
        ("Cel", "kW"),
        ("dB", "B"),
        ("dB[SPL]", "dB[SPL]{A}"),
        ("dB", "1"),
        ("[pH]", "mol/L"),
        ("[iU]", "1"),
        ("[ppb]", "ug/m3"),
    ],
)
def test_what_does_not_measure_the_same_does_not_convert(source: str, target: str) -> None:
    assert not units.convertible(source, target)
    with pytest.raises(Invalid) as caught:
        units.conversion(source, target, "fields[2].unit")
    assert (caught.value.code, caught.value.field, caught.value.found) == (
        "incompatible_units",
        "fields[2].unit",
        source,
    )


@pytest.mark.parametrize("code", ["dB", "dB[SPL]{A}", "[pH]", "[iU]/mL", "Np", "%[slope]", "1", "{vehicle}", "Cel"])
def test_every_unit_converts_to_itself(code: str) -> None:
    assert units.conversion(code, code) == (1.0, 0.0)


@pytest.mark.parametrize("source", [7, None, ["m"], {"m": 1}, b"m", "furlong"])
def test_what_is_no_unit_converts_to_nothing(source: object) -> None:
    with pytest.raises(Invalid) as caught:
        units.conversion(source, "m", "fields[0].unit")  # type: ignore[arg-type]
    assert (caught.value.code, caught.value.field) == ("unknown_unit", "fields[0].unit")


def test_an_incompatible_unit_is_told_which_would_do() -> None:
    with pytest.raises(Invalid) as caught:
        units.conversion("kW", "Cel")
    assert caught.value.expected == "one of Cel, K, [degF]"


def test_a_coulomb_given_for_celsius_is_noticed() -> None:
    """``C`` is a UCUM code, only not the one that was meant."""
    with pytest.raises(Invalid, match="did you mean Cel"):
        units.conversion("C", "Cel")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("℃", "Cel"),
        ("°C", "Cel"),
        ("㎍/㎥", "ug/m3"),
        ("µg/m³", "ug/m3"),
        ("W/m²", "W/m2"),
        ("m^3/s", "m3/s"),
        ("dB(A)", "dB[SPL]{A}"),
        ("ppm", "[ppm]"),
        ("kWh", "kW.h"),
        ("Cel/h", "K/h"),
        ("km / h", "km/h"),
    ],
)
def test_a_usual_way_of_writing_is_refused_with_the_code_for_it(written: str, meant: str) -> None:
    with pytest.raises(Invalid) as caught:
        units.parse(written)
    assert (caught.value.code, caught.value.expected) == ("unknown_unit", meant)


@pytest.mark.parametrize(
    "code",
    [
        "",
        " ",
        "m s",
        "furlong",
        "Torr",
        "2.Cel",
        "Cel2",
        "mCel",
        "Cel.dB",
        "0.5",
        "m0",
        "m" * 65,
        "(" * 64,
        "((m)",
        "{a",
        "{a{b}}",
        "m\n",
        "m\x00",
        "단위",
        "\ud800",
        "m31",
        "m-31",
        "m99999999999999999999",
        "9999999999999",
        "10*30." * 9 + "10*30",
        "//m",
        None,
        7,
        b"m",
        ["m"],
    ],
)
def test_what_is_no_code_or_beyond_the_bounds_is_refused(code: object) -> None:
    with pytest.raises(Invalid) as caught:
        units.parse(code, "unit")  # type: ignore[arg-type]
    assert (caught.value.code, caught.value.field) == ("unknown_unit", "unit")


@given(st.text(alphabet="mgsKCelradB%{}[]()./*^-+'1290kuda ", max_size=70))
def test_any_text_is_a_unit_or_refused(text: str) -> None:
    """Nothing else happens, and it happens soon."""
    found = ucum.read(text)
    assert found is None or (found.code == text and (found.scale is None or isinstance(found.scale, Fraction)))


@given(st.text(max_size=100))
def test_any_unicode_is_refused_by_one_error(text: str) -> None:
    if ucum.read(text) is None:
        with pytest.raises(Invalid):
            units.parse(text)


@pytest.mark.parametrize(("code", "ratio"), [("mm", True), ("K", True), ("%", True), ("Cel", False), ("dB", False)])
def test_only_units_with_a_true_zero_can_be_summed(code: str, ratio: bool) -> None:
    assert units.parse(code).is_ratio is ratio


def test_units_alike_are_those_that_convert() -> None:
    assert units.alike("hPa") == ("hPa", "Pa", "kPa", "mbar")
