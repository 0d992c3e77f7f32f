"""What each reader of a form of file gives: names of columns, and batches of their values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pyarrow as pa

from gops.catalog.filed.bounds import Wrongs

BATCH = 8_192
"""Rows of a batch that is made row by row."""


@dataclass
class Source:
    """``batches`` have a column for each of ``names``: text whose type is still to be found, or of a type of its own.

    ``textual`` are columns of text that stay text whatever it looks like, ``geometry`` those that are GeoJSON
    geometries; both, and ``bbox`` (west, south, east, north), are known when the batches were read. Places that are
    wrong are added to ``wrongs`` on the way. ``first_row`` is the number by which the first row of values is told.
    """

    names: list[str]
    batches: Callable[[], Iterator[pa.RecordBatch]]
    wrongs: Wrongs
    encoding: str = ""
    textual: set[str] = field(default_factory=set)
    geometry: set[str] = field(default_factory=set)
    bbox: list[float] | None = None
    first_row: int = 1
    close: Callable[[], None] = lambda: None
