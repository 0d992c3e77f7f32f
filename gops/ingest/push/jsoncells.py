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
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gops.ingest.push import arrays, words
from gops.ingest.push.blocks import BREAK
from gops.ingest.push.cells import Reading, by_id
from gops.ingest.push.chunk import NO_QUALITY, Columns, Floats, Ints, Mask, Name
from gops.store.rows import NONE

COLON = ord(":")
ODD_LINES = 0.05  # of a block, above which it is read object by object: that costs less than row by row
MODELS = 4  # lines in which to look for the members
LONGEST = 64  # of a cell; a longer one leaves its line to be read by itself
BEHIND = bytes(512)  # no place that a line of such cells may be looked at lies further behind the last one
NEEDED = frozenset({"datastream", "time", "value"})
NUMBERS = frozenset({"datastream", "value"})
WHOLE = r"^-?(?:0|[1-9]\d*)$"
NUMBER = r"^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$"  # RFC 8259, section 6

_member = re.compile(rb'"(datastream|time|value|quality)":("[^"\\]*"|[-+.\w]+)')
_line = re.compile(rb'\{"\w+":(?:"[^"\\]*"|[-+.\w]+)(?:,"\w+":(?:"[^"\\]*"|[-+.\w]+))*\}').fullmatch


class Member(NamedTuple):
    """Is its cell a text, and how long is it in the first line?"""

    is_text: bool
    length: int


Members = Mapping[str, Member]
"""By their names, in their order."""


@dataclass(slots=True)
class Lines:
    """Lines from ``begins`` to ``ends``, and what their columns say."""

    data: bytes
    begins: Ints
    ends: Ints
    columns: Columns

    def line(self, index: int) -> bytes:
        return self.data[self.begins[index] : self.ends[index]]


@dataclass(slots=True)
class _Cells:
    """The cells of each member, in every line: where they begin and end in ``held``. They are empty in a line that is
    not ``alike``."""

    held: words.Bytes
    alike: Mask
    begins: Mapping[str, Ints]
    ends: Mapping[str, Ints]

    def texts(self, name: str, some: Ints | None = None) -> Any:
        """Of one member, in some lines or in all."""
        begins, ends = self.begins[name], self.ends[name]
        if some is not None:
            begins, ends = begins[some], ends[some]
        edges = np.empty(2 * len(begins), np.int32)
        edges[0::2], edges[1::2] = begins, ends
        pieces = pa.StringArray.from_buffers(len(edges) - 1, pa.py_buffer(edges), pa.py_buffer(self.held))
        return pieces.take(pa.array(np.arange(0, len(edges), 2)))


def lines_of(data: bytes, reading: Reading) -> Lines | None:
    """Of whole lines; None where they are not alike, or hold anything but ASCII without escapes."""
    if not data.isascii() or b"\\" in data:
        return None
    members = next(filter(None, map(_members, data.split(b"\n", MODELS)[:MODELS])), None)
    if members is None:
        return None
    held = np.frombuffer(b"".join((data, b"" if data.endswith(b"\n") else b"\n", BEHIND)), np.uint8)
    ends = np.flatnonzero(held == BREAK)
    begins = np.append(0, ends[:-1] + 1)
    cells = _cells(held, begins, ends, members)
    odd = np.flatnonzero(~cells.alike).tolist()
    if len(odd) > ODD_LINES * len(ends) or not all(data[begins[one] : ends[one]].strip() for one in odd):
        return None  # an empty line is no row
    return Lines(data, begins, ends, _columns(cells, members, reading))


def _members(line: bytes) -> Members | None:
    found = [(one[1].decode(), one[2]) for one in _member.finditer(line)]
    members = {name: _member_of(cell) for name, cell in found}
    if len(members) != len(found) or not members.keys() >= NEEDED or line.count(b'":') != len(found):
        return None
    texts = {name for name, member in members.items() if member.is_text}
    if not _line(line) or texts & NUMBERS or "quality" in members.keys() - texts:
        return None
    return members if all(member.length <= LONGEST for member in members.values()) else None


def _member_of(cell: bytes) -> Member:
    is_text = cell.startswith(b'"')
    return Member(is_text, len(cell) - 2 * is_text)


def _between(members: Members) -> list[bytes]:
    """What stands before each cell, and after the last."""
    found, before = [], b"{"
    for name, member in members.items():
        quote = b'"' if member.is_text else b""
        found.append(before + b'"%s":' % name.encode() + quote)
        before = quote + b","
    return [*found, before[:-1] + b"}"]


def _cells(held: words.Bytes, begins: Ints, ends: Ints, members: Members) -> _Cells:
    """Along each line, from cell to cell. One where anything else stands between its cells is not alike.

    A cell may end later than it should where another line of the block is longer: what is in it is no cell then, and
    whoever reads it says so.
    """
    signs = words.at_every_place(held)
    between = _between(members)
    at, alike = begins, np.ones(len(ends), np.bool_)
    starts, stops = {}, {}
    for place, (name, member) in enumerate(members.items()):
        alike &= words.stands(signs, at, between[place])
        starts[name] = at = at + len(between[place])
        stops[name] = at = at + words.lengths(held, signs, at, between[place + 1][0], member.length, LONGEST)
    alike &= words.stands(signs, at, between[-1]) & (at + len(between[-1]) == ends)
    if not alike.all():
        for edges in (*starts.values(), *stops.values()):
            np.copyto(edges, ends, where=~alike)
    return _Cells(held, alike, starts, stops)


def _columns(cells: _Cells, members: Members, reading: Reading) -> Columns:
    rows = len(cells.alike)
    names, who, plain = _names(cells)
    plain = plain & cells.alike
    t, held = _times(cells, reading, is_text=members["time"].is_text)
    plain &= held
    value, held = _values(cells)
    plain &= held
    quality = np.full(rows, NO_QUALITY, np.uint8)
    if "quality" in members:
        quality, held = arrays.qualities(cells.texts("quality"))
        plain &= held
    return Columns(names, who, t, value, quality, np.full(rows, NONE, np.int64), plain)


def _names(cells: _Cells) -> Any:
    """As ``arrays.names``. An id has no zero before it, and no sign."""
    begin, length = cells.begins["datastream"], cells.ends["datastream"] - cells.begins["datastream"]
    if (length > words.SIGNS).any():
        return arrays.names([cells.texts("datastream")], _by_id)
    numbers, held = words.whole_numbers(words.at_every_place(cells.held), begin, length)
    return arrays.names([pa.array(numbers, mask=~held)], by_id)


def _by_id(text: str) -> Name:
    """As JSON spells a number. Raises ``BadRow``."""
    return by_id(int(text) if re.fullmatch(r"[1-9]\d{0,18}", text) else None)


def _times(cells: _Cells, reading: Reading, *, is_text: bool) -> tuple[Ints, Mask]:
    begin, texts = cells.begins["time"], cells.texts("time")
    likely = (cells.ends["time"] - begin >= arrays.SHORTEST_TIME) & (cells.held[begin + arrays.COLON_AT] == COLON)
    t, held = arrays.times(texts, reading, likely)
    return t, held if is_text else held & _fits(texts, WHOLE)


def _values(cells: _Cells) -> tuple[Floats, Mask]:
    """NaN for null. Numbers of more than a few digits are read by Arrow, which takes more for a number than JSON."""
    begin, length = cells.begins["value"], cells.ends["value"] - cells.begins["value"]
    value, held = words.decimals(words.at_every_place(cells.held), begin, length)
    others = np.flatnonzero(~held)
    if len(others):
        texts = cells.texts("value", others)
        null = np.asarray(pc.equal(texts, "null").to_numpy(zero_copy_only=False), np.bool_)
        fits = _fits(texts, NUMBER)
        some = np.flatnonzero(fits)
        value[others[null]], held[others[null]] = np.nan, True
        value[others[some]], held[others[some]] = arrays.numbers(texts.take(pa.array(some)))
    return value, held


def _fits(texts: Any, pattern: str) -> Mask:
    return np.asarray(pc.match_substring_regex(texts, pattern).to_numpy(zero_copy_only=False), np.bool_)
