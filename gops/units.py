"""Units are UCUM codes (ucum.org, version 2.2): which there are, and how numbers convert between them.

What UCUM leaves to its users is decided so:

- An annotation in braces says what is counted and changes nothing: ``{vehicle}/h`` converts as ``/h``, ``{vehicle}``
  as ``1``. The code is kept and shown as it was declared.
- A plane angle is no bare number: ``deg`` converts to ``rad``, and neither to ``%``. So it is in UCUM; the same is
  held here for ``mol`` and ``bit``, which UCUM reckons as plain numbers.
- ``Cel``, ``[degF]`` and ``[degRe]`` convert with their offset, alone; a change of temperature is in ``K``.
- Logarithmic units (``dB``, ``[pH]``) and arbitrary ones (``[iU]``) convert to themselves alone, annotation included:
  ``dB[SPL]{A}`` is not ``dB[SPL]``.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from gops.errors import Invalid
from gops.ucum import CACHED, CODE_LENGTH, Unit, read

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


def parse(code: str, field: str = "unit") -> Unit:
    """The unit of a UCUM code. Raises ``Invalid`` (``unknown_unit``) that says what may have been meant."""
    unit = read(code)
    if unit is None:
        raise _unknown(code, field)
    return unit


def conversion(source: str, target: str, field: str = "unit") -> tuple[float, float]:
    """``(scale, offset)`` with target = source * scale + offset, exact to the last bit but one.

    Raises ``Invalid``: ``unknown_unit``, or ``incompatible_units`` that names units which would do.
    """
    a, b = parse(source, field), parse(target, field)
    if a.code != b.code and (a.scale is None or b.scale is None or a.root != b.root):
        raise _incompatible(a, b, field)
    return _factors(a.code, b.code)


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
    if source.code == target.code or source.scale is None or target.scale is None:
        return 1.0, 0.0
    scale = source.scale / target.scale
    return float(scale), float((source.offset - target.offset) / target.scale)


def _incompatible(source: Unit, target: Unit, field: str) -> Invalid:
    alone = source if source.scale is None else target if target.scale is None else None
    reason = f"; {alone.code} is logarithmic or arbitrary and converts to itself alone" if alone else ""
    would_do = alike(target.code)[:8]
    meant = _meant(source.code)
    if meant is not None and convertible(meant, target.code):
        reason += f"; did you mean {meant}?"
    return Invalid(
        f"{source.code} does not convert to {target.code}{reason}",
        code="incompatible_units",
        field=field,
        found=source.code,
        expected="one of " + ", ".join(would_do) if len(would_do) > 1 else target.code,
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
        if found and found != text and read(found) is not None:
            return found
    return None
