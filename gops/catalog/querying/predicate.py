"""Conditions on rows as values: what ``cql`` reads, what a table pushes down, and what Arrow evaluates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

Comparison = Literal["=", "<>", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Compare:
    """``value`` is a scalar of the column's own type."""

    column: str
    op: Comparison
    value: pa.Scalar


@dataclass(frozen=True, slots=True)
class OneOf:
    column: str
    values: tuple[pa.Scalar, ...]


@dataclass(frozen=True, slots=True)
class Like:
    """``%`` stands for any characters, ``_`` for one; a backslash takes either at its word."""

    column: str
    pattern: str


@dataclass(frozen=True, slots=True)
class IsNull:
    column: str


@dataclass(frozen=True, slots=True)
class Not:
    what: Predicate


@dataclass(frozen=True, slots=True)
class All:
    parts: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Either:
    parts: tuple[Predicate, ...]


Predicate = Compare | OneOf | Like | IsNull | Not | All | Either

_COMPARE: Mapping[str, Callable[[Any, Any], pc.Expression]] = {
    "=": lambda left, right: left == right,
    "<>": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


def expression(one: Predicate) -> pc.Expression:
    """The same for Arrow, in the three-valued logic of SQL: what is neither true nor false is left out."""
    match one:
        case Compare(column, op, value):
            return _COMPARE[op](pc.field(column), pc.scalar(value))
        case OneOf(column, values):  # by "=": isin would call a null false, and NOT IN then true
            return _any([pc.field(column) == pc.scalar(value) for value in values])
        case Like(column, pattern):
            return pc.match_like(pc.field(column).cast(pa.string()), pattern)  # of a dictionary too
        case IsNull(column):
            return pc.field(column).is_null()
        case Not(what):
            return ~expression(what)
        case All(parts):
            return reduce(lambda left, right: left & right, map(expression, parts))
        case Either(parts):
            return _any([expression(part) for part in parts])


def _any(parts: Sequence[pc.Expression]) -> pc.Expression:
    return reduce(lambda left, right: left | right, parts)


def columns(one: Predicate) -> frozenset[str]:
    """The columns that it looks at."""
    match one:
        case Compare(column) | OneOf(column) | Like(column) | IsNull(column):
            return frozenset({column})
        case Not(what):
            return columns(what)
        case All(parts) | Either(parts):
            return frozenset().union(*map(columns, parts))


def split(one: Predicate | None, known: frozenset[str]) -> tuple[Predicate | None, Predicate | None]:
    """Two conditions that both must hold: the first looks at ``known`` columns alone, the second at the rest."""
    if one is None:
        return None, None
    parts = one.parts if isinstance(one, All) else (one,)
    first = tuple(part for part in parts if columns(part) <= known)
    rest = tuple(part for part in parts if not columns(part) <= known)
    return _together(first), _together(rest)


def _together(parts: tuple[Predicate, ...]) -> Predicate | None:
    return (All(parts) if len(parts) > 1 else parts[0]) if parts else None
