"""Rows as JSON objects: a line each (NDJSON), or the elements of an array."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from gops.ingest.checks import EXACT
from gops.ingest.decoders import lenient
from gops.ingest.push import arrays, jsoncells
from gops.ingest.push.ahead import ahead
from gops.ingest.push.blocks import Block, Text, elements, lines
from gops.ingest.push.cells import ALIASES, WAYS, Reading, by_id, name_of, read_row
from gops.ingest.push.chunk import NO_QUALITY, BadRow, Chunk, Codes, Columns, Floats, Ints, Mask, Name, Said
from gops.ingest.refused import Unreadable, shown
from gops.quality import WORDS
from gops.store.rows import NONE

DEPTH = 4
SIMPLE = frozenset({"datastream", "time", "value", "quality", "result_time"})
_CODES: dict[str | None, int] = {**{word: code for code, word in enumerate(WORDS)}, None: NO_QUALITY}


def of_lines(text: Text, reading: Reading, device: str = "") -> Iterator[Chunk]:
    """NDJSON. Empty lines are passed over."""
    for chunk in ahead(lambda block: _of_block(block, reading, device), lines(text)):
        if chunk is not None:
            yield chunk


def _of_block(block: Block, reading: Reading, device: str) -> Chunk | None:
    """None where all lines are empty."""
    alike = None if device else jsoncells.lines_of(block.data, reading)
    if alike is not None:
        return _alike(alike, block.first, reading)
    raw = block.data.split(b"\n")
    numbers = np.arange(block.first, block.first + len(raw), dtype=np.int64)
    if not all(raw):
        filled = [index for index, line in enumerate(raw) if line and not line.isspace()]
        raw, numbers = [raw[index] for index in filled], numbers[filled]
    return _chunk(raw, numbers, "line {}", reading, device) if raw else None


def of_array(text: Text, reading: Reading, device: str = "") -> Iterator[Chunk]:
    """``[...]`` or ``{"observations": [...]}``."""
    for index, raw in elements(text):
        yield _chunk(raw, np.arange(index, index + len(raw), dtype=np.int64), "[{}]", reading, device)


def _chunk(raw: Sequence[bytes], numbers: Ints, place: str, reading: Reading, device: str) -> Chunk:
    try:
        items = list(map(orjson.loads, raw))
    except orjson.JSONDecodeError:
        items = [_load(one) for one in raw]

    def row(index: int) -> Said:
        return read_row(_meant(items[index]), reading, device=device)

    return Chunk(
        numbers,
        place,
        row,
        _plain(items, reading, device),
        raw=lambda index: raw[index].decode(errors="backslashreplace"),
    )


def _alike(found: jsoncells.Lines, first: int, reading: Reading) -> Chunk:
    """Lines whose columns are read; one of them is parsed when it is asked for."""
    return Chunk(
        np.arange(first, first + len(found.ends), dtype=np.int64),
        "line {}",
        lambda index: read_row(_meant(_load(found.line(index))), reading),
        found.columns,
        raw=lambda index: found.line(index).decode(errors="backslashreplace"),
    )


def _load(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        try:
            return lenient.parse(raw, DEPTH)
        except Unreadable as trouble:
            return trouble


def _meant(item: Any) -> dict[str, Any]:
    """An object by the meanings of its members. Raises ``BadRow``."""
    if isinstance(item, Unreadable):
        raise BadRow(item.code, "", item.note)
    if type(item) is not dict:
        raise BadRow("wrong_type", "", f"found {shown(item)}; expected an object")
    found: dict[str, Any] = {}
    for name, value in item.items():
        meaning = ALIASES.get(name)
        if meaning is None:
            raise BadRow(
                "unsupported", name[:64], f"found a member {shown(name)}; expected some of {', '.join(ALIASES)}"
            )
        if meaning in found:
            raise BadRow("unsupported", name[:64], f"{shown(name)} says again what {meaning} says; expected it once")
        found[meaning] = value
    if "value" not in found and "text" not in found:
        raise BadRow("missing_member", "value", "found no value; expected a number, a text or null")
    return found


def _plain(items: Sequence[Any], reading: Reading, device: str) -> Columns | None:
    """None where objects have other members than the usual; those that are no objects stand apart."""
    rows = len(items)
    objects = [item if type(item) is dict else {} for item in items]
    members = set().union(*objects)
    meanings = {ALIASES.get(name, "?"): name for name in members}
    if len(meanings) != len(members):
        return None
    here = meanings.keys() - {"?", "id"}
    way = next((way for way in WAYS if (here | ({"device"} if device else set())).issuperset(way)), None)
    if "?" in meanings or way is None or not here <= SIMPLE | set(way) or not {"time", "value"} <= here:
        return None

    def column(meaning: str) -> list[Any]:
        name = meanings[meaning]
        return [item.get(name) for item in objects]

    names, who, plain = _names([column(name) if name in meanings else [device] * rows for name in way], way)
    t, held = _times(column("time"), reading)
    plain = plain & held
    value, held = _numbers(column("value"))
    plain &= held & np.fromiter((meanings["value"] in item for item in objects), np.bool_, rows)
    quality, result_time = np.full(rows, NO_QUALITY, np.uint8), np.full(rows, NONE, np.int64)
    if "quality" in here:
        quality, held = _qualities(column("quality"))
        plain &= held
    if "result_time" in here:
        said = column("result_time")
        result_time, held = _times(said, reading)
        nothing = np.fromiter((one is None for one in said), np.bool_, rows)
        result_time, plain = np.where(nothing, NONE, result_time), plain & (held | nothing)
    return Columns(names, who, t, value, quality, result_time, plain)


def _names(columns: Sequence[Sequence[Any]], way: Sequence[str]) -> tuple[list[Name], Any, Mask]:
    """The distinct names, each row's index into them, and for which rows it holds."""
    if len(columns) == 1 and set(map(type, columns[0])) <= {int, type(None)}:
        with contextlib.suppress(pa.ArrowInvalid, OverflowError):  # one beyond 64 bits is no id, and refused below
            return arrays.names([pa.array(columns[0], pa.int64())], by_id)
    known: dict[Any, int] = {}
    found: list[Name] = []
    who = np.full(len(columns[0]), -1, np.int32)
    for row, values in enumerate(zip(*columns, strict=True)):
        try:
            index = known.get(values)
        except TypeError:  # no text and no number
            continue
        if index is None or type(values[0]) is float or type(values[0]) is bool:  # 1.0 == True == 1
            try:
                made = name_of(dict(zip(way, values, strict=True)))
            except BadRow:
                continue
            index = known[values] = len(found)
            found.append(made)
        who[row] = index
    return found, who, who >= 0


def _times(values: Sequence[Any], reading: Reading) -> tuple[Ints, Mask]:
    kinds = set(map(type, values))
    if kinds <= {str, type(None)}:
        return arrays.times(_texts(values), reading)
    if kinds == {int}:
        try:
            found = arrays.since_1970(pa.array(values, pa.int64()), reading.unit)
        except (pa.ArrowInvalid, OverflowError):
            found = None
        if found is not None:
            return found, np.ones(len(values), np.bool_)
    texts = [value if type(value) is str else None for value in values]
    return arrays.times(_texts(texts), reading)


def _texts(values: Sequence[Any]) -> Any:
    return pa.array(values, pa.string())


def _numbers(values: Sequence[Any]) -> tuple[Floats, Mask]:
    """Floats, NaN for null; one that may be a rounded whole number is for ``resolve`` to judge."""
    kinds = set(map(type, values))
    if not kinds <= {float, int, type(None)}:
        plain = np.fromiter((type(value) in (float, int, type(None)) for value in values), np.bool_, len(values))
        values = [value if good else None for value, good in zip(values, plain, strict=True)]
    else:
        plain = np.ones(len(values), np.bool_)
    found = np.array([np.nan if value is None else value for value in values], np.float64)
    return found, plain & ~(np.abs(found) >= EXACT)


def _qualities(values: Sequence[Any]) -> tuple[Codes, Mask]:
    codes = [_CODES.get(value, -1) if type(value) in (str, type(None)) else -1 for value in values]
    found = np.array(codes, np.int16)
    return np.where(found < 0, NO_QUALITY, found).astype(np.uint8), found >= 0
