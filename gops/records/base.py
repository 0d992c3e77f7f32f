"""The declarative base of every table, and the column types they share.

Ids are 64-bit and never reused (AUTOINCREMENT on SQLite, a sequence on PostgreSQL). Moments are BIGINT microseconds
since 1970 UTC, as in the store.
"""

from __future__ import annotations

from typing import Annotated, Any

from sqlalchemy import JSON, BigInteger, Integer, MetaData
from sqlalchemy.orm import DeclarativeBase, mapped_column

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
BigId = BigInteger().with_variant(Integer, "sqlite")  # SQLite's rowid alias must be spelled INTEGER; it holds 64 bits

Id = Annotated[int, mapped_column(BigId, primary_key=True, autoincrement=True)]
Micros = Annotated[int, mapped_column(BigInteger)]
OptionalMicros = Annotated[int | None, mapped_column(BigInteger)]
Reference = Annotated[int, mapped_column(BigInteger)]
OptionalReference = Annotated[int | None, mapped_column(BigInteger)]
"""The id of a record without a foreign key: what refers to it may outlive it."""
Document = Annotated[dict[str, Any], mapped_column(JSON)]


class Base(DeclarativeBase):
    """Every table of the records."""

    metadata = MetaData(naming_convention=NAMING)
    __table_args__: Any = {"sqlite_autoincrement": True}  # noqa: RUF012


def table_args(*constraints: Any) -> tuple[Any, ...]:
    """``__table_args__`` of a table that has constraints or indexes of its own."""
    return (*constraints, {"sqlite_autoincrement": True})
