"""What data are to whoever asks for them: a table with a fixed order of its rows, read in Arrow batches.

Kinds: ``live`` (Datastreams over a store or a snapshot), ``stored`` (a Parquet file), ``held`` (in memory).
Conditions come checked (``cql``), so a table meets only columns that it has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from gops.catalog.querying.predicate import Predicate
from gops.formats.cells import INSTEAD_OF, IS_JSON

PLACE = ("gops:place:major", "gops:place:minor")
"""Columns, int64, by which a row has its place in the order of its table: what a cursor holds."""


@dataclass(frozen=True, slots=True)
class Column:
    """``unit`` is a UCUM code where all values have one; ``instead_of`` and ``is_json``: see ``formats.cells``."""

    name: str
    type: pa.DataType
    unit: str | None = None
    nullable: bool = True
    instead_of: str | None = None
    is_json: bool = False

    @property
    def field(self) -> pa.Field:
        metadata = {} if self.instead_of is None else {INSTEAD_OF: self.instead_of.encode()}
        if self.is_json:
            metadata[IS_JSON] = b"true"
        return pa.field(self.name, self.type, self.nullable, metadata or None)


@dataclass(frozen=True, slots=True)
class Ask:
    """Which columns, in this order, of which rows.

    ``descending`` turns the table's whole order round; ``after`` is the place of the last row already seen, in either
    order; ``limit`` counts rows that meet ``where``; ``placed`` adds the columns ``PLACE`` at the end.
    """

    columns: Sequence[str]
    where: Predicate | None = None
    descending: bool = False
    limit: int | None = None
    after: tuple[int, int] | None = None
    placed: bool = False
    rows: int = 65_536  # in a batch, about


class Table(Protocol):
    @property
    def columns(self) -> Sequence[Column]: ...

    def at_most(self, ask: Ask, enough: int) -> int:
        """A bound of the rows that must be looked at, ``limit`` apart. Counted exactly only where it may be over
        ``enough``."""

    def scan(self, ask: Ask) -> Iterator[pa.RecordBatch]:
        """Batches of ``schema_of``, in flat memory. Close it when it is left half-way."""


def schema_of(table: Table, ask: Ask) -> pa.Schema:
    """Of the batches of ``table.scan(ask)``."""
    by_name = {one.name: one for one in table.columns}
    placed = [pa.field(name, pa.int64(), nullable=False) for name in PLACE] if ask.placed else []
    return pa.schema([*(by_name[name].field for name in ask.columns), *placed])
