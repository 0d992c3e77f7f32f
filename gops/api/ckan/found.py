"""What a search of rows found, and how far one may look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from gops.errors import TooLarge

REACH = 1_000_000  # rows up to which an offset may lead, and that an order may look at


@dataclass(frozen=True)
class Rows:
    """``numbers`` are ``_id`` of the rows of ``table``, ``fields`` its columns as CKAN describes them; ``counted`` has
    ``total`` where it was asked for."""

    table: pa.Table
    numbers: Sequence[int]
    fields: Sequence[Mapping[str, Any]]
    counted: Mapping[str, Any]


def too_far(field: str, found: Any) -> TooLarge:
    return TooLarge(
        "that is too far into the rows",
        field=field,
        found=found,
        expected=f"at most {REACH} rows looked at; filters, or the download of the resource",
    )


def close(batches: object) -> None:
    """One left half-way holds a view of the store, or a file."""
    end = getattr(batches, "close", None)
    if end is not None:
        end()
