"""Units are UCUM codes (ucum.org, version 2.2): which there are, and how numbers convert between them.

ucumvert reads the code, pint knows the units; both in exact fractions, so that only the last step rounds. Loading them
takes about 0.6 s, at the first use of a code that is not ``1``.

What UCUM leaves to its users is decided so:

- An annotation in braces says what is counted and changes nothing: ``{vehicle}/h`` converts as ``/h``, ``{vehicle}``
  as ``1``. The code is kept and shown as it was declared.
- A plane angle is no bare number: ``deg`` converts to ``rad``, and neither to ``%``. The same holds for ``bit``.
- ``Cel``, ``[degF]`` and ``[degRe]`` convert with their offset, alone; a change of temperature is in ``K``.
- Logarithmic units (``dB``, ``[pH]``) and arbitrary ones (``[iU]``) convert to themselves alone, annotation included:
  ``dB[SPL]{A}`` is not ``dB[SPL]``.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from gops.errors import Invalid

CODE_LENGTH = 64
EXPONENT_MAX = 30  # 10*-24 is the smallest that physics here needs; an unbounded power would never be done
FACTOR_DIGITS = 12
SCALE_MAX = Fraction(10) ** 90  # so that no conversion leaves the range of a float
CACHED = 4096

_CODE = re.compile(rf"[!-~]{{1,{CODE_LENGTH}}}")
_OFFSET_UNITS = frozenset({"Cel", "[degF]", "[degRe]"})
_COMMON = (
    "1", "%", "[ppm]", "[ppb]", "Cel", "K", "[degF]", "m", "km", "cm", "mm", "m2", "m3", "L", "m/s", "km/h", "[kn_i]",
    "mm/h", "m3/s", "L/min", "ug/m3", "mg/m3", "mg/L", "Pa", "hPa", "kPa", "mbar", "deg", "rad", "s", "min", "h", "Hz",
    "/h", "W", "kW", "W.h", "kW.h", "J", "W/m2", "MJ/m2", "V", "mV", "A", "Ohm", "uS/cm", "S/m", "lx", "cd", "uSv/h",
    "Bq/m3", "kg", "g", "t", "By", "kBy",
)  # fmt: skip
_USUAL = {
    "°C": "Cel", "℃": "Cel", "degC": "Cel", "celsius": "Cel", "Celsius": "Cel", "°F": "[degF]", "℉": "[degF]",
    "degF": "[degF]", "°": "deg", "degree": "deg", "degrees": "deg", "ppm": "[ppm]", "ppb": "[ppb]", "pH": "[pH]",
    "psi": "[psi]", "mph": "[mi_i]/h", "knot": "[kn_i]", "knots": "[kn_i]", "kn": "[kn_i]", "lux": "lx",
    "NTU": "[NTU]", "kWh": "kW.h", "Wh": "W.h", "mmHg": "mm[Hg]", "count": "{count}", "ea": "{count}", "C": "Cel",
    "dBA": "dB[SPL]{A}", "dB(A)": "dB[SPL]{A}", "dB[A]": "dB[SPL]{A}", "%RH": "%", "% RH": "%", "hour": "h",
    "F": "[degF]", "ohm": "Ohm",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unit:
    """A code as declared, and its numbers in root units: ``x * scale + offset``.

    ``root`` names the dimension; two units convert when it is the same. ``scale`` is None for a unit that converts to
    itself alone.
    """

    code: str
    root: str
    scale: Fraction | None
    offset: Fraction = Fraction(0)

    @property
    def is_ratio(self) -> bool:
        """Is 0 none of it, so that its numbers may be summed? Not so for ``Cel`` and ``dB``."""
        return self.scale is not None and self.offset == 0


def parse(code: str, field: str = "unit") -> Unit:
    """The unit of a UCUM code. Raises ``Invalid`` (``unknown_unit``) that says what may have been meant."""
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise _unknown(code, field)
    unit = _parse(code)
    if unit is None:
        raise _unknown(code, field)
    return unit


def conversion(source: str, target: str, field: str = "unit") -> tuple[float, float]:
    """``(scale, offset)`` with target = source * scale + offset, exact to the last bit but one.

    Raises ``Invalid``: ``unknown_unit``, or ``incompatible_units`` that names units which would do.
    """
    try:
        return _factors(source, target)
    except Invalid as error:
        error.field = field
        raise


def convertible(source: str, target: str) -> bool:
    """Does ``conversion`` between these two known codes exist?"""
    a, b = parse(source), parse(target)
    return a.code == b.code or (a.scale is not None and b.scale is not None and a.root == b.root)


def alike(code: str) -> tuple[str, ...]:
    """Common codes that convert to ``code``, it first."""
    return (code, *(other for other in _COMMON if other != code and convertible(other, code)))


@lru_cache(CACHED)
def _factors(source_code: str, target_code: str) -> tuple[float, float]:
    source, target = parse(source_code), parse(target_code)
    if source.code == target.code:
        return 1.0, 0.0
    if source.scale is None or target.scale is None or source.root != target.root:
        raise _incompatible(source, target)
    scale = source.scale / target.scale
    return float(scale), float((source.offset - target.offset) / target.scale)


def _incompatible(source: Unit, target: Unit) -> Invalid:
    alone = source if source.scale is None else target if target.scale is None else None
    reason = f"; {alone.code} is logarithmic or arbitrary and converts to itself alone" if alone else ""
    meant = _meant(source.code)
    if meant is not None and convertible(meant, target.code):
        reason += f"; did you mean {meant}?"
    return Invalid(
        f"{source.code} does not convert to {target.code}{reason}",
        code="incompatible_units",
        found=source.code,
        expected="one of " + ", ".join(alike(target.code)[:8]) if len(alike(target.code)) > 1 else target.code,
    )


def _unknown(code: object, field: str) -> Invalid:
    meant = _meant(code) if isinstance(code, str) else None
    return Invalid(
        f"{code!r:.80} is no UCUM code" + (f"; did you mean {meant}?" if meant else ""),
        code="unknown_unit",
        field=field,
        found=code,
        expected=meant
        or f"a UCUM code of at most {CODE_LENGTH} characters, such as Cel, ug/m3, %, m/s or {{vehicle}}/h",
    )


def _meant(text: str) -> str | None:
    """The UCUM code of a usual way of writing: ``㎍/㎥`` is ``ug/m3``."""
    if len(text) > CODE_LENGTH:
        return None
    plain = unicodedata.normalize("NFKC", text).replace("μ", "u").replace("^", "").replace("·", ".").replace(" ", "")
    for found in (_USUAL.get(text.strip()), _USUAL.get(plain), plain, plain.replace("Cel", "K")):
        if found and found != text and _CODE.fullmatch(found) and _parse(found) is not None:
            return found
    return None


_ONE = Unit("1", "", Fraction(1))
_loading = threading.Lock()  # pint builds its registry in place


@lru_cache(CACHED)
def _parse(code: str) -> Unit | None:
    if code == _ONE.code:
        return _ONE
    with _loading:
        return _read(code)


@dataclass(frozen=True)
class _Library:
    parse: Any
    transform: Any
    quantity: Any
    alone: frozenset[str]
    errors: tuple[type[Exception], ...]


@cache
def _library() -> _Library:
    from importlib.resources import files

    from lark.exceptions import LarkError
    from pint import PintError, UnitRegistry
    from ucumvert import UcumToPintTransformer, get_ucum_parser
    from ucumvert.xml_util import get_units_with_full_definition

    registry: Any = UnitRegistry(non_int_type=Fraction)
    registry.load_definitions(Path(str(files("ucumvert"))) / "pint_ucum_defs.txt")
    alone = {unit.code_cs for unit in get_units_with_full_definition() if unit.is_special or unit.is_arbitrary}
    return _Library(
        parse=get_ucum_parser().parse,
        transform=UcumToPintTransformer(registry).transform,
        quantity=registry.Quantity,
        alone=frozenset(alone) - _OFFSET_UNITS,
        errors=(LarkError, PintError, ValueError, ZeroDivisionError, OverflowError),
    )


def _read(code: str) -> Unit | None:
    library = _library()
    try:
        tree = library.parse(code)
        tokens = list(tree.scan_values(lambda _: True))
        if not all(_bounded(token) for token in tokens):
            return None
        if any(str(token) in library.alone for token in tokens if token.type.startswith("UNIT")):
            return Unit(code, code, None)
        return _in_root_units(library, code, library.transform(tree))
    except library.errors:
        return None


def _bounded(token: Any) -> bool:
    if token.type == "EXPONENT":
        return abs(int(token)) <= EXPONENT_MAX
    return bool(token.type != "FACTOR" or len(token) <= FACTOR_DIGITS)


def _in_root_units(library: _Library, code: str, made: Any) -> Unit:
    """``made`` is a quantity, or a bare number or annotation where the code names no unit."""
    if not hasattr(made, "units"):
        return Unit(code, "", Fraction(1) if isinstance(made, str) else Fraction(made))
    zero = library.quantity(Fraction(0), made.units).to_root_units()
    one = library.quantity(Fraction(made.magnitude), made.units).to_root_units()
    scale, offset = Fraction(one.magnitude) - Fraction(zero.magnitude), Fraction(zero.magnitude)
    if not 1 / SCALE_MAX < scale < SCALE_MAX:
        raise OverflowError
    root = ".".join(f"{name}{power}" for name, power in sorted(one.unit_items()))
    return Unit(code, root, scale, offset)
