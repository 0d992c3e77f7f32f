"""Text in blocks of whole lines, and JSON arrays in runs of whole elements."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from gops.errors import Malformed

BLOCK_BYTES = 4 << 20
LONGEST_BYTES = 1 << 20  # of a line or an element
BREAK = ord("\n")
BOM = b"\xef\xbb\xbf"
RUN = 20_000  # elements


class Text(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines; ``first`` is the number of the first one, from 1."""

    data: bytes
    first: int


def lines(text: Text, size: int = BLOCK_BYTES, *, quoted: bool = False) -> Iterator[Block]:
    """Blocks of about ``size`` bytes. ``quoted``: a line break between two double quotes parts no lines.

    Raises ``Malformed`` (``line_too_long``).
    """
    number, rest, at_start = 1, b"", True
    while True:
        piece = text.read(size)
        data = rest + piece
        if at_start:
            data, at_start = data.removeprefix(BOM), False
        if not piece:
            if data:
                yield Block(data, number)
            return
        end = _cut(data, quoted)
        if not end:
            if len(data) > size + LONGEST_BYTES:
                raise _too_long("line", number)
            rest = data
            continue
        block, rest = data[:end], data[end:]
        yield Block(block, number)
        number += int(np.count_nonzero(np.frombuffer(block, np.uint8) == BREAK))


def _cut(data: bytes, quoted: bool) -> int:
    """After the last line break, or the last that stands in no quotes, if that is near."""
    end = data.rfind(b"\n") + 1
    if not quoted or data.find(b'"') < 0 or data.count(b'"', 0, end) % 2 == 0:
        return end
    at, quotes = end, data.count(b'"', 0, end)
    while at > max(0, end - LONGEST_BYTES):
        before = data.rfind(b"\n", 0, at - 1) + 1
        quotes -= data.count(b'"', before, at)
        at = before
        if quotes % 2 == 0:
            return at
        if not at:
            break
    return end  # quotes that do not pair: whoever reads the lines says so


_FLAT = r'[^"\[\]{}]++|"(?:[^"\\]++|\\.)*+"'


def _nested(levels: int) -> str:
    inside = _FLAT
    for _level in range(levels):
        inside = rf"{_FLAT}|[\[{{](?:{inside})*+[\]}}]"
    return inside


_INSIDE = _nested(3)
_ONE = rf'\{{(?:{_INSIDE})*+\}}|\[(?:{_INSIDE})*+\]|"(?:[^"\\]++|\\.)*+"|[^\s,\[\]{{}}"]++'
_element = re.compile(rf"\s*+({_ONE})\s*+([,\]])".encode(), re.DOTALL).match
_opening = re.compile(rb'\s*+(?:(\{)\s*+"(?:observations|readings)"\s*+:\s*+)?+\[\s*+(\])?')
_closing = re.compile(rb"\s*+(\})?\s*+")


def elements(text: Text, run: int = RUN) -> Iterator[tuple[int, list[bytes]]]:
    """The elements of ``[...]`` or ``{"observations": [...]}`` as they are written, ``run`` at a time, each run with
    the index of its first one.

    Raises ``Malformed`` (``bad_json``) where the text is no such array; what stood before was given.
    """
    data = text.read(BLOCK_BYTES).removeprefix(BOM)
    opening = _opening.match(data)
    if opening is None:
        raise _no_json("at its start", 0)
    position, index = opening.end(), 0
    found: list[bytes] = []
    ended = opening[2] is not None
    while not ended:
        one = _element(data, position)
        if one is None:
            piece = text.read(BLOCK_BYTES)
            if not piece or len(data) - position > LONGEST_BYTES + BLOCK_BYTES:
                if found:
                    yield index, found
                raise _no_json(f"from element [{index + len(found)}] on", index + len(found))
            data, position = data[position:] + piece, 0
            continue
        found.append(one[1])
        position, ended = one.end(), one[2] == b"]"
        if len(found) == run:
            yield index, found
            index, found = index + run, []
    if found:
        yield index, found
    _check_end(text, data[position:], opened=opening[1] is not None)


def _check_end(text: Text, rest: bytes, *, opened: bool) -> None:
    rest += text.read(LONGEST_BYTES)
    end = _closing.fullmatch(rest)
    if end is None or (end[1] is not None) != opened:
        raise _no_json("after its array", -1)


def _no_json(where: str, index: int) -> Malformed:
    return Malformed(
        f"the body is no JSON array of readings {where}",
        code="bad_json",
        field="body",
        found=None if index < 0 else f"[{index}]",
        expected='[{...}, ...] or {"observations": [{...}, ...]}',
    )


def _too_long(what: str, number: int) -> Malformed:
    return Malformed(
        f"{what} {number} is longer than {LONGEST_BYTES} bytes",
        code="line_too_long",
        field="body",
        found=number,
        expected=f"{what}s of at most {LONGEST_BYTES} bytes",
    )
