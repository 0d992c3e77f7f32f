"""Columns of text woven into lines: what is the same in many rows is spelt once, and a file is one look-up.

All texts of a batch stand in one vocabulary, and each line is a row of places in it; Arrow's ``take`` then copies the
lines, 10 ns a piece. Making a column of text of every column first and joining them needs four times as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Int32s = npt.NDArray[np.int32]
SHORT = 2_048  # rows up to which columns of text are made and joined, which begins sooner
FEW = 16  # rows for each text of two columns that are woven into one first
SMALL = 1 << 28  # bytes of lines that 32-bit places surely hold


@dataclass(frozen=True, slots=True)
class Words:
    """A column of text. ``codes``, one a row, are places in ``texts``, which has no null; -1 is a null."""

    texts: pa.StringArray
    codes: Int32s

    @classmethod
    def of(cls, texts: pa.Array, codes: Int32s | None = None) -> Words:
        """Texts that may be null, each row's own where there are no codes."""
        if codes is None:
            codes = np.arange(len(texts), dtype=np.int32)
        if texts.null_count:
            lost = texts.is_null().to_numpy(zero_copy_only=False)
            codes = np.where(np.append(lost, True)[codes], np.int32(-1), codes)
            texts = texts.fill_null("")
        return cls(texts, codes)

    @property
    def is_null(self) -> bool:
        """Of all rows."""
        return not len(self.texts) or (len(self.codes) > 0 and int(self.codes.max()) < 0)

    def or_else(self, other: Words) -> Words:
        """Each row's text, or the other's where it has none."""
        behind = np.where(other.codes < 0, np.int32(-1), other.codes + np.int32(len(self.texts)))
        return Words(pa.concat_arrays([self.texts, other.texts]), np.where(self.codes < 0, behind, self.codes))


Piece = str | Words


def woven(pieces: Sequence[Piece], null: str = "") -> bytes:
    """The pieces of each row one after the other, and all rows; ``null`` stands for nulls. One piece is a column."""
    filled = [one if isinstance(one, str) else _filled(one, null) for one in pieces]
    if all(isinstance(one, str) or len(one.codes) < SHORT for one in filled):
        return _joined(filled)
    columns = _merged(_with_constants(filled))
    starts = np.cumsum([0, *(len(one.texts) for one in columns)])
    lines = np.empty((len(columns[0].codes), len(columns)), np.int32)
    for place, one in enumerate(columns):
        np.add(one.codes, np.int32(starts[place]), out=lines[:, place])
    longest = sum(pc.max(pc.binary_length(one.texts)).as_py() or 0 for one in columns)
    kind = pa.string() if longest * len(lines) < SMALL else pa.large_string()
    vocabulary = pa.concat_arrays([one.texts.cast(kind) for one in columns])
    return _bytes(vocabulary.take(pa.array(lines.ravel())))


def _joined(pieces: Sequence[Piece]) -> bytes:
    columns = [one if isinstance(one, str) else one.texts.take(pa.array(one.codes)) for one in pieces]
    is_large = sum(one.nbytes for one in columns if not isinstance(one, str)) > SMALL
    kind = pa.large_string() if is_large else pa.string()
    cells = [pa.scalar(one, kind) if isinstance(one, str) else one.cast(kind) for one in columns]
    return _bytes(pc.binary_join_element_wise(*cells, pa.scalar("", kind)))


def _bytes(texts: pa.Array) -> bytes:
    _validity, offsets, characters = texts.buffers()
    if characters is None:
        return b""
    places = np.frombuffer(offsets, np.int64 if pa.types.is_large_string(texts.type) else np.int32)
    return bytes(memoryview(characters)[int(places[texts.offset]) : int(places[texts.offset + len(texts)])])


def _filled(one: Words, null: str) -> Words:
    """The same without nulls."""
    if not len(one.codes) or int(one.codes.min()) >= 0:
        return one
    texts = pa.concat_arrays([one.texts, pa.array([null], pa.string())])
    return Words(texts, np.where(one.codes < 0, np.int32(len(one.texts)), one.codes))


def _with_constants(pieces: Sequence[Piece]) -> list[Words]:
    """Constants go into the texts before or behind them, where these are fewer; where they are many, constants are
    columns."""
    columns = [one for one in pieces if isinstance(one, Words)]
    gaps = [""] * (len(columns) + 1)
    place = 0
    for one in pieces:
        if isinstance(one, str):
            gaps[place] += one
        else:
            place += 1
    rows, found = len(columns[0].codes), list[Words]()
    for place, gap in enumerate(gaps):
        before = len(found[-1].texts) if found else rows
        behind = len(columns[place].texts) if place < len(columns) else rows
        if gap and before <= min(behind, rows // 4):
            found[-1] = _around("", found[-1], gap)
        elif gap and behind > rows // 4:
            found.append(_constant(gap, rows))
        if place < len(columns):
            is_here = gap and behind <= rows // 4 and behind < before
            found.append(_around(gap, columns[place], "") if is_here else columns[place])
    return found


def _constant(text: str, rows: int) -> Words:
    return Words(pa.array([text], pa.string()), np.zeros(rows, np.int32))


def _around(before: str, one: Words, behind: str) -> Words:
    return Words(pc.binary_join_element_wise(before, one.texts, behind, ""), one.codes)


def _merged(columns: Sequence[Words]) -> list[Words]:
    """Neighbours become one column where all their pairs are few beside the rows."""
    found = [columns[0]]
    for one in columns[1:]:
        last = found[-1]
        if len(last.texts) * len(one.texts) * FEW <= len(one.codes):
            found[-1] = _paired(last, one)
        else:
            found.append(one)
    return found


def _paired(one: Words, other: Words) -> Words:
    size = len(other.texts)
    pairs = np.arange(len(one.texts) * size, dtype=np.int32)
    texts = (one.texts.take(pa.array(pairs // size)), other.texts.take(pa.array(pairs % size)))
    return Words(pc.binary_join_element_wise(*texts, ""), one.codes * np.int32(size) + other.codes)
