"""Pages by key: every list is ordered by id and goes on after the last id that was seen."""

from __future__ import annotations

from typing import Any, TypeVar

from sqlalchemy import Select

from gops.errors import Invalid
from gops.records.database import MAX_ID

Query = TypeVar("Query", bound="Select[*tuple[Any, ...]]")


def page(query: Query, key: Any, after: int, limit: int) -> Query:
    """At most ``limit`` rows of ``query`` whose id (column ``key``) is above ``after``, ordered by it.

    Raises ``Invalid`` for an ``after`` or ``limit`` that no page can have.
    """
    _check("after", after, 0)
    _check("limit", limit, 1)
    return query.where(key > after).order_by(key).limit(limit)


def is_id(value: int) -> bool:
    """Could a record have this id? What could not is not asked of the database, whose integers have 64 bits."""
    return 0 < value <= MAX_ID


def _check(field: str, value: int, least: int) -> None:
    if not least <= value <= MAX_ID:
        expected = f"a whole number from {least} to {MAX_ID}"
        raise Invalid(f"{field} is {value}, expected {expected}", field=field, found=value, expected=expected)
