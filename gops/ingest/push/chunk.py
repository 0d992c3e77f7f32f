"""A piece of a push: some rows in columns, as far as columns can say what they mean, and each row as it was sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gops.ingest.decoded import Decoded, Value
from gops.ingest.refused import Refused, Unreadable

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Who = npt.NDArray[np.int32]

NO_QUALITY = 255
"""Stands for a row that says nothing of its quality."""


class Name(NamedTuple):
    """How a row names its Datastream: ``datastream`` (its id), ``thing`` (name, property) or ``device`` (address,
    field)."""

    by: str
    first: str
    second: str = ""


class Said(NamedTuple):
    """One row as it was sent. ``value`` of text formats is text; whose number that is depends on the Datastream."""

    name: Name
    value: Value
    t: int | None
    quality: int | None
    result_time: int | None
    is_text: bool = False


class BadRow(Unreadable):
    """A row of which ``column`` cannot be read."""

    def __init__(self, code: str, column: str, note: str) -> None:
        super().__init__(code, note)
        self.column = column


@dataclass(slots=True)
class Columns:
    """The rows that columns can say: ``plain`` marks them, and means nothing for the others.

    ``who`` is an index into ``names``. ``value`` is NaN for missing, unless ``nothing`` marks what is missing: then NaN
    is refused as infinity is. ``quality`` is ``NO_QUALITY`` where nothing is said, ``result_time`` is
    ``store.rows.NONE``. Times in microseconds.
    """

    names: Sequence[Name]
    who: Who
    t: Ints
    value: Floats
    quality: Codes
    result_time: Ints
    plain: Mask
    nothing: Mask | None = None


@dataclass(slots=True)
class Chunk:
    """``numbers`` are the places of the rows, written as ``place`` says. ``row`` reads one row as it was sent, by its
    index; it raises ``BadRow``. ``raw`` is a row as a body of its own. ``refusals`` are of what is no row at all;
    ``lost`` is how many rows that were."""

    numbers: Ints
    place: str
    row: Callable[[int], Said]
    columns: Columns | None = None
    refusals: list[Refused] = field(default_factory=list)
    raw: Callable[[int], str] = lambda _index: ""

    def place_of(self, index: int) -> str:
        return self.place.format(int(self.numbers[index]))


@dataclass(slots=True)
class Coded:
    """A piece that a codec of MQTT has read. ``names`` says which Datastream each of its fields names; a field that
    names none is there with the reason. ``raw`` is the record or line that a place names, as a body of its own."""

    decoded: Decoded
    names: dict[str, Name | Unreadable]
    raw: Callable[[str], str] = lambda _place: ""


Piece = Chunk | Coded
