"""SenML in JSON (RFC 8428): a pack is an array of records; what base fields say holds for all records after them.

::

    pack    = [record, ...]
    record  = {bases, "n": name, "u": unit, one of "v" "vs" "vb" "vd", "s": sum, "t": seconds}   each may be absent
    bases   = "bn": before names, "bt": added to times, "bu": unit of those without, "bv" and "bs": added, "bver"

Of section 4: a reading's field is base name and name together. A time below 2**28 seconds is relative to the arrival
(0: the arrival itself). A sum is a reading of its own, whose field is the name and ``#sum``. ``vd`` is given as the
text that it is written in. Members that RFC 8428 does not have are ignored, as it demands, but for names that end with
``_``. A record of bases alone is no reading. A base that cannot be read costs all records until it is set anew.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from gops.ingest.decoded import NAME_CHARACTERS, Decoded, Frame, Value
from gops.ingest.decoders import lenient
from gops.ingest.decoders.lenient import Unfit, misfit
from gops.ingest.decoders.senml_units import UCUM
from gops.ingest.decoders.times import LATEST
from gops.ingest.refused import Refused, Unreadable, shown

VERSION = 10
MICROS = 1_000_000
RELATIVE = 2**28 * MICROS  # section 4.5.3
EARLIEST = -(2**32) * MICROS  # how far back a relative time may lie: 136 years
MOST_SECONDS = LATEST // MICROS
SUM = "#sum"
BASES = frozenset({"bn", "bt", "bu", "bv", "bs", "bver"})
PLAIN = BASES | {"n", "v", "vs", "vb", "t", "u"}
OWN = frozenset({"n", "v", "vs", "vb", "vd", "s", "t", "u", "ut"})
KNOWN = BASES | OWN
NUMBERS = frozenset({int, float})
TEXTS = frozenset({str, type(None)})
TYPES = {"v": NUMBERS, "vs": frozenset({str}), "vb": frozenset({bool})}
VALUES: dict[str, tuple[tuple[type, ...], str]] = {
    "v": ((float, int), "a number"),
    "vs": ((str,), "a text"),
    "vb": ((bool,), "true or false"),
    "vd": ((str,), "base64 text"),
}

_is_base64 = re.compile(r"[A-Za-z0-9_-]*={0,2}", re.ASCII).fullmatch  # section 4.3: the URL-safe alphabet


class _OtherVersion(Exception):
    """The pack as a whole is not understood."""


@dataclass(slots=True)
class _Bases:
    """What the bases say by now. ``broken`` has those that cannot be read."""

    name: str = ""
    micros: int = 0
    unit: str | None = None
    value: float = 0
    sum: float | None = None
    broken: dict[str, Unreadable] = field(default_factory=dict)

    @property
    def are_plain(self) -> bool:
        return not self.value and self.sum is None and not self.broken


@dataclass(slots=True)
class _Columns:
    """Columns of ``Decoded`` in the making; a time below ``RELATIVE`` is relative."""

    fields: list[str] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    things: list[str] = field(default_factory=list)
    units: list[str | None] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    refusals: list[Refused] = field(default_factory=list)


def decode(payload: bytes, frame: Frame) -> Decoded:
    """The readings of a pack; see above."""
    try:
        pack = lenient.load(payload, frame.max_depth)
        if type(pack) is not list:
            raise misfit(pack, "an array of SenML records")
        columns = _read(pack[: frame.max_readings + 1])
        if not columns.fields and not columns.refusals:
            raise Unreadable("empty", "found no record with a value; expected readings")
    except Unreadable as trouble:
        return Decoded(refusals=[Refused(trouble.code, None, "", trouble.note)])
    except _OtherVersion as trouble:
        place, note = trouble.args
        return Decoded(refusals=[Refused("unsupported", None, place, note, len(pack))])
    out = _decoded(columns)
    if len(out.fields) + len(out.refusals) > frame.max_readings:
        out.cut(frame.max_readings)
    return out


def _read(pack: list[Any]) -> _Columns:
    """Stretches of records under the same bases, as columns where they are simple, and else one by one."""
    columns, bases = _Columns(), _Bases()
    starts = range(len(pack)) if set(map(type, pack)) != {dict} else [0]
    if starts == [0] and not BASES.isdisjoint(set().union(*pack[1:])):
        starts = sorted({0, *(index for index, record in enumerate(pack) if not BASES.isdisjoint(record))})
    for start, end in pairwise([*starts, len(pack)]):
        if type(pack[start]) is dict and BASES.issuperset(pack[start]):
            _append(columns, pack[start], bases, start)
            start += 1
        stretch = pack[start:end]
        if stretch and not (type(stretch[0]) is dict and _extend(columns, stretch, bases, start)):
            for place, record in enumerate(stretch, start):
                _append(columns, record, bases, place)
    return columns


def _extend(columns: _Columns, stretch: Sequence[dict[str, Any]], bases: _Bases, index: int) -> bool:
    """Add records whose first alone may have bases; or nothing, and False, if one of them is not as it should be."""
    if not _is_rebased(bases, stretch[0], index):
        return False
    keys = set().union(*stretch)
    values = _values(stretch, keys & VALUES.keys()) if bases.are_plain and PLAIN.issuperset(keys) else []
    names = [record.get("n", "") for record in stretch]
    seconds = [record.get("t", 0) for record in stretch]
    units = [record.get("u", bases.unit) for record in stretch] if "u" in keys else [bases.unit] * len(stretch)
    if not (values and _are_names(names, bases) and TEXTS.issuperset(map(type, units))):
        return False
    times = _times(seconds, bases.micros)
    if not times:
        return False
    before = bases.name
    columns.fields += [before + name for name in names] if before else names
    columns.values += values
    columns.times += times
    columns.things += [before] * len(values)
    columns.units += units
    columns.rows += range(index, index + len(values))
    return True


def _is_rebased(bases: _Bases, record: dict[str, Any], index: int) -> bool:
    try:
        _rebase(bases, record, index)
    except Unreadable:  # which ``_append`` finds again
        return False
    return True


def _values(stretch: Sequence[dict[str, Any]], labels: Set[str]) -> list[Any]:
    """One value of the type of its label for each record, or nothing at all."""
    if len(labels) == 1:
        (label,) = labels
        values = [record.get(label) for record in stretch]
        return values if TYPES[label].issuperset(map(type, values)) else []
    values = []
    for record in stretch:
        found = [label for label in labels if label in record]
        if len(found) != 1 or type(record[found[0]]) not in TYPES[found[0]]:
            return []
        values.append(record[found[0]])
    return values


def _are_names(names: Sequence[Any], bases: _Bases) -> bool:
    if set(map(type, names)) != {str}:
        return False
    lengths, before = set(map(len, names)), len(bases.name)
    return 0 < before + min(lengths) <= before + max(lengths) <= NAME_CHARACTERS


def _times(seconds: Sequence[Any], start: int) -> list[int]:
    """Microseconds of times in seconds after ``start``, or nothing at all where one of them is none."""
    kinds = set(map(type, seconds))
    if not (NUMBERS.issuperset(kinds) and -MOST_SECONDS <= min(seconds) <= max(seconds) <= MOST_SECONDS):
        return []
    if kinds == {int}:
        times = [start + one * MICROS for one in seconds]
    else:
        times = [start + round(one * MICROS) for one in seconds]
    return times if EARLIEST <= min(times) <= max(times) <= LATEST else []


def _decoded(columns: _Columns) -> Decoded:
    times: list[int | None] = [*columns.times]
    relative = None
    if min(columns.times, default=RELATIVE) < RELATIVE:
        relative = [index for index, t in enumerate(columns.times) if t and t < RELATIVE]
        times = [t or None for t in times]
    return Decoded(
        columns.fields,
        columns.values,
        times,
        [None] * len(times),
        [None] * len(times),
        refusals=columns.refusals,
        things=columns.things if any(columns.things) else None,
        units=[UCUM.get(unit, unit) if unit else None for unit in columns.units] if any(columns.units) else None,
        relative=relative,
        rows=columns.rows,
    )


def _append(columns: _Columns, record: Any, bases: _Bases, index: int) -> None:
    """Add any record: its value, its sum, or why it was refused."""
    try:
        if type(record) is not dict:
            raise misfit(record, "an object")
        _rebase(bases, record, index)
        _refuse_demands(record)
        if OWN.isdisjoint(record):
            return
        readings = _value(record, bases) + _sum(record, bases)
        if not readings:
            raise Unreadable("empty", "found no value; expected one of v, vs, vb, vd and s")
        name = _name(record, bases)
        micros = _time(record, bases)
        unit = record.get("u", bases.unit)
        if unit is not None and type(unit) is not str:
            raise misfit(unit, "a unit as text")
    except Unreadable as trouble:
        columns.refusals.append(Refused(trouble.code, _named(record, bases), f"[{index}]", trouble.note))
        return
    for suffix, value in readings:
        columns.fields.append(name + suffix)
        columns.values.append(value)
        columns.times.append(micros)
        columns.things.append(bases.name)
        columns.units.append(unit)
        columns.rows.append(index)


def _rebase(bases: _Bases, record: dict[str, Any], index: int) -> None:
    """Set what the record says of the bases. Raises ``Unreadable`` as long as one of them cannot be read."""
    if not BASES.isdisjoint(record):
        for label in BASES & record.keys():
            bases.broken.pop(label, None)
            try:
                _set(bases, label, record[label], index)
            except Unreadable as trouble:
                bases.broken[label] = Unreadable(trouble.code, f"{label} at [{index}]: {trouble.note}")
    for label in sorted(bases.broken):
        raise bases.broken[label]


def _set(bases: _Bases, label: str, found: Any, index: int) -> None:
    if label == "bn":
        bases.name = _checked_name(found)
    elif label == "bt":
        bases.micros = _micros(found)
    elif label == "bu":
        if type(found) is not str:
            raise misfit(found, "a unit as text")
        bases.unit = found
    elif label == "bv":
        bases.value = _number(found)
    elif label == "bs":
        bases.sum = _number(found)
    elif type(found) is not int or not 0 < found <= VERSION:
        note = f"found version {shown(found)} of SenML; expected at most {VERSION}"
        raise _OtherVersion(f"[{index}].bver", note)


def _refuse_demands(record: dict[str, Any]) -> None:
    """Of what it does not know, a reader may ignore all but names that end with ``_`` (section 4.4)."""
    if not KNOWN.issuperset(record):
        for label in record:
            if label not in KNOWN and label.endswith("_"):
                raise Unreadable("unsupported", f"{shown(label)} must be understood; expected members of RFC 8428")


def _value(record: dict[str, Any], bases: _Bases) -> list[tuple[str, Value]]:
    found = [label for label in VALUES if label in record]
    if len(found) > 1:
        raise Unreadable("wrong_type", f"found {' and '.join(found)}; expected one of them")
    if not found:
        return []
    types, expected = VALUES[found[0]]
    value = record[found[0]]
    if type(value) not in types or (found == ["vd"] and not _is_base64(value)):
        raise misfit(value, expected)
    return [("", _add(value, bases.value) if found == ["v"] and bases.value else value)]


def _sum(record: dict[str, Any], bases: _Bases) -> list[tuple[str, Value]]:
    if "s" in record:
        return [(SUM, _add(_number(record["s"]), bases.sum or 0))]
    return [] if bases.sum is None else [(SUM, bases.sum)]


def _name(record: dict[str, Any], bases: _Bases) -> str:
    name = bases.name + _checked_name(record.get("n", ""))
    if not name:
        raise Unreadable("missing_member", "found neither n nor bn; expected a name")
    return _checked_name(name)


def _checked_name(found: Any) -> str:
    if type(found) is not str:
        raise misfit(found, "a name as text")
    if len(found) > NAME_CHARACTERS:
        note = f"found a name of {len(found)} characters; expected at most {NAME_CHARACTERS} with its base"
        raise Unreadable("too_large", note)
    return found


def _number(found: Any) -> float:
    if type(found) not in NUMBERS:
        raise misfit(found, "a number")
    number: float = found
    return number


def _time(record: dict[str, Any], bases: _Bases) -> int:
    micros = bases.micros + _micros(record.get("t", 0))
    if not EARLIEST <= micros <= LATEST:
        raise Unreadable("bad_time", f"found {shown(record.get('t', 0))} and its base; expected the years 1890 to 9999")
    return micros


def _micros(seconds: Any) -> int:
    """Microseconds of a time in seconds."""
    if type(seconds) in NUMBERS and -MOST_SECONDS <= seconds <= MOST_SECONDS:
        micros: int = round(seconds * MICROS)
        return micros
    found = seconds.what if type(seconds) is Unfit else shown(seconds)
    raise Unreadable("bad_time", f"found {found}; expected seconds since 1970, or before (-) or after the arrival")


def _add(one: float, other: float) -> float:
    both = one + other
    if type(both) is int and not -(2**63) <= both < 2**64:
        both = float(both)
    if not math.isfinite(both):
        raise Unreadable("not_a_number", f"found {shown(one)} and base {shown(other)}; expected a finite sum")
    return both


def _named(record: Any, bases: _Bases) -> str | None:
    """The field that a refused record was meant for, as far as it can be told."""
    name = record.get("n", "") if type(record) is dict else None
    if type(name) is not str or "bn" in bases.broken:
        return None
    return (bases.name + name)[:NAME_CHARACTERS] or None
