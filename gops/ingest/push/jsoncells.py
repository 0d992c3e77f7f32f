"""Lines of JSON that are written alike, as columns of cells, without an object for each.

Whoever pushes millions of rows writes them with one program: the same members in the same order, no blanks between.
What stands between the cells is then the same in every line::

    {"datastream":  17  ,"time":"  2026-01-31T14:00:00+09:00  ","value":  21.5  }

A line that is written otherwise, and a cell that is not what its column says, leave their row to be read by itself. A
block with many of them is none of these.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gops.ingest.push import arrays
from gops.ingest.push.cells import Reading, by_id
from gops.ingest.push.chunk import NO_QUALITY, Columns, Floats, Mask, Name
from gops.store.rows import NONE

QUOTE, BREAK = ord('"'), ord("\n")
ZERO, ONE, NINE, MINUS, N = b"019-n"
ODD_LINES = 0.05  # of a block, above which it is read object by object: that costs less than row by row
MODELS = 4  # lines in which to look for the members
DIGITS = 18  # that surely fit 64 bits
NEEDED = frozenset({"datastream", "time", "value"})
NUMBERS = frozenset({"datastream", "value"})
WHOLE = r"^-?(?:0|[1-9]\d*)$"
NUMBER = r"^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$"  # RFC 8259, section 6

_member = re.compile(rb'"(datastream|time|value|quality)":("[^"\\]*"|[-+.\w]+)')
_line = re.compile(rb'\{"\w+":(?:"[^"\\]*"|[-+.\w]+)(?:,"\w+":(?:"[^"\\]*"|[-+.\w]+))*\}').fullmatch
Places = npt.NDArray[np.int32]
Members = Mapping[str, bool]
"""Names in their order, and whether the cell is a text."""


@dataclass(slots=True)
class Lines:
    """Lines from ``begins`` to ``ends``, and what their columns say."""

    data: bytes
    begins: Places
    ends: Places
    columns: Columns

    def line(self, index: int) -> bytes:
        return self.data[self.begins[index] : self.ends[index]]


@dataclass(slots=True)
class _Cells:
    """The cells of each member, in every line: their texts, and where they begin and end in ``held``. They are empty
    in a line that is not ``alike``."""

    held: npt.NDArray[np.uint8]
    alike: Mask
    texts: Mapping[str, Any]
    begins: Mapping[str, Places]
    ends: Mapping[str, Places]
    dotted: bool  # may a number have a point without a digit behind it?


def lines_of(data: bytes, reading: Reading) -> Lines | None:
    """Of whole lines; None where they are not alike, or hold anything but ASCII without escapes."""
    if not data.isascii() or b"\\" in data:
        return None
    members = next(filter(None, map(_members, data.split(b"\n", MODELS)[:MODELS])), None)
    if members is None:
        return None
    data = data if data.endswith(b"\n") else data + b"\n"
    held = np.frombuffer(data, np.uint8)
    marks = np.flatnonzero((held == QUOTE) | (held == BREAK)).astype(np.int32)
    at = np.flatnonzero(held[marks] == BREAK)
    ends = marks[at]
    begins = np.append(np.int32(0), ends[:-1] + np.int32(1))
    alike: Mask = np.diff(at, prepend=-1) - 1 == _quotes(members)
    edges = _edges(marks, np.where(alike, at - _quotes(members), 0), begins, ends, members)
    alike &= (np.diff(edges, axis=1) >= 0).all(1)
    edges[~alike] = ends[~alike, np.newaxis]
    cells = _cells(data, held, edges, alike, members)
    odd = np.flatnonzero(~cells.alike).tolist()
    if len(odd) > ODD_LINES * len(ends) or not all(data[begins[one] : ends[one]].strip() for one in odd):
        return None  # an empty line is no row
    return Lines(data, begins, ends, _columns(cells, members, reading))


def _members(line: bytes) -> Members | None:
    found = [(one[1].decode(), one[2].startswith(b'"')) for one in _member.finditer(line)]
    members = dict(found)
    if len(members) != len(found) or not members.keys() >= NEEDED or line.count(b'":') != len(found):
        return None
    if not _line(line) or any(members[name] for name in NUMBERS) or members.get("quality") is False:
        return None
    return members


def _quotes(members: Members) -> int:
    """How many a line has."""
    return 2 * len(members) + 2 * sum(members.values())


def _between(members: Members) -> list[bytes]:
    """What stands before each cell, and after the last."""
    found, before = [], b"{"
    for name, is_text in members.items():
        quote = b'"' if is_text else b""
        found.append(before + b'"%s":' % name.encode() + quote)
        before = quote + b","
    return [*found, before[:-1] + b"}"]


def _edges(marks: Places, first: Any, begins: Places, ends: Places, members: Members) -> npt.NDArray[np.int32]:
    """Where in each line, were it alike, begins what stands before each cell, the cell, and so on; its end at last.

    ``first`` is the index of the line's first quote in ``marks``.
    """
    between = _between(members)
    edges = np.empty((len(ends), 2 * len(between)), np.int32)
    quotes, before = 0, 1
    for place, is_text in enumerate(members.values()):
        edges[:, 2 * place] = marks[first + quotes] - before if place else begins
        edges[:, 2 * place + 1] = edges[:, 2 * place] + len(between[place])
        quotes, before = quotes + 2 + 2 * is_text, 1 + is_text
    edges[:, -2] = ends - len(between[-1])
    edges[:, -1] = ends
    return edges


def _cells(
    data: bytes, held: npt.NDArray[np.uint8], edges: npt.NDArray[np.int32], alike: Mask, members: Members
) -> _Cells:
    """The line between the edges, in pieces. One where anything else stands between its cells is not alike."""
    lines, width = edges.shape
    offsets = np.append(edges.reshape(-1), np.int32(len(data)))
    pieces = pa.StringArray.from_buffers(lines * width, pa.py_buffer(offsets), pa.py_buffer(data))
    places = np.arange(0, lines * width, width)
    for place, text in enumerate(_between(members)):
        there = pc.equal(pieces.take(pa.array(places + 2 * place)), text.decode())
        alike = alike & np.asarray(there.to_numpy(zero_copy_only=False), np.bool_)
    return _Cells(
        held,
        alike,
        {name: pieces.take(pa.array(places + 2 * place + 1)) for place, name in enumerate(members)},
        {name: edges[:, 2 * place + 1] for place, name in enumerate(members)},
        {name: edges[:, 2 * place + 2] for place, name in enumerate(members)},
        b".e" in data or b".E" in data,
    )


def _columns(cells: _Cells, members: Members, reading: Reading) -> Columns:
    rows = len(cells.alike)
    names, who, plain = _names(cells)
    plain = plain & cells.alike
    t, held = arrays.times(cells.texts["time"], reading)
    plain &= held
    if not members["time"]:
        plain &= _fits(cells.texts["time"], WHOLE)
    value, held = _values(cells)
    plain &= held
    quality = np.full(rows, NO_QUALITY, np.uint8)
    if "quality" in cells.texts:
        quality, held = arrays.qualities(cells.texts["quality"])
        plain &= held
    return Columns(names, who, t, value, quality, np.full(rows, NONE, np.int64), plain)


def _names(cells: _Cells) -> Any:
    """As ``arrays.names``. An id has no zero before it, and no sign."""
    begin, end, texts = cells.begins["datastream"], cells.ends["datastream"], cells.texts["datastream"]
    first = cells.held[begin]
    whole = (first >= ONE) & (first <= NINE) & (end - begin <= DIGITS)
    try:
        numbers = (texts if whole.all() else pc.if_else(pa.array(whole), texts, None)).cast(pa.int64())
    except pa.ArrowInvalid:
        return arrays.names([texts], _by_id)
    return arrays.names([numbers], by_id)


def _by_id(text: str) -> Name:
    """As JSON spells a number. Raises ``BadRow``."""
    return by_id(int(text) if re.fullmatch(r"[1-9]\d{0,18}", text) else None)


def _values(cells: _Cells) -> tuple[Floats, Mask]:
    """NaN for null. Arrow takes more for a number than JSON does, which shows at the ends of a cell."""
    begin, end, texts = cells.begins["value"], cells.ends["value"], cells.texts["value"]
    first = cells.held[begin]
    if (first == N).any():
        nothing = pc.equal(texts, "null")
        texts = pc.if_else(nothing, "", texts)
        null: Mask = np.asarray(nothing.to_numpy(zero_copy_only=False), np.bool_)
    else:
        null = np.zeros(len(first), np.bool_)
    value, held = arrays.numbers(texts)
    if cells.dotted:
        return value, held & (null | _fits(texts, NUMBER))
    lead = begin + (first == MINUS)
    second = np.minimum(lead + 1, len(cells.held) - 1)
    zero = (cells.held[lead] == ZERO) & _digit(cells.held[second])  # behind every number something else follows
    return value, held & (null | (_digit(cells.held[lead]) & _digit(cells.held[end - 1]) & ~zero))


def _digit(signs: npt.NDArray[np.uint8]) -> Mask:
    return (signs >= ZERO) & (signs <= NINE)


def _fits(texts: Any, pattern: str) -> Mask:
    return np.asarray(pc.match_substring_regex(texts, pattern).to_numpy(zero_copy_only=False), np.bool_)
