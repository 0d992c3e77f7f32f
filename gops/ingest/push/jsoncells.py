"""Lines of JSON that all are written alike, as columns of cells, without an object for each.

Whoever pushes millions of rows writes them with one program: the same members in the same order, no blanks between.
What stands between the cells is then the same in every line. A block where one line is written otherwise is none of
these; a cell that is not what its column says leaves its row to be read by itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gops.ingest.push import arrays
from gops.ingest.push.cells import Reading, by_id
from gops.ingest.push.chunk import NO_QUALITY, Columns, Mask
from gops.store.rows import NONE

FIRST, BETWEEN, LAST, BREAK = 1, 2, 3, 10
MARKS = tuple(bytes([mark]) for mark in (FIRST, BETWEEN, LAST))  # JSON has none of these bytes unescaped
NEEDED = frozenset({"datastream", "time", "value"})
NUMBERS = frozenset({"datastream", "value"})
WHOLE = r"^-?(?:0|[1-9]\d*)$"
NUMBER = r"^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$"  # RFC 8259, section 6

_member = re.compile(rb'"(datastream|time|value|quality)":("[^"\\]*"|[-+.\w]+)')
_line = re.compile(rb'\{"\w+":(?:"[^"\\]*"|[-+.\w]+)(?:,"\w+":(?:"[^"\\]*"|[-+.\w]+))*\}').fullmatch


def columns_of(data: bytes, reading: Reading) -> Columns | None:
    """Of whole lines; None where they are not all alike, or hold anything but ASCII without escapes."""
    line = data[: data.find(b"\n")] if b"\n" in data else data
    members = _members(line)
    if not data.isascii() or b"\\" in data or members is None or any(mark in data for mark in MARKS):
        return None
    cells = _cells(data if data.endswith(b"\n") else data + b"\n", members)
    return None if cells is None else _columns(cells, dict(members), reading)


def _members(line: bytes) -> list[tuple[str, bool]] | None:
    """Names of the members in their order, and which are texts."""
    found = [(one[1].decode(), one[2].startswith(b'"')) for one in _member.finditer(line)]
    names = {name for name, _text in found}
    if len(names) != len(found) or not names >= NEEDED or line.count(b'":') != len(found) or not _line(line):
        return None
    if any(is_text for name, is_text in found if name in NUMBERS) or dict(found).get("quality") is False:
        return None
    return found


def _cells(data: bytes, members: Sequence[tuple[str, bool]]) -> dict[str, Any] | None:
    """The texts of each member, of every line."""
    quotes = [b'"' if is_text else b"" for _name, is_text in members]
    names = [b'"%s":' % name.encode() for name, _text in members]
    for place, (opening, quote) in enumerate(zip(names, quotes, strict=True)):
        before = b"{" if place == 0 else quotes[place - 1] + b","
        data = data.replace(before + opening + quote, MARKS[0] if place == 0 else MARKS[1])
    data = data.replace(quotes[-1] + b"}\n", MARKS[2] + b"\n")
    held = np.frombuffer(data, np.uint8)
    marks = np.flatnonzero((held <= LAST) | (held == BREAK))
    pattern = np.array([FIRST, *[BETWEEN] * (len(members) - 1), LAST, BREAK], np.uint8)
    if len(marks) % len(pattern) or not (held[marks].reshape(-1, len(pattern)) == pattern).all():
        return None
    ends = np.append(marks, len(data)).astype(np.int32)
    pieces = pa.StringArray.from_buffers(len(marks), pa.py_buffer(ends), pa.py_buffer(data))
    found = {}
    for place, (name, _text) in enumerate(members):
        own = pieces.take(pa.array(np.arange(place, len(marks), len(pattern))))
        found[name] = pc.utf8_slice_codeunits(own, 1)  # without the mark before it
    return found


def _columns(cells: dict[str, Any], is_text: dict[str, bool], reading: Reading) -> Columns:
    rows = len(cells["time"])
    names, who, plain = arrays.names([cells["datastream"]], _by_id)
    t, held = arrays.times(cells["time"], reading)
    plain = plain & held
    if not is_text["time"]:
        plain &= _fits(cells["time"], WHOLE)
    nothing = pc.equal(cells["value"], "null")
    value, held = arrays.numbers(pc.if_else(nothing, "", cells["value"]))
    plain &= held & (_fits(cells["value"], NUMBER) | np.asarray(nothing.to_numpy(zero_copy_only=False), np.bool_))
    quality = np.full(rows, NO_QUALITY, np.uint8)
    if "quality" in cells:
        quality, held = arrays.qualities(cells["quality"])
        plain &= held
    return Columns(names, who, t, value, quality, np.full(rows, NONE, np.int64), plain)


def _by_id(text: str) -> Any:
    """As JSON spells a number. Raises ``BadRow``."""
    return by_id(int(text) if re.fullmatch(r"[1-9]\d{0,18}", text) else None)


def _fits(texts: Any, pattern: str) -> Mask:
    return np.asarray(pc.match_substring_regex(texts, pattern).to_numpy(zero_copy_only=False), np.bool_)
