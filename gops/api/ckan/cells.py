"""Fields, filters and values of rows as CKAN's DataStore has them, over the columns of any table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa

from gops.api.context import settings
from gops.catalog.querying.port import Column
from gops.catalog.querying.predicate import All, OneOf, Predicate
from gops.errors import Invalid
from gops.timetext import write_times

VALUES = 100  # of one field in a filter


def known(columns: Sequence[Column], name: str, field: str) -> Column:
    """The column of that name. Raises ``Invalid``."""
    by_name = {one.name: one for one in columns}
    if name not in by_name:
        raise Invalid("there is no such field", field=field, found=name, expected="some of " + ", ".join(by_name))
    return by_name[name]


def conditions(columns: Sequence[Column], filters: Mapping[str, Any]) -> Predicate | None:
    """Of each field one value, or a list of which any will do. Raises ``Invalid``."""
    parts = []
    for name, value in filters.items():
        column = known(columns, name, "filters")
        values = value if isinstance(value, list) else [value]
        if not values or len(values) > VALUES:
            raise Invalid("not a fitting list", field=f"filters.{name}"[:100], found=len(values), expected="1 to 100")
        parts.append(OneOf(name, tuple(scalar(column, one) for one in values)))
    return All(tuple(parts)) if len(parts) > 1 else parts[0] if parts else None


def scalar(column: Column, value: Any) -> pa.Scalar:
    """A value of the column as JSON has it. Raises ``Invalid``."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_timestamp(kind):
        raise Invalid(
            "times are not filtered by", field="filters", found=column.name, expected="from, to or filter of the API"
        )
    try:
        return _scalar(kind, value)
    except (TypeError, ValueError, OverflowError) as error:
        name = f"filters.{column.name}"
        raise Invalid("not a value of that field", field=name, found=value, expected=type_of(column)) from error


def _scalar(kind: pa.DataType, value: Any) -> pa.Scalar:
    if pa.types.is_string(kind) or pa.types.is_date(kind):
        if not isinstance(value, str):
            raise TypeError
        return pa.scalar(date.fromisoformat(value) if pa.types.is_date(kind) else value, kind)
    if pa.types.is_boolean(kind):
        truth = {"true": True, "false": False}.get(str(value).lower())
        if truth is None:
            raise ValueError
        return pa.scalar(truth)
    if isinstance(value, bool):
        raise TypeError
    if not pa.types.is_integer(kind):
        return pa.scalar(float(value))
    if isinstance(value, float) and not value.is_integer():
        raise ValueError
    return pa.scalar(int(value), kind)


def type_of(column: Column) -> str:
    """PostgreSQL's name of its type, as CKAN gives it."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        return "timestamptz" if kind.tz is not None else "timestamp"
    if pa.types.is_integer(kind):
        return "int"
    if pa.types.is_boolean(kind):
        return "bool"
    if pa.types.is_date(kind):
        return "date"
    return "float8" if pa.types.is_floating(kind) else "text"


def field(column: Column) -> dict[str, Any]:
    said = {"id": column.name, "type": type_of(column)}
    return said if column.unit is None else said | {"info": {"unit": column.unit}}


def records(found: pa.Table, numbers: Sequence[int], form: str) -> list[Any]:
    """``numbers`` are ``_id``; ``form`` is "objects" or "lists"."""
    names = ["_id", *found.column_names]
    columns = [list(numbers), *map(_values, found.columns)]
    rows = zip(*columns, strict=True)
    return [list(row) for row in rows] if form == "lists" else [dict(zip(names, row, strict=True)) for row in rows]


def _values(column: pa.ChunkedArray) -> list[Any]:
    kind = column.type
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        micros = column.cast(pa.int64())
        written: list[Any] = write_times(micros.fill_null(0).to_numpy(), settings().zone).to_pylist()
        gone = column.is_null().to_pylist() if column.null_count else [False] * len(written)
        return [None if missing else text for text, missing in zip(written, gone, strict=True)]
    if pa.types.is_temporal(kind):
        return [None if one is None else one.isoformat() for one in column.to_pylist()]
    plain: list[Any] = column.to_pylist()
    return plain
