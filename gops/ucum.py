"""Reading UCUM codes (ucum.org, version 2.2) by UCUM's own table, in exact fractions.

ucumvert brings a parser of codes and the table. The same package can ask pint what a code means; pint's table is its
own and has another ``[Cal]``, ``m[Hg]``, ``[cft_i]`` and ``'`` than UCUM, so it is not asked. Loading takes about half
a second, at the first code that is not ``1``.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache, lru_cache
from typing import Any

CODE_LENGTH = 64
EXPONENT_MAX = 30  # 10*-24 is the smallest that physics here needs; an unbounded power would never be done
FACTOR_DIGITS = 12
SCALE_MAX = Fraction(10) ** 90  # so that no conversion leaves the range of a float
CACHED = 4096

CODE = re.compile(rf"[!-~]{{1,{CODE_LENGTH}}}")
_OFFSETS = {
    "Cel": (Fraction(1), Fraction("273.15")),
    "[degF]": (Fraction(5, 9), Fraction("459.67") * Fraction(5, 9)),
    "[degRe]": (Fraction(5, 4), Fraction("273.15")),
}
"""Scale and offset to kelvin of the units that have one (UCUM, section 21)."""
_OFFSET_CODES = [[code] for code in _OFFSETS]
_NUMBERS_APART = frozenset({"mol", "bit"})


@dataclass(frozen=True, slots=True)
class Unit:
    """A code as declared, and its numbers in base units: ``x * scale + offset``.

    ``root`` is the product of base units; two units convert when it is the same. ``scale`` is None for a unit that
    converts to itself alone.
    """

    code: str
    root: str
    scale: Fraction | None
    offset: Fraction = Fraction(0)

    @property
    def is_ratio(self) -> bool:
        """Is 0 none of it, so that its numbers may be summed? Not so for ``Cel`` and ``dB``."""
        return self.scale is not None and self.offset == 0


def read(code: str) -> Unit | None:
    """The unit of a code; None for what is no code, or beyond the bounds above."""
    return _remembered(code) if isinstance(code, str) and CODE.fullmatch(code) else None


_ONE = Unit("1", "", Fraction(1))
_loading = threading.Lock()  # one thread loads the table


@lru_cache(CACHED)
def _remembered(code: str) -> Unit | None:
    if code == _ONE.code:
        return _ONE
    with _loading:
        return _read(code)


@dataclass(frozen=True)
class _Amount:
    """So many of a product of base units: ``powers`` by base unit, none of them 0."""

    scale: Fraction
    powers: Mapping[str, int] = field(default_factory=dict)

    def times(self, other: _Amount, sign: int = 1) -> _Amount:
        powers = {
            name: self.powers.get(name, 0) + sign * other.powers.get(name, 0) for name in {*self.powers, *other.powers}
        }
        scale = self.scale * other.scale if sign > 0 else self.scale / other.scale
        return _Amount(scale, {name: power for name, power in powers.items() if power})

    def to_the(self, exponent: int) -> _Amount:
        return _Amount(self.scale**exponent, {name: power * exponent for name, power in self.powers.items()})

    def unit(self, code: str, offset: Fraction = Fraction(0)) -> Unit | None:
        if not 1 / SCALE_MAX < self.scale < SCALE_MAX:
            return None
        root = ".".join(f"{name}{power}" for name, power in sorted(self.powers.items()))
        return Unit(code, root, self.scale, offset)


@dataclass(frozen=True)
class _Table:
    """UCUM's table: codes of base units, prefixes, and (number, unit) that define each other unit."""

    parse: Callable[[str], Any]
    error: type[Exception]
    base: frozenset[str]
    prefixes: Mapping[str, Fraction]
    definitions: Mapping[str, tuple[Fraction, str]]
    alone: frozenset[str]


@cache
def _table() -> _Table:
    from lark.exceptions import LarkError
    from ucumvert import get_ucum_parser, xml_util

    units = xml_util.get_units_with_full_definition()
    alone = {unit.code_cs for unit in units if unit.is_special or unit.is_arbitrary}
    prefixes = xml_util.root.findall(".//{*}prefix")
    return _Table(
        parse=get_ucum_parser().parse,
        error=LarkError,
        base=frozenset(xml_util.get_base_units()) | _NUMBERS_APART,
        prefixes={one.attrib["Code"]: Fraction(one.find("{*}value").attrib["value"]) for one in prefixes},
        definitions={
            unit.code_cs: (Fraction(unit.conversion_factor), unit.defining_unit)
            for unit in units
            if unit.code_cs not in alone
        },
        alone=frozenset(alone),
    )


def _read(code: str) -> Unit | None:
    table = _table()
    try:
        tree = table.parse(code)
    except table.error:
        return None
    tokens = list(tree.scan_values(lambda _: True))
    if not all(map(_is_bounded, tokens)):
        return None
    names = [str(token) for token in tokens if token.type != "ANNOTATION"]
    if names in _OFFSET_CODES:
        scale, offset = _OFFSETS[names[0]]
        return Unit(code, "K1", scale, offset)
    if not table.alone.isdisjoint(names):
        return None if any(name in _OFFSETS for name in names) else Unit(code, code, None)
    return _amount(tree).unit(code)


def _is_bounded(token: Any) -> bool:
    if token.type == "EXPONENT":
        return abs(int(token)) <= EXPONENT_MAX
    return bool(token.type != "FACTOR" or len(token) <= FACTOR_DIGITS)


def _amount(node: Any) -> _Amount:
    """What a part of a code stands for; the rules are those of ``ucum_grammar.lark``."""
    if not hasattr(node, "data"):  # an annotation by itself
        return _Amount(Fraction(1))
    parts = node.children
    if node.data == "simple_unit":
        *prefix, atom = map(str, parts)
        return _Amount(_table().prefixes[prefix[0]] if prefix else Fraction(1)).times(_atom(atom))
    if node.data == "annotatable":
        return _amount(parts[0]).to_the(int(parts[1]))
    if node.data == "term":
        return _amount(parts[0]).times(_amount(parts[2]), 1 if parts[1] == "." else -1)
    if node.data == "main_term" and len(parts) == 2:
        return _Amount(Fraction(1)).times(_amount(parts[1]), -1)
    return _amount(parts[0])


@lru_cache(CACHED)  # any factor is an atom, so there is no end of them
def _atom(name: str) -> _Amount:
    table = _table()
    if name in table.base:
        return _Amount(Fraction(1), {name: 1})
    if name.isdigit():
        return _Amount(Fraction(name))
    number, unit = table.definitions[name]
    return _Amount(number).times(_amount(table.parse(unit)))
