"""The mapping of a CSV file, as TOML: which column is which field, and how times and numbers are written.

::

    [file]
    encoding = "utf-8"        # what the file is written in
    fallback = "cp949"        # what it is read as when it is not that; absent: an error
    delimiter = ","
    decimal = "."             # or ","
    thousands = ""            # a sign between groups of digits
    missing = ["", "-"]       # cells without a reading
    send_missing = false      # true: say so with null, which is stored as quality missing

    [time]
    column = "Date"
    format = "%d/%m/%Y"       # strptime, or iso, ms, s (since 1970)
    hour = "Hour"             # a column of hours 0 to 24 to add; optional
    zone = "Asia/Seoul"       # where the times have no offset of their own

    [numbers]
    "Temperature" = "temperature"     # column = field of the message

    [texts]
    "Seasons" = "season"

    [columns]
    ignore = ["Holiday"]      # columns that are left out on purpose; "*" is all others
"""

from __future__ import annotations

import codecs
import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gops.clock import EPOCH
from gops.errors import Invalid, Malformed

NUMBERED = ("iso", "ms", "s")
KNOWN: Mapping[str, frozenset[str] | None] = {
    "file": frozenset({"encoding", "fallback", "delimiter", "decimal", "thousands", "missing", "send_missing"}),
    "time": frozenset({"column", "format", "hour", "zone"}),
    "numbers": None,
    "texts": None,
    "columns": frozenset({"ignore"}),
}


@dataclass(frozen=True)
class TimeColumns:
    column: str
    format: str
    hour: str | None = None
    zone: ZoneInfo | None = None


@dataclass(frozen=True)
class CsvMapping:
    """See the module. ``numbers`` and ``texts`` go from column to field."""

    time: TimeColumns
    numbers: Mapping[str, str]
    texts: Mapping[str, str] = field(default_factory=dict)
    ignore: frozenset[str] = frozenset()
    encoding: str = "utf-8"
    fallback: str | None = None
    delimiter: str = ","
    decimal: str = "."
    thousands: str = ""
    missing: frozenset[str] = frozenset({""})
    send_missing: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that the file must have."""
        hour = () if self.time.hour is None else (self.time.hour,)
        return (self.time.column, *hour, *self.numbers, *self.texts, *sorted(self.ignore - {"*"}))


def parse(text: str) -> CsvMapping:
    """Raises ``Malformed`` for what is no TOML, ``Invalid`` (``bad_mapping``) naming the key that is wrong."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"at (line \d+, column \d+|end of document)", str(error))
        place = f" at {where[1]}" if where else ""
        raise Malformed(f"the mapping is no TOML{place}", field="mapping", expected="TOML 1.0") from error
    _refuse_unknown(tables)
    file = tables.get("file", {})
    mapping = CsvMapping(
        time=_time(tables.get("time", {})),
        numbers=_fields(tables, "numbers"),
        texts=_fields(tables, "texts"),
        ignore=frozenset(_words(tables.get("columns", {}), "columns", "ignore", ())),
        encoding=_encoding(file, "encoding") or "utf-8",
        fallback=_encoding(file, "fallback"),
        delimiter=_sign(file, "delimiter", ",", most=1),
        decimal=_sign(file, "decimal", ".", most=1),
        thousands=_sign(file, "thousands", "", least=0, most=1),
        missing=frozenset(_words(file, "file", "missing", ("",))),
        send_missing=_typed(file, "file", "send_missing", bool, False),
    )
    _agree(mapping)
    return mapping


def _agree(mapping: CsvMapping) -> None:
    if not mapping.numbers and not mapping.texts:
        raise _bad("numbers", "names no column", 'such as "Temperature" = "temperature"')
    for names, what in ((mapping.columns, "column"), ((*mapping.numbers.values(), *mapping.texts.values()), "field")):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise _bad(twice[0], f"this {what} is named twice", f"every {what} once")
    if mapping.decimal == mapping.thousands:
        raise _bad("file.thousands", f"is {mapping.thousands!r}, as is the decimal sign", "another sign")


def _refuse_unknown(tables: Mapping[str, Any]) -> None:
    for name, table in tables.items():
        if name not in KNOWN:
            raise _unknown(name, KNOWN)
        if not isinstance(table, dict):
            raise _bad(name, "is no table", f"[{name}]")
        known = KNOWN[name]
        for key in table:
            if known is not None and key not in known:
                raise _unknown(f"{name}.{key}", [f"{name}.{one}" for one in sorted(known)])


def _time(table: Mapping[str, Any]) -> TimeColumns:
    column = _typed(table, "time", "column", str, None)
    written = _typed(table, "time", "format", str, None)
    if not column or not written:
        raise _bad("time.column" if not column else "time.format", "is missing", "the column of times and their format")
    hour = _typed(table, "time", "hour", str, None)
    name = _typed(table, "time", "zone", str, None)
    try:
        zone = None if name is None else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise _bad("time.zone", f"is {name!r}", "an IANA zone such as Asia/Seoul") from error
    if written not in NUMBERED:
        if not _is_format(written):
            raise _bad("time.format", f"is {written!r}", "a strptime format such as %d/%m/%Y, or iso, ms, s")
        if zone is None and "%z" not in written:
            raise _bad("time.zone", "is missing", "the IANA zone of these times, which have no offset")
    elif hour is not None:
        raise _bad("time.hour", f"does not go with the format {written}", "a format of days, such as %d/%m/%Y")
    return TimeColumns(column, written, hour, zone)


def _is_format(written: str) -> bool:
    """Can strptime read what strftime writes with it?"""
    try:
        datetime.strptime(EPOCH.strftime(written), written)  # noqa: DTZ007 - the format is tried, not a time
    except ValueError:
        return False
    return "%" in written


def _fields(tables: Mapping[str, Any], name: str) -> dict[str, str]:
    table = tables.get(name, {})
    for column, goal in table.items():
        if not isinstance(goal, str) or not goal:
            raise _bad(f"{name}.{column}", f"is {goal!r}", "the name of a field")
    return dict(table)


def _words(table: Mapping[str, Any], name: str, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
    words = table.get(key, list(default))
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise _bad(f"{name}.{key}", f"is {words!r}", "an array of texts")
    return tuple(words)


def _typed(table: Mapping[str, Any], name: str, key: str, wanted: type, default: Any) -> Any:
    value = table.get(key, default)
    if value is not default and type(value) is not wanted:
        raise _bad(f"{name}.{key}", f"is {value!r}", {str: "a text", bool: "true or false"}[wanted])
    return value


def _sign(table: Mapping[str, Any], key: str, default: str, *, least: int = 1, most: int) -> str:
    sign: str = _typed(table, "file", key, str, default)
    if not least <= len(sign) <= most or sign in ("\n", "\r", '"'):
        raise _bad(f"file.{key}", f"is {sign!r}", "one sign")
    return sign


def _encoding(table: Mapping[str, Any], key: str) -> str | None:
    name: str | None = _typed(table, "file", key, str, None)
    if name is None:
        return None
    try:
        found = codecs.lookup(name)
        "".encode(found.name)  # not every codec makes text
    except LookupError as error:
        raise _bad(f"file.{key}", f"is {name!r}", "an encoding such as utf-8 or cp949") from error
    return "utf-8" if found.name == "utf-8-sig" else found.name


def _unknown(name: str, known: Any) -> Invalid:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.0)
    return _bad(name, "is not part of a mapping", f"{near[0]}, for example")


def _bad(key: str, what: str, expected: str) -> Invalid:
    return Invalid(f"mapping: {key} {what}", code="bad_mapping", field=key, expected=expected)
