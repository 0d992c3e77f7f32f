"""InfluxDB's line protocol (docs.influxdata.com, "Line protocol").

::

    line   = series " " field=value["," field=value ...] [" " timestamp]      a line that begins with # is a comment
    series = measurement["," tag=value ...]
    value  = 1.5 | 15i | 15u | t | T | true | ... | f | ... | "text"          text may hold line breaks

A reading's field is its series, with tags in order of their names and as they were escaped, a space, and the field:
``weather,station=suwon temp``. Where the feed says which tag names the Thing, the field is ``{Thing}/`` and the same
without that tag. Timestamps are in nanoseconds, or as the feed says; without one readings get the arrival.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from gops.ingest.decoded import NAME_CHARACTERS, Decoded, Frame, Value
from gops.ingest.decoders import lenient
from gops.ingest.decoders.lenient import Unfit, parse_float, parse_int
from gops.ingest.decoders.times import since_1970
from gops.ingest.refused import Refused, Unreadable, shown

BOOLS = {word: word[0] in "tT" for word in ("t", "T", "true", "True", "TRUE", "f", "F", "false", "False", "FALSE")}
LINE = "expected measurement,tag=value field=value timestamp"

_NAME = r"(?:[^,= \n\\]|\\[^\n])++"  # possessive, here and below, so that time is linear in the length of a line
_idle = re.compile(r"(?:[ \t\r]*+(?:#[^\n]*+)?+\n)*+[ \t]*+")  # empty lines and comments
_series = re.compile(rf"((?:[^, \n\\]|\\[^\n])++)((?:,{_NAME}={_NAME})*+) ++").match
_tags = re.compile(rf",({_NAME})=({_NAME})").findall
_field = re.compile(rf'({_NAME})=("(?:[^"\\]|\\.)*+"|[^," \n\r]++)(,?+)', re.DOTALL).match
_end = re.compile(r"(?: ++(-?[0-9]++))?+[ \r]*+\n").match
_match_number = re.compile(r"([+-]?(?:\d++\.?\d*+|\.\d++)(?:[eE][+-]?\d++)?+)|(-?\d++)i|(\d++)u", re.ASCII).fullmatch
_escapes_in_text = re.compile(r'\\(["\\])')
_escapes_in_name = re.compile(r"\\([,= ])")


@dataclass(slots=True)
class _Lines:
    """The text, and the names that its series got: Thing and what stands before the fields."""

    text: str
    tag: str
    series: dict[str, tuple[str, str]] = field(default_factory=dict)


def decode(payload: bytes, frame: Frame) -> Decoded:
    """The readings of all lines; a line or a value that cannot be read costs itself alone."""
    out = Decoded(rows=[], row="line {}", things=[] if frame.options.tag else None)
    try:
        lines = _Lines(lenient.read_text(payload, "line protocol") + "\n", frame.options.tag)
    except Unreadable as trouble:
        return Decoded(refusals=[Refused(trouble.code, None, "", trouble.note)])
    text, position, line = lines.text, 0, 1
    while (start := _after_idle(text, position)) < len(text):
        line += text.count("\n", position, start)
        position = _read(out, lines, start, line, frame)
        line += text.count("\n", start, position)
        if len(out.fields) + len(out.refusals) > frame.max_readings:
            out.cut(frame.max_readings)
            break
    if not out.fields and not out.refusals:
        out.refusals.append(Refused("empty", None, "", "found comments alone; expected line protocol"))
    return out


def _after_idle(text: str, position: int) -> int:
    found = _idle.match(text, position)
    return found.end() if found else position


def _read(out: Decoded, lines: _Lines, start: int, line: int, frame: Frame) -> int:
    """Add the readings of the line at ``start``; gives where the next line begins."""
    pairs: list[tuple[str, str]] = []
    try:
        thing, before, position = _name_of(lines, start)
        position = _fields(lines.text, position, pairs)
        end = _end(lines.text, position)
        if end is None:
            raise Unreadable("bad_line", f"found {shown(lines.text[position : position + 20])}; {LINE}")
        t = None if end[1] is None else since_1970(end[1], frame.options.precision)
    except Unreadable as trouble:
        out.refusals.append(Refused(trouble.code, None, f"line {line}", trouble.note, max(1, len(pairs))))
        return lines.text.index("\n", start) + 1
    for key, raw in pairs:
        name = before + key
        try:
            if len(name) > NAME_CHARACTERS:
                raise _too_long(name)
            value = _value(raw)
        except Unreadable as trouble:
            name = name[:NAME_CHARACTERS]
            out.refusals.append(Refused(trouble.code, name, f"line {line}: {name}", trouble.note))
            continue
        _append(out, name, value, t, thing, line)
    return end.end()


def _append(out: Decoded, name: str, value: Value, t: int | None, thing: str, line: int) -> None:
    assert out.rows is not None
    out.fields.append(name)
    out.values.append(value)
    out.times.append(t)
    out.qualities.append(None)
    out.result_times.append(None)
    out.rows.append(line)
    if out.things is not None:
        out.things.append(thing)


def _name_of(lines: _Lines, start: int) -> tuple[str, str, int]:
    """The Thing, what stands before the names of fields, and where the fields begin."""
    found = _series(lines.text, start)
    if found is None:
        raise Unreadable("bad_line", f"found {shown(lines.text[start : lines.text.index(chr(10), start)])}; {LINE}")
    known = lines.series.get(found[0])
    if known is None:
        known = lines.series[found[0]] = _names(found[1], _tags(found[2]), lines.tag)
    return *known, found.end()


def _names(measurement: str, tags: list[tuple[str, str]], wanted: str) -> tuple[str, str]:
    thing = ""
    if wanted:
        values = [value for name, value in tags if _escapes_in_name.sub(r"\1", name) == wanted]
        if not values:
            raise Unreadable("missing_member", f"found no tag {shown(wanted)}; expected one, it names the Thing")
        thing = _escapes_in_name.sub(r"\1", values[-1]) + "/"
        tags = [(name, value) for name, value in tags if _escapes_in_name.sub(r"\1", name) != wanted]
    before = f"{thing}{','.join((measurement, *(f'{name}={value}' for name, value in sorted(tags))))} "
    if len(before) >= NAME_CHARACTERS:
        raise _too_long(before)
    return thing, before


def _too_long(name: str) -> Unreadable:
    note = f"series and field have {len(name)} characters; expected at most {NAME_CHARACTERS}"
    return Unreadable("too_large", note)


def _fields(text: str, position: int, pairs: list[tuple[str, str]]) -> int:
    """Collect names and values as they are written; gives where they end."""
    while True:
        found = _field(text, position)
        if found is None:
            raise Unreadable("bad_line", f"found {shown(text[position : position + 20])}; expected field=value")
        pairs.append((found[1], found[2]))
        position = found.end()
        if not found[3]:
            return position


def _value(raw: str) -> Value:
    if raw[0] == '"':
        return _escapes_in_text.sub(r"\1", raw[1:-1]) if "\\" in raw else raw[1:-1]
    found = _match_number(raw)
    if found is None:
        if raw in BOOLS:
            return BOOLS[raw]
        raise Unreadable("wrong_type", f"found {shown(raw)}; expected 1.5, 15i, 15u, true, false or a quoted text")
    number = parse_float(raw) if found[1] is not None else parse_int(raw[:-1])
    if isinstance(number, Unfit) or (found[1] is None and not _fits(number, signed=found[2] is not None)):
        raise Unreadable("not_a_number", f"found {shown(raw)}; expected a finite number, an integer of 64 bits")
    return number


def _fits(number: float, *, signed: bool) -> bool:
    return isinstance(number, int) and (-(2**63) <= number < 2**63 if signed else number < 2**64)
