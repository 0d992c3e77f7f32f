"""``filter=``: the part of CQL2 text (OGC 21-065r2) that compares columns with values.

The grammar is that of the ``cql2`` package, whose parser recurses on the stack and goes back over what it has read; so
length and nesting are bounded before it sees a text. What it makes is checked against the columns there are: anything
beyond comparison, BETWEEN, IN, LIKE, IS NULL, AND, OR and NOT is refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any, NoReturn, cast
from zoneinfo import ZoneInfo

import pyarrow as pa

from gops.catalog.querying.port import Column
from gops.catalog.querying.predicate import All, Compare, Comparison, Either, IsNull, Like, Not, OneOf, Predicate
from gops.errors import Invalid, TooLarge

LONGEST = 1000  # characters
DEEPEST = 8  # the parser takes twice as long for each parenthesis before something that it cannot read
PARTS = 100  # comparisons and values together
EXPECTED = (
    "comparisons (= <> < <= > >=), BETWEEN, IN, LIKE, IS NULL of a column with values, joined by AND, OR and NOT: "
    "value > 30 AND property = 'pm10'"
)
_NESTING = re.compile(r"\(|\bnot\b|[-+*/^]", re.IGNORECASE)
_TEXT = re.compile(r"'(?:[^']|'')*'")
_COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")
_TURNED = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def parse(text: str, columns: Sequence[Column], zone: ZoneInfo) -> Predicate:
    """The condition. Times without offset are on the clock of ``zone``.

    Raises ``Invalid``: ``bad_filter``, ``unknown_column``, and ``TooLarge`` (``filter_too_large``).
    """
    _bound(text)
    from cql2 import ParseError, parse_text

    try:
        tree = parse_text(text).to_json()
    except (ParseError, ValueError) as error:
        where = re.search(r"--> \d+:(\d+)", str(error))
        place = f" at character {where[1]}" if where else ""
        raise Invalid(
            f"the filter cannot be read{place}", code="bad_filter", field="filter", found=text, expected=EXPECTED
        ) from error
    return _Reader({one.name: one for one in columns}, zone).read(tree)


def _bound(text: str) -> None:
    if len(text) > LONGEST:
        _too_large("characters", len(text), LONGEST)
    depth = len(_NESTING.findall(_TEXT.sub("''", text)))
    if depth > DEEPEST:
        _too_large("parentheses, NOT and signs", depth, DEEPEST)


def _too_large(what: str, found: int, most: int) -> NoReturn:
    raise TooLarge(
        f"the filter has {found} {what}",
        code="filter_too_large",
        field="filter",
        found=found,
        expected=f"at most {most} {what}",
    )


def _refuse(message: str, found: Any, expected: str = EXPECTED, code: str = "bad_filter") -> NoReturn:
    raise Invalid(message, code=code, field="filter", found=found, expected=expected)


class _Reader:
    def __init__(self, columns: Mapping[str, Column], zone: ZoneInfo) -> None:
        self._columns = columns
        self._zone = zone
        self._parts = 0

    def read(self, node: Any) -> Predicate:
        """A condition of its JSON (OGC 21-065r2, clause 9)."""
        if not isinstance(node, dict) or "op" not in node:
            _refuse("a filter is a condition", _shown(node))
        op, args = str(node["op"]).lower(), node["args"]
        if op == "and":
            return All(tuple(map(self.read, args)))
        if op == "or":
            return Either(tuple(map(self.read, args)))
        if op == "not":
            return Not(self.read(args[0]))
        if op in _COMPARISONS:
            return self._compared(op, *args)
        if op == "between":
            column, low, high = self._column(args[0]), args[1], args[2]
            return All((self._compare(column, ">=", low), self._compare(column, "<=", high)))
        if op == "in":
            column = self._column(args[0])
            return OneOf(column.name, tuple(self._value(column, one) for one in args[1]))
        if op == "like":
            return self._like(*args)
        if op == "isnull":
            return IsNull(self._column(args[0]).name)
        return _refuse(f"{op} is not among what a filter does here", op)

    def _compared(self, op: str, left: Any, right: Any) -> Predicate:
        if not _is_column(left) and _is_column(right):
            left, right, op = right, left, _TURNED[op]
        return self._compare(self._column(left), cast(Comparison, op), right)

    def _compare(self, column: Column, op: Comparison, value: Any) -> Compare:
        if op not in ("=", "<>") and pa.types.is_boolean(column.type):
            _refuse(f"{column.name} is true or false", op, "= or <>")
        return Compare(column.name, op, self._value(column, value))

    def _like(self, left: Any, pattern: Any) -> Like:
        column = self._column(left)
        if not _holds_text(column) or not isinstance(pattern, str):
            _refuse("LIKE compares text with a pattern", column.name, "a column of text LIKE 'begin%'")
        return Like(column.name, pattern)

    def _column(self, node: Any) -> Column:
        if not _is_column(node):
            _refuse("on one side of a comparison stands a column", _shown(node))
        name = node["property"]
        if name not in self._columns:
            some = ", ".join(list(self._columns)[:30])
            _refuse(f"there is no column {name[:60]}", name, f"one of {some}", "unknown_column")
        return self._columns[name]

    def _value(self, column: Column, node: Any) -> pa.Scalar:
        """A value as one of the column's own type."""
        self._parts += 1
        if self._parts > PARTS:
            _too_large("values", self._parts, PARTS)
        kind, inner = column.type, _inner(column.type)
        if _holds_text(column) and isinstance(node, str):
            return pa.scalar(node, inner)
        if pa.types.is_boolean(inner) and isinstance(node, bool):
            return pa.scalar(node)
        is_number = isinstance(node, int | float) and not isinstance(node, bool) and node - node == 0
        if is_number and (pa.types.is_integer(inner) or pa.types.is_floating(inner) or pa.types.is_decimal(inner)):
            return pa.scalar(float(node))  # Arrow compares whole numbers and others as such
        if pa.types.is_temporal(kind):
            return self._moment(column, node)
        return _refuse(f"{column.name} is not compared with that", _shown(node), _expected(column))

    def _moment(self, column: Column, node: Any) -> pa.Scalar:
        text = node if isinstance(node, str) else next((node[k] for k in ("timestamp", "date") if _has(node, k)), None)
        try:
            if not isinstance(text, str) or len(text) > 40:
                raise ValueError(text)
            if pa.types.is_date(column.type):
                return pa.scalar(date.fromisoformat(text), column.type)
            moment = (
                datetime.fromisoformat(text) if len(text) > 10 else datetime.combine(date.fromisoformat(text), time())
            )
            if column.type.tz is None:
                return pa.scalar(moment.replace(tzinfo=None), column.type)
            return pa.scalar(moment if moment.tzinfo else moment.replace(tzinfo=self._zone), column.type)
        except (ValueError, OverflowError, AttributeError, pa.ArrowException):
            return _refuse(f"{column.name} is not compared with that", _shown(node), _expected(column))


def _is_column(node: Any) -> bool:
    return isinstance(node, dict) and isinstance(node.get("property"), str) and len(node) == 1


def _has(node: Any, key: str) -> bool:
    return isinstance(node, dict) and key in node


def _inner(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _holds_text(column: Column) -> bool:
    return bool(pa.types.is_string(_inner(column.type)) or pa.types.is_large_string(_inner(column.type)))


def _expected(column: Column) -> str:
    if _holds_text(column):
        return "a text: 'good'"
    if pa.types.is_date(column.type):
        return "a date: DATE('2026-03-01')"
    if pa.types.is_timestamp(column.type):
        return "a time: TIMESTAMP('2026-03-01T00:00:00Z'), or '2026-03-01T09:00' on the clock of zone"
    return "true or false" if pa.types.is_boolean(column.type) else "a number"


def _shown(node: Any) -> str:
    if _is_column(node):
        return f"the column {node['property']}"
    return str(node["op"]) if _has(node, "op") else str(node)
