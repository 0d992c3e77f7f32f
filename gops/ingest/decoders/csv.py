"""CSV by position (RFC 4180): each row is a moment, each column a field.

The first row names the columns, or the feed does (``columns``). The column ``time`` is the time of its row: ISO 8601,
or a bare number in ``time_unit`` since 1970; without such a column readings get the arrival. A column may name the
Thing of its row; its fields are then ``{Thing}/{column}``. A cell is a number when it spells one, otherwise text; an
empty one is a reading of quality missing, or none, as the feed says.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gops.ingest.decoded import NAME_CHARACTERS, CodecOptions, Decoded, Frame, Precision
from gops.ingest.decoders import lenient, spelled
from gops.ingest.decoders.times import instant, since_1970
from gops.ingest.refused import Refused, Unreadable, shown

NOTHING = -1  # the position of a column that is not there


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where things stand in a row: position and name of each field, the time, the Thing; ``width`` cells in all."""

    fields: tuple[tuple[int, str], ...]
    time: int
    thing: int
    width: int


def decode(payload: bytes, frame: Frame) -> Decoded:
    """The readings of all rows; a row or a cell that cannot be read costs itself alone."""
    options = frame.options
    out = Decoded(rows=[], row="line {}", things=[] if options.thing else None)
    try:
        rows = _rows(lenient.read_text(payload, "rows of CSV"), options.delimiter, out)
        columns = _header(rows, out, options)
    except Unreadable as trouble:
        return Decoded(refusals=[*out.refusals, Refused(trouble.code, None, "", trouble.note)])
    for line, cells in rows:
        try:
            _read(out, line, cells, columns, frame)
        except Unreadable as trouble:
            lost = max(1, len(columns.fields))
            out.refusals.append(Refused(trouble.code, None, f"line {line}", trouble.note, lost))
        if len(out.fields) + len(out.refusals) > frame.max_readings:
            out.cut(frame.max_readings)
            break
    if not out.fields and not out.refusals:
        out.refusals.append(Refused("empty", None, "", "found no row; expected rows of CSV"))
    return out


def _rows(text: str, delimiter: str, out: Decoded) -> Iterator[tuple[int, list[str]]]:
    """The rows that are none of white space, each with the number of its last line."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            note = f"this is no row of CSV: {error}"
            out.refusals.append(Refused("bad_line", None, f"line {reader.line_num}", note))
            continue
        if len(cells) > 1 or (cells and not cells[0].isspace() and cells[0]):
            yield reader.line_num, cells


def _header(rows: Iterator[tuple[int, list[str]]], out: Decoded, options: CodecOptions) -> _Columns:
    if not options.header and options.columns:
        return _columns(options.columns, options)
    names = next(rows, (1, []))[1]
    if out.refusals:
        raise Unreadable("missing_member", "the first row cannot be read; expected names of columns")
    return _columns(options.columns or names, options)


def _columns(names: Sequence[str], options: CodecOptions) -> _Columns:
    names = [name.strip() for name in names]
    given = Counter(name for name in names if name)
    twice = next((name for name, times in given.items() if times > 1), None)
    if twice is not None:
        raise Unreadable("bad_line", f"two columns are named {shown(twice)}; expected each name once")
    longest = max(map(len, given), default=0)
    if longest > NAME_CHARACTERS:
        raise Unreadable("too_large", f"a column's name has {longest} characters; expected at most {NAME_CHARACTERS}")
    position = {name: index for index, name in enumerate(names) if name}
    if options.thing and options.thing not in position:
        raise Unreadable("missing_member", f"there is no column {shown(options.thing)}, which is to name the Thing")
    fields = tuple((index, name) for name, index in position.items() if name not in (options.time, options.thing))
    if not fields:
        raise Unreadable("empty", "found no column of readings; expected names of columns in the first row")
    time = position.get(options.time, NOTHING) if options.time else NOTHING
    return _Columns(fields, time, position[options.thing] if options.thing else NOTHING, len(names))


def _read(out: Decoded, line: int, cells: Sequence[str], columns: _Columns, frame: Frame) -> None:
    if len(cells) != columns.width:
        raise Unreadable("bad_line", f"found {len(cells)} cells; expected {columns.width}, as there are columns")
    options = frame.options
    t = None if columns.time == NOTHING else _time(cells[columns.time].strip(), options.time_unit, frame)
    thing = "" if columns.thing == NOTHING else _thing(cells[columns.thing].strip())
    assert out.rows is not None
    for index, name in columns.fields:
        cell = cells[index].strip()
        if not cell and not options.empty_is_missing:
            continue
        try:
            value = spelled.value(cell, options.decimal) if cell else None
        except Unreadable as trouble:
            out.refusals.append(Refused(trouble.code, thing + name, f"line {line}: {thing}{name}", trouble.note))
            continue
        out.fields.append(thing + name)
        out.values.append(value)
        out.times.append(t)
        out.qualities.append(None)
        out.result_times.append(None)
        out.rows.append(line)
        if out.things is not None:
            out.things.append(thing)


def _time(cell: str, unit: Precision, frame: Frame) -> int:
    digits = cell.removeprefix("-")
    if digits.isascii() and digits.replace(".", "", 1).isdigit():
        return since_1970(cell, unit)
    return instant(cell, frame.zone)


def _thing(cell: str) -> str:
    if not 0 < len(cell) <= NAME_CHARACTERS:
        raise Unreadable("missing_member", f"found {shown(cell)} as the Thing; expected its name")
    return cell + "/"
