"""Cells of a row, one by one: what each may hold, and why it is refused. ``arrays`` reads the same in columns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from gops.errors import Invalid
from gops.ingest.checks import EXACT, exact
from gops.ingest.decoded import Precision
from gops.ingest.decoders.lenient import Unfit
from gops.ingest.decoders.times import instant, since_1970
from gops.ingest.push.chunk import BadRow, Name, Said
from gops.ingest.refused import Unreadable, shown
from gops.quality import WORDS, Quality
from gops.records.database import MAX_ID

NAME_CHARACTERS = 400
ALIASES: Mapping[str, str] = {
    **{name: name for name in ("datastream", "thing", "property", "device", "field", "time", "value", "text")},
    "quality": "quality",
    "resultTime": "result_time",
    "result_time": "result_time",
    "datastream_id": "datastream",
    "phenomenonTime": "time",
    "result": "value",
    "id": "id",  # of an export of GOPS; it follows from datastream and time
}
"""Every name that a column or member may have, and what it means."""
WAYS = (("datastream",), ("thing", "property"), ("device", "field"))
"""How a row may name its Datastream."""
BY_WORD: Mapping[str, int] = {**{word: code for code, word in enumerate(WORDS)}, "": -1}

_match_id = re.compile(r"[0-9]{1,19}", re.ASCII).fullmatch
_match_number = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII).fullmatch
_match_whole = re.compile(r"[+-]?\d{1,20}", re.ASCII).fullmatch  # longer ones are floats, as in JSON
_match_since = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII).fullmatch
_is_no_number = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE | re.ASCII).fullmatch


@dataclass(frozen=True, slots=True)
class Reading:
    """How the cells of a push are read: times without offset in ``zone``, bare numbers as ``unit`` since 1970."""

    zone: ZoneInfo | None = None
    unit: Precision = "ms"


def columns_of(names: list[str], device: str = "") -> dict[str, str]:
    """What each of these columns means; ``device`` stands for the one of all rows.

    Raises ``Invalid`` (``bad_header``) for a strange or repeated name, and where no Datastream or time is named.
    """
    found: dict[str, str] = {}
    for name in names:
        meaning = ALIASES.get(name)
        if meaning is None:
            raise _bad_header(name, "is no column of readings", ", ".join(ALIASES))
        if meaning in found.values():
            raise _bad_header(name, "stands twice", "each column once")
        found[name] = meaning
    there = set(found.values()) | ({"device"} if device else set())
    if not any(there.issuperset(way) for way in WAYS):
        raise _bad_header(", ".join(names), "names no Datastream", "datastream; thing and property; device and field")
    for needed in ("time", "value"):
        if needed not in there and not (needed == "value" and "text" in there):
            raise _bad_header(", ".join(names), f"has no {needed}", f"a column {needed}")
    return found


def _bad_header(found: str, what: str, expected: str) -> Invalid:
    return Invalid(f"{shown(found)} {what}", code="bad_header", field="body", found=found[:200], expected=expected)


def way_of(there: set[str]) -> tuple[str, ...]:
    """The way in which rows with these columns name their Datastream; of several the first counts."""
    return next(way for way in WAYS if there.issuperset(way))


def read_row(row: Mapping[str, Any], reading: Reading, *, device: str = "", is_text: bool = False) -> Said:
    """A row by the meanings of its columns. ``is_text``: its cells are text, an empty one is none.

    Raises ``BadRow``.
    """
    name = name_of(row, device)
    t = _time(row.get("time"), reading, "time")
    if t is None:
        raise BadRow("missing_member", "time", "found no time; expected one in every row")
    value = row.get("value")
    if "text" in row and value in (None, ""):
        value = row["text"]
    if is_text:
        value = None if value == "" else value
    elif type(value) is Unfit or not isinstance(value, int | float | str | bool | None):
        code, what = (value.code, value.what) if isinstance(value, Unfit) else ("wrong_type", shown(value))
        raise BadRow(code, "value", f"found {what}; expected a number, a text, true, false or null")
    elif isinstance(value, str) and any("\ud800" <= sign <= "\udfff" for sign in value):
        raise BadRow("bad_utf8", "value", "found half of a surrogate pair; expected Unicode text")
    quality = _quality(row.get("quality"))
    return Said(name, value, t, quality, _time(row.get("result_time"), reading, "resultTime"), is_text)


def name_of(row: Mapping[str, Any], device: str = "") -> Name:
    """How a row names its Datastream. Raises ``BadRow`` (``missing_member``, ``unknown_datastream``, ...)."""
    identity = row.get("datastream")
    if identity not in (None, ""):
        return by_id(identity)
    if row.get("thing") not in (None, ""):
        return Name("thing", _named(row, "thing"), _named(row, "property"))
    if device or row.get("device") not in (None, ""):
        return Name("device", _named(row, "device") if row.get("device") else device, _named(row, "field"))
    raise BadRow("missing_member", "datastream", "no Datastream is named; expected its id")


def by_id(identity: object) -> Name:
    if type(identity) is int and 0 < identity <= MAX_ID:
        return Name("datastream", str(identity))
    if isinstance(identity, str) and _match_id(identity.strip()) and 0 < int(identity) <= MAX_ID:
        return Name("datastream", str(int(identity)))
    raise BadRow("unknown_datastream", "datastream", f"found {shown(identity)}; expected the id of a Datastream")


def _named(row: Mapping[str, Any], column: str) -> str:
    name = row.get(column)
    if name in (None, ""):
        raise BadRow("missing_member", column, f"found no {column}; expected its name")
    if not isinstance(name, str) or len(name) > NAME_CHARACTERS or "\0" in name:
        raise BadRow("wrong_type", column, f"found {shown(name)}; expected a name of at most {NAME_CHARACTERS} signs")
    if any("\ud800" <= sign <= "\udfff" for sign in name):
        raise BadRow("bad_utf8", column, "found half of a surrogate pair; expected Unicode text")
    return name


def _time(raw: object, reading: Reading, column: str) -> int | None:
    if raw is None or raw == "":
        return None
    try:
        if type(raw) is int:
            return since_1970(str(raw) if abs(raw) < 10**30 else "0" * 99, reading.unit)
        if type(raw) is float and abs(raw) < 1e18:
            return since_1970(f"{raw:.9f}", reading.unit)
        if isinstance(raw, str):
            text = raw.strip()
            return since_1970(text, reading.unit) if _match_since(text) else instant(text, reading.zone)
        return instant(raw, reading.zone)
    except Unreadable as trouble:
        raise BadRow(trouble.code, column, trouble.note) from trouble


def _quality(raw: object) -> int | None:
    """A word, or its code. Raises ``BadRow``."""
    if raw is None:
        return None
    word = raw.strip() if isinstance(raw, str) else raw
    if isinstance(word, str) and word in BY_WORD:
        return BY_WORD[word] if word else None
    code = int(word) if isinstance(word, str) and len(word) == 1 and word in "012345" else word
    if type(code) is int and 0 <= code < len(Quality):
        return code
    raise BadRow("bad_quality", "quality", f"found {shown(raw)}; expected one of {', '.join(WORDS)}")


def number(text: str) -> float:
    """The number that a cell of a numeric Datastream spells. Raises ``BadRow``."""
    text = text.strip()
    if len(text) <= NAME_CHARACTERS and _match_number(text):
        found = float(text)  # one beyond all floats is infinite, and refused as such
        return found if abs(found) < EXACT or not _match_whole(text) else _exactly(text)
    code = "not_a_number" if _is_no_number(text) else "wrong_type"
    raise BadRow(code, "value", f"found {shown(text)}; expected a number")


def _exactly(digits: str) -> float:
    """Raises ``BadRow`` (``inexact``)."""
    try:
        return float(exact(int(digits)))
    except Unreadable as trouble:
        raise BadRow(trouble.code, "value", trouble.note) from trouble
